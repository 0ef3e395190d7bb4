-- The ledger. A code is found by its hash alone; its text rests encrypted in the chunk of its stack.
CREATE TABLE ledger (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  incarnation TEXT NOT NULL
) STRICT;

CREATE TABLE stores (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  time_zone TEXT NOT NULL,
  address TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE campaigns (
  id TEXT PRIMARY KEY,
  -- the marketer's fields, JSON
  body TEXT NOT NULL,
  face_value INTEGER NOT NULL,
  cap_units INTEGER,
  cap_value INTEGER,
  issued_units INTEGER NOT NULL DEFAULT 0 CHECK (cap_units IS NULL OR issued_units <= cap_units),
  issued_value INTEGER NOT NULL DEFAULT 0 CHECK (cap_value IS NULL OR issued_value <= cap_value),
  -- how many are in each state: kept in the transaction that moves a code
  units TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;

CREATE TABLE stacks (
  id TEXT PRIMARY KEY,
  campaign TEXT NOT NULL REFERENCES campaigns (id),
  count INTEGER NOT NULL,
  issued INTEGER NOT NULL DEFAULT 0,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The codes of a stack in their order, one sealed block for each chunk.
CREATE TABLE stack_chunks (
  stack TEXT NOT NULL REFERENCES stacks (id),
  chunk INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (stack, chunk)
) STRICT, WITHOUT ROWID;

CREATE TABLE codes (
  hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
  last_four TEXT NOT NULL,
  campaign TEXT NOT NULL,
  generation INTEGER NOT NULL DEFAULT 0,
  version INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL,
  void_mark INTEGER NOT NULL DEFAULT 0,
  reservation TEXT,
  hold_client TEXT,
  hold_basket TEXT,
  hold_until INTEGER,
  redemption TEXT,
  restock_after INTEGER NOT NULL DEFAULT 0,
  -- the campaign names its stores: these codes are dealt ahead
  dealt INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_held ON codes (hold_until) WHERE state = 'held';
CREATE INDEX codes_to_deal ON codes (campaign) WHERE dealt = 1 AND state = 'issued';

CREATE TABLE reservations (
  id TEXT PRIMARY KEY,
  code_hash BLOB NOT NULL,
  generation INTEGER NOT NULL,
  gateway TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  number INTEGER NOT NULL,
  not_after INTEGER NOT NULL,
  cause TEXT NOT NULL,
  card_version INTEGER NOT NULL,
  state TEXT NOT NULL,
  recall_why TEXT,
  recall_deadline INTEGER,
  in_use_until INTEGER,
  in_use_lane TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX reservations_open ON reservations (gateway, not_after) WHERE state = 'open';
CREATE INDEX reservations_end ON reservations (not_after) WHERE state = 'open';
CREATE INDEX reservations_recalled ON reservations (recall_deadline) WHERE state = 'open' AND recall_deadline IS NOT NULL;

CREATE TABLE redemptions (
  id TEXT PRIMARY KEY,
  code_hash BLOB NOT NULL,
  generation INTEGER NOT NULL,
  door TEXT NOT NULL,
  reservation TEXT,
  epoch INTEGER NOT NULL,
  basket TEXT NOT NULL,
  lane TEXT,
  total_amount INTEGER,
  total_currency TEXT,
  discount_amount INTEGER,
  discount_currency TEXT,
  at INTEGER NOT NULL,
  old_terms INTEGER NOT NULL,
  reversed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- the last line of defence: one winning redemption for a code's generation
CREATE UNIQUE INDEX redemptions_single_use ON redemptions (code_hash, generation);
CREATE INDEX redemptions_by_basket ON redemptions (door, basket);

CREATE TABLE reversals (
  door TEXT NOT NULL,
  code_hash BLOB NOT NULL,
  basket TEXT NOT NULL,
  redemption TEXT,
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  at INTEGER NOT NULL,
  askers TEXT NOT NULL,
  PRIMARY KEY (code_hash, door, basket)
) STRICT, WITHOUT ROWID;

-- what carts' baskets did
CREATE TABLE uses (
  door TEXT NOT NULL,
  basket TEXT NOT NULL,
  code_hash BLOB NOT NULL,
  last_four TEXT NOT NULL,
  state TEXT NOT NULL,
  redemption TEXT,
  PRIMARY KEY (door, basket, code_hash)
) STRICT, WITHOUT ROWID;

CREATE TABLE waits (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  code_hash BLOB NOT NULL,
  until INTEGER NOT NULL,
  who TEXT NOT NULL
) STRICT;
CREATE INDEX waits_by_code ON waits (code_hash);

CREATE TABLE gateways (
  id TEXT PRIMARY KEY,
  store TEXT NOT NULL REFERENCES stores (id),
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX gateways_by_store ON gateways (store);

-- uploaded journals, as the boxes chained them; evidence stands beside the acknowledged prefix
CREATE TABLE journals (
  gateway TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  n INTEGER NOT NULL,
  evidence INTEGER NOT NULL,
  before TEXT NOT NULL,
  hash TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (gateway, epoch, n, hash)
) STRICT, WITHOUT ROWID;

-- append-only, chained in 16 partitions by code hash
CREATE TABLE entries (
  partition INTEGER NOT NULL,
  n INTEGER NOT NULL,
  code_hash BLOB,
  at INTEGER NOT NULL,
  body TEXT NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (partition, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX entries_of_code ON entries (code_hash) WHERE code_hash IS NOT NULL;
CREATE TRIGGER entries_never_change BEFORE UPDATE ON entries BEGIN SELECT RAISE (ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER entries_never_go BEFORE DELETE ON entries BEGIN SELECT RAISE (ABORT, 'the ledger is append-only'); END;

CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  gateway TEXT NOT NULL,
  -- of the moment at which it was queued [G1]
  epoch INTEGER NOT NULL,
  message TEXT NOT NULL
) STRICT;
CREATE INDEX outbox_by_gateway ON outbox (gateway, seq);

CREATE TABLE exceptions (
  id TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  what TEXT NOT NULL,
  gateway TEXT,
  code_hash BLOB,
  ours TEXT NOT NULL,
  theirs TEXT NOT NULL
) STRICT, WITHOUT ROWID;
