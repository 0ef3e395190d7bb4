-- A row of a list touches as few pages as can be.
-- One index where two had said the same: by customer first, one finds all coupons of a customer, and the one of a campaign.
CREATE UNIQUE INDEX assignments_one_of_each ON assignments (customer, campaign, ordinal) WHERE customer IS NOT NULL;
DROP INDEX assignments_one_each;
DROP INDEX assignments_of_customer;

-- Rows in the order in which they come: in the order of their hashes, where a new one can be anywhere, are the hashes alone.
CREATE TABLE identities_in_turn (
  kind TEXT NOT NULL CHECK (kind IN ('phone', 'email', 'number')),
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  customer TEXT NOT NULL REFERENCES customers (id),
  -- NULL: erased; the hash stays as long as a campaign runs in which this person has had a coupon
  sealed BLOB,
  -- NULL: the retailer says so, nobody has proved it
  verified_at INTEGER,
  UNIQUE (kind, hash)
) STRICT;
INSERT INTO identities_in_turn SELECT kind, hash, customer, sealed, verified_at FROM identities ORDER BY customer;
DROP TABLE identities;
ALTER TABLE identities_in_turn RENAME TO identities;
CREATE INDEX identities_of_customer ON identities (customer);
CREATE INDEX identities_erased ON identities (customer) WHERE sealed IS NULL;
