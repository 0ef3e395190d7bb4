import type { Database } from './sqlite-database.ts';
import { sqliteReads } from './sqlite-reads.ts';
import { sqliteRooms } from './sqlite-rooms.ts';
import { sqliteWrites } from './sqlite-writes.ts';
import type { LedgerStore } from './store.ts';

/** The ledger's store in SQLite: reads and writes are its two halves, around them is the transaction. */
export function sqliteLedgerStore(database: Database): LedgerStore {
  return {
    ...sqliteRooms(database, sqliteReads, sqliteWrites),
    async close() {
      database.close();
    },
  };
}
