import type { Reason } from '../../protocol/decision.ts';
import type { Money } from '../../protocol/money.ts';
import type { Discount } from '../../protocol/offer.ts';
import type { CodeState, RedemptionRow, ReservationRow } from '../ledger/code-rules.ts';

/** What a ledger entry means for reports, what a source is, and what is a leak. */

/** Noted by a door, or followed from the ledger. */
export type EventKind =
  | 'impression'
  | 'click'
  | 'delivered'
  | 'viewed'
  | 'claim'
  | 'assigned'
  | 'issued'
  | 'scanned'
  | 'redeemed'
  | 'reversed'
  | 'leaked';

/** `second_basket`: another basket is using it. `used_elsewhere`: another basket has redeemed it. */
export type LeakWhy = 'second_basket' | 'used_elsewhere' | 'wrong_customer';

/** Of an entry of the ledger, as much as is read here: kinds that come later are judged by how the code moved. */
export type Moved = {
  readonly kind: string;
  readonly from: CodeState;
  readonly to: CodeState;
};

/** A claim is a customer's request that was given a coupon: asked for again, it is the same one and no other claim. */
export const given = (how: 'ahead' | 'delivery' | 'demand' | 'basket'): readonly EventKind[] =>
  how === 'demand' ? ['claim', 'assigned'] : ['assigned'];

/**
 * A scan is what the ledger sees of one: a cart's hold, a grant that a scan asked for, or the redemption of a code that was
 * neither held nor fetched, for that was scanned too. So there is a scan for each redemption, in this order.
 * @param cause of the reservation that the entry names
 */
export function happened(moved: Moved, cause: ReservationRow['cause'] | null): readonly EventKind[] {
  if (moved.kind === 'hold') return ['scanned'];
  if (moved.kind === 'grant') return cause === 'want' ? ['scanned'] : [];
  if (moved.to === 'redeemed')
    return moved.from === 'held' || cause === 'want' ? ['redeemed'] : ['scanned', 'redeemed'];
  return moved.from === 'redeemed' ? ['reversed'] : [];
}

/**
 * The money of a redemption in the campaign's currency. What the register does not tell is unknown; but an amount off is
 * that amount.
 */
export function moneyOf({ total, discount }: Pick<RedemptionRow, 'total' | 'discount'>, offered: Discount) {
  const { currency } = offered;
  const own = (money: Money | null): number | null => (money?.currency === currency ? money.amount : null);
  return {
    total: own(total),
    discount: own(discount) ?? (offered.type === 'amount' ? offered.amount : null),
    currency,
  };
}

/** Null: no sign that somebody has what is another's. */
export function leakOf(reason: Reason): LeakWhy | null {
  if (reason === 'in_use') return 'second_basket';
  if (reason === 'already_redeemed') return 'used_elsewhere';
  return reason === 'wrong_customer' ? 'wrong_customer' : null;
}

/** Links of ads carry a handful. */
const PARAMETERS_MAX = 16;
/** Names of ads and keywords; the ad systems themselves allow about this much. */
const VALUE_CHARACTERS_MAX = 200;
const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/;
/** They number the single click: every visitor would be a source of his own, and could be followed. */
const CLICK_IDS: ReadonlySet<string> = new Set(
  'gclid gbraid wbraid dclid gclsrc gad_source gad_campaignid fbclid msclkid ttclid twclid yclid li_fat_id mc_eid'.split(
    ' ',
  ),
);

/** Beyond the limit of sources; no parameter can have this name. */
export const OTHER_SOURCE: Readonly<Record<string, string>> = { '(other)': '(other)' };

/** What is kept of a link's parameters, in the order of their names: what is no source of anything is left out. */
export function cleanSource(given: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const kept = Object.entries(given)
    .filter(([name]) => NAME.test(name) && !CLICK_IDS.has(name.toLowerCase()))
    .map(([name, value]) => [name, cleanValue(value)] as const)
    .filter(([, value]) => value !== '')
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .slice(0, PARAMETERS_MAX);
  return Object.fromEntries(kept);
}

const cleanValue = (value: string): string =>
  value
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .toWellFormed()
    .slice(0, VALUE_CHARACTERS_MAX)
    .toWellFormed();
