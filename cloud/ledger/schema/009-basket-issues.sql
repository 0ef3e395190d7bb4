-- Coupons that a register or a cart gave to a basket: of a campaign one for each basket at each door.
CREATE TABLE basket_issues (
  door TEXT NOT NULL,
  campaign TEXT NOT NULL REFERENCES campaigns (id),
  basket TEXT NOT NULL,
  -- of a customer who comes again it is the coupon that this customer has
  assignment TEXT NOT NULL REFERENCES assignments (id),
  at INTEGER NOT NULL,
  PRIMARY KEY (door, campaign, basket)
) STRICT, WITHOUT ROWID;

-- 1: made for a store to issue, and nobody has been given it
ALTER TABLE codes ADD COLUMN blank INTEGER NOT NULL DEFAULT 0;

-- Blanks that are not issued: their text as it goes to their box, and the assignment that each will be.
CREATE TABLE blanks (
  code_hash BLOB PRIMARY KEY REFERENCES codes (hash),
  gateway TEXT NOT NULL REFERENCES gateways (id),
  campaign TEXT NOT NULL REFERENCES campaigns (id),
  sealed_for_box TEXT NOT NULL,
  assignment TEXT NOT NULL UNIQUE,
  sealed_code BLOB NOT NULL,
  link_hash BLOB NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;
CREATE INDEX blanks_of_gateway ON blanks (gateway, campaign);
