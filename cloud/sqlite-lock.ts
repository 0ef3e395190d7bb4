import Sqlite from 'better-sqlite3';

/** Held by one process, and by nobody once that process is dead, whatever it died of. */
export type Lock = { release(): void };

/**
 * A file lock by way of SQLite: the operating system frees it with the process, which a file with a process id cannot.
 * @returns null where another process has it
 */
export function takeLock(path: string): Lock | null {
  const file = new Sqlite(path, { timeout: 0 });
  try {
    file.exec('BEGIN EXCLUSIVE');
    return { release: () => file.close() };
  } catch (error) {
    file.close();
    if (error instanceof Sqlite.SqliteError && error.code === 'SQLITE_BUSY') return null;
    throw error;
  }
}
