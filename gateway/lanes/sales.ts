import { CODES_PER_BASKET_MAX } from '../../protocol/limits.ts';
import type { Money } from '../../protocol/money.ts';
import type { Decision } from '../../protocol/redemption-api.ts';
import type { Log } from '../log.ts';
import { type SaleRequest, type Till, TillUnavailable } from '../till/port.ts';
import type { After } from './after.ts';
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

/** The open sale of each lane. Whoever looks at a lane, on whichever device, sees the same one. */
export interface Sales {
  /** Opens a sale where none is open. @throws TillUnavailable where its number cannot be written */
  view(lane: string): LaneView;
  /** @returns what ends the watch */
  watch(lane: string, changed: () => void): () => void;
  /** Every lane that was looked at or scanned at since the start, and when a code last came there. */
  lanes(): readonly { readonly name: string; readonly lastScanAt: number | null }[];

  // Steps of one lane are done one after the other, in the order in which they came. They resolve when they are done.
  scan(lane: string, code: string): Promise<void>;
  setTotal(lane: string, total: Money | null): Promise<void>;
  redeem(lane: string): Promise<void>;
  giveBack(lane: string): Promise<void>;
  undo(lane: string): Promise<void>;
  next(lane: string): Promise<void>;
  again(lane: string): Promise<void>;
}

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

/** Numbers that never come again, also after a restart: the day as `YYYYMMDD`, never one before the last. */
export interface SaleNumbers {
  /** On disk before it returns. @throws TillUnavailable where that fails */
  next(lane: string, day: string): { readonly day: string; readonly n: number };
}

export type SalesPorts = {
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

type Lane = {
  readonly name: string;
  sale: Sale | null;
  answer: Answer;
  answers: number;
  lastScanAt: number | null;
  waitingScans: number;
  queue: Promise<void>;
  readonly watchers: Set<() => void>;
};

export function openSales(ports: SalesPorts): Sales {
  const { till, numbers, now, after, log } = ports;
  const lanesByName = new Map<string, Lane>();

  function laneOf(name: string): Lane {
    const known = lanesByName.get(name);
    if (known !== undefined) return known;
    const lane: Lane = {
      name,
      sale: null,
      answer: { kind: 'idle' },
      answers: 0,
      lastScanAt: null,
      waitingScans: 0,
      queue: Promise.resolve(),
      watchers: new Set(),
    };
    lanesByName.set(name, lane);
    return lane;
  }

  function openSale(lane: Lane): Sale {
    lane.sale ??= newSale(lane.name);
    return lane.sale;
  }

  function newSale(lane: string): Sale {
    const { id, timeZone } = till.status().store;
    const { day, n } = numbers.next(lane, dayIn(timeZone, now()));
    const number = String(n).padStart(4, '0');
    return { basket: `${id}-${lane}-${day}-${number}`, number, total: null, coupons: [] };
  }

  function show(lane: Lane, answer: Answer, sale: Sale | null = lane.sale): void {
    lane.sale = sale;
    lane.answer = answer;
    if (answer.kind !== 'waiting' && answer.kind !== 'idle') lane.answers += 1;
    if (answer.kind === 'redeemed')
      after(REDEEMED_SHOWN_MS, () => {
        if (lane.answer === answer) show(lane, { kind: 'idle' });
      });
    tell(lane);
  }

  function tell(lane: Lane): void {
    for (const changed of lane.watchers) changed();
  }

  /** One step at a time; a step that meets a till without its store shows that, and the next one may do better. */
  function step(lane: Lane, during: Step, scanned: ScannedCode | null, run: () => Promise<void>): Promise<void> {
    const done = lane.queue.then(run).catch((error: unknown) => {
      if (!(error instanceof TillUnavailable)) throw error;
      log.warn({ lane: lane.name, during, err: error }, 'a lane was not answered');
      if (scanned !== null && lane.sale !== null) lane.sale = withUnchecked(lane.sale, scanned);
      show(lane, { kind: 'stuck', during, lastFour: scanned?.lastFour ?? '' });
    });
    lane.queue = done.catch(() => {});
    return done;
  }

  /** @throws TillUnavailable */
  async function check(lane: Lane, scanned: ScannedCode): Promise<void> {
    const sale = openSale(lane);
    const decision = await whileWaiting(lane, 'check', scanned.lastFour, async () => {
      const answered = await till.validate(request(lane, sale, [scanned]));
      return answered.ok ? answered.value[0] : undefined;
    });
    if (decision === undefined) throw new TillUnavailable('the till gave no decision');
    const { sale: next, answer } = afterCheck(sale, scanned, decision, till.status().line.state);
    show(lane, answer, next);
  }

  /** @throws TillUnavailable */
  async function redeem(lane: Lane): Promise<void> {
    const sale = openSale(lane);
    const held = heldOf(sale);
    if (held.length === 0) return;
    // From here on it may have been done, whatever we are told.
    lane.sale = withTried(sale);
    const decisions = await whileWaiting(lane, 'redeem', '', async () => {
      const answered = await till.redeem(request(lane, sale, held));
      if (!answered.ok) throw new TillUnavailable(`the till refused the request: ${answered.error}`);
      return answered.value;
    });
    const { sale: next, answer } = afterRedeem(sale, pairs(held, decisions), till.status().line.state);
    show(lane, answer, next);
  }

  /** The lane says that it waits, where waiting can be noticed. */
  async function whileWaiting<T>(lane: Lane, during: 'check' | 'redeem', lastFour: string, ask: () => Promise<T>) {
    const callOff = after(WAITING_SHOWN_AFTER_MS, () => show(lane, { kind: 'waiting', during, lastFour }));
    try {
      return await ask();
    } finally {
      callOff();
    }
  }

  /** Ends what the sale has not redeemed. @throws TillUnavailable */
  async function leave(sale: Sale): Promise<void> {
    for (const coupon of heldOf(sale)) {
      if (coupon.tried) await reverse(sale, coupon);
      else await till.release({ code: coupon.code, basket: sale.basket });
    }
  }

  async function reverse({ basket }: Sale, { code }: Coupon): Promise<void> {
    await till.reverse({ code, basket, reason: 'sale undone at the lane', door: null });
  }

  const sales: Sales = {
    view(name) {
      const lane = laneOf(name);
      const { basket, number, total, coupons } = openSale(lane);
      const { answer, answers } = lane;
      return { lane: name, basket, number, total, coupons: coupons.map(viewOf), answer, answers };
    },
    watch(name, changed) {
      const { watchers } = laneOf(name);
      watchers.add(changed);
      return () => watchers.delete(changed);
    },
    lanes: () => [...lanesByName.values()].map(({ name, lastScanAt }) => ({ name, lastScanAt })),

    async scan(name, code) {
      const lane = laneOf(name);
      const scanned = scannedCode(code);
      if (scanned.code === '') return;
      lane.lastScanAt = now();
      if (lane.waitingScans === WAITING_SCANS_MAX) {
        log.warn({ lane: name }, 'a scan was dropped: too many wait');
        return;
      }
      lane.waitingScans += 1;
      await step(lane, 'check', scanned, () => check(lane, scanned)).finally(() => {
        lane.waitingScans -= 1;
      });
    },
    setTotal(name, total) {
      const lane = laneOf(name);
      return step(lane, 'check', null, async () => {
        lane.sale = { ...openSale(lane), total };
        tell(lane);
      });
    },
    redeem(name) {
      const lane = laneOf(name);
      return step(lane, 'redeem', null, () => redeem(lane));
    },
    giveBack(name) {
      const lane = laneOf(name);
      return step(lane, 'give_back', null, async () => {
        const sale = openSale(lane);
        const count = heldOf(sale).length;
        if (count === 0) return;
        await leave(sale);
        show(lane, { kind: 'given_back', count }, withoutHeld(sale));
      });
    },
    undo(name) {
      const lane = laneOf(name);
      return step(lane, 'undo', null, async () => {
        const sale = openSale(lane);
        await leave(sale);
        for (const coupon of sale.coupons) if (coupon.state === 'redeemed') await reverse(sale, coupon);
        // What was reversed stays so for this basket: the sale rung again needs a new number.
        show(lane, { kind: 'undone', number: sale.number }, newSale(name));
      });
    },
    next(name) {
      const lane = laneOf(name);
      return step(lane, 'next', null, async () => {
        await leave(openSale(lane));
        show(lane, { kind: 'idle' }, newSale(name));
      });
    },
    async again(name) {
      const { answer, sale } = laneOf(name);
      if (answer.kind === 'stuck' && answer.during !== 'check') return sales[methods[answer.during]](name);
      for (const coupon of sale?.coupons ?? []) if (coupon.state === 'unsure') await sales.scan(name, coupon.code);
    },
  };
  return sales;
}

const methods = { redeem: 'redeem', give_back: 'giveBack', undo: 'undo', next: 'next' } as const;

function request(lane: Lane, sale: Sale, coupons: readonly ScannedCode[]): SaleRequest {
  const codes = coupons.map((coupon) => coupon.code);
  const { basket, total } = sale;
  return { codes, allOrNone: false, basket, lane: lane.name, total, customer: null, discount: null };
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
  const parts = new Intl.DateTimeFormat('en-US', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  const value = (type: string) => parts.formatToParts(instant).find((part) => part.type === type)?.value ?? '';
  return `${value('year')}${value('month')}${value('day')}`;
}
