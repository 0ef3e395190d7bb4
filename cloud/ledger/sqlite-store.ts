import type SqliteDatabase from 'better-sqlite3';
import { LedgerUnavailable } from './port.ts';
import type { Database } from './sqlite-database.ts';
import { type RowReader, sqliteReads } from './sqlite-reads.ts';
import { sqliteWrites } from './sqlite-writes.ts';
import { DuplicateCode, type LedgerStore, type LedgerTx, LostRace } from './store.ts';

/** The ledger's store in SQLite: reads and writes are its two halves, this file is the transaction around them. */
export function sqliteLedgerStore(database: Database): LedgerStore {
  const inside = sqliteReads(statements(database.raw));
  const outside = database.reader === database.raw ? inside : sqliteReads(statements(database.reader));
  const tx: LedgerTx = { ...inside, ...sqliteWrites(database.raw) };
  return {
    transaction: (work) => available(() => database.exclusive(() => work(tx))),
    read: (work) => available(() => work(outside)),
    async close() {
      database.close();
    },
  };
}

async function available<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LostRace || error instanceof DuplicateCode || !isSqliteError(error)) throw error;
    throw new LedgerUnavailable(`The ledger's database answers ${error.code}.`, { cause: error });
  }
}

function isSqliteError(error: unknown): error is Error & { code: string } {
  // A constraint that fails here is a defect of ours, not a database that is away.
  return error instanceof Error && 'code' in error && /^SQLITE_(?!CONSTRAINT)/.test(String(error.code));
}

function statements(db: SqliteDatabase.Database): RowReader {
  const prepared = new Map<string, SqliteDatabase.Statement>();
  const statement = (sql: string): SqliteDatabase.Statement => {
    const known = prepared.get(sql);
    if (known !== undefined) return known;
    const made = db.prepare(sql);
    prepared.set(sql, made);
    return made;
  };
  return {
    all: (sql, ...values) => statement(sql).all(...values),
    get: (sql, ...values) => statement(sql).get(...values),
  };
}
