import { type Chance, seeded, weighted } from './chance.ts';

/**
 * Who owns coupons, where they shop, and what the retailer knows of it: a model, every number of it a setting. What people
 * do comes of habits that nobody is told; the rules see signs of them alone, which are few, old and sometimes wrong.
 */

/** Shares lie between 0 and 1. */
export type Model = {
  readonly stores: number;
  readonly coupons: number;
  /** Of the stores: cut off for the whole time. */
  readonly cutOff: number;
  readonly hours: number;
  /** How many times as many customers the largest store has as the smallest. */
  readonly spread: number;
  /** Of the coupons: shown to a till or a cart in these hours. Who used many before comes no more often than others. */
  readonly come: number;
  /** Of what people buy: online, on average over all people. */
  readonly online: number;
  /** How much people are alike in it: 1, most buy either online or in stores; 10, most do both. */
  readonly alike: number;
  /** Of what a person buys in stores: in the home store. */
  readonly atHome: number;
  /** In the one other store that the person uses. The rest goes anywhere. */
  readonly atSecond: number;
  /** Of the people: all their habits became others at some day of the last half year. */
  readonly moved: number;
  /** Of the people: the retailer has noted a home store, that of before where they have moved. */
  readonly homeKnown: number;
  /** Of these home stores: noted at random. */
  readonly homeWrong: number;
  /** Coupons that a person has used in the last half year, on average; how many differs as between a rare and a regular customer. */
  readonly uses: number;
  /** Of these: somebody else used it. */
  readonly passedOn: number;
  /** Of the people: say on the coupon's page in which store they will use it, where it will be a store. */
  readonly clip: number;
  /** Of these people, where it will not: say that they will use it online. */
  readonly sayOnline: number;
  /** Of those who said where: use it there, if at all. The others go by their habits. */
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
  alike: 1,
  atHome: 0.7,
  atSecond: 0.2,
  moved: 0.1,
  homeKnown: 0.7,
  homeWrong: 0.1,
  uses: 1.5,
  passedOn: 0.05,
  clip: 0.3,
  sayOnline: 0.5,
  keepWord: 0.95,
  unitsMax: 500,
  valueMax: 500_000,
  worth: 500,
};

const DAY_MS = 86_400_000;
const HALF_YEAR_MS = 180 * DAY_MS;

/** A store by its index. */
export type Place = number | 'online';
/** What the cloud knows of the owner of a coupon. */
export type Owner = {
  readonly home: number | null;
  readonly seen: readonly { readonly place: Place; readonly agoMs: number }[];
  readonly said: Place | null;
};
/** A coupon is shown once. */
export type Visit = { readonly atMs: number; readonly coupon: number; readonly where: Place };
export type People = {
  readonly owners: readonly Owner[];
  readonly visits: readonly Visit[];
  readonly cutOff: ReadonlySet<number>;
};

export function peopleOf(model: Model, seed: number): People {
  const chance = seeded(seed);
  const anyStore = weighted(Array.from({ length: model.stores }, () => model.spread ** chance()));
  const cutOff = someOf(model.stores, Math.round(model.stores * model.cutOff), chance);
  const town = { model, chance, anyStore: () => anyStore(chance) };
  const owners: Owner[] = [];
  const visits: Visit[] = [];
  for (let coupon = 0; coupon < model.coupons; coupon += 1) {
    const life = lifeIn(town);
    const intends = life.now();
    const said = saidOf(town, intends);
    owners.push({ home: homeOf(town, life), seen: seenOf(town, life), said });
    const where = said !== null && chance() < model.keepWord ? said : said === null ? intends : life.now();
    const atMs = Math.floor(chance() * model.hours * 3_600_000);
    if (chance() < model.come) visits.push({ atMs, coupon, where });
  }
  return { owners, visits: visits.sort((one, other) => one.atMs - other.atMs || one.coupon - other.coupon), cutOff };
}

type Town = { readonly model: Model; readonly chance: Chance; readonly anyStore: () => number };
/** Where somebody buys; each call is one more purchase. */
type Habit = { readonly home: number; readonly next: () => Place };
type Life = {
  readonly now: () => Place;
  readonly at: (agoMs: number) => Place;
  /** Before the move, where there was one: the retailer is told it once. */
  readonly home: number;
};

function lifeIn(town: Town): Life {
  const { model, chance } = town;
  const now = habitIn(town);
  const before = chance() < model.moved ? habitIn(town) : now;
  const movedMs = chance() * HALF_YEAR_MS;
  return { now: now.next, at: (agoMs) => (agoMs < movedMs ? now : before).next(), home: before.home };
}

function habitIn({ model, chance, anyStore }: Town): Habit {
  const { online, alike, atHome, atSecond } = model;
  const onlineShare = betaShare(online, alike, chance);
  const [home, second] = [anyStore(), anyStore()];
  const next = () => {
    const isOnline = chance() < onlineShare;
    const at = chance();
    const store = at < atHome ? home : at < atHome + atSecond ? second : anyStore();
    return isOnline ? 'online' : store;
  };
  return { home, next };
}

const homeOf = ({ model, chance, anyStore }: Town, { home }: Life): number | null =>
  chance() >= model.homeKnown ? null : chance() < model.homeWrong ? anyStore() : home;

/** Each coupon that was used before; how many is geometric. */
function seenOf(town: Town, life: Life): Owner['seen'] {
  const { model, chance } = town;
  const seen: Owner['seen'][number][] = [];
  while (chance() < model.uses / (1 + model.uses)) {
    const agoMs = Math.floor(chance() * HALF_YEAR_MS);
    const place = chance() < model.passedOn ? habitIn(town).next() : life.at(agoMs);
    seen.push({ place, agoMs });
  }
  return seen;
}

function saidOf({ model, chance }: Town, intends: Place): Place | null {
  const says = chance() < model.clip;
  const saysOnline = chance() < model.sayOnline;
  return !says || (intends === 'online' && !saysOnline) ? null : intends;
}

/** A share from the beta distribution with this mean; its two parameters add up to `alike` (Jöhnk's method). */
function betaShare(mean: number, alike: number, chance: Chance): number {
  if (mean <= 0 || mean >= 1) return mean;
  for (;;) {
    const one = chance() ** (1 / (mean * alike));
    const other = chance() ** (1 / ((1 - mean) * alike));
    if (one + other > 0 && one + other <= 1) return one / (one + other);
  }
}

function someOf(count: number, some: number, chance: Chance): Set<number> {
  const chosen = new Set<number>();
  while (chosen.size < some) chosen.add(Math.floor(chance() * count));
  return chosen;
}
