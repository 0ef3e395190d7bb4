import Sqlite, { type Database, SqliteError, type Statement } from 'better-sqlite3';
import { z } from 'zod';
import { type Card, cardSchema } from '../../protocol/card.ts';
import type { CodeHash } from '../../protocol/code.ts';
import { type Entry, entryBodySchema, GENESIS_HASH } from '../../protocol/journal.ts';
import { canonicalText } from '../../protocol/canonical.ts';
import { moneySchema } from '../../protocol/money.ts';
import { offerSchema } from '../../protocol/offer.ts';
import { codeHashSchema } from '../../protocol/reservation.ts';
import type { Answer, Box, CodeKnown, EntryPlace, Reservation } from './box-rules.ts';
import type { Change } from './draft-rules.ts';
import { TillUnavailable } from './port.ts';
import { migrate } from './sqlite-schema.ts';
import { type BasketKnown, type DueQuery, type Holding, type NewBox, TillDataBroken, type TillStore } from './store.ts';

/** The till's data in one SQLite file, its write-ahead log synced at every commit. */
export class SqliteTillStore implements TillStore {
  readonly #db: Database;
  readonly #sql: Statements;

  /**
   * @param source a path, ':memory:', or what `serialize` gave
   * @throws TillDataBroken where it is damaged, not a database, or cannot be opened
   */
  constructor(source: string | Buffer) {
    try {
      this.#db = new Sqlite(source, { timeout: BUSY_TIMEOUT_MS });
      this.#db.pragma('journal_mode = WAL');
      this.#db.pragma('synchronous = FULL');
      const verdict = this.#db.pragma('quick_check(1)', { simple: true });
      if (verdict !== 'ok') throw new TillDataBroken(`the box's data are damaged: ${String(verdict)}`);
      migrate(this.#db);
      this.#sql = prepare(this.#db);
    } catch (error) {
      if (error instanceof TillDataBroken) throw error;
      throw new TillDataBroken(`the box's data cannot be opened: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    }
  }

  box(): Box & { readonly gateway: string } {
    const row = available(() => this.#sql.box.get());
    if (row === undefined) throw new TillUnavailable('no box was made here');
    const { n, hash, ...box } = parsed(boxSchema, row);
    return { ...box, head: { epoch: box.epoch, n, hash } };
  }

  isMade(): boolean {
    return available(() => this.#sql.box.get()) !== undefined;
  }

  code(codeHash: CodeHash): CodeKnown {
    return available(() => ({
      open: this.#sql.openOfCode.all(codeHash).map(toReservation),
      answers: this.#sql.answersOfCode.all(codeHash).map(toAnswer),
    }));
  }

  reservation(id: string): Reservation | null {
    const row = available(() => this.#sql.reservation.get(id));
    return row === undefined ? null : toReservation(row);
  }

  installedUpTo(epoch: number, number: number): Reservation[] {
    return available(() => this.#sql.installedUpTo.all(epoch, number).map(toReservation));
  }

  due(query: DueQuery): Reservation[] {
    const fetchedToo = query.fetchedToo ? 1 : 0;
    return available(() => this.#sql.due.all({ ...query, fetchedToo }).map(toReservation));
  }

  cards(campaign: string): Card[] {
    return available(() => this.#sql.cards.all(campaign).map((row) => parsed(cardRowSchema, row).card));
  }

  holdings(epoch: number): string[] {
    return available(() => this.#sql.holdings.all(epoch).map((row) => parsed(idRowSchema, row).reservation));
  }

  holding(epoch: number): Holding {
    return available(() => parsed(holdingSchema, this.#sql.holding.get({ epoch })));
  }

  basket(door: string, basket: string): BasketKnown {
    return available(() => ({
      answers: this.#sql.answersOfBasket.all(basket, door).map(toAnswer),
      uses: this.#sql.usesOfBasket.all(basket).map((row) => parsed(basketUseSchema, row)),
    }));
  }

  hashAt({ epoch, n }: EntryPlace): string | null {
    if (n === 0) return epoch === this.box().epoch ? GENESIS_HASH : null;
    const row = available(() => this.#sql.hashAt.get(epoch, n));
    return row === undefined ? null : parsed(hashRowSchema, row).hash;
  }

  entries(epoch: number, from: number, most: number): Entry[] {
    return available(() => this.#sql.entries.all(epoch, from, most).map((row) => parsed(entrySchema, row)));
  }

  epochs(): EntryPlace[] {
    return available(() => this.#sql.epochs.all().map((row) => parsed(placeSchema, row)));
  }

  evidence(epoch: number): number {
    const row = available(() => this.#sql.evidence.get(epoch));
    return row === undefined ? 0 : parsed(placeSchema, row).n;
  }

  begin(): void {
    available(() => this.#sql.begin.run());
  }

  commit(): void {
    available(() => this.#sql.commit.run());
  }

  rollback(): void {
    if (this.#db.open && this.#db.inTransaction) available(() => this.#sql.rollback.run());
  }

  apply(changes: readonly Change[], entries: readonly Entry[]): void {
    available(() => {
      for (const change of changes) this.#applyOne(change);
      for (const entry of entries) this.#append(entry);
    });
  }

  make({ gateway, incarnation, epoch }: NewBox): void {
    available(() => this.#sql.make.run({ gateway, incarnation, epoch, hash: GENESIS_HASH }));
  }

  /** The whole data as one image, for a copy that is opened elsewhere. In-memory data only. */
  serialize(): Buffer {
    return this.#db.serialize();
  }

  close(): void {
    this.#db.close();
  }

  #append({ epoch, n, hash, body }: Entry): void {
    this.#sql.append.run(epoch, n, canonicalText(body), hash);
    this.#sql.head.run(n, hash);
  }

  #applyOne(change: Change): void {
    const sql = this.#sql;
    switch (change.do) {
      case 'journal':
        break; // comes as an entry
      case 'install':
        once(sql.install.run(change.reservation));
        break;
      case 'bury':
        once(sql.bury.run({ ...NOTHING_KNOWN, ...change }));
        break;
      case 'close':
        sql.unmark.run(change.reservation);
        once(sql.close.run(change.as, change.reservation));
        break;
      case 'use': {
        const { codeHash, reservation, lastFour } = change.of;
        once(sql.use.run({ ...change.use, codeHash, reservation, lastFour }));
        break;
      }
      case 'end_use':
        once((change.kept ? sql.endUse : sql.dropUse).run(change.reservation));
        break;
      case 'mark':
        once(sql.mark.run(change.reservation, change.mark.deadline));
        break;
      case 'unmark':
        once(sql.unmark.run(change.reservation));
        break;
      case 'move_end':
        once(sql.moveEnd.run(change.notAfter, change.reservation));
        break;
      case 'floor':
        once(sql.floor.run(change.number));
        break;
      case 'answer':
        once(sql.answer.run(fromAnswer(change.answer)));
        break;
      case 'acknowledged':
        once(sql.acknowledged.run(change.n));
        break;
      case 'evidence':
        sql.raiseEvidence.run(change.epoch, change.n);
        break;
      case 'fence':
        once(sql.fence.run(JSON.stringify(change.fence)));
        break;
      case 'boot':
        once(sql.boot.run(change.bootId));
        break;
      case 'running':
        once(sql.stopped.run(0));
        break;
      case 'stopped':
        once(sql.stopped.run(1));
        break;
      case 'card':
        once(sql.card.run(change.card.offer.campaign, change.card.version, JSON.stringify(change.card)));
        break;
      case 'high_water':
        once(sql.highWater.run(change.at));
        break;
    }
  }
}

/** Another process (a token being made, a backup) holds the data for milliseconds. */
const BUSY_TIMEOUT_MS = 2_000;

/** A constraint that fails is a bug of ours and stays one; all else is a disk that is full, gone or damaged. */
function available<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SqliteError) || error.code.startsWith('SQLITE_CONSTRAINT')) throw error;
    throw new TillUnavailable(`the box's data cannot be read or written: ${error.message}`, { cause: error });
  }
}

/** A change meets exactly one row; anything else is a rule that is wrong. */
function once({ changes }: { readonly changes: number }): void {
  if (changes !== 1) throw new Error(`a change that must meet one row met ${changes}`);
}

const flag = z.union([z.literal(0), z.literal(1)]).transform((bit) => bit === 1);

/** A column that holds JSON. */
function json<S extends z.ZodType>(schema: S) {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: 'custom', message: 'not JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);
}

function parsed<S extends z.ZodType>(schema: S, row: unknown): z.infer<S> {
  const result = schema.safeParse(row);
  if (result.success) return result.data;
  throw new TillUnavailable(`the box's data are damaged: ${result.error.issues[0]?.path.join('.') ?? 'a row'}`);
}

const placeSchema = z.object({ epoch: z.int(), n: z.int() });
const fenceSchema = z.object({ epoch: z.int(), why: z.string(), witness: placeSchema.nullable() });
const boxSchema = z.object({
  gateway: z.string(),
  incarnation: z.string(),
  epoch: z.int(),
  bootId: z.int(),
  n: z.int(),
  hash: z.string(),
  acknowledged: z.int(),
  floor: z.int(),
  highWater: z.int(),
  stoppedClean: flag,
  fence: json(fenceSchema).nullable(),
});
const cardRowSchema = z.object({ card: json(cardSchema) });
const idRowSchema = z.object({ reservation: z.string() });
const hashRowSchema = z.object({ hash: z.string() });
const holdingSchema = z.object({ holding: z.int(), inUse: z.int(), holdsUntil: z.int().nullable() });
const basketUseSchema = z.object({ codeHash: codeHashSchema, lastFour: z.string(), isOpen: flag });
const entrySchema = z.object({ epoch: z.int(), n: z.int(), hash: z.string(), body: json(entryBodySchema) });

const modeSchema = z.enum(['online', 'reserved']);
const reservationSchema = z.object({
  reservation: z.string(),
  codeHash: codeHashSchema,
  lastFour: z.string(),
  generation: z.int(),
  campaign: z.string(),
  cardVersion: z.int(),
  epoch: z.int(),
  number: z.int(),
  notAfter: z.int(),
  state: z.enum(['active', 'redeemed', 'returned']),
  origin: z.enum(['scan', 'stock']),
  isMarked: flag,
  deadline: z.int().nullable(),
  useBasket: z.string().nullable(),
  useLane: z.string().nullable(),
  useMode: modeSchema.nullable(),
  useUntil: z.int().nullable(),
  useCardVersion: z.int().nullable(),
});

function toReservation(row: unknown): Reservation {
  const { isMarked, deadline, useBasket, useLane, useMode, useUntil, useCardVersion, ...reservation } = parsed(
    reservationSchema,
    row,
  );
  const isInUse = useBasket !== null && useMode !== null && useUntil !== null && useCardVersion !== null;
  return {
    ...reservation,
    mark: isMarked ? { deadline } : null,
    use: isInUse
      ? { basket: useBasket, lane: useLane, mode: useMode, until: useUntil, cardVersion: useCardVersion }
      : null,
  };
}

const redemptionSchema = z.object({
  id: z.string(),
  reservation: z.string(),
  generation: z.int(),
  entry: placeSchema,
  at: z.int(),
  lane: z.string().nullable(),
  total: moneySchema.nullable(),
  mode: modeSchema,
  offer: offerSchema,
});
const answerSchema = z.object({
  door: z.string(),
  codeHash: codeHashSchema,
  basket: z.string(),
  lastFour: z.string().nullable(),
  redemption: json(redemptionSchema).nullable(),
  reversal: json(z.object({ at: z.int(), pending: z.boolean() })).nullable(),
});
const toAnswer = (row: unknown): Answer => parsed(answerSchema, row);

function fromAnswer({ redemption, reversal, ...answer }: Answer) {
  return {
    ...answer,
    reservation: redemption?.reservation ?? null,
    redemption: redemption === null ? null : JSON.stringify(redemption),
    reversal: reversal === null ? null : JSON.stringify(reversal),
  };
}

const NOTHING_KNOWN = { lastFour: '', campaign: '', cardVersion: 0, number: 0, notAfter: 0 };

type Statements = ReturnType<typeof prepare>;

const RESERVATION = `
  SELECT r.*, m.reservation IS NOT NULL AS isMarked, m.deadline, u.basket AS useBasket, u.lane AS useLane,
    u.mode AS useMode, u.until AS useUntil, u.cardVersion AS useCardVersion
  FROM reservations r
  LEFT JOIN marks m ON m.reservation = r.reservation
  LEFT JOIN uses u ON u.reservation = r.reservation AND u.isOpen = 1`;

const IS_IDLE = 'NOT EXISTS (SELECT 1 FROM uses WHERE uses.reservation = reservations.reservation AND isOpen = 1)';

const ANSWER = 'SELECT door, codeHash, basket, lastFour, redemption, reversal FROM answers';

function prepare(db: Database) {
  const sql = (text: string): Statement => db.prepare(text);
  return {
    begin: sql('BEGIN IMMEDIATE'),
    commit: sql('COMMIT'),
    rollback: sql('ROLLBACK'),

    box: sql('SELECT * FROM box'),
    openOfCode: sql(`${RESERVATION} WHERE r.codeHash = ? AND r.state = 'active' ORDER BY r.number`),
    reservation: sql(`${RESERVATION} WHERE r.reservation = ?`),
    installedUpTo: sql(`${RESERVATION} WHERE r.state = 'active' AND r.epoch = ? AND r.number <= ?`),
    due: sql(`${RESERVATION} WHERE r.state = 'active' AND r.epoch = @epoch AND r.reservation IN (
      SELECT * FROM (SELECT reservation FROM reservations WHERE state = 'active' AND epoch = @epoch
        AND notAfter <= @endedAt AND ${IS_IDLE} LIMIT @most)
      UNION SELECT reservation FROM uses WHERE isOpen = 1 AND until <= @usedUntil
      UNION SELECT reservation FROM uses WHERE isOpen = 1 AND until > @usedBeyond
      UNION SELECT reservation FROM marks WHERE deadline <= @lapsedAt
      UNION SELECT reservation FROM reservations WHERE @fetchedToo AND state = 'active' AND origin = 'scan'
        AND epoch = @epoch AND ${IS_IDLE}
      LIMIT @most)`),
    cards: sql('SELECT card FROM cards WHERE campaign = ? ORDER BY version'),
    holdings: sql("SELECT reservation FROM reservations WHERE state = 'active' AND epoch = ? ORDER BY reservation"),
    holding: sql(`SELECT (SELECT COUNT(*) FROM reservations WHERE state = 'active' AND epoch = @epoch) AS holding,
      (SELECT COUNT(*) FROM uses WHERE isOpen = 1) AS inUse,
      (SELECT MIN(notAfter) FROM reservations WHERE state = 'active' AND epoch = @epoch) AS holdsUntil`),
    answersOfCode: sql(`${ANSWER} WHERE codeHash = ?`),
    answersOfBasket: sql(`${ANSWER} WHERE basket = ? AND door = ? ORDER BY codeHash`),
    usesOfBasket: sql('SELECT codeHash, lastFour, isOpen FROM uses WHERE basket = ? ORDER BY codeHash'),
    hashAt: sql('SELECT hash FROM journal WHERE epoch = ? AND n = ?'),
    entries: sql('SELECT epoch, n, hash, body FROM journal WHERE epoch = ? AND n >= ? ORDER BY n LIMIT ?'),
    epochs: sql('SELECT epoch, MAX(n) AS n FROM journal GROUP BY epoch ORDER BY epoch'),
    evidence: sql('SELECT epoch, n FROM evidence WHERE epoch = ?'),

    make: sql(`INSERT INTO box VALUES (1, @gateway, @incarnation, @epoch, 0, 0, @hash, 0, 0, 0, 1, NULL)`),
    append: sql('INSERT INTO journal (epoch, n, body, hash) VALUES (?, ?, ?, ?)'),
    head: sql('UPDATE box SET n = ?, hash = ?'),
    install: sql(`INSERT INTO reservations VALUES (@reservation, @codeHash, @lastFour, @generation, @campaign,
      @cardVersion, @epoch, @number, @notAfter, @state, @origin)`),
    bury: sql(`INSERT INTO reservations VALUES (@reservation, @codeHash, @lastFour, @generation, @campaign,
      @cardVersion, @epoch, @number, @notAfter, 'returned', 'scan')`),
    close: sql("UPDATE reservations SET state = ? WHERE reservation = ? AND state = 'active'"),
    moveEnd: sql("UPDATE reservations SET notAfter = ? WHERE reservation = ? AND state = 'active'"),
    use: sql(`INSERT INTO uses VALUES (@codeHash, @basket, @reservation, @lastFour, @lane, @mode, @until, @cardVersion, 1)
      ON CONFLICT (codeHash, basket) DO UPDATE SET reservation = excluded.reservation, lastFour = excluded.lastFour,
      lane = excluded.lane, mode = excluded.mode, until = excluded.until, cardVersion = excluded.cardVersion, isOpen = 1`),
    endUse: sql('UPDATE uses SET isOpen = 0 WHERE reservation = ? AND isOpen = 1'),
    dropUse: sql('DELETE FROM uses WHERE reservation = ? AND isOpen = 1'),
    mark: sql(`INSERT INTO marks VALUES (?, ?) ON CONFLICT (reservation) DO UPDATE SET deadline = excluded.deadline`),
    unmark: sql('DELETE FROM marks WHERE reservation = ?'),
    floor: sql('UPDATE box SET floor = ?'),
    answer: sql(`INSERT INTO answers (door, codeHash, basket, lastFour, reservation, redemption, reversal)
      VALUES (@door, @codeHash, @basket, @lastFour, @reservation, @redemption, @reversal)
      ON CONFLICT (codeHash, door, basket) DO UPDATE SET redemption = excluded.redemption, reversal = excluded.reversal`),
    acknowledged: sql('UPDATE box SET acknowledged = ?'),
    raiseEvidence: sql(`INSERT INTO evidence VALUES (?, ?)
      ON CONFLICT (epoch) DO UPDATE SET n = MAX(n, excluded.n)`),
    fence: sql('UPDATE box SET fence = ?'),
    boot: sql('UPDATE box SET bootId = ?'),
    stopped: sql('UPDATE box SET stoppedClean = ?'),
    card: sql('INSERT INTO cards VALUES (?, ?, ?)'),
    highWater: sql('UPDATE box SET highWater = ?'),
  };
}
