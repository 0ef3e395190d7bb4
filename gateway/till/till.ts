import type { BlankKey } from '../../protocol/blank-seal.ts';
import type { IssueRequest, IssueView } from '../../protocol/issue-api.ts';
import { USE_MS } from '../../protocol/limits.ts';
import type { Down, Header, UpBody } from '../../protocol/messages.ts';
import type { BasketView, Decision, ReversalView } from '../../protocol/redemption-api.ts';
import type { Result } from '../../protocol/result.ts';
import { type Bench, run, viewOf } from './bench.ts';
import { BoxClock, type ClockPorts } from './box-clock.ts';
import type { Known, Now, Reservation } from './box-rules.ts';
import type { Effect } from './draft-rules.ts';
import { readForm } from './forms.ts';
import { GroupCommit } from './group-commit.ts';
import { IssueDesk } from './issue-desk.ts';
import { Loader } from './load.ts';
import { decideMessage } from './message-rules.ts';
import {
  type CodeHistory,
  type Conflict,
  type Line,
  type SaleRequest,
  type Till,
  type TillStatus,
  TillUnavailable,
} from './port.ts';
import { decideReversal } from './reversal-rules.ts';
import { decideShow } from './sale-rules.ts';
import { SaleDesk, type SaleDeskPorts } from './sale-desk.ts';
import { ScanTelling } from './scan-telling.ts';
import { decideStart, decideStop, disagreementOf, type WitnessReading } from './start-rules.ts';
import type { TillStore } from './store.ts';
import { uploadable } from './upload-rules.ts';
import { holdingParts, nextUpload, unsettledSince } from './uploads.ts';
import { decideLineDown, decideRelease, decideTick } from './upkeep-rules.ts';
import { backlogOf, basketView, historyView, reversalView, type ViewOf } from './views.ts';
import type { Witness } from './witness.ts';

export type TillPorts = ClockPorts &
  Pick<SaleDeskPorts, 'newId' | 'defer' | 'setTimer'> & {
    readonly store: TillStore;
    readonly witness: Witness;
    readonly line: Line;
    readonly identity: {
      readonly gateway: string;
      readonly store: TillStatus['store'];
      /** 32 bytes. */
      readonly fleetKey: Uint8Array;
      readonly blankKey: BlankKey;
      readonly keyId: string;
      readonly version: string;
    };
    readonly settings: { readonly reserveDeadlineMs: number; readonly strict: boolean };
  };

/** Reservations that one tick may end: a second's worth of work at most, the rest at the next one. */
const DUE_PER_TICK_MAX = 500;

/**
 * Starts the till: judges the witness [G6] and resolves when that is done, whatever the verdict; see `state()`.
 * The store stays its owner's to close.
 * @throws TillUnavailable where the data cannot be read or are another box's
 */
export async function createTill(ports: TillPorts): Promise<Till> {
  const till = new StoreTill(ports);
  await till.start();
  return till;
}

class StoreTill implements Till {
  readonly #ports: TillPorts;
  readonly #bench: Bench;
  readonly #clock: BoxClock;
  readonly #desk: SaleDesk;
  readonly #issues: IssueDesk;
  readonly #scans: ScanTelling;
  #lineSince: number;
  /** The journal's length at the last tick. */
  #ticked = 0;

  constructor(ports: TillPorts) {
    const { identity, settings, store } = ports;
    const { gateway } = store.box();
    if (gateway !== identity.gateway) throw new TillUnavailable(`the data are those of ${gateway}`);
    const { id, name, timeZone } = identity.store;
    const { keyId, fleetKey } = identity;
    const { strict, reserveDeadlineMs } = settings;
    const self = { gateway, door: `gateway:${gateway}`, store: id, storeName: name, timeZone, keyId, strict };
    const clock = new BoxClock(ports);
    const work = new GroupCommit({ ...ports, perform: (effect) => this.#perform(effect) });
    const load = new Loader(store, self);
    this.#ports = ports;
    this.#clock = clock;
    this.#bench = { self, store, load, work, now: () => clock.now(store.box().highWater) };
    this.#desk = new SaleDesk(this.#bench, { ...ports, fleetKey, reserveDeadlineMs });
    this.#issues = new IssueDesk(this.#bench, { ...ports, ...identity, reserveDeadlineMs });
    this.#scans = new ScanTelling(store);
    this.#lineSince = ports.now();
  }

  /** A witness that cannot be written leaves it `starting`; every tick tries again. */
  async start(): Promise<void> {
    await this.#judge().catch(ignoreUnavailable);
  }

  validate(sale: SaleRequest): Promise<Result<Decision[], Conflict>> {
    return this.#desk.sell('validate', sale);
  }

  redeem(sale: SaleRequest): Promise<Result<Decision[], Conflict>> {
    return this.#desk.sell('redeem', sale);
  }

  async reverse(request: { code: string; basket: string; reason: string; door: string | null }): Promise<ReversalView> {
    const read = this.#read(request.code);
    if (read.kind !== 'code') return { reversed: true, redemption: null }; // what is no code is never redeemed
    const { basket, door, reason } = request;
    const command = { codeHash: read.codeHash, lastFour: read.lastFour, basket, door, redemption: null, reason };
    const answer = await run(this.#bench, (known, now) => decideReversal(known, command, now), [read.codeHash]);
    if (answer.kind === 'not_validated') throw new TillUnavailable('this box is not validated');
    return reversalView(viewOf(this.#bench), answer.answer);
  }

  async release({ code, basket }: { code: string; basket: string }): Promise<void> {
    const read = this.#read(code);
    if (read.kind !== 'code') return;
    await run(this.#bench, (known) => decideRelease(known, read.codeHash, basket), [read.codeHash]);
  }

  issue(request: IssueRequest): Promise<IssueView> {
    return this.#issues.issue(request);
  }

  async leave(basket: string): Promise<void> {
    const { store, self } = this.#bench;
    const { uses } = store.basket(self.door, basket);
    const open = uses.filter(({ isOpen }) => isOpen).map(({ codeHash }) => codeHash);
    await Promise.all(
      open.map((codeHash) => run(this.#bench, (known) => decideRelease(known, codeHash, basket), [codeHash])),
    );
  }

  basket(basket: string): Promise<BasketView> {
    return this.#show((store, of) => basketView(of, basket, store.basket(of.self.door, basket)));
  }

  async history(code: string): Promise<CodeHistory | null> {
    const read = this.#read(code);
    return read.kind === 'code' ? this.#show((store, of) => historyView(of, store.code(read.codeHash))) : null;
  }

  receive(header: Header, message: Down): Promise<void> {
    const { load, work, now } = this.#bench;
    return work.run((session) => decideMessage(load.forMessage(session, message), header, message, now()));
  }

  lineIs(state: 'up' | 'down', since: number): void {
    this.#lineSince = since;
    this.#bench.work.remember({ do: 'line', line: state });
    this.#scans.lineIsNew();
    if (state === 'up') this.#tellBlankKey();
    const follow = state === 'up' ? this.tick() : run(this.#bench, decideLineDown);
    follow.catch(ignoreUnavailable);
  }

  /** Without it the cloud seals no blanks for this box [I5]. */
  #tellBlankKey(): void {
    const { publicKey } = this.#ports.identity.blankKey;
    this.#ports.line.send({ type: 'blanks', body: { publicKey, request: null } });
  }

  async tick(): Promise<void> {
    this.#restIfIdle();
    if (this.#mayBeJudgedAnew()) await this.#judge();
    await run(this.#bench, (known, now) => decideTick(known, this.#due(known, now), now));
    this.#tellScans();
  }

  #tellScans(): void {
    if (this.#bench.work.session.line === 'down') return;
    const body = this.#scans.next(this.#ports.monotonic());
    if (body !== null) this.#ports.line.send({ type: 'scans', body });
  }

  /** No entry since the last tick: a checkpoint now makes no sale wait. */
  #restIfIdle(): void {
    const { store } = this.#ports;
    const { n } = store.box().head;
    if (n === this.#ticked) store.checkpoint();
    this.#ticked = n;
  }

  sender(): { gateway: string; incarnation: string; epoch: number; bootId: number } {
    const { gateway, incarnation, epoch, bootId } = this.#ports.store.box();
    return { gateway, incarnation, epoch, bootId };
  }

  hello(): UpBody<'hello'> {
    const nonce = this.#ports.newId();
    this.#clock.asked('hello');
    this.#bench.work.remember({ do: 'hello', nonce });
    return { nonce, version: this.#ports.identity.version };
  }

  unsettled(after: { epoch: number; n: number } | null): UpBody<'journal'> | null {
    const { load, store, work } = this.#bench;
    const known = load.box(work.session);
    const shown = uploadable(known, work.witnessed?.n ?? 0);
    return shown === null ? null : nextUpload(store, known.box, shown, after);
  }

  heartbeat(): UpBody<'heartbeat'> {
    const { store, work } = this.#bench;
    const box = store.box();
    const { holding, inUse } = store.holding(box.epoch);
    const beat = this.#ports.newId();
    this.#clock.asked('beat');
    work.remember({ do: 'beat', beat });
    return {
      beat,
      head: work.witnessed ?? box.head,
      acknowledged: box.acknowledged,
      holding,
      inUse,
      backlog: backlogOf(box),
      timeProven: this.#clock.isProven,
      version: this.#ports.identity.version,
    };
  }

  holdings(): UpBody<'sync'>[] {
    const { store, work } = this.#bench;
    const { epoch, floor, head } = store.box();
    return holdingParts(this.#ports.newId(), floor, work.witnessed ?? head, store.holdings(epoch));
  }

  state(): TillStatus['state'] {
    const { store, work } = this.#bench;
    return store.box().fence === null ? work.session.standing : 'fenced';
  }

  status(): TillStatus {
    const { store, work } = this.#bench;
    const { identity } = this.#ports;
    const box = store.box();
    return {
      gateway: identity.gateway,
      store: identity.store,
      state: this.state(),
      line: { state: work.session.line, since: this.#lineSince },
      epoch: box.epoch,
      head: box.head,
      acknowledged: box.acknowledged,
      backlog: backlogOf(box),
      unsettledSince: unsettledSince(store, box),
      ...store.holding(box.epoch),
      clock: this.#clock.clock(box.highWater),
      version: identity.version,
    };
  }

  close(): void {
    const { work, load } = this.#bench;
    work.close((session) => decideStop(load.box(session)));
    this.#desk.close();
    this.#issues.close();
  }

  /** [G6] While the witness cannot be written, and when one that disagreed has come back. */
  #mayBeJudgedAnew(): boolean {
    const { store, work } = this.#bench;
    if (work.session.standing !== 'disagreement') return work.session.standing === 'starting';
    const witness = this.#ports.witness.read();
    return disagreementOf(store.box().head, witness, this.#hashAt(witness)) === null;
  }

  #judge(): Promise<void> {
    const witness = this.#ports.witness.read();
    return run(this.#bench, (known) => decideStart(known, witness, this.#hashAt(witness)));
  }

  #hashAt(witness: WitnessReading): string | null {
    return witness.kind === 'head' ? this.#ports.store.hashAt(witness.head) : null;
  }

  #read(code: string) {
    return readForm(this.#ports.identity.fleetKey, code, this.#ports.store.forms());
  }

  /** What is stored is shown under the same law as what is new [G4], and by a validated box alone [G6]. */
  async #show<A>(read: (store: TillStore, of: ViewOf) => A): Promise<A> {
    const shown = await run(this.#bench, (known) => {
      const decided = decideShow(known);
      return { ...decided, answer: decided.answer ? { view: read(this.#ports.store, viewOf(this.#bench)) } : null };
    });
    if (shown === null) throw new TillUnavailable('this box is not validated');
    return shown.view;
  }

  #due({ box, session }: Known, { at, clock }: Now): Reservation[] {
    return this.#ports.store.due({
      epoch: box.epoch,
      endedAt: clock.proven ? clock.latest : clock.earliest,
      usedUntil: at,
      usedBeyond: at + USE_MS,
      lapsedAt: clock.earliest,
      fetchedToo: session.line === 'up',
      most: DUE_PER_TICK_MAX,
    });
  }

  #perform(effect: Effect): void {
    const { line } = this.#ports;
    switch (effect.do) {
      case 'send':
        line.send(effect.message);
        break;
      case 'ask':
        this.#desk.ask(effect.want);
        break;
      case 'end_want':
        this.#desk.answered(effect.want, effect.told);
        break;
      case 'ask_blank':
        this.#issues.ask(effect.request, effect.campaign, effect.customer);
        break;
      case 'end_ask':
        this.#issues.answered(effect.request, effect.told);
        break;
      case 'journal_grew':
        line.journalGrew(effect.isAwaited);
        break;
      case 'settled':
        line.settled(effect.acknowledged);
        break;
      case 'welcomed':
        line.welcomed();
        break;
      case 'anchor':
        this.#clock.anchor(effect.at, effect.since);
        break;
    }
  }
}

/** The next tick meets the same fault and tells it. */
function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof TillUnavailable)) throw error;
}
