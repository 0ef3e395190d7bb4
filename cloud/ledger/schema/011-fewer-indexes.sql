-- One index where two had said the same: by customer first, one finds all coupons of a customer, and the one of a campaign.
CREATE UNIQUE INDEX assignments_one_of_each ON assignments (customer, campaign, ordinal) WHERE customer IS NOT NULL;
DROP INDEX assignments_one_each;
DROP INDEX assignments_of_customer;
