import type SqliteDatabase from 'better-sqlite3';
import { z } from 'zod';
import type { Source } from '../distribution/store.ts';
import type { Database } from '../ledger/sqlite-database.ts';
import { blob, int, intOrNull, type Row, type RowReader, text, textOrNull, word } from '../ledger/sqlite-reads.ts';
import { sqliteRooms } from '../ledger/sqlite-rooms.ts';
import { OTHER_SOURCE } from './event-rules.ts';
import type { Leak, NewEvent, StoredEvent } from './events.ts';
import type { Part, PartKey } from './report-rules.ts';
import type { SourceLimit, Span, TraceReads, TraceStore, TraceTx } from './store.ts';

/** Events in the ledger's SQLite file. */
export const sqliteTraceStore = (database: Database): TraceStore => sqliteRooms(database, reads, writes);

function reads(db: RowReader): TraceReads {
  const all = <T>(read: (row: Row) => T, sql: string, ...values: readonly unknown[]): T[] =>
    db.all(sql, ...values).map((row) => read(row as Row));
  const first = <T>(read: (row: Row) => T, sql: string, ...values: readonly unknown[]): T | null =>
    all(read, sql, ...values)[0] ?? null;
  /** Grouped by campaign, one more column, and a third. */
  const grouped = <T>(read: (row: Row) => T, sums: string, table: string, third: string, span: Span, by: Part | null) =>
    all(
      read,
      `SELECT campaign, ${by ?? 'NULL'} AS part, ${third}, ${sums} FROM ${table} ${WHERE[span.campaign === null ? 'all' : 'one']}
       GROUP BY campaign, part, ${third}`,
      ...(span.campaign === null ? [] : [span.campaign]),
      span.from,
      span.to,
    );
  return {
    place: async (feed) => first((row) => int(row.place), 'SELECT place FROM followed WHERE feed = ?', feed) ?? 0,
    sums: async (span, by) =>
      grouped(
        (row) => ({
          ...keyed(row),
          kind: word<NewEvent['kind']>(row.kind),
          count: int(row.count),
          firsts: int(row.firsts),
          revenue: int(row.revenue),
          discount: int(row.discount),
        }),
        'sum(count) AS count, sum(firsts) AS firsts, sum(revenue) AS revenue, sum(discount) AS discount',
        by === 'store' ? 'store_rollups' : 'rollups',
        'kind',
        span,
        by,
      ),
    // What was paid for an ad is paid for no store.
    spent: async (span, by) =>
      grouped(
        (row) => ({ ...keyed(row), impressions: int(row.impressions), clicks: int(row.clicks), cost: int(row.cost) }),
        'sum(impressions) AS impressions, sum(clicks) AS clicks, sum(cost) AS cost',
        'spend',
        'NULL',
        span,
        by === 'store' ? null : by,
      ),
    leaks: async (span, by) =>
      grouped(
        (row) => ({ ...keyed(row), why: word<Leak['why']>(row.why), count: int(row.count) }),
        'count(*) AS count',
        'leaks',
        'why',
        span,
        by,
      ),
    eventsOf: async (assignment) =>
      all(storedEvent, 'SELECT * FROM events WHERE assignment = (SELECT ?) ORDER BY seq', assignment),
    async sources(ids) {
      const found = ids.flatMap((id) =>
        all((row) => [id, sourceSchema.parse(JSON.parse(text(row.parameters)))] as const, SOURCE_BY_ID, id),
      );
      return new Map(found);
    },
    sourceId: async (campaign, source) => first((row) => int(row.id), SOURCE_ID, campaign, JSON.stringify(source)),
  };
}

const WHERE = {
  one: 'WHERE campaign = (SELECT ?) AND day BETWEEN ? AND ?',
  all: 'WHERE day BETWEEN ? AND ?',
} as const;
const SOURCE_BY_ID = 'SELECT parameters FROM sources WHERE id = ?';
const SOURCE_ID = 'SELECT id FROM sources WHERE campaign = ? AND parameters = ?';

const keyed = (row: Row): { readonly campaign: string; readonly key: PartKey } => ({
  campaign: text(row.campaign),
  key: typeof row.part === 'number' ? row.part : row.part == null || row.part === '' ? null : text(row.part),
});

const sourceSchema = z.record(z.string(), z.string());

const storedEvent = (row: Row): StoredEvent => ({
  seq: int(row.seq),
  at: int(row.at),
  kind: word<StoredEvent['kind']>(row.kind),
  channel: textOrNull(row.channel),
  store: textOrNull(row.store),
  door: textOrNull(row.door),
  basket: textOrNull(row.basket),
  why: row.why == null ? null : word<Leak['why']>(row.why),
});

function writes(db: SqliteDatabase.Database): Omit<TraceTx, keyof TraceReads> {
  const to = prepare(db);
  const sources = new Sources(db);
  const addAll = (events: readonly NewEvent[], limit: SourceLimit): void => {
    const sums = new DaySums();
    for (const event of events) {
      const source = sources.take(event.campaign, event.source, limit);
      const row = to.event.get(eventValues(event, source)) as Row;
      sums.count(event, source, intOrNull(row.first) === 1);
    }
    for (const values of sums.bySource.values()) to.rollup.run(values);
    for (const values of sums.byStore.values()) to.storeRollup.run(values);
  };
  return {
    async add(events, limit) {
      sources.begin();
      addAll(events, limit);
    },
    async addLeaks(leaks, limit) {
      sources.begin();
      const news = leaks.filter((leak) => {
        const source = sources.take(leak.campaign, leak.source, limit);
        return to.leak.run(leakValues(leak, source)).changes === 1;
      });
      addAll(news, limit);
    },
    async follow(feed, from, place) {
      if (from === 0) to.begin.run(feed);
      return to.follow.run(place, feed, from).changes === 1;
    },
    async putSpend(campaign, rows, limit) {
      sources.begin();
      for (const { day, channel, source, impressions, clicks, cost } of rows) {
        const id = sources.find(campaign, source, limit);
        if (id === null) return false;
        to.spend.run(campaign, day, channel ?? '', id, impressions, clicks, cost);
      }
      return true;
    },
  };
}

function prepare(db: SqliteDatabase.Database) {
  return {
    event: db.prepare(`INSERT INTO events (at, kind, campaign, assignment, channel, source, store, door, basket, total,
      discount, currency, why, first) VALUES (@at, @kind, @campaign, @assignment, @channel, @source, @store, @door, @basket, @total,
      @discount, @currency, @why, NOT EXISTS (SELECT 1 FROM events WHERE assignment = @assignment AND kind = @kind))
      RETURNING first`),
    rollup:
      db.prepare(`INSERT INTO rollups VALUES (@campaign, @day, @kind, @channel, @source, @count, @firsts, @revenue, @discount)
      ${ADDS}`),
    storeRollup:
      db.prepare(`INSERT INTO store_rollups VALUES (@campaign, @day, @kind, @store, @count, @firsts, @revenue, @discount)
      ${ADDS}`),
    leak: db.prepare(`INSERT INTO leaks VALUES (@codeHash, @door, @basket, @campaign, @day, @channel, @source, @store, @why)
      ON CONFLICT DO NOTHING`),
    begin: db.prepare('INSERT INTO followed VALUES (?, 0) ON CONFLICT DO NOTHING'),
    follow: db.prepare('UPDATE followed SET place = ? WHERE feed = ? AND place = ?'),
    spend: db.prepare(`INSERT INTO spend VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
      impressions = excluded.impressions, clicks = excluded.clicks, cost = excluded.cost`),
  };
}

const ADDS = `ON CONFLICT DO UPDATE SET count = count + excluded.count, firsts = firsts + excluded.firsts,
  revenue = revenue + excluded.revenue, discount = discount + excluded.discount`;

/** The numbers of sources. */
class Sources {
  readonly #find: SqliteDatabase.Statement;
  readonly #make: SqliteDatabase.Statement;
  /** Of this batch: campaigns in which no other source fits any more. */
  #full = new Set<string>();
  /** Of this batch: most of its events are of a few sources. */
  #known = new Map<string, number>();

  constructor(db: SqliteDatabase.Database) {
    this.#find = db.prepare(SOURCE_ID);
    this.#make = db.prepare(`INSERT INTO sources (campaign, parameters) SELECT @campaign, @parameters
      WHERE (SELECT count(*) FROM sources WHERE campaign = @campaign) < @sourcesMax RETURNING id`);
  }

  begin(): void {
    this.#full = new Set();
    this.#known = new Map();
  }

  /** @returns null where it is a new one and there are too many */
  find(campaign: string, source: Source, { sourcesMax }: SourceLimit): number | null {
    return this.#id(campaign, JSON.stringify(source), sourcesMax);
  }

  take(campaign: string, source: Source, limit: SourceLimit): number {
    const id = this.find(campaign, source, limit) ?? this.#id(campaign, JSON.stringify(OTHER_SOURCE), Infinity);
    if (id === null) throw new Error('a source without a number');
    return id;
  }

  #id(campaign: string, parameters: string, sourcesMax: number): number | null {
    const key = `${campaign} ${parameters}`;
    const id = this.#known.get(key) ?? this.#foundOrMade(campaign, parameters, sourcesMax);
    if (id !== null) this.#known.set(key, id);
    return id;
  }

  #foundOrMade(campaign: string, parameters: string, sourcesMax: number): number | null {
    const known = this.#find.get(campaign, parameters) as Row | undefined;
    if (known !== undefined) return int(known.id);
    if (sourcesMax !== Infinity && this.#full.has(campaign)) return null;
    const made = this.#make.get({ campaign, parameters, sourcesMax: Math.min(sourcesMax, Number.MAX_SAFE_INTEGER) });
    if (made !== undefined) return int((made as Row).id);
    this.#full.add(campaign);
    return null;
  }
}

/** What a batch adds to the days: one row for all that is alike. */
class DaySums {
  readonly bySource = new Map<string, ReturnType<typeof sourceValues>>();
  readonly byStore = new Map<string, ReturnType<typeof storeValues>>();

  count(event: NewEvent, source: number, isFirst: boolean): void {
    const { campaign, day, kind, channel, store } = event;
    const place = `${campaign} ${day} ${kind}`;
    add(this.bySource, `${place} ${channel ?? ''} ${source}`, () => sourceValues(event, source), event, isFirst);
    add(this.byStore, `${place} ${store ?? ''}`, () => storeValues(event), event, isFirst);
  }
}

type Sums = { count: number; firsts: number; revenue: number; discount: number };
const none: Sums = { count: 0, firsts: 0, revenue: 0, discount: 0 };

function add<S extends Sums>(rows: Map<string, S>, key: string, make: () => S, { money }: NewEvent, isFirst: boolean) {
  const row = rows.get(key) ?? make();
  row.count += 1;
  row.firsts += Number(isFirst);
  row.revenue += money?.total ?? 0;
  row.discount += money?.discount ?? 0;
  rows.set(key, row);
}

const sourceValues = ({ campaign, day, kind, channel }: NewEvent, source: number) => ({
  ...{ campaign, day, kind, channel: channel ?? '', source, ...none },
});
const storeValues = ({ campaign, day, kind, store }: NewEvent) => ({
  ...{ campaign, day, kind, store: store ?? '', ...none },
});

const eventValues = (event: NewEvent, source: number) => ({
  at: event.at,
  kind: event.kind,
  campaign: event.campaign,
  assignment: event.assignment,
  channel: event.channel,
  source,
  store: event.store,
  door: event.door,
  basket: event.basket,
  total: event.money?.total ?? null,
  discount: event.money?.discount ?? null,
  currency: event.money?.currency ?? null,
  why: event.why,
});

const leakValues = ({ codeHash, door, basket, campaign, day, channel, store, why }: Leak, source: number) => ({
  ...{ codeHash: blob(codeHash), door, basket, campaign, day, channel: channel ?? '', source, store: store ?? '', why },
});
