import type { Clock } from '../../protocol/card.ts';
import { type CodeHash, hashCustomer } from '../../protocol/code.ts';
import { USE_MS } from '../../protocol/limits.ts';
import type { Down, Header, UpBody } from '../../protocol/messages.ts';
import { instantSchema } from '../../protocol/reservation.ts';
import type { BasketView, Decision, ReversalView } from '../../protocol/redemption-api.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import {
  isValidated,
  type Known,
  type KnownCodes,
  type Now,
  type Reservation,
  type Self,
  type Told,
  type Want,
} from './box-rules.ts';
import { type Decided, type Effect, ORDER } from './draft-rules.ts';
import { hasDuplicate, itemOf, type Read, readForm } from './forms.ts';
import { GroupCommit } from './group-commit.ts';
import { Loader } from './load.ts';
import { decideMessage, wantBody } from './message-rules.ts';
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
import { decideSale, type SaleAnswer, type SaleCommand, type Verdict } from './sale-rules.ts';
import { decideStart, decideStop, disagreementOf, type WitnessReading } from './start-rules.ts';
import type { TillStore } from './store.ts';
import { type Anchor, clockAt } from './time-rules.ts';
import { holdingParts, nextUpload } from './uploads.ts';
import { decideLineDown, decideRelease, decideTick, decideWantDeadline } from './upkeep-rules.ts';
import { backlogOf, basketView, decisionView, historyView, reversalView, type ViewOf } from './views.ts';
import type { Witness } from './witness.ts';

export type TillPorts = {
  readonly store: TillStore;
  readonly witness: Witness;
  readonly line: Line;
  /** The wall clock, milliseconds since 1970. It may be wrong, and it may jump. */
  readonly now: () => number;
  /** Milliseconds that only rise, from any origin. */
  readonly monotonic: () => number;
  /** A random id of 8 to 40 characters, never given twice. */
  readonly newId: () => string;
  /** Runs it when the present turn of the event loop is over. */
  readonly defer: (run: () => void) => void;
  /** Runs it after so many milliseconds. @returns what calls it off */
  readonly setTimer: (run: () => void, delayMs: number) => () => void;
  readonly identity: {
    readonly gateway: string;
    readonly store: TillStatus['store'];
    /** 32 bytes. */
    readonly fleetKey: Uint8Array;
    readonly keyId: string;
    readonly version: string;
  };
  readonly settings: { readonly reserveDeadlineMs: number; readonly strict: boolean };
};

/** How long TEST-SLOW takes: longer than any register should wait without saying so. */
const TEST_SLOW_MS = 3_000;
/** Reservations that one tick may end: a second's worth of work at most, the rest at the next one. */
const DUE_PER_TICK_MAX = 500;

/**
 * Starts the till: judges the witness [G6] and resolves when that is done, whatever the verdict; see `status().state`.
 * @throws TillUnavailable where the data cannot be read or are another box's
 */
export async function createTill(ports: TillPorts): Promise<Till> {
  const till = new StoreTill(ports);
  await till.start();
  return till;
}

class StoreTill implements Till {
  readonly #ports: TillPorts;
  readonly #self: Self;
  readonly #load: Loader;
  readonly #work: GroupCommit;
  readonly #startedMs: number;
  readonly #asked = new Map<string, PromiseWithResolvers<Told | null>>();
  readonly #sentMs = { hello: 0, beat: 0 };
  readonly #timers = new Set<() => void>();
  #anchor: Anchor | null = null;
  #lineSince: number;

  constructor(ports: TillPorts) {
    const { identity, settings, store } = ports;
    const { gateway } = store.box();
    if (gateway !== identity.gateway) throw new TillUnavailable(`the data are those of ${gateway}`);
    this.#ports = ports;
    this.#self = {
      gateway,
      door: `gateway:${gateway}`,
      store: identity.store.id,
      storeName: identity.store.name,
      keyId: identity.keyId,
      strict: settings.strict,
    };
    this.#load = new Loader(store, this.#self, identity.store.timeZone);
    this.#work = new GroupCommit({ ...ports, perform: (effect) => this.#perform(effect) });
    this.#startedMs = ports.monotonic();
    this.#lineSince = ports.now();
  }

  validate(sale: SaleRequest): Promise<Result<Decision[], Conflict>> {
    return this.#sell('validate', sale);
  }

  redeem(sale: SaleRequest): Promise<Result<Decision[], Conflict>> {
    return this.#sell('redeem', sale);
  }

  async reverse(request: { code: string; basket: string; reason: string; door: string | null }): Promise<ReversalView> {
    const read = readForm(this.#ports.identity.fleetKey, request.code);
    if (read.kind !== 'code') return { reversed: true, redemption: null }; // it never could be redeemed
    const { basket, door, reason } = request;
    const command = { codeHash: read.codeHash, lastFour: read.lastFour, basket, door, redemption: null, reason };
    const answer = await this.#run((known, now) => decideReversal(known, command, now), [read.codeHash]);
    if (answer.kind === 'not_validated') throw new TillUnavailable('this box is not validated');
    return reversalView(this.#viewOf(), answer.answer);
  }

  async release({ code, basket }: { code: string; basket: string }): Promise<void> {
    const read = readForm(this.#ports.identity.fleetKey, code);
    if (read.kind !== 'code') return;
    await this.#run((known) => decideRelease(known, read.codeHash, basket), [read.codeHash]);
  }

  basket(basket: string): Promise<BasketView> {
    return this.#show((store, of) => basketView(of, basket, store.basket(this.#self.door, basket)));
  }

  async history(code: string): Promise<CodeHistory | null> {
    const read = readForm(this.#ports.identity.fleetKey, code);
    if (read.kind !== 'code') return null;
    return this.#show((store, of) => historyView(of, store.code(read.codeHash)));
  }

  async receive(header: Header, message: Down): Promise<void> {
    await this.#work.run((session) =>
      decideMessage(this.#load.forMessage(session, message), header, message, this.#now()),
    );
  }

  lineIs(state: 'up' | 'down', since: number): void {
    this.#lineSince = since;
    this.#work.remember({ do: 'line', line: state });
    const follow = state === 'up' ? this.tick() : this.#run(decideLineDown);
    follow.catch(ignoreUnavailable);
  }

  async tick(): Promise<void> {
    await this.#judgeAgain();
    await this.#run((known, now) => decideTick(known, this.#due(known, now), now));
  }

  sender(): { gateway: string; incarnation: string; epoch: number; bootId: number } {
    const { gateway, incarnation, epoch, bootId } = this.#ports.store.box();
    return { gateway, incarnation, epoch, bootId };
  }

  hello(): UpBody<'hello'> {
    const nonce = this.#ports.newId();
    this.#sentMs.hello = this.#ports.monotonic();
    this.#work.remember({ do: 'hello', nonce });
    return { nonce, version: this.#ports.identity.version };
  }

  unsettled(after: { epoch: number; n: number } | null): UpBody<'journal'> | null {
    const box = this.#ports.store.box();
    const isEvidence = !isValidated({ self: this.#self, box, session: this.#work.session });
    const shown = isEvidence ? box.head : (this.#work.witnessed ?? { n: 0 });
    return nextUpload(this.#ports.store, box, { n: shown.n, isEvidence }, after);
  }

  heartbeat(): UpBody<'heartbeat'> {
    const { store, identity } = this.#ports;
    const box = store.box();
    const { holding, inUse } = store.holding(box.epoch);
    const beat = this.#ports.newId();
    this.#sentMs.beat = this.#ports.monotonic();
    this.#work.remember({ do: 'beat', beat });
    return {
      beat,
      head: this.#work.witnessed ?? box.head,
      acknowledged: box.acknowledged,
      holding,
      inUse,
      backlog: backlogOf(box),
      timeProven: this.#anchor !== null,
      version: identity.version,
    };
  }

  holdings(): UpBody<'sync'>[] {
    const { store } = this.#ports;
    const { epoch, floor, head } = store.box();
    return holdingParts(this.#ports.newId(), floor, this.#work.witnessed ?? head, store.holdings(epoch));
  }

  status(): TillStatus {
    const { store, identity } = this.#ports;
    const box = store.box();
    const { standing, line } = this.#work.session;
    return {
      gateway: identity.gateway,
      store: identity.store,
      state: box.fence === null ? standing : 'fenced',
      line: { state: line, since: this.#lineSince },
      epoch: box.epoch,
      head: box.head,
      acknowledged: box.acknowledged,
      backlog: backlogOf(box),
      ...store.holding(box.epoch),
      clock: this.#clock(box.highWater),
      version: identity.version,
    };
  }

  close(): void {
    for (const callOff of this.#timers) callOff();
    this.#work.close((session) => decideStop(this.#load.box(session)));
  }

  /** A witness that cannot be written leaves it `starting`; every tick tries again. */
  async start(): Promise<void> {
    await this.#judge().catch(ignoreUnavailable);
  }

  /** [G6] Judged anew while the witness cannot be written, and when one that disagreed has come back. */
  async #judgeAgain(): Promise<void> {
    const { standing } = this.#work.session;
    if (standing === 'starting' || (standing === 'disagreement' && this.#witnessAgrees())) await this.#judge();
  }

  #judge(): Promise<void> {
    const witness = this.#ports.witness.read();
    return this.#run((known) => decideStart(known, witness, this.#hashAt(witness)));
  }

  #witnessAgrees(): boolean {
    const witness = this.#ports.witness.read();
    return disagreementOf(this.#ports.store.box().head, witness, this.#hashAt(witness)) === null;
  }

  #hashAt(witness: WitnessReading): string | null {
    return witness.kind === 'head' ? this.#ports.store.hashAt(witness.head) : null;
  }

  async #sell(intent: SaleCommand['intent'], request: SaleRequest): Promise<Result<Decision[], Conflict>> {
    if (this.#work.session.standing === 'starting') throw new TillUnavailable('the witness cannot be written');
    const { fleetKey } = this.#ports.identity;
    const reads = request.codes.map((raw) => readForm(fleetKey, raw));
    if (hasDuplicate(reads)) return err('duplicate_code');
    if (reads.some((read) => read.kind === 'test' && read.isSlow)) await this.#pause(TEST_SLOW_MS);
    const answer = await this.#decideSale(intent, request, reads);
    if (answer.kind === 'basket_conflict') return err('basket_conflict');
    return ok(this.#decisionViews(request.basket, reads, answer.verdicts));
  }

  /** Decided, and where the cloud was asked, decided again with what it told. */
  async #decideSale(intent: SaleCommand['intent'], request: SaleRequest, reads: readonly Read[]): Promise<SettledSale> {
    const first = await this.#decideOnce(intent, request, reads, new Map(), null);
    if (first.kind !== 'waiting') return first;
    const told = new Map<CodeHash, Told>();
    for (const { want, codeHash } of first.wants) {
      const answer = await this.#asked.get(want)?.promise;
      if (answer) told.set(codeHash, answer);
    }
    const second = await this.#decideOnce(intent, request, reads, told, first.begun);
    if (second.kind === 'waiting') throw new Error('a sale that has waited waits again');
    return second;
  }

  /** @param begun null: the first time, when the cloud may still be asked */
  #decideOnce(
    intent: SaleCommand['intent'],
    request: SaleRequest,
    reads: readonly Read[],
    told: ReadonlyMap<CodeHash, Told>,
    begun: ReadonlySet<CodeHash> | null,
  ): Promise<SaleAnswer> {
    const { identity, settings, newId } = this.#ports;
    const { allOrNone, basket, lane, total, discount } = request;
    const ids = () => ({ wantId: newId(), redemptionId: newId() });
    const customer = request.customer === null ? null : hashCustomer(identity.fleetKey, request.customer);
    const codeHashes = reads.flatMap((read) => (read.kind === 'code' ? [read.codeHash] : []));
    return this.#run((known, now) => {
      const about = { intent, allOrNone, basket, lane, total, customer, discount };
      const items = reads.map((read) => itemOf(read, told, ids, about, now.at));
      const wait = { waitMs: settings.reserveDeadlineMs, mayAsk: begun === null, begun: begun ?? new Set<CodeHash>() };
      return decideSale(known, { ...about, ...wait, items }, now);
    }, codeHashes);
  }

  #decisionViews(basket: string, reads: readonly Read[], verdicts: readonly Verdict[]): Decision[] {
    const of = this.#viewOf();
    const now = this.#now().at;
    return verdicts.map((verdict, index) =>
      decisionView(of, { code: reads[index]?.shown ?? '', basket, now }, verdict),
    );
  }

  #viewOf(): ViewOf {
    return { self: this.#self, timeZone: this.#ports.identity.store.timeZone, box: this.#ports.store.box() };
  }

  /** What is stored is shown under the same law as what is new [G4], and by a validated box alone [G6]. */
  async #show<A>(read: (store: TillStore, of: ViewOf) => A): Promise<A> {
    const shown = await this.#run<{ readonly view: A } | null>((known) => ({
      answer: isValidated(known) ? { view: read(this.#ports.store, this.#viewOf()) } : null,
      changes: [],
      memory: [],
      effects: [],
      plan: ORDER,
    }));
    if (shown === null) throw new TillUnavailable('this box is not validated');
    return shown.view;
  }

  #run<A>(decide: (known: KnownCodes, now: Now) => Decided<A>, codeHashes: readonly CodeHash[] = []): Promise<A> {
    return this.#work.run((session) => decide(this.#load.codes(session, codeHashes), this.#now()));
  }

  #now(): Now {
    const clock = this.#clock(this.#ports.store.box().highWater);
    if (clock.proven) return { at: clock.earliest, clock };
    const wall = instantSchema.safeParse(Math.floor(this.#ports.now()));
    return { at: wall.success ? Math.max(clock.earliest, wall.data) : clock.earliest, clock };
  }

  #clock(highWater: number): Clock {
    return clockAt(this.#anchor, highWater, this.#startedMs, this.#ports.monotonic());
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
        return;
      case 'ask':
        this.#ask(effect.want);
        return;
      case 'end_want':
        this.#answerWant(effect.want, effect.told);
        return;
      case 'journal_grew':
        line.journalGrew();
        return;
      case 'settled':
        line.settled(effect.acknowledged);
        return;
      case 'welcomed':
        line.welcomed();
        return;
      case 'anchor': {
        const receivedMs = this.#ports.monotonic();
        this.#anchor = { at: effect.at, receivedMs, uncertaintyMs: receivedMs - this.#sentMs[effect.since] };
        return;
      }
    }
  }

  #ask(want: Want): void {
    this.#asked.set(want.want, Promise.withResolvers<Told | null>());
    const isSent = this.#ports.line.send({ type: 'want', body: wantBody(want) });
    const giveUp = () => {
      this.#run((known) => decideWantDeadline(known, want.want)).catch(() => this.#answerWant(want.want, null));
    };
    if (isSent) this.#after(want.waitMs, giveUp);
    else giveUp();
  }

  /** Known until the turn is over: a sale of the same batch may not have begun to wait. */
  #answerWant(want: string, told: Told | null): void {
    this.#asked.get(want)?.resolve(told);
    this.#ports.defer(() => this.#asked.delete(want));
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#after(delayMs, resolve));
  }

  #after(delayMs: number, run: () => void): void {
    const callOff = this.#ports.setTimer(() => {
      this.#timers.delete(callOff);
      run();
    }, delayMs);
    this.#timers.add(callOff);
  }
}

type SettledSale = Exclude<SaleAnswer, { kind: 'waiting' }>;

/** The next tick meets the same fault and tells it. */
function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof TillUnavailable)) throw error;
}
