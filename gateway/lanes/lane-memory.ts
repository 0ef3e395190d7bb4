import { z } from 'zod';
import { laneSchema } from '../../protocol/redemption-api.ts';
import { moneySchema } from '../../protocol/money.ts';
import { offerSchema } from '../../protocol/offer.ts';
import { instantSchema } from '../../protocol/reservation.ts';

/** What the lanes of a box know over a restart, beside the numbers of their sales. */
export type LaneMemory = {
  readonly suspended: Kept<readonly SuspendedSale[]>;
  /** Until when a lane trains, milliseconds, by its name. */
  readonly trainings: Kept<Readonly<Record<string, number>>>;
  /** Writes down what a supervisor did. On disk before it returns. @throws TillUnavailable where that fails */
  readonly note: (entry: SupervisionEntry) => void;
};

export interface Kept<T> {
  load(): T;
  /** On disk before it returns. @throws TillUnavailable where that fails */
  save(value: T): void;
}

/**
 * A sale that waits to be gone on with. No code is in it, because none lies on a box: the till knows by the basket id
 * what is held for it. Instants in milliseconds.
 */
export const suspendedSaleSchema = z.strictObject({
  basket: z.string(),
  number: z.string(),
  /** Where it was suspended. */
  lane: laneSchema,
  total: moneySchema.nullable(),
  at: instantSchema,
  /** The earliest end of what it holds; null where it holds nothing. */
  heldUntil: instantSchema.nullable(),
  coupons: z.array(z.strictObject({ lastFour: z.string(), offer: offerSchema.nullable() })),
  /** Where it was gone on with: after a restart it waits again. */
  resumedOn: laneSchema.nullable(),
});
export type SuspendedSale = Readonly<z.infer<typeof suspendedSaleSchema>>;

/** One line of the supervisors' log: who did what, where, to which coupons. Never a PIN. */
export type SupervisionEntry = {
  /** Milliseconds. */
  readonly at: number;
  readonly lane: string;
  /** Null: the PIN was nobody's, or none was needed. */
  readonly supervisor: string | null;
  readonly choice: 'opened' | 'finish_without' | 'try_again' | 'begin_training' | 'end_training' | 'wrong_pin';
  /** The sale at the lane. */
  readonly basket: string;
  /** The last four characters of each coupon that it is about. */
  readonly coupons: readonly string[];
};
