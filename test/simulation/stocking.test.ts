import { beforeAll, expect, test } from 'vitest';
import { playQuickly } from '../../scripts/sim/stocking-quick.ts';
import { type Outcome, playStocking, RULES, type Rule } from '../../scripts/sim/stocking.ts';
import { MODEL, peopleOf } from '../../scripts/sim/stocking-model.ts';

const SEED = 7;
const model = { ...MODEL, stores: 10, coupons: 500, cutOff: 0.2, come: 0.5, unitsMax: 40, valueMax: 18_000 };
const play = (rule: Rule, likelihoodMin = 0) => playStocking(model, SEED, { rule, likelihoodMin }, () => undefined);
let outcomes: Readonly<Record<Rule, Outcome>>;

beforeAll(async () => {
  const played: [Rule, Outcome][] = [];
  for (const rule of RULES) played.push([rule, await play(rule)]);
  outcomes = Object.fromEntries(played) as Record<Rule, Outcome>;
});

test('a seed gives the same figures, and another seed other people', async () => {
  expect(await play('choice')).toEqual(outcomes.choice);
  expect(peopleOf(model, SEED)).toEqual(peopleOf(model, SEED));
  expect(peopleOf(model, SEED + 1).visits).not.toEqual(peopleOf(model, SEED).visits);
});

test('what is counted is all of the coupons that were shown, the same ones by each rule', () => {
  const { visits } = peopleOf(model, SEED);
  for (const { cutOff, connected, online } of Object.values(outcomes)) {
    expect(cutOff.shown + connected.shown + online.shown).toBe(visits.length);
    expect(online.shown).toBe(visits.filter(({ where }) => where === 'online').length);
    expect(cutOff.approved).toBeLessThanOrEqual(cutOff.shown);
    expect(connected.approved + connected.refusedByHolds).toBe(connected.shown);
    expect(online.delayed + online.refused).toBeLessThanOrEqual(online.shown);
  }
});

test('no store holds more than it may, and without stock nothing is held, delayed or refused by it', () => {
  for (const { held, valueMost } of Object.values(outcomes)) {
    expect(valueMost).toBeLessThanOrEqual(model.valueMax);
    expect(held).toBeLessThanOrEqual(model.stores * Math.floor(model.valueMax / model.worth));
  }
  expect(outcomes.none).toMatchObject({
    ...{ held: 0, valueMost: 0, online: { delayed: 0, refused: 0 } },
    ...{ cutOff: { approved: 0 }, connected: { refusedByHolds: 0 } },
  });
  expect(outcomes.chance.held).toBeGreaterThan(0);
});

test('what the owner says and does is worth more than the home store, that more than chance, and chance more than nothing', () => {
  const large = { ...MODEL, stores: 50, coupons: 20_000 };
  const approved = RULES.map((rule) => playQuickly(large, SEED, { rule, likelihoodMin: 0 }).cutOff.approved);
  expect(approved).toEqual([...approved].sort((one, other) => one - other));
  expect(new Set(approved).size).toBe(RULES.length);
});

test('the likelier a coupon must be to be used where it is held, the fewer are held and the fewer carts wait', async () => {
  const played = [outcomes.choice, await play('choice', 51)];
  const fallen = (read: (outcome: Outcome) => number) => {
    const values = played.map(read);
    expect(values).toEqual(values.toSorted((one, other) => other - one));
    expect(new Set(values).size).toBe(played.length);
  };
  fallen(({ held }) => held);
  fallen(({ online }) => online.delayed + online.refused);
});

test('by the rules alone it comes to the same, where no store is full', async () => {
  const roomy = { ...model, unitsMax: 500, valueMax: 500_000 };
  const policy = { rule: 'choice', likelihoodMin: 50 } as const;
  expect(playQuickly(roomy, SEED, policy)).toEqual(await playStocking(roomy, SEED, policy, () => undefined));
});

test('people do not do what the rule reads: who was seen in one place alone is shown elsewhere, too', () => {
  const { owners, visits } = peopleOf({ ...model, coupons: 5_000 }, SEED);
  const loyal = visits.flatMap(({ coupon, where }) => {
    const places = new Set(owners[coupon]?.seen.map(({ place }) => place));
    return places.size === 1 ? [places.has(where)] : [];
  });
  expect(loyal).toContain(true);
  expect(loyal).toContain(false);
});
