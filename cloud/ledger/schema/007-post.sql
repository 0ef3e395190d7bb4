-- What is sent to people, and what they have agreed to. An address is known by its keyed hash alone.
CREATE TABLE consents (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  channel TEXT NOT NULL CHECK (channel IN ('email', 'sms')),
  address_hash BLOB NOT NULL CHECK (length(address_hash) = 32),
  -- NULL: never given, but refused
  given_at INTEGER,
  source TEXT NOT NULL,
  -- what the person has read and agreed to, word by word
  wording TEXT NOT NULL,
  withdrawn_at INTEGER,
  withdrawn_how TEXT,
  CHECK ((withdrawn_at IS NULL) = (withdrawn_how IS NULL)),
  CHECK (given_at IS NOT NULL OR withdrawn_at IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX consents_standing ON consents (channel, address_hash) WHERE withdrawn_at IS NULL;
CREATE INDEX consents_of_address ON consents (channel, address_hash, id);

-- the word that somebody texts for a coupon
CREATE TABLE keywords (
  keyword TEXT PRIMARY KEY,
  campaign TEXT NOT NULL UNIQUE REFERENCES campaigns (id)
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
  id TEXT PRIMARY KEY,
  campaign TEXT NOT NULL REFERENCES campaigns (id),
  kind TEXT NOT NULL CHECK (kind IN ('coupon', 'reminder')),
  channel TEXT NOT NULL CHECK (channel IN ('email', 'sms')),
  audience TEXT NOT NULL CHECK (audience IN ('list', 'assigned')),
  subject TEXT,
  text TEXT,
  -- minutes of the day; NULL: none
  quiet_from INTEGER,
  quiet_to INTEGER,
  on_unknown TEXT NOT NULL CHECK (on_unknown IN ('leave', 'resend')),
  -- NULL: so many days before the campaign's end
  starts_at INTEGER,
  days_before INTEGER,
  -- listing: its list is being taken in, and a crash drops it; queueing: recipients become messages
  state TEXT NOT NULL CHECK (state IN ('listing', 'queueing', 'running', 'done')),
  paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
  -- how far its recipients have become messages: a chunk of its list, or the place of an assignment
  place INTEGER NOT NULL DEFAULT 0,
  at INTEGER NOT NULL,
  CHECK ((starts_at IS NULL) <> (days_before IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_under_way ON deliveries (state) WHERE state <> 'done';

-- a list of recipients until they are messages, sealed
CREATE TABLE delivery_chunks (
  delivery TEXT NOT NULL REFERENCES deliveries (id),
  chunk INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (delivery, chunk)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL DEFAULT 0,
  -- what it waits in: 'proof', 'reply', or its delivery
  queue TEXT NOT NULL,
  delivery TEXT REFERENCES deliveries (id),
  kind TEXT NOT NULL CHECK (kind IN ('proof', 'coupon', 'reminder', 'reply', 'test')),
  campaign TEXT REFERENCES campaigns (id),
  customer TEXT REFERENCES customers (id),
  assignment TEXT REFERENCES assignments (id),
  channel TEXT NOT NULL CHECK (channel IN ('email', 'sms')),
  -- NULL: the customer has no address of this channel
  address_hash BLOB CHECK (length(address_hash) = 32),
  language TEXT NOT NULL,
  -- recipient and contents where they cannot be looked up; gone when they are needed no more
  sealed BLOB,
  state TEXT NOT NULL CHECK
    (state IN ('queued', 'sending', 'accepted', 'delivered', 'bounced', 'failed', 'unknown', 'suppressed')),
  attempts INTEGER NOT NULL DEFAULT 0,
  -- how often nobody could tell whether it was sent
  doubts INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL,
  expires_at INTEGER,
  provider_id TEXT,
  reason TEXT,
  consent INTEGER REFERENCES consents (id),
  -- what its recipient had read when asking for this one message, when and where: JSON
  asked_with TEXT,
  queued_at INTEGER NOT NULL,
  attempted_at INTEGER,
  accepted_at INTEGER,
  ended_at INTEGER
) STRICT;
-- one message of a delivery a customer
CREATE UNIQUE INDEX messages_one_each ON messages (delivery, customer) WHERE delivery IS NOT NULL;
CREATE INDEX messages_due ON messages (channel, queue, not_before, seq) WHERE state = 'queued';
CREATE INDEX messages_sending ON messages (channel) WHERE state = 'sending';
CREATE INDEX messages_of_delivery ON messages (delivery, state, seq) WHERE delivery IS NOT NULL;
CREATE INDEX messages_accepted ON messages (delivery, accepted_at) WHERE accepted_at IS NOT NULL;
CREATE INDEX messages_doubtful ON messages (attempted_at) WHERE state = 'unknown';
CREATE INDEX assignments_of_campaign ON assignments (campaign, seq) WHERE customer IS NOT NULL;
