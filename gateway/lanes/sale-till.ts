import type { Decision } from '../../protocol/redemption-api.ts';
import type { SaleRequest } from '../till/port.ts';
import type { LaneTill } from './practice-till.ts';
import { type Coupon, heldOf, type Sale, type ScannedCode } from './sale.ts';

/** A sale as its till is asked about it. */

export function requestOf({ basket, total }: Sale, lane: string, coupons: readonly ScannedCode[]): SaleRequest {
  const codes = coupons.map(({ code }) => code);
  return { codes, allOrNone: false, basket, lane, total, customer: null, discount: null };
}

/** Ends what the sale holds and has not redeemed. @throws TillUnavailable */
export async function leave(sale: Sale, till: LaneTill): Promise<void> {
  const { basket } = sale;
  for (const coupon of heldOf(sale)) {
    if (coupon.tried) await reverse(sale, coupon, till);
    else await till.release({ code: coupon.code, basket });
  }
}

/** @throws TillUnavailable */
export async function reverse({ basket }: Sale, { code }: Coupon, till: LaneTill): Promise<void> {
  await till.reverse({ code, basket, reason: 'sale undone at the lane', door: null });
}

/** Each coupon with what was decided of it, in the same order. */
export function pairs(coupons: readonly Coupon[], decisions: readonly Decision[]) {
  return coupons.map((coupon, place) => {
    const decision = decisions[place];
    if (decision === undefined) throw new Error('the till left a code undecided');
    return { coupon, decision };
  });
}
