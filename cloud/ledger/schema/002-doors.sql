-- What the doors keep: API tokens, enrolment codes, idempotency keys. Of tokens and codes only SHA-256, in hex.
CREATE TABLE tokens (
  hash TEXT PRIMARY KEY,
  scope TEXT NOT NULL CHECK (scope IN ('cart', 'admin', 'desk')),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_name ON tokens (name);

-- A code is used by one key, once; the new gateway's id stands beside it, so that the same box may ask again.
CREATE TABLE enrolment_codes (
  hash TEXT PRIMARY KEY,
  store TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  public_key TEXT,
  gateway TEXT UNIQUE,
  CHECK ((public_key IS NULL) = (gateway IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_keys (
  client TEXT NOT NULL,
  route TEXT NOT NULL,
  key TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (client, route, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (at);
