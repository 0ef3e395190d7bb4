import { type Card, ineligible, validityIn } from '../../protocol/card.ts';
import type { CodeHash } from '../../protocol/code.ts';
import type { Reason } from '../../protocol/decision.ts';
import type { CodeView, GatewayRow } from '../ledger/code-rules.ts';
import { mayGrantAgain } from '../ledger/handover-rules.ts';
import { alreadyRedeemed, heldElsewhere, inUse, standsAgainst } from '../ledger/sale-rules.ts';

/** Which codes a store reserves ahead: where each would best be, and how many fit [K1, K3]. */

/** What is known of where the owner of a coupon will use it. Stores by their ids. */
export type Places = {
  /** The owner's own word; its store is null where it was let go of. Null: never said. */
  readonly chosen: { readonly store: string | null } | null;
  readonly home: string | null;
  /** Where the owner showed coupons: of each place and day one. */
  readonly seen: readonly Seen[];
};
/** `store` null: online. */
export type Seen = { readonly store: string | null; readonly at: number };

/** The store where a code would best be reserved, and how likely it is used there: percent. */
export type Weight = { readonly store: string; readonly score: number };

/** The owner's word is taken for certain: no guess comes up to it. */
export const CHOSEN_SCORE = 100;
/**
 * Where a coupon can be used online too, one that is less likely than this to be used in the store is not reserved there: each
 * cart would have to ask the store for it, and be refused while that is cut off. At this one a home store is enough of
 * whom nothing else is known, and no longer once that person was seen online.
 */
export const LIKELIHOOD_MIN = 50;
/** A home store says as much as one purchase there today. */
const HOME_SIGN = 1;
/** And as much as that remains unknown of everybody: two signs of one store make it two to one. */
const UNKNOWN_SIGN = 1;
/** A sighting counts half after so long: people move, and turn to buying online or away from it. */
const SEEN_HALF_LIFE_MS = 90 * 86_400_000;
/** Half a year, then it counts nothing and is forgotten. */
export const SEEN_KEPT_MS = 2 * SEEN_HALF_LIFE_MS;

/** @returns null: nothing speaks for any store, or the owner has let go of it */
export function weigh({ chosen, home, seen }: Places, now: number): Weight | null {
  if (chosen !== null) return chosen.store === null ? null : { store: chosen.store, score: CHOSEN_SCORE };
  // The home store first: it wins against others for which as much speaks.
  const signs = new Map<string | null, number>(home === null ? [] : [[home, HOME_SIGN]]);
  for (const { store, at } of seen) signs.set(store, (signs.get(store) ?? 0) + fade(now - at));
  const all = [...signs.values()].reduce((sum, sign) => sum + sign, UNKNOWN_SIGN);
  let best: Weight | null = null;
  for (const [store, sign] of signs) {
    const score = Math.round((100 * sign) / all);
    if (store !== null && score > (best?.score ?? 0)) best = { store, score };
  }
  return best;
}

function fade(ageMs: number): number {
  return ageMs > SEEN_KEPT_MS ? 0 : 2 ** (-Math.max(0, ageMs) / SEEN_HALF_LIFE_MS);
}

export const isSameWeight = (one: Weight | null, other: Weight | null): boolean =>
  one?.store === other?.store && one?.score === other?.score;

/** How much more a store may hold: a number of codes, and their face value in minor units. */
export type Room = { readonly units: number; readonly value: number };

export const roomBeside = (most: Room, held: Room): Room => ({
  units: most.units - held.units,
  value: most.value - held.value,
});

/** A tenth is left for who asks: lists, people who choose a store, and scans. */
export const dealtOf = (most: Room): Room => ({
  units: most.units - Math.floor(most.units / 10),
  value: most.value - Math.floor(most.value / 10),
});

/** @returns what is left; null: it does not fit */
export function take(room: Room, value: number): Room | null {
  return room.units < 1 || room.value < value ? null : { units: room.units - 1, value: room.value - value };
}

/** May a store reserve codes of this campaign ahead now? What starts within a day is stocked before it starts. */
export function isInSeason(card: Card, place: StorePlace, now: number): boolean {
  const validity = validityIn(card, place.timeZone);
  const at = Math.max(now, Math.min(now + AHEAD_MS, validity.startsAt));
  return ineligible(card, validity, saleAt(place), { proven: true, earliest: at, latest: at }) === null;
}
/** A day before: the stores are connected at some time in it, and nothing lies there longer than it must. */
const AHEAD_MS = 86_400_000;

export type StorePlace = { readonly store: string; readonly timeZone: string };
const saleAt = ({ store }: StorePlace) => ({ channel: 'store' as const, store, total: null });

/** `here`: that box has it already. Null: it can be granted. */
export function whyNotStocked(
  view: CodeView,
  gateway: GatewayRow | null,
  place: StorePlace,
  now: number,
): Reason | 'here' | 'store_not_connected' | null {
  if (gateway !== null && mayGrantAgain(gateway, view)) return 'here';
  const against = standsAgainst(view, { ...saleAt(place), timeZone: place.timeZone }, now);
  // What starts later is stocked before it starts: that is what stock is for.
  if (against !== null && against.reason !== 'not_yet_valid') return against.reason;
  switch (view.code.state) {
    case 'issued':
      // A silent store would keep the code from everybody and could not redeem it either.
      return gateway === null ? 'store_not_connected' : null;
    case 'held':
      return inUse(view).reason;
    case 'reserved':
    case 'void_pending':
    case 'in_doubt':
      return heldElsewhere(view).reason;
    case 'redeemed':
      return alreadyRedeemed(view).reason;
    case 'voided':
      return 'voided';
  }
}

export type Offered = {
  readonly hash: CodeHash;
  readonly store: string;
  readonly score: number;
  readonly value: number;
};

/** Greedy: what scores most goes first, each code to one store, as long as the store has room. Equal ones by their hash. */
export function dealOut(offered: readonly Offered[], rooms: ReadonlyMap<string, Room>): Offered[] {
  const left = new Map(rooms);
  const dealt = new Set<CodeHash>();
  return [...offered].sort(byScore).filter(({ hash, store, value }) => {
    const room = left.get(store);
    const after = room === undefined || dealt.has(hash) ? null : take(room, value);
    if (after === null) return false;
    left.set(store, after);
    dealt.add(hash);
    return true;
  });
}

const byScore = (one: Offered, other: Offered): number =>
  other.score - one.score || (one.hash < other.hash ? -1 : one.hash > other.hash ? 1 : 0);
