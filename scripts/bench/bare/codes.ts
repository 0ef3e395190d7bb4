import SqliteDatabase from 'better-sqlite3';

/** What the ledger would cost if it were one table: the same engine, settings and row, and nothing else. */
export class BareCodes {
  readonly #db: SqliteDatabase.Database;
  readonly #insert: SqliteDatabase.Statement;
  readonly #move: SqliteDatabase.Statement;

  constructor(path: string) {
    this.#db = new SqliteDatabase(path);
    this.#db.pragma('journal_mode = WAL');
    this.#db.pragma('synchronous = FULL');
    this.#db.pragma('cache_size = -65536');
    this.#db.exec(`CREATE TABLE codes (
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
    this.#insert = this.#db.prepare("INSERT INTO codes (hash, last_four, campaign, state) VALUES (?, ?, ?, 'issued')");
    this.#move = this.#db.prepare(
      "UPDATE codes SET state = 'redeemed', redemption = ?, version = version + 1 WHERE hash = ? AND state = 'issued'",
    );
  }

  /** One durable transaction. */
  insert(hashes: readonly Buffer[]): void {
    this.#db.transaction(() => {
      for (const hash of hashes) this.#insert.run(hash, '8WNS', 'spring');
    })();
  }

  /** One durable transaction. @throws where one of them was redeemed before */
  redeem(hashes: readonly Buffer[]): void {
    this.#db.transaction(() => {
      for (const hash of hashes)
        if (this.#move.run('redemption-00000', hash).changes !== 1) throw new Error('a bare code was redeemed twice');
    })();
  }

  close(): void {
    this.#db.close();
  }
}
