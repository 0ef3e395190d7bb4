import { type Chance, seeded, weighted } from './chance.ts';

/** Who owns coupons, where they shop, and what the retailer knows of it: a model, every number of it a setting. */

/** Shares lie between 0 and 1. */
export type Model = {
  readonly stores: number;
  readonly coupons: number;
  /** Of the stores: cut off for the whole time. */
  readonly cutOff: number;
  readonly hours: number;
  /** How many times as many customers the largest store has as the smallest. */
  readonly spread: number;
  /** Of the coupons: shown to a till or a cart in these hours. */
  readonly come: number;
  /** Of those that come and whose owners chose no store: in a cart. */
  readonly online: number;
  /** Of the visits to stores: to the customer's home store. */
  readonly atHome: number;
  /** Of the visits to stores: to the one other store that the customer uses. The rest goes anywhere. */
  readonly atSecond: number;
  /** Of the customers: the retailer knows the home store. */
  readonly homeKnown: number;
  /** Of the customers: seen in a store within the last 90 days. */
  readonly seen: number;
  /** Of the customers: chooses 'use it in this store'. */
  readonly clip: number;
  /** Of those who chose a store and come: use it there. */
  readonly keepWord: number;
  /** What one store may hold ahead, and what a coupon is worth, in minor units. */
  readonly unitsMax: number;
  readonly valueMax: number;
  readonly worth: number;
};

export const MODEL: Model = {
  stores: 200,
  coupons: 100_000,
  cutOff: 0.1,
  hours: 8,
  spread: 8,
  come: 0.1,
  online: 0.2,
  atHome: 0.7,
  atSecond: 0.2,
  homeKnown: 0.7,
  seen: 0.5,
  clip: 0.3,
  keepWord: 0.95,
  unitsMax: 500,
  valueMax: 500_000,
  worth: 500,
};

const DAY_MS = 86_400_000;
const SEEN_DAYS = 90;

/** Stores by their index. */
export type Owner = {
  readonly home: number | null;
  readonly seen: { readonly store: number; readonly agoMs: number } | null;
  readonly chosen: number | null;
};
/** A coupon is shown once. */
export type Visit = { readonly atMs: number; readonly coupon: number; readonly where: number | 'online' };
export type People = {
  readonly owners: readonly Owner[];
  readonly visits: readonly Visit[];
  readonly cutOff: ReadonlySet<number>;
};

export function peopleOf(model: Model, seed: number): People {
  const chance = seeded(seed);
  const anyStore = weighted(Array.from({ length: model.stores }, () => model.spread ** chance()));
  const cutOff = someOf(model.stores, Math.round(model.stores * model.cutOff), chance);
  const owners: Owner[] = [];
  const visits: Visit[] = [];
  for (let coupon = 0; coupon < model.coupons; coupon += 1) {
    const habit = habitOf(model, anyStore, chance);
    const owner = ownerOf(model, habit, chance);
    owners.push(owner);
    const where = whereTo(model, owner, habit, chance);
    const atMs = Math.floor(chance() * model.hours * 3_600_000);
    if (chance() < model.come) visits.push({ atMs, coupon, where });
  }
  return { owners, visits: visits.sort((one, other) => one.atMs - other.atMs || one.coupon - other.coupon), cutOff };
}

type Habit = { readonly home: number; readonly visit: () => number };

function habitOf({ atHome, atSecond }: Model, anyStore: (chance: Chance) => number, chance: Chance): Habit {
  const [home, second] = [anyStore(chance), anyStore(chance)];
  const visit = () => {
    const at = chance();
    return at < atHome ? home : at < atHome + atSecond ? second : anyStore(chance);
  };
  return { home, visit };
}

/** What is known of a customer. Who chooses a store has decided where to go next. */
function ownerOf({ homeKnown, seen, clip }: Model, { home, visit }: Habit, chance: Chance): Owner {
  return {
    home: chance() < homeKnown ? home : null,
    seen: chance() < seen ? { store: visit(), agoMs: Math.floor(chance() * SEEN_DAYS * DAY_MS) } : null,
    chosen: chance() < clip ? visit() : null,
  };
}

function whereTo(model: Model, { chosen }: Owner, { visit }: Habit, chance: Chance): Visit['where'] {
  const keepsWord = chance() < model.keepWord;
  const isOnline = chance() < model.online;
  const elsewhere = visit();
  if (chosen !== null && keepsWord) return chosen;
  return isOnline ? 'online' : elsewhere;
}

function someOf(count: number, some: number, chance: Chance): Set<number> {
  const chosen = new Set<number>();
  while (chosen.size < some) chosen.add(Math.floor(chance() * count));
  return chosen;
}
