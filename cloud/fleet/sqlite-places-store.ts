import type SqliteDatabase from 'better-sqlite3';
import type { Database } from '../ledger/sqlite-database.ts';
import { blob, hashOf, int, intOrNull, type Row, type RowReader, text, textOrNull } from '../ledger/sqlite-reads.ts';
import { sqliteRooms } from '../ledger/sqlite-rooms.ts';
import { sighting } from '../ledger/sqlite-sightings.ts';
import type { AssignedCode, Candidate, PlacesReads, PlacesStore, PlacesTx } from './places-store.ts';
import type { Seen } from './stocking-rules.ts';

/** Places in the ledger's SQLite file. */
export function sqlitePlacesStore(database: Database): PlacesStore {
  return sqliteRooms(database, reads, writes);
}

function reads(db: RowReader): PlacesReads {
  const all = <T>(read: (row: Row) => T, sql: string, ...values: readonly unknown[]): T[] =>
    db.all(sql, ...values).map((row) => read(row as Row));
  const seenOf = ({ customer }: Row) => (customer === null ? [] : all(seenRow, SEEN, customer));
  return {
    async newestAssignment() {
      const [newest] = all((row) => intOrNull(row.seq), 'SELECT max(seq) AS seq FROM assignments');
      return newest ?? 0;
    },
    async assigned(after, most) {
      const rows = db.all(`${ASSIGNED} WHERE a.seq > (SELECT ?) ORDER BY a.seq LIMIT ?`, after, most) as Row[];
      const last = rows.at(-1);
      const codes = rows.filter(mayBeStocked).map((row) => assignedCode(row, seenOf(row)));
      return { upTo: last === undefined ? null : int(last.seq), codes };
    },
    async assignedCode(assignment) {
      const row = db.get(`${ASSIGNED} WHERE a.id = ?`, assignment) as Row | undefined;
      return row === undefined || !mayBeStocked(row) ? null : assignedCode(row, seenOf(row));
    },
    toStock: async ({ store, campaign, scoreMin }, now, most) =>
      all(candidate, TO_STOCK, store, campaign, scoreMin, now, most),
    dealtTo: async (gateway, below, most) => all((row) => hashOf(row.hash), DEALT_TO, gateway, below, most),
  };
}

const ASSIGNED = `SELECT a.seq, a.code_hash, a.replaced_by, c.state, c.stock_store, c.stock_score, a.customer, k.home_store,
  ap.assignment AS chosen, ap.store AS chosen_store
  FROM assignments a JOIN codes c ON c.hash = a.code_hash
  LEFT JOIN customers k ON k.id = a.customer
  LEFT JOIN assignment_places ap ON ap.assignment = a.id`;
const SEEN = 'SELECT place, day FROM customer_sightings WHERE customer = (SELECT ?)';
const TO_STOCK = `SELECT hash, stock_score FROM codes
  WHERE stock_store = (SELECT ?) AND campaign = (SELECT ?) AND stock_score >= ? AND state = 'issued' AND void_mark = 0 AND restock_after <= ?
  ORDER BY stock_score DESC, hash LIMIT ?`;
const DEALT_TO = `SELECT c.hash FROM reservations r JOIN codes c ON c.hash = r.code_hash AND c.reservation = r.id
  WHERE r.gateway = (SELECT ?) AND r.state = 'open' AND r.cause = 'stock' AND r.recall_why IS NULL
  AND c.state = 'reserved' AND c.stock_store IS NOT NULL AND c.stock_score < ?
  ORDER BY c.stock_score, c.hash LIMIT ?`;

const mayBeStocked = (row: Row): boolean =>
  row.replaced_by === null && row.state !== 'redeemed' && row.state !== 'voided';

const candidate = (row: Row): Candidate => ({ hash: hashOf(row.hash), score: int(row.stock_score) });
const seenRow = (row: Row): Seen => sighting(text(row.place), int(row.day));

const assignedCode = (row: Row, seen: readonly Seen[]): AssignedCode => ({
  hash: hashOf(row.code_hash),
  places: {
    chosen: row.chosen === null ? null : { store: textOrNull(row.chosen_store) },
    home: textOrNull(row.home_store),
    seen,
  },
  weight: row.stock_store === null ? null : { store: text(row.stock_store), score: int(row.stock_score) },
});

function writes(db: SqliteDatabase.Database): Omit<PlacesTx, keyof PlacesReads> {
  const choice = db.prepare(`INSERT INTO assignment_places VALUES (?, ?, ?)
    ON CONFLICT (assignment) DO UPDATE SET store = excluded.store, at = excluded.at`);
  const weight = db.prepare('UPDATE codes SET stock_store = ?, stock_score = ? WHERE hash = ?');
  return {
    async choose(assignment, store, at) {
      choice.run(assignment, store, at);
    },
    async putWeights(weights) {
      for (const { hash, weight: to } of weights) weight.run(to?.store ?? null, to?.score ?? 0, blob(hash));
    },
  };
}
