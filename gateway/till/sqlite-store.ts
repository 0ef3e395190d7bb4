import Sqlite, { type Database, SqliteError } from 'better-sqlite3';
import type { Card } from '../../protocol/card.ts';
import type { CodeHash } from '../../protocol/code.ts';
import { type CodeForm, formsOf } from '../../protocol/code-form.ts';
import { type Entry, GENESIS_HASH } from '../../protocol/journal.ts';
import { canonicalText } from '../../protocol/canonical.ts';
import { scanSchema, type ToldScan } from '../../protocol/messages.ts';
import type { Box, CodeKnown, EntryPlace, Issue, Reservation } from './box-rules.ts';
import type { Change } from './draft-rules.ts';
import { TillUnavailable } from './port.ts';
import {
  atRowSchema,
  basketUseSchema,
  blanksSchema,
  boxSchema,
  cardRowSchema,
  entrySchema,
  fromAnswer,
  fromReservation,
  hashRowSchema,
  holdingSchema,
  idRowSchema,
  issueSchema,
  parsed,
  placeSchema,
  sealedRowSchema,
  toAnswer,
  toReservation,
} from './sqlite-rows.ts';
import { migrate } from './sqlite-schema.ts';
import { prepare, type Statements } from './sqlite-statements.ts';
import {
  type BasketKnown,
  type DueQuery,
  type Holding,
  type NewBox,
  SCANS_KEPT_MAX,
  TillDataBroken,
  type TillStore,
} from './store.ts';

/** The till's data in one SQLite file, its write-ahead log synced at every commit. */
export class SqliteTillStore implements TillStore {
  readonly #db: Database;
  readonly #sql: Statements;
  /** As they were read last, until a change or a rollback: every command asks for them. */
  #box: (Box & { readonly gateway: string }) | null = null;
  readonly #cards = new Map<string, readonly Card[]>();
  #forms: readonly CodeForm[] | null = null;

  /**
   * @param source a path, ':memory:', or what `serialize` gave
   * @throws TillDataBroken where it is damaged, not a database, or cannot be opened
   */
  constructor(source: string | Buffer) {
    try {
      this.#db = new Sqlite(source, { timeout: BUSY_TIMEOUT_MS });
      this.#db.pragma('journal_mode = WAL');
      this.#db.pragma('synchronous = FULL');
      this.#db.pragma(`cache_size = -${CACHE_KIB}`);
      this.#db.pragma('temp_store = MEMORY');
      this.#db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
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
    this.#box ??= this.#readBox();
    return this.#box;
  }

  #readBox(): Box & { readonly gateway: string } {
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

  cards(campaign: string): readonly Card[] {
    const known = this.#cards.get(campaign);
    if (known !== undefined) return known;
    const cards = available(() => this.#sql.cards.all(campaign).map((row) => parsed(cardRowSchema, row).card));
    this.#cards.set(campaign, cards);
    return cards;
  }

  forms(): readonly CodeForm[] {
    this.#forms ??= available(() => formsOf(this.#sql.newestCards.all().map((row) => parsed(cardRowSchema, row).card)));
    return this.#forms;
  }

  holdings(epoch: number): string[] {
    return available(() => this.#sql.holdings.all(epoch).map((row) => parsed(idRowSchema, row).reservation));
  }

  holding(epoch: number): Holding {
    return available(() => parsed(holdingSchema, this.#sql.holding.get({ epoch })));
  }

  blanks(): { campaign: string; units: number; until: number }[] {
    return available(() => this.#sql.blanks.all().map((row) => parsed(blanksSchema, row)));
  }

  blank(campaign: string): Reservation | null {
    const row = available(() => this.#sql.blank.get(campaign));
    return row === undefined ? null : toReservation(row);
  }

  issue(campaign: string, basket: string): Issue | null {
    const row = available(() => this.#sql.issueOf.get(campaign, basket));
    return row === undefined ? null : parsed(issueSchema, row);
  }

  issuedText(campaign: string, basket: string): string {
    return parsed(
      sealedRowSchema,
      available(() => this.#sql.issuedText.get(campaign, basket)),
    ).sealed;
  }

  basket(door: string, basket: string): BasketKnown {
    return available(() => ({
      answers: this.#sql.answersOfBasket.all(basket, door).map(toAnswer),
      uses: this.#sql.usesOfBasket.all(basket).map((row) => parsed(basketUseSchema, row)),
    }));
  }

  scans(most: number): ToldScan[] {
    return available(() => this.#sql.scans.all(most).map((row) => parsed(scanSchema, row)));
  }

  hashAt({ epoch, n }: EntryPlace): string | null {
    if (n === 0) return epoch === this.box().epoch ? GENESIS_HASH : null;
    const row = available(() => this.#sql.hashAt.get(epoch, n));
    return row === undefined ? null : parsed(hashRowSchema, row).hash;
  }

  entries(epoch: number, from: number, most: number): Entry[] {
    return available(() => this.#sql.entries.all(epoch, from, most).map((row) => parsed(entrySchema, row)));
  }

  oldestAt({ epoch, n }: EntryPlace): number | null {
    const row = available(() => this.#sql.oldestAt.get(epoch, n));
    return row === undefined ? null : parsed(atRowSchema, row).at;
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
    this.#forget();
    if (this.#db.open && this.#db.inTransaction) available(() => this.#sql.rollback.run());
  }

  apply(changes: readonly Change[], entries: readonly Entry[]): void {
    if (changes.length > 0 || entries.length > 0) this.#box = null;
    available(() => {
      for (const change of changes) this.#applyOne(change);
      for (const entry of entries) this.#append(entry);
    });
  }

  make({ gateway, incarnation, epoch }: NewBox): void {
    available(() => this.#sql.make.run({ gateway, incarnation, epoch, hash: GENESIS_HASH }));
  }

  checkpoint(): void {
    available(() => this.#db.pragma('wal_checkpoint(PASSIVE)'));
  }

  /** The whole data as one image, for a copy that is opened elsewhere. In-memory data only. */
  serialize(): Buffer {
    return this.#db.serialize();
  }

  close(): void {
    this.#db.close();
  }

  #forget(): void {
    this.#box = null;
    this.#cards.clear();
    this.#forms = null;
  }

  #append({ epoch, n, hash, body }: Entry): void {
    this.#sql.append.run(epoch, n, canonicalText(body), hash);
    this.#sql.head.run(n, hash);
  }

  #install({ reservation, sealed }: Extract<Change, { do: 'install' }>): void {
    once(this.#sql.install.run(fromReservation(reservation)));
    if (sealed !== undefined) once(this.#sql.blankMade.run(reservation.reservation, reservation.campaign, sealed));
  }

  #issue({ issue, sealed }: Extract<Change, { do: 'issue' }>): void {
    const { reservation, ...values } = { ...issue, offer: JSON.stringify(issue.offer) };
    if (sealed !== undefined) {
      once(this.#sql.issueOwn.run({ ...values, sealed }));
      return;
    }
    once(this.#sql.issue.run({ ...values, reservation }));
    once(this.#sql.dropBlank.run(reservation));
    once(this.#sql.issued.run(reservation));
  }

  #applyOne(change: Change): void {
    const sql = this.#sql;
    switch (change.do) {
      case 'journal':
        break; // comes as an entry
      case 'install':
        this.#install(change);
        break;
      case 'issue':
        this.#issue(change);
        break;
      case 'bury':
        once(sql.bury.run({ ...NOTHING_KNOWN, ...change }));
        break;
      case 'close':
        sql.unmark.run(change.reservation);
        sql.dropBlank.run(change.reservation);
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
        this.#cards.delete(change.card.offer.campaign);
        this.#forms = null;
        once(sql.card.run(change.card.offer.campaign, change.card.version, JSON.stringify(change.card)));
        break;
      case 'high_water':
        once(sql.highWater.run(change.at));
        break;
      case 'scan':
        if (sql.scan.run(change.scan).changes === 1) sql.dropScans.run(SCANS_KEPT_MAX);
        break;
      case 'scans_taken':
        sql.scansTaken.run(change.n);
        break;
    }
  }
}

/** Another process (a token being made, a backup) holds the data for milliseconds. */
const BUSY_TIMEOUT_MS = 2_000;

/** What a day's sales touch: SQLite's own 2 MB are outgrown by a few thousand reservations. */
const CACHE_KIB = 16 * 1024;

/** Reached only in a rush that no idle second interrupts: after 16 MB of log one commit pays for all. */
const CHECKPOINT_PAGES = 4_000;

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

/** A tombstone's row. */
const NOTHING_KNOWN = { lastFour: '', campaign: '', cardVersion: 0, number: 0, notAfter: 0 };
