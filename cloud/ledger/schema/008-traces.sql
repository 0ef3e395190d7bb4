-- What happened to coupons, for attribution: where people came from, what they did, what it brought and what it cost.

-- distinct sets of source parameters, as JSON with sorted names; a stranger's link cannot make them without bound
CREATE TABLE sources (
  id INTEGER PRIMARY KEY,
  campaign TEXT NOT NULL REFERENCES campaigns (id),
  parameters TEXT NOT NULL,
  UNIQUE (campaign, parameters)
) STRICT;

-- append-only
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  campaign TEXT NOT NULL,
  assignment TEXT,
  channel TEXT,
  source INTEGER NOT NULL REFERENCES sources (id),
  store TEXT,
  door TEXT,
  basket TEXT,
  -- minor units of the campaign's currency
  total INTEGER,
  discount INTEGER,
  currency TEXT,
  why TEXT,
  -- 1: nothing of this kind was known of its coupon before
  first INTEGER NOT NULL
) STRICT;
CREATE INDEX events_of_assignment ON events (assignment, kind) WHERE assignment IS NOT NULL;
CREATE TRIGGER events_never_change BEFORE UPDATE ON events BEGIN SELECT RAISE (ABORT, 'events are append-only'); END;
CREATE TRIGGER events_never_go BEFORE DELETE ON events BEGIN SELECT RAISE (ABORT, 'events are append-only'); END;

-- the same by day, kept in the transaction that adds the events; '' where nothing is known, a primary key has no NULL.
-- Once by source and channel and once by store: together they would be nearly as many rows as events
CREATE TABLE rollups (
  campaign TEXT NOT NULL,
  -- in the campaign's time zone, as 2026-11-23
  day TEXT NOT NULL,
  kind TEXT NOT NULL,
  channel TEXT NOT NULL,
  source INTEGER NOT NULL,
  count INTEGER NOT NULL,
  firsts INTEGER NOT NULL,
  revenue INTEGER NOT NULL,
  discount INTEGER NOT NULL,
  PRIMARY KEY (campaign, day, kind, channel, source)
) STRICT, WITHOUT ROWID;
CREATE TABLE store_rollups (
  campaign TEXT NOT NULL,
  day TEXT NOT NULL,
  kind TEXT NOT NULL,
  store TEXT NOT NULL,
  count INTEGER NOT NULL,
  firsts INTEGER NOT NULL,
  revenue INTEGER NOT NULL,
  discount INTEGER NOT NULL,
  PRIMARY KEY (campaign, day, kind, store)
) STRICT, WITHOUT ROWID;

-- how far each feed of the ledger has been followed into events
CREATE TABLE followed (
  feed TEXT PRIMARY KEY,
  place INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- one attempt of one basket with somebody else's or a used coupon, however often it was tried
CREATE TABLE leaks (
  code_hash BLOB NOT NULL,
  door TEXT NOT NULL,
  basket TEXT NOT NULL,
  campaign TEXT NOT NULL,
  day TEXT NOT NULL,
  channel TEXT NOT NULL,
  source INTEGER NOT NULL,
  store TEXT NOT NULL,
  why TEXT NOT NULL,
  PRIMARY KEY (code_hash, door, basket)
) STRICT, WITHOUT ROWID;
CREATE INDEX leaks_by_day ON leaks (campaign, day);

-- what the ad systems count and charge, as the marketer imports it; a row imported again takes the place of the one before
CREATE TABLE spend (
  campaign TEXT NOT NULL REFERENCES campaigns (id),
  day TEXT NOT NULL,
  channel TEXT NOT NULL,
  source INTEGER NOT NULL REFERENCES sources (id),
  impressions INTEGER NOT NULL,
  clicks INTEGER NOT NULL,
  -- minor units of the campaign's currency
  cost INTEGER NOT NULL,
  PRIMARY KEY (campaign, day, channel, source)
) STRICT, WITHOUT ROWID;
