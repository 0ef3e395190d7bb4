import {
  CHOSEN_SCORE,
  dealOut,
  dealtOf,
  type Offered,
  type Places,
  type Room,
  take,
  weigh,
} from '../../cloud/fleet/stocking-rules.ts';
import { sighting, placeAndDay } from '../../cloud/ledger/sqlite-sightings.ts';
import { type CodeHash, parseCodeHash } from '../../protocol/code.ts';
import { type Outcome, type Policy, STARTS_AT, storeOf } from './stocking.ts';
import { type Model, type Owner, type People, peopleOf } from './stocking-model.ts';

/**
 * The same day by the rules of stocking alone, without ledger and boxes: a second for what takes the whole town minutes, so
 * that many seeds can be played. Where no store is full both come to the same figures; a full one holds up to a tenth less here,
 * since choices come before what is dealt, and not on top of it.
 */
export function playQuickly(model: Model, seed: number, policy: Policy): Outcome {
  const people = peopleOf(model, seed);
  const holders = holdersOf(model, people, policy);
  return { ...policy, seed, ...stockOf(model, holders), ...dayOf(people, holders) };
}

/** Which store has each coupon, by its index; none where it is missing. */
type Holders = ReadonlyMap<number, string>;

function holdersOf(model: Model, { owners }: People, { rule, likelihoodMin }: Policy): Holders {
  const most = { units: model.unitsMax, value: model.valueMax };
  if (rule === 'none') return new Map();
  if (rule === 'chance') return dealtInTurn(model, dealtOf(most));
  const offered = owners.flatMap((owner, coupon) => {
    const weight = weigh(placesOf(owner, rule), STARTS_AT);
    const isEnough = weight !== null && weight.score >= likelihoodMin;
    return isEnough ? { hash: asHash(coupon), value: model.worth, ...weight } : [];
  });
  // Who says where comes first; what is guessed has the rest, but for the tenth that is left for who asks.
  const chosen = dealOut(
    offered.filter(({ score }) => score === CHOSEN_SCORE),
    roomsOf(model, most, []),
  );
  const guessed = dealOut(
    offered.filter(({ score }) => score < CHOSEN_SCORE),
    roomsOf(model, dealtOf(most), chosen),
  );
  return new Map([...chosen, ...guessed].map(({ hash, store }) => [Number.parseInt(hash, 16), store]));
}

function dealtInTurn(model: Model, most: Room): Holders {
  const perStore = Math.min(most.units, Math.floor(most.value / model.worth));
  const dealt = Math.min(model.coupons, perStore * model.stores);
  return new Map(Array.from({ length: dealt }, (_, coupon) => [coupon, storeOf(coupon % model.stores) ?? '']));
}

function roomsOf({ stores }: Model, most: Room, held: readonly Offered[]): Map<string, Room> {
  const rooms = new Map(Array.from({ length: stores }, (_, index) => [storeOf(index) ?? '', most]));
  for (const { store, value } of held)
    rooms.set(store, take(rooms.get(store) ?? most, value) ?? { units: 0, value: 0 });
  return rooms;
}

/** As the cloud keeps them: of each place and day one sighting. */
function placesOf({ home, seen, said }: Owner, rule: Policy['rule']): Places {
  const days =
    rule === 'home' ? [] : seen.map(({ place, agoMs }) => ({ store: storeOf(place), at: STARTS_AT - agoMs }));
  const distinct = new Map(days.map(placeAndDay).map((key) => [key.join(), key]));
  return {
    chosen: rule !== 'choice' || said === null ? null : { store: storeOf(said) },
    home: home === null ? null : storeOf(home),
    seen: [...distinct.values()].map(([place, day]) => sighting(place, day)),
  };
}

function asHash(coupon: number): CodeHash {
  const hash = parseCodeHash(coupon.toString(16).padStart(64, '0'));
  if (hash === null) throw new Error(`${coupon} makes no hash`);
  return hash;
}

function stockOf({ stores, worth }: Model, holders: Holders) {
  const units = [...Map.groupBy(holders.values(), (store) => store).values()].map(({ length }) => length);
  return { held: holders.size, valueMean: (holders.size * worth) / stores, valueMost: Math.max(0, ...units) * worth };
}

function dayOf({ visits, cutOff: away }: People, holders: Holders): Pick<Outcome, 'cutOff' | 'connected' | 'online'> {
  const cutOffIds = new Set([...away].map(storeOf));
  const cutOff = { shown: 0, approved: 0 };
  const connected = { shown: 0, approved: 0, refusedByHolds: 0 };
  const online = { shown: 0, delayed: 0, refused: 0 };
  for (const { coupon, where } of visits) {
    const holder = holders.get(coupon) ?? null;
    const isAway = holder !== null && cutOffIds.has(holder);
    if (where === 'online') {
      online.shown += 1;
      if (isAway) online.refused += 1;
      else if (holder !== null) online.delayed += 1;
    } else if (away.has(where)) {
      cutOff.shown += 1;
      if (holder === storeOf(where)) cutOff.approved += 1;
    } else {
      connected.shown += 1;
      if (isAway) connected.refusedByHolds += 1;
      else connected.approved += 1;
    }
  }
  return { cutOff, connected, online };
}
