import type SqliteDatabase from 'better-sqlite3';
import { type Database, openDatabase } from '../../../cloud/ledger/sqlite-database.ts';

/** What the ledger would cost if it were one table: the same engine and row, opened as the ledger is, and nothing else. */
export class BareCodes {
  readonly #database: Database;
  readonly #insert: SqliteDatabase.Statement;
  readonly #move: SqliteDatabase.Statement;

  constructor(path: string) {
    this.#database = openDatabase(path);
    const db = this.#database.raw;
    db.exec(`CREATE TABLE bare (
      hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
      last_four TEXT NOT NULL,
      campaign TEXT NOT NULL,
      generation INTEGER NOT NULL DEFAULT 0,
      version INTEGER NOT NULL DEFAULT 0,
      state TEXT NOT NULL,
      void_mark INTEGER NOT NULL DEFAULT 0,
      redemption TEXT,
      dealt INTEGER NOT NULL DEFAULT 0
    ) STRICT, WITHOUT ROWID`);
    this.#insert = db.prepare("INSERT INTO bare (hash, last_four, campaign, state) VALUES (?, ?, ?, 'issued')");
    this.#move = db.prepare(
      "UPDATE bare SET state = 'redeemed', redemption = ?, version = version + 1 WHERE hash = ? AND state = 'issued'",
    );
  }

  /** One durable transaction. */
  insert(hashes: readonly Buffer[]): void {
    this.#database.raw.transaction(() => {
      for (const hash of hashes) this.#insert.run(hash, '8WNS', 'spring');
    })();
  }

  /** One durable transaction. @throws where one of them was redeemed before */
  redeem(hashes: readonly Buffer[]): void {
    this.#database.raw.transaction(() => {
      for (const hash of hashes)
        if (this.#move.run('redemption-00000', hash).changes !== 1) throw new Error('a bare code was redeemed twice');
    })();
  }

  close(): void {
    this.#database.close();
  }
}
