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
