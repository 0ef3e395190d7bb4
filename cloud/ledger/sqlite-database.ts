import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';

/** The cloud's SQLite file: opened, migrated, and written to by one transaction at a time. */
export type Database = {
  /** For writes: only inside `exclusive`. */
  readonly raw: SqliteDatabase.Database;
  /** Sees what is committed, never a transaction under way. */
  readonly reader: SqliteDatabase.Database;
  /** One write transaction after another; durable when it resolves, rolled back where the work throws. */
  exclusive<T>(work: () => T | Promise<T>): Promise<T>;
  close(): void;
};

/** The file cannot be opened, written or trusted. `what` says which, in one line. */
export class DatabaseUnusable extends Error {}

/**
 * @param path a file, or ':memory:'
 * @param checked read it through first: for whoever is going to serve from it; a single command need not
 * @throws DatabaseUnusable
 */
export function openDatabase(path: string, checked = true): Database {
  try {
    const raw = new SqliteDatabase(path);
    // A commit that was answered must be on the disk [C7].
    raw.pragma('journal_mode = WAL');
    raw.pragma('synchronous = FULL');
    raw.pragma('foreign_keys = ON');
    raw.pragma('cache_size = -65536');
    if (checked) check(raw);
    migrate(raw);
    const reader = path === ':memory:' ? raw : new SqliteDatabase(path, { readonly: true });
    return handle(raw, reader);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DatabaseUnusable(`The database ${path} cannot be used: ${why}.`, { cause });
  }
}

function check(raw: SqliteDatabase.Database): void {
  const verdict: unknown = raw.pragma('quick_check(1)', { simple: true });
  if (verdict !== 'ok') throw new Error(String(verdict));
}

function handle(raw: SqliteDatabase.Database, reader: SqliteDatabase.Database): Database {
  let last: Promise<unknown> = Promise.resolve();
  return {
    raw,
    reader,
    exclusive(work) {
      const next = last.then(() => transact(raw, work));
      last = next.catch(() => undefined);
      return next;
    },
    close() {
      if (reader !== raw) reader.close();
      raw.close();
    },
  };
}

async function transact<T>(raw: SqliteDatabase.Database, work: () => T | Promise<T>): Promise<T> {
  raw.exec('BEGIN IMMEDIATE');
  try {
    const result = await work();
    raw.exec('COMMIT');
    return result;
  } catch (error) {
    if (raw.inTransaction) raw.exec('ROLLBACK');
    throw error;
  }
}

const SCHEMA = join(import.meta.dirname, 'schema');

/** Numbered files, each applied once, in order, in one transaction. */
function migrate(raw: SqliteDatabase.Database): void {
  const migrations = readdirSync(SCHEMA)
    .filter((name) => /^[0-9]{3}-[a-z0-9-]+\.sql$/.test(name))
    .sort();
  raw
    .transaction(() => {
      const applied = Number(raw.pragma('user_version', { simple: true }));
      if (applied > migrations.length)
        throw new Error(`its schema ${applied} is newer than this program's ${migrations.length}`);
      for (const name of migrations.slice(applied)) raw.exec(readFileSync(join(SCHEMA, name), 'utf8'));
      raw.pragma(`user_version = ${migrations.length}`);
    })
    .immediate();
}
