-- Who gets which coupon. Addresses rest encrypted and are found by a keyed hash; a link is known by its hash alone.
CREATE TABLE customers (
  id TEXT PRIMARY KEY,
  language TEXT NOT NULL,
  time_zone TEXT,
  sealed_name BLOB,
  home_store TEXT,
  created_at INTEGER NOT NULL,
  merged_into TEXT REFERENCES customers (id),
  erased_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE identities (
  kind TEXT NOT NULL CHECK (kind IN ('phone', 'email', 'number')),
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  customer TEXT NOT NULL REFERENCES customers (id),
  -- NULL: erased; the hash stays as long as a campaign runs in which this person has had a coupon
  sealed BLOB,
  -- NULL: the retailer says so, nobody has proved it
  verified_at INTEGER,
  PRIMARY KEY (kind, hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX identities_of_customer ON identities (customer);
CREATE INDEX identities_erased ON identities (customer) WHERE sealed IS NULL;

-- seq: the order in which they were made, for whoever follows them
CREATE TABLE assignments (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  campaign TEXT NOT NULL REFERENCES campaigns (id),
  -- NULL: issued at a till or in a cart to a basket alone
  customer TEXT REFERENCES customers (id),
  ordinal INTEGER NOT NULL CHECK (ordinal >= 1),
  code_hash BLOB NOT NULL UNIQUE,
  sealed_code BLOB NOT NULL,
  link_hash BLOB NOT NULL UNIQUE,
  how TEXT NOT NULL CHECK (how IN ('ahead', 'delivery', 'demand', 'basket')),
  channel TEXT NOT NULL,
  -- where the person came from, JSON
  source TEXT NOT NULL,
  at INTEGER NOT NULL,
  -- another coupon took its place
  replaced_by TEXT REFERENCES assignments (id)
) STRICT;
-- one coupon a customer and campaign: the next ordinal is only given when the one before is used up
CREATE UNIQUE INDEX assignments_one_each ON assignments (campaign, customer, ordinal) WHERE customer IS NOT NULL;
CREATE INDEX assignments_of_customer ON assignments (customer) WHERE customer IS NOT NULL;

-- stacks whose codes are given to people: from each the next one
CREATE TABLE pools (
  stack TEXT PRIMARY KEY REFERENCES stacks (id),
  campaign TEXT NOT NULL REFERENCES campaigns (id),
  next INTEGER NOT NULL DEFAULT 0,
  count INTEGER NOT NULL,
  CHECK (next <= count)
) STRICT, WITHOUT ROWID;
CREATE INDEX pools_of_campaign ON pools (campaign) WHERE next < count;

-- What was given out in one day of a campaign's time zone, lists aside: counted and bounded in one statement.
CREATE TABLE given_by_day (
  campaign TEXT NOT NULL REFERENCES campaigns (id),
  day TEXT NOT NULL,
  units INTEGER NOT NULL,
  value INTEGER NOT NULL,
  PRIMARY KEY (campaign, day)
) STRICT, WITHOUT ROWID;

-- a person who asks for a coupon and has an address to prove
CREATE TABLE claims (
  id TEXT PRIMARY KEY,
  campaign TEXT NOT NULL REFERENCES campaigns (id),
  kind TEXT NOT NULL CHECK (kind IN ('phone', 'email')),
  address_hash BLOB NOT NULL,
  sealed_address BLOB NOT NULL,
  language TEXT NOT NULL,
  source TEXT NOT NULL,
  -- keyed hash of the one-time code
  proof_hash BLOB NOT NULL,
  tries_left INTEGER NOT NULL CHECK (tries_left >= 0),
  expires_at INTEGER NOT NULL,
  -- has just proved another address: this is the second
  person TEXT REFERENCES customers (id),
  -- set once, by who proved it
  assignment TEXT,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX claims_by_age ON claims (expires_at);

-- how often something was tried in a span of time, counted and bounded in one statement
CREATE TABLE tries (
  key TEXT NOT NULL,
  span INTEGER NOT NULL,
  ends_at INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (key, span)
) STRICT, WITHOUT ROWID;
CREATE INDEX tries_by_age ON tries (ends_at);
CREATE INDEX assignments_by_campaign ON assignments (campaign, seq);
CREATE INDEX assignments_replaced ON assignments (replaced_by) WHERE replaced_by IS NOT NULL;
