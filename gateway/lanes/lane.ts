import { CODES_PER_BASKET_MAX } from '../../protocol/limits.ts';
import type { Money } from '../../protocol/money.ts';
import type { Decision } from '../../protocol/redemption-api.ts';
import type { Log } from '../log.ts';
import { type SaleRequest, type Till, TillUnavailable } from '../till/port.ts';
import type { After } from './after.ts';
import { outcomeOf, type ScanEvent, type ScanOrigin, type ScanOutcome } from './scan-event.ts';
import {
  type Answer,
  afterCheck,
  afterRedeem,
  type Coupon,
  type CouponView,
  heldOf,
  type Sale,
  type ScannedCode,
  type Step,
  scannedCode,
  viewOf,
  withoutHeld,
  withTried,
  withUnchecked,
} from './sale.ts';

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
};

export type SaleNumber = { readonly day: string; readonly n: number };

/** Numbers that never come again, also after a restart: the day as `YYYYMMDD`, never one before the last. */
export interface SaleNumbers {
  /** The newest of each lane. */
  last(): readonly (SaleNumber & { readonly lane: string })[];
  /** On disk before it returns. @throws TillUnavailable where that fails */
  next(lane: string, day: string): SaleNumber;
}

/** A sale's number as its lane shows it, and its basket id: store, lane, business day, number. */
export function saleId(store: string, lane: string, { day, n }: SaleNumber) {
  const number = String(n).padStart(4, '0');
  return { number, basket: `${store}-${lane}-${day}-${number}` };
}

export type LanePorts = {
  readonly till: Pick<Till, 'validate' | 'redeem' | 'release' | 'reverse' | 'status'>;
  readonly numbers: SaleNumbers;
  readonly now: () => number;
  readonly after: After;
  readonly log: Pick<Log, 'warn'>;
};

/** Under this the answer simply appears. */
const WAITING_SHOWN_AFTER_MS = 150;
/** Then the lane waits for the next coupon again; the sale stays open. */
const REDEEMED_SHOWN_MS = 60_000;
/** Scans that may wait for their turn: a whole basket. What comes faster is no cashier. */
const WAITING_SCANS_MAX = CODES_PER_BASKET_MAX;

/** One lane and its open sale. Its steps are done one after the other, in the order in which they came. */
export class Lane {
  readonly name: string;
  readonly #ports: LanePorts;
  readonly #watchers = new Set<() => void>();
  readonly #followers = new Set<(event: ScanEvent) => void>();
  #sale: Sale | null = null;
  #answer: Answer = { kind: 'idle' };
  #answers = 0;
  #lastScanAt: number | null = null;
  #scans = 0;
  #waitingScans = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor(name: string, ports: LanePorts) {
    this.name = name;
    this.#ports = ports;
  }

  get lastScanAt(): number | null {
    return this.#lastScanAt;
  }

  view(): LaneView {
    const { basket, number, total, coupons } = this.#openSale();
    const view = { basket, number, total, coupons: coupons.map(viewOf) };
    return { lane: this.name, ...view, answer: this.#answer, answers: this.#answers };
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
    this.#publish({ kind: 'scan', scan, code, at, origin });
    let decision: Decision | null = null;
    await this.#step('check', scanned, async () => {
      decision = await this.#check(scanned);
    }).finally(() => {
      this.#waitingScans -= 1;
    });
    this.#publish({ kind: 'decision', scan, code, decision });
    return outcomeOf(decision);
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

  giveBack(): Promise<void> {
    return this.#step('give_back', null, async () => {
      const sale = this.#openSale();
      const count = heldOf(sale).length;
      if (count === 0) return;
      await this.#leave(sale);
      this.#show({ kind: 'given_back', count }, withoutHeld(sale));
    });
  }

  undo(): Promise<void> {
    return this.#step('undo', null, async () => {
      const sale = this.#openSale();
      await this.#leave(sale);
      for (const coupon of sale.coupons) if (coupon.state === 'redeemed') await this.#reverse(sale, coupon);
      // What was reversed stays so for this basket: the sale rung again needs a new number.
      this.#show({ kind: 'undone', number: sale.number }, this.#newSale());
    });
  }

  next(): Promise<void> {
    return this.#step('next', null, async () => {
      await this.#leave(this.#openSale());
      this.#show({ kind: 'idle' }, this.#newSale());
    });
  }

  /** Once more what was not done, or every code that could not be verified. */
  async again(): Promise<void> {
    if (this.#answer.kind === 'stuck' && this.#answer.during !== 'check') return this.#repeat(this.#answer.during);
    for (const coupon of this.#sale?.coupons ?? []) if (coupon.state === 'unsure') await this.scan(coupon.code, 'page');
  }

  #repeat(step: Exclude<Step, 'check'>): Promise<void> {
    switch (step) {
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

  async #check(scanned: ScannedCode): Promise<Decision> {
    const { till } = this.#ports;
    const sale = this.#openSale();
    const [decision] = await this.#whileWaiting('check', scanned.lastFour, () =>
      till.validate(this.#request(sale, [scanned])),
    );
    if (decision === undefined) throw new Error('the till left a code undecided');
    const { sale: next, answer } = afterCheck(sale, scanned, decision, till.status().line.state);
    this.#show(answer, next);
    return decision;
  }

  async #redeem(): Promise<void> {
    const { till } = this.#ports;
    const sale = this.#openSale();
    const held = heldOf(sale);
    if (held.length === 0) return;
    // From here on it may have been done, whatever we are told.
    this.#sale = withTried(sale);
    const decisions = await this.#whileWaiting('redeem', '', () => till.redeem(this.#request(sale, held)));
    const { sale: next, answer } = afterRedeem(sale, pairs(held, decisions), till.status().line.state);
    this.#show(answer, next);
  }

  /** The lane says that it waits, where waiting can be noticed. @throws TillUnavailable, also where the request as such was refused */
  async #whileWaiting(during: 'check' | 'redeem', lastFour: string, ask: () => ReturnType<Till['validate']>) {
    const callOff = this.#ports.after(WAITING_SHOWN_AFTER_MS, () => this.#show({ kind: 'waiting', during, lastFour }));
    try {
      const answered = await ask();
      if (answered.ok) return answered.value;
      throw new TillUnavailable(`the till refused the request: ${answered.error}`);
    } finally {
      callOff();
    }
  }

  /** Ends what the sale holds and has not redeemed. @throws TillUnavailable */
  async #leave(sale: Sale): Promise<void> {
    const { basket } = sale;
    for (const coupon of heldOf(sale)) {
      if (coupon.tried) await this.#reverse(sale, coupon);
      else await this.#ports.till.release({ code: coupon.code, basket });
    }
  }

  async #reverse({ basket }: Sale, { code }: Coupon): Promise<void> {
    await this.#ports.till.reverse({ code, basket, reason: 'sale undone at the lane', door: null });
  }

  #openSale(): Sale {
    this.#sale ??= this.#newSale();
    return this.#sale;
  }

  #newSale(): Sale {
    const { till, numbers, now } = this.#ports;
    const { id, timeZone } = till.status().store;
    const number = numbers.next(this.name, dayIn(timeZone, now()));
    return { ...saleId(id, this.name, number), total: null, coupons: [] };
  }

  #request({ basket, total }: Sale, coupons: readonly ScannedCode[]): SaleRequest {
    const codes = coupons.map(({ code }) => code);
    return { codes, allOrNone: false, basket, lane: this.name, total, customer: null, discount: null };
  }

  #show(answer: Answer, sale: Sale | null = this.#sale): void {
    this.#sale = sale;
    this.#answer = answer;
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

function pairs(coupons: readonly Coupon[], decisions: readonly Decision[]) {
  return coupons.map((coupon, place) => {
    const decision = decisions[place];
    if (decision === undefined) throw new Error('the till left a code undecided');
    return { coupon, decision };
  });
}

/** The calendar day by the store's clock, `20261123`. */
function dayIn(timeZone: string, instant: number): string {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  const parts = format.formatToParts(instant);
  const value = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
  return `${value('year')}${value('month')}${value('day')}`;
}
