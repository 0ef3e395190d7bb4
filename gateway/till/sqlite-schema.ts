import type { Database } from 'better-sqlite3';
import { TillDataBroken } from './store.ts';

/** Each step brings the data from its number to the next; steps that were delivered are never changed. */
const STEPS: readonly string[] = [
  `
  CREATE TABLE box (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    gateway TEXT NOT NULL,
    incarnation TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    bootId INTEGER NOT NULL,
    n INTEGER NOT NULL,
    hash TEXT NOT NULL,
    acknowledged INTEGER NOT NULL,
    floor INTEGER NOT NULL,
    highWater INTEGER NOT NULL,
    stoppedClean INTEGER NOT NULL,
    fence TEXT
  ) STRICT;

  CREATE TABLE journal (
    epoch INTEGER NOT NULL,
    n INTEGER NOT NULL,
    body TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (epoch, n)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE evidence (epoch INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT;

  -- Closed ones stay until the epoch changes: forgotten, they could be installed again.
  CREATE TABLE reservations (
    reservation TEXT PRIMARY KEY,
    codeHash TEXT NOT NULL,
    lastFour TEXT NOT NULL,
    generation INTEGER NOT NULL,
    campaign TEXT NOT NULL,
    cardVersion INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    notAfter INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'redeemed', 'returned')),
    origin TEXT NOT NULL CHECK (origin IN ('scan', 'stock'))
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX reservations_by_code ON reservations (codeHash) WHERE state = 'active';
  CREATE INDEX reservations_by_end ON reservations (epoch, notAfter) WHERE state = 'active';
  CREATE INDEX reservations_fetched ON reservations (epoch) WHERE state = 'active' AND origin = 'scan';

  -- One basket at a time uses a reservation. Ended ones are kept for the basket's record.
  CREATE TABLE uses (
    codeHash TEXT NOT NULL,
    basket TEXT NOT NULL,
    reservation TEXT NOT NULL,
    lastFour TEXT NOT NULL,
    lane TEXT,
    mode TEXT NOT NULL CHECK (mode IN ('online', 'reserved')),
    until INTEGER NOT NULL,
    cardVersion INTEGER NOT NULL,
    isOpen INTEGER NOT NULL,
    PRIMARY KEY (codeHash, basket)
  ) STRICT, WITHOUT ROWID;
  CREATE UNIQUE INDEX uses_open ON uses (reservation) WHERE isOpen = 1;
  CREATE INDEX uses_by_end ON uses (until) WHERE isOpen = 1;
  CREATE INDEX uses_by_basket ON uses (basket);

  CREATE TABLE marks (reservation TEXT PRIMARY KEY, deadline INTEGER) STRICT, WITHOUT ROWID;

  CREATE TABLE answers (
    door TEXT NOT NULL,
    codeHash TEXT NOT NULL,
    basket TEXT NOT NULL,
    lastFour TEXT,
    reservation TEXT,
    redemption TEXT,
    reversal TEXT,
    PRIMARY KEY (codeHash, door, basket)
  ) STRICT, WITHOUT ROWID;
  -- Whatever the rules say: a reservation is redeemed once.
  CREATE UNIQUE INDEX answers_by_reservation ON answers (reservation) WHERE reservation IS NOT NULL;
  CREATE INDEX answers_by_basket ON answers (basket);

  CREATE TABLE cards (
    campaign TEXT NOT NULL,
    version INTEGER NOT NULL,
    card TEXT NOT NULL,
    PRIMARY KEY (campaign, version)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- What a coupon has of its own: JSON, null for almost all.
  ALTER TABLE reservations ADD COLUMN personal TEXT;
  `,
  `
  -- What makes a reservation a blank: its text, sealed for this box. It goes when the blank does.
  CREATE TABLE blanks (
    reservation TEXT PRIMARY KEY,
    campaign TEXT NOT NULL,
    sealed TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX blanks_by_campaign ON blanks (campaign, reservation);

  -- Whatever the rules say: a basket has one of a campaign, and a blank goes to one basket.
  CREATE TABLE issues (
    campaign TEXT NOT NULL,
    basket TEXT NOT NULL,
    reservation TEXT NOT NULL UNIQUE,
    codeHash TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    n INTEGER NOT NULL,
    offer TEXT NOT NULL,
    until INTEGER NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (campaign, basket)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Without a reservation: a customer's own coupon, which several baskets may have been given.
  CREATE TABLE issued (
    campaign TEXT NOT NULL,
    basket TEXT NOT NULL,
    reservation TEXT UNIQUE,
    codeHash TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    n INTEGER NOT NULL,
    offer TEXT NOT NULL,
    until INTEGER NOT NULL,
    sealed TEXT NOT NULL,
    PRIMARY KEY (campaign, basket)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO issued SELECT * FROM issues;
  DROP TABLE issues;
  ALTER TABLE issued RENAME TO issues;
  `,
  `
  -- What is still to be told; a number is never used again.
  CREATE TABLE scans (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    codeHash TEXT NOT NULL,
    basket TEXT NOT NULL,
    what TEXT NOT NULL,
    lane TEXT,
    customer TEXT,
    at INTEGER NOT NULL,
    UNIQUE (codeHash, basket, what)
  ) STRICT;
  `,
];

/** @throws TillDataBroken where the data are of a newer Tearline */
export function migrate(db: Database): void {
  const found = Number(db.pragma('user_version', { simple: true }));
  if (found > STEPS.length)
    throw new TillDataBroken(`the data are of a newer Tearline (schema ${found}, this one knows ${STEPS.length})`);
  for (const [index, step] of STEPS.entries()) {
    if (index < found) continue;
    db.transaction(() => {
      db.exec(step);
      db.pragma(`user_version = ${index + 1}`);
    }).immediate();
  }
}
