import { type Card, type Validity, validityIn } from '../../protocol/card.ts';
import { SILENT_AFTER_MS, USE_MS } from '../../protocol/limits.ts';
import type { Money } from '../../protocol/money.ts';
import type { Discount } from '../../protocol/offer.ts';
import type { Standing } from '../ledger/code-rules.ts';

/** What a coupon's person must see, from what the ledger knows of it. Pure. Instants in milliseconds since 1970. */

export type FaceState =
  /** `onlyAt`: it waits in this store, which is silent: it works there and nowhere else. */
  | { readonly kind: 'usable'; readonly onlyAt: string | null }
  /** For a sale that is not finished. `store` null: online. `until` null: not known. */
  | {
      readonly kind: 'held';
      readonly store: string | null;
      readonly lane: string | null;
      readonly since: number | null;
      readonly until: number | null;
    }
  /** At a store that does not answer, and may or may not have used it. */
  | { readonly kind: 'held_silent'; readonly store: string | null }
  | {
      readonly kind: 'redeemed';
      readonly at: number;
      /** Null: online, or not known. */
      readonly store: string | null;
      readonly isOnline: boolean;
      readonly lane: string | null;
      /** Null: the register alone knows. */
      readonly saved: Money | null;
    }
  /** `isUnused` false: a silent store may have used it. */
  | { readonly kind: 'expired'; readonly endedAt: number; readonly isUnused: boolean }
  | { readonly kind: 'voided' }
  | { readonly kind: 'not_yet'; readonly startsAt: number }
  | { readonly kind: 'replaced' };

export type FaceFacts = {
  readonly standing: Standing;
  /** In the zones of all places where it is good. */
  readonly validity: Validity;
  /** Null: not what it was when the coupon was used. */
  readonly discount: Discount | null;
  readonly isReplaced: boolean;
};

/** A store that holds it may fall silent or speak again: no code moves by that. */
const LOOK_AT_STORE_MS = 30_000;

/** What ended it is truer than what would end it: used, replaced, withdrawn; then a sale that has it now; then its dates. */
export function faceStateOf(facts: FaceFacts, now: number): FaceState {
  const { standing, validity, isReplaced } = facts;
  if (standing.redemption !== null) return redeemed(standing.redemption, facts.discount);
  if (isReplaced) return { kind: 'replaced' };
  if (standing.state === 'voided' || standing.state === 'void_pending') return { kind: 'voided' };
  const held = heldForSale(standing, now);
  if (held !== null) return held;
  if (validity.endsAt <= now) {
    return { kind: 'expired', endedAt: validity.endsAt, isUnused: isSurelyUnused(standing) };
  }
  if (now < validity.startsAt) return { kind: 'not_yet', startsAt: validity.startsAt };
  return heldWithoutSale(standing, now) ?? { kind: 'usable', onlyAt: onlyAt(standing, now) };
}

/** When what is shown may change by time alone. Null: never. */
export function lookAgainAt({ standing, validity }: FaceFacts, now: number): number | null {
  const ends = [validity.startsAt, validity.endsAt, standing.hold?.until, standing.reservation?.inUse?.until];
  const sale = saleUntil(standing);
  const store = standing.reservation === null ? null : now + LOOK_AT_STORE_MS;
  return [...ends, sale, store].reduce<number | null>(
    (soonest, at) => (at == null || at <= now ? soonest : Math.min(at, soonest ?? at)),
    null,
  );
}

/** From the first moment to the last in which any of the places takes it: dates without a time are of each place. */
export function validityAnywhere(card: Card, storeZones: readonly string[]): Validity {
  const zones = new Set(card.channels.includes('store') ? storeZones : []);
  if (card.channels.includes('online') || zones.size === 0) zones.add(card.timeZone);
  const all = [...zones].map((zone) => validityIn(card, zone));
  return {
    startsAt: Math.min(...all.map(({ startsAt }) => startsAt)),
    endsAt: Math.max(...all.map(({ endsAt }) => endsAt)),
  };
}

function redeemed({ at, store, isOnline, lane, discount }: Redemption, offered: Discount | null): FaceState {
  const known = offered?.type === 'amount' ? { amount: offered.amount, currency: offered.currency } : null;
  return { kind: 'redeemed', at, store, isOnline, lane, saved: discount ?? known };
}
type Redemption = NonNullable<Standing['redemption']>;

function heldForSale(standing: Standing, now: number): FaceState | null {
  const { hold, reservation, state } = standing;
  if (hold !== null) return { kind: 'held', store: null, lane: null, since: hold.since, until: hold.until };
  if (reservation === null || state !== 'reserved') return null;
  const { store, inUse } = reservation;
  if (inUse !== null && inUse.until > now)
    return { kind: 'held', store, lane: inUse.lane, since: inUse.until - USE_MS, until: inUse.until };
  const until = saleUntil(standing);
  if (until === null || until <= now) return null;
  return { kind: 'held', store, lane: null, since: reservation.since, until };
}

/** A sale that asked for it uses it for so long, unless it is finished before. */
function saleUntil({ reservation }: Standing): number | null {
  if (reservation === null || reservation.isStock || reservation.since === null) return null;
  return reservation.since + USE_MS;
}

/** What waits in a silent store for its person works there still; what a sale there had asked for does not. */
function heldWithoutSale({ state, reservation }: Standing, now: number): FaceState | null {
  if (reservation === null) return null;
  if (state === 'in_doubt') return { kind: 'held_silent', store: reservation.store };
  return isSilent(reservation, now) && !reservation.isStock ? { kind: 'held_silent', store: reservation.store } : null;
}

function onlyAt({ reservation }: Standing, now: number): string | null {
  return reservation !== null && isSilent(reservation, now) ? reservation.store : null;
}

/** A silent store may have used it while it was good, and says so when it is heard again. */
function isSurelyUnused({ state, reservation }: Standing): boolean {
  return state !== 'in_doubt' && (reservation === null || reservation.silentSince === null);
}

/** A line that blinks is not down. */
function isSilent({ silentSince }: NonNullable<Standing['reservation']>, now: number): boolean {
  return silentSince !== null && silentSince + SILENT_AFTER_MS <= now;
}
