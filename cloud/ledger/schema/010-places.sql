-- Where people use their coupons: what stores reserve ahead goes by it.
CREATE TABLE customer_places (
  customer TEXT PRIMARY KEY REFERENCES customers (id),
  seen_store TEXT NOT NULL,
  seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- 'Use it in this store'. NULL: let go of, and not reserved ahead by itself until a store is chosen again.
CREATE TABLE assignment_places (
  assignment TEXT PRIMARY KEY REFERENCES assignments (id),
  store TEXT REFERENCES stores (id),
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Where a code would best be reserved ahead, weighed from these and from the customer's home store; NULL: nowhere.
ALTER TABLE codes ADD COLUMN stock_store TEXT;
ALTER TABLE codes ADD COLUMN stock_score INTEGER NOT NULL DEFAULT 0;
CREATE INDEX codes_to_stock ON codes (stock_store, campaign, stock_score)
  WHERE state = 'issued' AND stock_store IS NOT NULL;

-- What a box holds is counted before it is dealt more.
CREATE INDEX reservations_held ON reservations (gateway, code_hash, id) WHERE state = 'open';
