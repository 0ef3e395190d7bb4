import type { Log } from '../log.ts';
import type { Kept, SuspendedSale } from './lane-memory.ts';
import { type Coupon, heldUntil, type Sale } from './sale.ts';

/** Longer than any customer stays away; what is older is a sale that was rung up again. */
const SUSPENDED_MS = 12 * 3_600_000;
/** More than wait in a busy store at once; then the oldest is let go of. */
const SUSPENDED_SALES_MAX = 50;

/** As a lane shows it: no full code is in it. */
export type SuspendedView = Omit<SuspendedSale, 'resumedOn'>;

export type Resumed = Pick<Sale, 'basket' | 'number' | 'total'> & {
  /** Empty after a restart: the codes were in this process's memory alone. */
  readonly coupons: readonly Coupon[];
  /** The last four characters of what must be scanned again. */
  readonly missing: readonly string[];
};

/** The sales of a box that wait to be gone on with, at whichever lane. */
export class SuspendedSales {
  readonly #kept: Kept<readonly SuspendedSale[]>;
  readonly #now: () => number;
  readonly #log: Pick<Log, 'warn'>;
  readonly #couponsByBasket = new Map<string, readonly Coupon[]>();
  #sales: readonly SuspendedSale[];

  constructor(kept: Kept<readonly SuspendedSale[]>, now: () => number, log: Pick<Log, 'warn'>) {
    this.#kept = kept;
    this.#now = now;
    this.#log = log;
    // Whoever went on with one when the box stopped finds it here again.
    this.#sales = kept.load().map((sale) => ({ ...sale, resumedOn: null }));
  }

  /** The newest first. */
  list(): SuspendedView[] {
    return this.#present()
      .filter(({ resumedOn }) => resumedOn === null)
      .map(({ resumedOn: _, ...view }) => view)
      .toReversed();
  }

  /** @throws TillUnavailable where it cannot be written; then nothing has changed */
  put(sale: Sale, lane: string): void {
    const { basket, number, total } = sale;
    const coupons = sale.coupons.map(({ lastFour, offer }) => ({ lastFour, offer }));
    const about = { lane, at: this.#now(), heldUntil: heldUntil(sale), resumedOn: null };
    this.#save([...this.#others(basket), { basket, number, total, coupons, ...about }].slice(-SUSPENDED_SALES_MAX));
    this.#couponsByBasket.set(basket, sale.coupons);
  }

  /** Null: another lane went on with it. @throws TillUnavailable where that cannot be written */
  take(basket: string, lane: string): Resumed | null {
    const sale = this.#present().find((one) => one.basket === basket && one.resumedOn === null);
    if (sale === undefined) return null;
    this.#save([...this.#others(basket), { ...sale, resumedOn: lane }]);
    const { number, total } = sale;
    const coupons = this.#couponsByBasket.get(basket);
    const missing = coupons === undefined ? sale.coupons.map(({ lastFour }) => lastFour) : [];
    return { basket, number, total, coupons: coupons ?? [], missing };
  }

  /** The sale is over. @throws TillUnavailable where that cannot be written */
  end(basket: string): void {
    if (this.#sales.some((sale) => sale.basket === basket)) this.#save(this.#others(basket));
  }

  #others(basket: string): SuspendedSale[] {
    return this.#present().filter((sale) => sale.basket !== basket);
  }

  #present(): SuspendedSale[] {
    const from = this.#now() - SUSPENDED_MS;
    return this.#sales.filter(({ at }) => at > from);
  }

  #save(sales: readonly SuspendedSale[]): void {
    this.#kept.save(sales);
    const baskets = new Set(sales.map(({ basket }) => basket));
    for (const { basket, lane, resumedOn } of this.#sales)
      if (!baskets.has(basket) && resumedOn === null)
        this.#log.warn({ basket, lane }, 'a suspended sale was not gone on with, and is let go of');
    for (const basket of this.#couponsByBasket.keys()) if (!baskets.has(basket)) this.#couponsByBasket.delete(basket);
    this.#sales = sales;
  }
}
