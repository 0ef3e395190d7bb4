import type { CodeHash } from '../../protocol/code.ts';
import type { CodeState, NewOwner } from '../ledger/code-rules.ts';

/** Whose a coupon becomes that a till printed for a customer whom it named [I8]. Pure. */

export type Named = {
  readonly customer: string;
  /** Coupons of the campaign that one customer may have. */
  readonly perCustomer: number;
  /** In the order of their ordinals. */
  readonly coupons: readonly CustomersCoupon[];
};
type CustomersCoupon = {
  readonly codeHash: CodeHash;
  readonly lastFour: string;
  readonly state: CodeState;
  readonly ordinal: number;
  readonly replaced: boolean;
  readonly untold: boolean;
};

/** `too_many`: the customer has what the campaign allows; the newest of it is told with the exception. */
export type Ownership =
  | { readonly kind: 'owned'; readonly owner: NewOwner }
  | { readonly kind: 'too_many'; readonly has: CustomersCoupon };

export function ownershipOf({ customer, perCustomer, coupons }: Named): Ownership {
  const standing = coupons.filter(({ replaced }) => !replaced);
  // Made for a sale whose till had not waited for it, and shown to nobody: what a till printed takes its place.
  const missed = standing.find(({ untold, state }) => untold && state === 'issued');
  if (missed !== undefined)
    return { kind: 'owned', owner: { customer, ordinal: missed.ordinal, replaces: missed.codeHash } };
  const newest = standing.at(-1);
  if (newest !== undefined && standing.length >= perCustomer) return { kind: 'too_many', has: newest };
  return { kind: 'owned', owner: { customer, ordinal: (coupons.at(-1)?.ordinal ?? 0) + 1, replaces: null } };
}
