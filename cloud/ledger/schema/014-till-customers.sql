-- The retailer's numbers are found by what a till tells of them, hashed once more. These are still under the hash of before.
CREATE TABLE numbers_to_renew (hash BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
INSERT INTO numbers_to_renew SELECT hash FROM identities WHERE kind = 'number' AND sealed IS NOT NULL;

-- 1: made for a sale at a till, and nobody has been told of it but, perhaps, that till
ALTER TABLE assignments ADD COLUMN untold INTEGER NOT NULL DEFAULT 0;

-- seq: the order in which issues became known, for whoever follows them
CREATE TABLE issues_in_order (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  door TEXT NOT NULL,
  campaign TEXT NOT NULL REFERENCES campaigns (id),
  basket TEXT NOT NULL,
  -- of a customer who comes again it is the coupon that this customer has
  assignment TEXT NOT NULL REFERENCES assignments (id),
  at INTEGER NOT NULL,
  UNIQUE (door, campaign, basket)
) STRICT;
INSERT INTO issues_in_order (door, campaign, basket, assignment, at)
  SELECT door, campaign, basket, assignment, at FROM basket_issues ORDER BY at;
DROP TABLE basket_issues;
ALTER TABLE issues_in_order RENAME TO basket_issues;
