import { CODES_PER_BASKET_MAX } from '../../protocol/limits.ts';
import type { Money } from '../../protocol/money.ts';
import type { Decision } from '../../protocol/redemption-api.ts';
import type { Log } from '../log.ts';
import { TillUnavailable } from '../till/port.ts';
import type { After } from './after.ts';
import type { LaneMemory, SupervisionEntry } from './lane-memory.ts';
import { isPracticeCode, type LaneTill } from './practice-till.ts';
import {
  type Answer,
  afterCheck,
  afterRedeem,
  afterResume,
  afterSold,
  type CouponView,
  hasCouponForm,
  heldOf,
  heldUntil,
  maySuspend,
  type Sale,
  type ScannedCode,
  type Step,
  scannedCode,
  viewOf,
  withoutHeld,
  withTried,
  withUnchecked,
  withoutUnsure,
} from './sale.ts';
import { outcomeOf, type ScanEvent, type ScanOrigin, type ScanOutcome } from './scan-event.ts';
import { dayIn, type SaleNumbers, saleId } from './sale-numbers.ts';
import { leave, pairs, requestOf, reverse } from './sale-till.ts';
import type { Resumed, SuspendedSales } from './suspended-sales.ts';
import { TRAINING_MS, type Trainings } from './trainings.ts';

/** What a lane's page may know: no full code is in it. */
export type LaneView = {
  readonly lane: string;
  readonly basket: string;
  readonly number: string;
  readonly total: Money | null;
  readonly coupons: readonly CouponView[];
  readonly answer: Answer;
  /** Counts the answers since the start: a new number is a new answer, also where it reads like the last. */
  readonly answers: number;
  /** Until when the lane trains, milliseconds; null: it sells. */
  readonly training: number | null;
  /** Whose PIN opened the choices for what cannot be verified; null: nobody's. */
  readonly supervisor: string | null;
};

export type LanePorts = {
  readonly till: LaneTill;
  /** A new one for each training. */
  readonly practice: () => LaneTill;
  readonly memory: LaneMemory;
  readonly numbers: SaleNumbers;
  readonly now: () => number;
  readonly after: After;
  readonly log: Pick<Log, 'warn'>;
};

/** What the lanes of a box share. */
export type LaneShares = { readonly suspended: SuspendedSales; readonly trainings: Trainings };

/** Under this the answer simply appears. */
const WAITING_SHOWN_AFTER_MS = 150;
/** Then the lane waits for the next coupon again; the sale stays open. */
const REDEEMED_SHOWN_MS = 60_000;
/** A supervisor who has gone away has closed the choices behind them. */
const SUPERVISED_MS = 120_000;
/** Scans that may wait for their turn: a whole basket. What comes faster is no cashier. */
const WAITING_SCANS_MAX = CODES_PER_BASKET_MAX;

/** One lane and its open sale. Its steps are done one after the other, in the order in which they came. */
export class Lane {
  readonly name: string;
  readonly #ports: LanePorts & LaneShares;
  readonly #watchers = new Set<() => void>();
  readonly #followers = new Set<(event: ScanEvent) => void>();
  #sale: Sale | null = null;
  #answer: Answer = { kind: 'idle' };
  #answers = 0;
  #lastScanAt: number | null = null;
  #scans = 0;
  #waitingScans = 0;
  #queue: Promise<void> = Promise.resolve();
  #training: Training | null = null;
  #supervision: Supervision | null = null;

  constructor(name: string, ports: LanePorts & LaneShares) {
    this.name = name;
    this.#ports = ports;
    const until = ports.trainings.until(name);
    if (until !== null) this.#training = this.#trainUntil(until);
  }

  get lastScanAt(): number | null {
    return this.#lastScanAt;
  }

  view(): LaneView {
    const { basket, number, total, coupons } = this.#openSale();
    const view = { basket, number, total, coupons: coupons.map(viewOf) };
    const training = this.#training?.until ?? null;
    const state = {
      answer: this.#answer,
      answers: this.#answers,
      training,
      supervisor: this.#supervision?.name ?? null,
    };
    return { lane: this.name, ...view, ...state };
  }

  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  follow(told: (event: ScanEvent) => void): () => void {
    this.#followers.add(told);
    return () => this.#followers.delete(told);
  }

  async scan(raw: string, origin: ScanOrigin): Promise<ScanOutcome> {
    const scanned = scannedCode(raw);
    const { code } = scanned;
    if (code === '') return 'silent';
    const at = this.#ports.now();
    this.#lastScanAt = at;
    if (this.#waitingScans === WAITING_SCANS_MAX) {
      this.#ports.log.warn({ lane: this.name }, 'a scan was dropped: too many wait');
      return 'unsure';
    }
    this.#waitingScans += 1;
    this.#scans += 1;
    const scan = this.#scans;
    // A register that follows the lane is not in training, and would sell for what is practised.
    const isTold = this.#training === null;
    if (isTold) this.#publish({ kind: 'scan', scan, code, at, origin });
    let checked: Checked = { decision: null, outcome: 'unsure' };
    await this.#step('check', scanned, async () => {
      checked = await this.#check(scanned);
    }).finally(() => {
      this.#waitingScans -= 1;
    });
    if (isTold) this.#publish({ kind: 'decision', scan, code, decision: checked.decision });
    return checked.outcome;
  }

  setTotal(total: Money | null): Promise<void> {
    return this.#step('check', null, async () => {
      this.#sale = { ...this.#openSale(), total };
      this.#tell();
    });
  }

  redeem(): Promise<void> {
    return this.#step('redeem', null, () => this.#redeem());
  }

  /** A register that follows this lane has redeemed by itself: the page shows the same. */
  sold(basket: string, codes: readonly string[], decisions: readonly Decision[]): Promise<void> {
    return this.#step('redeem', null, async () => {
      if (this.#training !== null || this.#sale?.basket !== basket) return;
      const after = afterSold(this.#sale, codes, decisions, this.#till.status().line.state);
      if (after !== null) this.#show(after.answer, after.sale);
    });
  }

  giveBack(): Promise<void> {
    return this.#step('give_back', null, async () => {
      const sale = this.#openSale();
      const count = heldOf(sale).length;
      if (count === 0) return;
      await leave(sale, this.#till);
      this.#show({ kind: 'given_back', count }, withoutHeld(sale));
    });
  }

  undo(): Promise<void> {
    return this.#step('undo', null, async () => {
      const sale = this.#openSale();
      await this.#close(sale);
      for (const coupon of sale.coupons) if (coupon.state === 'redeemed') await reverse(sale, coupon, this.#till);
      // What was reversed stays so for this basket: the sale rung again needs a new number.
      this.#show({ kind: 'undone', number: sale.number }, this.#newSale());
    });
  }

  next(): Promise<void> {
    return this.#step('next', null, async () => {
      await this.#close(this.#openSale());
      this.#show({ kind: 'idle' }, this.#newSale());
    });
  }

  /** The sale waits with what it holds, for this lane or another. Resolves without a change where it may not. */
  suspend(): Promise<void> {
    return this.#step('suspend', null, async () => {
      const sale = this.#openSale();
      if (this.#training !== null || !maySuspend(sale)) return;
      const next = this.#newSale();
      this.#ports.suspended.put(sale, this.name);
      this.#show({ kind: 'suspended', number: sale.number, heldUntil: heldUntil(sale) }, next);
    });
  }

  /** Goes on with a suspended sale, in the place of one that has no coupons. */
  resume(basket: string): Promise<void> {
    return this.#step('resume', null, async () => {
      if (this.#training !== null || this.#openSale().coupons.length > 0) return;
      const resumed = this.#ports.suspended.take(basket, this.name);
      if (resumed !== null) await this.#goOn(resumed);
    });
  }

  /** A scanner's keys were not those of its keyboard: nothing is asked of anybody. */
  mistyped(): Promise<void> {
    return this.#step('check', null, async () => this.#show({ kind: 'mistyped' }));
  }

  /** Opens the choices of a supervisor until the next answer, at most two minutes. */
  supervise(supervisor: string): Promise<void> {
    return this.#step('supervise', null, async () => {
      this.#note(supervisor, 'opened');
      const supervision = { name: supervisor };
      this.#supervision = supervision;
      this.#ports.after(SUPERVISED_MS, () => this.#closeSupervision(supervision));
      this.#tell();
    });
  }

  /** What a supervisor chose. Resolves without a change where none has opened the choices. */
  async choose(choice: 'finish_without' | 'try_again'): Promise<void> {
    let isOpen = false;
    await this.#step('supervise', null, async () => {
      if (this.#supervision === null) return;
      this.#note(this.#supervision.name, choice);
      isOpen = true;
      const sale = this.#openSale();
      const next = withoutUnsure(sale);
      if (choice === 'finish_without')
        this.#show({ kind: 'left_out', count: sale.coupons.length - next.coupons.length }, next);
    });
    if (isOpen && choice === 'try_again') await this.again();
  }

  /** Somebody's PIN was no supervisor's. @throws TillUnavailable where it cannot be written down */
  noteWrongPin(): void {
    this.#note(null, 'wrong_pin');
  }

  /** From now on the lane knows practice coupons alone, whoever scans at it. What its sale holds is given back. */
  beginTraining(by: string): Promise<void> {
    return this.#step('train', null, async () => {
      if (this.#training !== null) return;
      const until = this.#ports.now() + TRAINING_MS;
      await this.#close(this.#openSale());
      this.#note(by, 'begin_training');
      this.#ports.trainings.set(this.name, until);
      this.#training = this.#trainUntil(until);
      this.#show({ kind: 'idle' }, null);
    });
  }

  endTraining(): Promise<void> {
    return this.#step('train', null, async () => {
      if (this.#training === null) return;
      this.#note(null, 'end_training');
      this.#ports.trainings.set(this.name, null);
      this.#training.callOff();
      this.#training = null;
      this.#show({ kind: 'idle' }, null);
    });
  }

  /** Once more what was not done, or every code that could not be verified. */
  async again(): Promise<void> {
    return this.#repeat(this.#answer.kind === 'stuck' ? this.#answer.during : 'check');
  }

  #repeat(step: Step): Promise<void> {
    switch (step) {
      case 'check':
      case 'resume':
      case 'supervise':
      case 'train':
        return this.#checkAgain();
      case 'suspend':
        return this.suspend();
      case 'redeem':
        return this.redeem();
      case 'give_back':
        return this.giveBack();
      case 'undo':
        return this.undo();
      case 'next':
        return this.next();
    }
  }

  async #checkAgain(): Promise<void> {
    for (const coupon of this.#sale?.coupons ?? []) if (coupon.state === 'unsure') await this.scan(coupon.code, 'page');
  }

  /** A step that meets a till without its store shows that; the next one may do better. */
  #step(during: Step, scanned: ScannedCode | null, run: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(run).catch((error: unknown) => {
      if (!(error instanceof TillUnavailable)) throw error;
      this.#ports.log.warn({ lane: this.name, during, err: error }, 'a lane was not answered');
      const sale = scanned === null || this.#sale === null ? this.#sale : withUnchecked(this.#sale, scanned);
      this.#show({ kind: 'stuck', during, lastFour: scanned?.lastFour ?? '' }, sale);
    });
    this.#queue = done.catch(() => {});
    return done;
  }

  async #check(scanned: ScannedCode): Promise<Checked> {
    const { lastFour, code } = scanned;
    if (this.#training !== null && !isPracticeCode(code)) {
      const isReal = hasCouponForm(code);
      this.#show({ kind: 'not_practice', isReal, lastFour });
      return { decision: null, outcome: isReal ? 'refused' : 'silent' };
    }
    const till = this.#till;
    const sale = this.#openSale();
    const [decision] = await this.#whileWaiting('check', scanned.lastFour, () =>
      till.validate(requestOf(sale, this.name, [scanned])),
    );
    if (decision === undefined) throw new Error('the till left a code undecided');
    const { sale: next, answer } = afterCheck(sale, scanned, decision, till.status().line.state);
    this.#show(answer, next);
    return { decision, outcome: outcomeOf(decision) };
  }

  async #redeem(): Promise<void> {
    const till = this.#till;
    const sale = this.#openSale();
    const held = heldOf(sale);
    if (held.length === 0) return;
    // From here on it may have been done, whatever we are told.
    this.#sale = withTried(sale);
    const decisions = await this.#whileWaiting('redeem', '', () => till.redeem(requestOf(sale, this.name, held)));
    const { sale: next, answer } = afterRedeem(sale, pairs(held, decisions), till.status().line.state);
    this.#show(answer, next);
  }

  /** What it held is asked for anew: from now on it is in use at this lane [P2]. */
  async #goOn({ missing, coupons, ...resumed }: Resumed): Promise<void> {
    const till = this.#till;
    // Until the till has told, nothing of it is certain.
    const sale: Sale = { ...resumed, coupons: coupons.map((coupon) => ({ ...coupon, state: 'unsure' })) };
    this.#sale = sale;
    const decisions =
      coupons.length === 0
        ? []
        : await this.#whileWaiting('check', '', () => till.validate(requestOf(sale, this.name, coupons)));
    const { sale: next, answer } = afterResume(sale, pairs(coupons, decisions), missing, till.status().line.state);
    this.#show(answer, next);
  }

  /** The lane says that it waits, where waiting can be noticed. @throws TillUnavailable, also where the request as such was refused */
  async #whileWaiting(during: 'check' | 'redeem', lastFour: string, ask: () => ReturnType<LaneTill['validate']>) {
    const callOff = this.#ports.after(WAITING_SHOWN_AFTER_MS, () => this.#show({ kind: 'waiting', during, lastFour }));
    try {
      const answered = await ask();
      if (answered.ok) return answered.value;
      throw new TillUnavailable(`the till refused the request: ${answered.error}`);
    } finally {
      callOff();
    }
  }

  /** The sale is over: nothing of it is held any more, nor is it kept anywhere. @throws TillUnavailable */
  async #close(sale: Sale): Promise<void> {
    await leave(sale, this.#till);
    this.#ports.suspended.end(sale.basket);
  }

  #openSale(): Sale {
    this.#sale ??= this.#newSale();
    return this.#sale;
  }

  #newSale(): Sale {
    const { till, numbers, now } = this.#ports;
    if (this.#training !== null) {
      this.#training.sales += 1;
      const number = String(this.#training.sales).padStart(4, '0');
      return { basket: `practice-${this.name}-${number}`, number, total: null, coupons: [] };
    }
    const { id, timeZone } = till.status().store;
    const number = numbers.next(this.name, dayIn(timeZone, now()));
    return { ...saleId(id, this.name, number), total: null, coupons: [] };
  }

  get #till(): LaneTill {
    return this.#training?.till ?? this.#ports.till;
  }

  #trainUntil(until: number): Training {
    const { practice, after, now } = this.#ports;
    return { until, till: practice(), sales: 0, callOff: after(until - now(), () => void this.endTraining()) };
  }

  #closeSupervision(opened: Supervision): void {
    if (this.#supervision !== opened) return;
    this.#supervision = null;
    this.#tell();
  }

  /** @throws TillUnavailable */
  #note(supervisor: string | null, choice: SupervisionEntry['choice']): void {
    const { basket, coupons } = this.#openSale();
    const about = coupons.filter(({ state }) => state === 'unsure').map(({ lastFour }) => lastFour);
    const entry = { at: this.#ports.now(), lane: this.name, supervisor, choice, basket, coupons: about };
    this.#ports.memory.note(entry);
  }

  #show(answer: Answer, sale: Sale | null = this.#sale): void {
    this.#sale = sale;
    this.#answer = answer;
    this.#supervision = null;
    if (answer.kind !== 'waiting' && answer.kind !== 'idle') this.#answers += 1;
    if (answer.kind === 'redeemed') this.#ports.after(REDEEMED_SHOWN_MS, () => this.#clear(answer));
    this.#tell();
  }

  #clear(answer: Answer): void {
    if (this.#answer === answer) this.#show({ kind: 'idle' });
  }

  #tell(): void {
    for (const changed of this.#watchers) changed();
  }

  #publish(event: ScanEvent): void {
    for (const told of this.#followers) told(event);
  }
}

/** What came of a scan. The decision is null where the till was not asked, or could not answer. */
type Checked = { readonly decision: Decision | null; readonly outcome: ScanOutcome };

/** A supervisor has opened the choices. */
type Supervision = { readonly name: string };

/** A training of a lane. */
type Training = { readonly until: number; readonly till: LaneTill; sales: number; readonly callOff: () => void };
