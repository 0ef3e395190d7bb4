import { join } from 'node:path';
import Database from 'better-sqlite3';
import { EXIT, Stop } from '../stop.ts';

/**
 * One process for one data directory. The operating system drops the lock with the process, however it ends.
 * @returns releases it
 * @throws Stop 69 where another process has it, 74 where the directory cannot be written
 */
export function lockData(dataDirectory: string): () => void {
  try {
    const database = new Database(join(dataDirectory, 'lock.db'), { timeout: 0 });
    database.pragma('locking_mode = EXCLUSIVE');
    database.exec('BEGIN EXCLUSIVE');
    return () => database.close();
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY'))
      throw new Stop(EXIT.unavailable, `another gateway runs on ${dataDirectory}: stop it first`, { cause: error });
    throw new Stop(EXIT.io, `the data directory ${dataDirectory} cannot be written: check its owner and its disk`, {
      cause: error,
    });
  }
}
