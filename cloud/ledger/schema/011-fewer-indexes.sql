-- One index where two said the same: by customer and campaign one finds a customer's coupons too, and by campaign those that
-- are somebody's. A row of a list is written to each of them.
CREATE UNIQUE INDEX assignments_one_of_each ON assignments (customer, campaign, ordinal) WHERE customer IS NOT NULL;
DROP INDEX assignments_one_each;
DROP INDEX assignments_of_customer;
DROP INDEX assignments_of_campaign;
