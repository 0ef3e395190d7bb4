import { SqliteError } from 'better-sqlite3';
import { LedgerUnavailable } from './port.ts';

/** @throws LedgerUnavailable where SQLite cannot read or write; what else was thrown, a failed constraint too, is passed on */
export async function orUnavailable<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SqliteError && !error.code.startsWith('SQLITE_CONSTRAINT'))
      throw new LedgerUnavailable(error.message, { cause: error });
    throw error;
  }
}
