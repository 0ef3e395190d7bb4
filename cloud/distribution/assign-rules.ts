import type { CodeState } from '../ledger/code-rules.ts';

/** Who gets a new coupon, and who the one that is there: one a customer and campaign. Pure. */

/** Why a customer's own coupon is not given out at a sale. */
export type Spent = 'already_redeemed' | 'voided' | 'expired';

/** A coupon that this customer has of the campaign. */
export type Mine = {
  readonly assignment: string;
  readonly ordinal: number;
  readonly state: CodeState;
  readonly replaced: boolean;
  /** By its own dates, or by its campaign's. */
  readonly ended: boolean;
  readonly untold: boolean;
};

export type Offered = {
  /** Coupons that one customer may have, one after the other. */
  readonly perCustomer: number;
  readonly ended: boolean;
  /** How many can still be given; null: any number. */
  readonly left: number | null;
};

export type AssignDecision =
  | { readonly kind: 'same'; readonly coupon: Mine }
  | { readonly kind: 'new'; readonly ordinal: number }
  | { readonly kind: 'refused'; readonly why: 'none_left' | 'ended' };

/**
 * Asked again, the answer is the same coupon, used or not. Only where the campaign allows several, the next one comes when
 * the one before is redeemed.
 * @param mine in the order of their ordinals
 */
export function decideAssignment(mine: readonly Mine[], offered: Offered): AssignDecision {
  const last = mine.findLast(({ replaced }) => !replaced);
  const ordinal = (mine.at(-1)?.ordinal ?? 0) + 1;
  const given = mine.filter(({ replaced }) => !replaced).length;
  const nextIsDue = last === undefined || (last.state === 'redeemed' && given < offered.perCustomer);
  if (!nextIsDue) return { kind: 'same', coupon: last };
  const why = offered.ended ? 'ended' : offered.left === 0 ? 'none_left' : null;
  if (why === null) return { kind: 'new', ordinal };
  return last === undefined ? { kind: 'refused', why } : { kind: 'same', coupon: last };
}

/** [I7] Null: it can be used, now or once its store, basket or first day lets it. */
export function spentOf({ state, ended }: Pick<Mine, 'state' | 'ended'>): Spent | null {
  switch (state) {
    case 'redeemed':
      return 'already_redeemed';
    case 'voided':
    case 'void_pending':
      return 'voided';
    case 'issued':
    case 'held':
    case 'reserved':
    case 'in_doubt':
      return ended ? 'expired' : null;
  }
}

/** Two persons turn out to be one: which of their two coupons of one campaign stays. `both`: both are redeemed already. */
export function keptOf(
  one: { readonly state: CodeState; readonly seq: number },
  other: { readonly state: CodeState; readonly seq: number },
): 'one' | 'other' | 'both' {
  if (one.state === 'redeemed' && other.state === 'redeemed') return 'both';
  if (one.state === 'redeemed') return 'one';
  if (other.state === 'redeemed') return 'other';
  if (one.state === 'voided' || other.state === 'voided') return other.state === 'voided' ? 'one' : 'other';
  return one.seq < other.seq ? 'one' : 'other';
}
