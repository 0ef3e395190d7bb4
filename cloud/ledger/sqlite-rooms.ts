import type SqliteDatabase from 'better-sqlite3';
import { LedgerUnavailable } from './port.ts';
import type { Database } from './sqlite-database.ts';
import type { RowReader } from './sqlite-reads.ts';
import { DuplicateCode, LostRace } from './store.ts';

/** A store over this database: what is read inside of a transaction, what outside, and what is written. */
export function sqliteRooms<R extends object, W extends object>(
  database: Database,
  reads: (reader: RowReader) => R,
  writes: (raw: SqliteDatabase.Database) => W,
) {
  const inside = reads(statements(database.raw));
  const outside = database.reader === database.raw ? inside : reads(statements(database.reader));
  const tx = { ...inside, ...writes(database.raw) };
  return {
    transaction: <T>(work: (tx: R & W) => Promise<T>) => available(() => database.exclusive(() => work(tx))),
    read: <T>(work: (reads: R) => Promise<T>) => available(() => work(outside)),
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
