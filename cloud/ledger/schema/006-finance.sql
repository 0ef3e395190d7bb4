-- What a till or a shop that redeems by itself told afterwards, and what became of it: told again, it is answered the same.
CREATE TABLE fed (
  code_hash BLOB NOT NULL,
  door TEXT NOT NULL,
  basket TEXT NOT NULL,
  what TEXT NOT NULL CHECK (what IN ('redeemed', 'reversed')),
  store TEXT,
  lane TEXT,
  total_amount INTEGER,
  total_currency TEXT,
  -- when it was done, and when the ledger heard of it
  at INTEGER NOT NULL,
  fed_at INTEGER NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('taken', 'exception')),
  reason TEXT,
  redemption TEXT,
  PRIMARY KEY (code_hash, door, basket, what)
) STRICT, WITHOUT ROWID;
CREATE INDEX fed_by_time ON fed (fed_at);

-- the store that a feed named
ALTER TABLE redemptions ADD COLUMN fed_store TEXT;

-- The ledger's entries counted by campaign, day (UTC), terms in force and move; how far each chain is counted.
CREATE TABLE books (
  campaign TEXT NOT NULL,
  day TEXT NOT NULL,
  -- of the campaign's card that set the face value and the end in force
  version INTEGER NOT NULL,
  -- '' where the code is new
  from_state TEXT NOT NULL,
  to_state TEXT NOT NULL,
  units INTEGER NOT NULL,
  -- of those that have a value of their own: how many, and what they are worth; from a state to the same: they got it then
  own_units INTEGER NOT NULL,
  own_value INTEGER NOT NULL,
  PRIMARY KEY (campaign, day, version, from_state, to_state)
) STRICT, WITHOUT ROWID;
CREATE TABLE books_kept (
  partition INTEGER PRIMARY KEY,
  n INTEGER NOT NULL
) STRICT;
-- the entries that are of no code: stacks and terms
CREATE INDEX entries_of_no_code ON entries (partition, n) WHERE code_hash IS NULL;
