import type SqliteDatabase from 'better-sqlite3';
import { z } from 'zod';
import { LEDGER_PARTITIONS } from '../../protocol/limits.ts';
import type { CodeState } from '../ledger/code-rules.ts';
import type { Database } from '../ledger/sqlite-database.ts';
import {
  int,
  intOrNull,
  type Row,
  type RowReader,
  sqliteReads,
  text,
  textOrNull,
  word,
} from '../ledger/sqlite-reads.ts';
import { sqliteRooms } from '../ledger/sqlite-rooms.ts';
import type { BookEntry, BooksReads, BooksStore, BooksTx, CampaignFlow, CampaignTerms } from './books-store.ts';

/** The books in the ledger's SQLite file. */
export function sqliteBooksStore(database: Database): BooksStore {
  return sqliteRooms(database, reads, writes);
}

function reads(db: RowReader): BooksReads {
  const all = <T>(read: (row: Row) => T, sql: string, ...values: readonly unknown[]): T[] =>
    db.all(sql, ...values).map((row) => read(row as Row));
  return {
    uncounted: async () =>
      all((row) => ({ partition: int(row.partition), counted: int(row.counted) }), UNCOUNTED, LEDGER_PARTITIONS),
    counted: async (partition) =>
      all((row) => int(row.n), 'SELECT n FROM books_kept WHERE partition = ?', partition)[0] ?? 0,
    entriesOf: async (partition, after, most) => all(entryRow, ENTRIES, partition, after, most),
    terms: async () => all(termsRow, TERMS),
    flows: async (from, to) => all(flowRow, FLOWS, from, to),
    allCampaigns: sqliteReads(db).allCampaigns,
    feedLags: async (from, to) =>
      all(
        (row) => ({
          day: text(row.day),
          door: text(row.door),
          count: int(row.fed),
          exceptions: int(row.exceptions),
          medianMs: int(row.median),
          worstMs: int(row.worst),
        }),
        LAGS,
        from,
        to,
      ),
  };
}

function writes(db: SqliteDatabase.Database): Omit<BooksTx, keyof BooksReads> {
  const add = db.prepare(`INSERT INTO books VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET units = units + excluded.units, own_units = own_units + excluded.own_units,
    own_value = own_value + excluded.own_value`);
  const kept = db.prepare('INSERT INTO books_kept VALUES (?, ?) ON CONFLICT (partition) DO UPDATE SET n = excluded.n');
  return {
    async count(flows, partition, upTo) {
      for (const { campaign, day, version, from, to, endsAt, units, own } of flows)
        add.run(campaign, day, version, from ?? '', to, endsAt ?? '', units, own.units, own.value);
      kept.run(partition, upTo);
    },
  };
}

/** The head of each chain by its own look-up: a maximum over all entries would read them all. */
const UNCOUNTED = `WITH RECURSIVE partitions (partition) AS (VALUES (0) UNION ALL SELECT partition + 1 FROM partitions WHERE partition + 1 < ?)
  SELECT p.partition, coalesce(k.n, 0) AS counted FROM partitions p LEFT JOIN books_kept k ON k.partition = p.partition
  WHERE EXISTS (SELECT 1 FROM entries e WHERE e.partition = p.partition AND e.n > coalesce(k.n, 0))`;
/** What a code was worth before it got something of its own, and when it ended, was its campaign's. */
const ENTRIES = `SELECT e.n, e.at, e.body, c.campaign, o.own_value,
    json_extract(o.personal, '$.endsAt') AS own_end
  FROM entries e LEFT JOIN codes c ON c.hash = e.code_hash
  LEFT JOIN codes o ON o.hash = e.code_hash AND o.personal IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM entries p WHERE p.code_hash = e.code_hash AND p.n > e.n AND json_extract(p.body, '$.kind') = 'personal')
  WHERE e.partition = (SELECT ?) AND e.n > ? ORDER BY e.n LIMIT ?`;
const TERMS = `SELECT at, body FROM entries
  WHERE partition = 0 AND code_hash IS NULL AND json_extract(body, '$.kind') = 'terms' ORDER BY n`;
const FLOWS = `WITH span (first, last) AS (SELECT ?, ?)
  SELECT campaign, CASE WHEN day < first THEN '' ELSE day END AS book_day,
  CASE WHEN day < first THEN 0 ELSE version END AS book_version, from_state, to_state, ends_at,
  sum(units) AS units, sum(own_units) AS own_units, sum(own_value) AS own_value
  FROM books, span WHERE day <= last GROUP BY campaign, book_day, book_version, from_state, to_state, ends_at ORDER BY campaign`;
const LAGS = `WITH lags AS (
    SELECT door, date(fed_at / 1000, 'unixepoch') AS day, fed_at - at AS lag, outcome FROM fed WHERE fed_at >= ? AND fed_at < ?),
  placed AS (SELECT day, door, lag, outcome, count(*) OVER each_day AS fed,
    row_number() OVER (PARTITION BY day, door ORDER BY lag) AS place FROM lags WINDOW each_day AS (PARTITION BY day, door))
  SELECT day, door, fed, sum(outcome = 'exception') AS exceptions, max(lag) AS worst,
    min(CASE WHEN place = (fed + 1) / 2 THEN lag END) AS median FROM placed GROUP BY day, door, fed ORDER BY day, door`;

const termsBody = z.object({ campaign: z.string(), version: z.int(), worth: z.int(), endsAt: z.int() });
const termsRow = (row: Row): CampaignTerms => ({ ...termsBody.parse(JSON.parse(text(row.body))), at: int(row.at) });

const flowRow = (row: Row): CampaignFlow => ({
  campaign: text(row.campaign),
  day: text(row.book_day),
  version: int(row.book_version),
  from: text(row.from_state) === '' ? null : word<CodeState>(row.from_state),
  to: word<CodeState>(row.to_state),
  endsAt: text(row.ends_at) === '' ? null : text(row.ends_at),
  units: int(row.units),
  own: { units: int(row.own_units), value: int(row.own_value) },
});

const entryRow = (row: Row): BookEntry => ({
  n: int(row.n),
  at: int(row.at),
  body: text(row.body),
  campaign: textOrNull(row.campaign),
  ownValue: intOrNull(row.own_value),
  ownEnd: textOrNull(row.own_end),
});
