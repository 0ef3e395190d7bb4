import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CHOSEN_SCORE,
  dealOut,
  dealtOf,
  isInSeason,
  LIKELIHOOD_MIN,
  type Offered,
  type Places,
  roomBeside,
  take,
  weigh,
} from '../../cloud/fleet/stocking-rules.ts';
import { cardWith, hashOfDigit, NOW } from './ledger-rows.ts';

const DAY = 86_400_000;
const nobody: Places = { chosen: null, home: null, seen: [] };
const seen = (store: string | null, days: number) => ({ store, at: NOW - days * DAY });
const online = (days: number) => seen(null, days);
const weighed = (places: Partial<Places>) => weigh({ ...nobody, ...places }, NOW);
const score = (places: Partial<Places>) => weighed(places)?.score ?? 0;

describe('where a coupon is best reserved', () => {
  test('is what its owner chose, and that for certain [K3]', () => {
    const all = { chosen: { store: '0003' }, home: '0001', seen: [seen('0001', 0), online(0)] };
    expect(weighed(all)).toEqual({ store: '0003', score: CHOSEN_SCORE });
    const often = Array.from({ length: 180 }, (_, days) => seen('0001', days));
    expect(score({ home: '0001', seen: often })).toBeLessThan(CHOSEN_SCORE);
  });

  test('is nowhere where its owner let go of it, however much speaks for home [K3]', () => {
    expect(weighed({ chosen: { store: null }, home: '0001', seen: [seen('0001', 0)] })).toBeNull();
  });

  test('is the store for which most speaks: home as much as one purchase there today, and home of two alike [K3]', () => {
    expect(weighed({ home: '0001' })).toEqual({ store: '0001', score: 50 });
    expect(weighed({ seen: [seen('0002', 0)] })).toEqual({ store: '0002', score: 50 });
    expect(weighed({ home: '0001', seen: [seen('0002', 0)] })).toEqual({ store: '0001', score: 33 });
    expect(weighed({ home: '0001', seen: [seen('0001', 0)] })).toEqual({ store: '0001', score: 67 });
    expect(weighed({ home: '0001', seen: [seen('0002', 1), seen('0002', 9)] })).toMatchObject({ store: '0002' });
  });

  test('is nowhere for who gave no sign of any store, or was seen online alone [K3]', () => {
    expect(weighed({})).toBeNull();
    expect(weighed({ seen: [online(0), online(3)] })).toBeNull();
    expect(weighed({ seen: [seen('0001', 181)] })).toBeNull();
  });

  test('is less likely the oftener and the later its owner was seen online or elsewhere [K3]', () => {
    const home = '0001';
    const scores = [
      score({ home, seen: [seen(home, 0), seen(home, 7)] }),
      score({ home, seen: [seen(home, 0)] }),
      score({ home, seen: [seen(home, 60)] }),
      score({ home, seen: [online(181)] }),
      score({ home, seen: [online(120)] }),
      score({ home, seen: [online(0)] }),
      score({ home, seen: [online(0), online(1)] }),
      score({ home, seen: [online(0), online(1), seen('0002', 0)] }),
    ];
    expect(scores).toEqual([...new Set(scores)].sort((a, b) => b - a));
    expect(scores[3]).toBe(score({ home }));
  });

  test('a home store alone is just enough where carts may want it, and not once its owner was seen online [K3]', () => {
    expect(score({ home: '0001' })).toBeGreaterThanOrEqual(LIKELIHOOD_MIN);
    expect(score({ home: '0001', seen: [online(100)] })).toBeLessThan(LIKELIHOOD_MIN);
    expect(score({ home: '0001', seen: [online(0), seen('0001', 0)] })).toBeGreaterThanOrEqual(LIKELIHOOD_MIN);
  });

  test('the order in which sightings are told does not matter, but for equal stores', () => {
    const sightings = fc.array(
      fc.record({ store: fc.constantFrom('0001', '0002', null), at: fc.integer({ min: NOW - 200 * DAY, max: NOW }) }),
    );
    fc.assert(
      fc.property(sightings, (all) => {
        expect(score({ home: '0001', seen: all.toReversed() })).toBe(score({ home: '0001', seen: all }));
        expect(score({ seen: all })).toBeLessThan(CHOSEN_SCORE);
      }),
    );
  });

  test('a sighting by a clock that is ahead counts as one of now', () => {
    expect(weighed({ seen: [seen('0001', -3)] })).toEqual(weighed({ seen: [seen('0001', 0)] }));
  });
});

describe('what is reserved ahead', () => {
  const place = { store: '0001', timeZone: 'UTC' };
  const card = cardWith({ startsAt: new Date(NOW).toISOString(), endsAt: new Date(NOW + 10 * DAY).toISOString() });

  test('is in its season: from a day before it starts until it ends, in its stores [K1, K3]', () => {
    const at = (days: number) => isInSeason(card, place, NOW + days * DAY);
    expect([at(-1.1), at(-0.9), at(0), at(9.9), at(10)]).toEqual([false, true, true, true, false]);
    expect(isInSeason({ ...card, stores: ['0002'] }, place, NOW)).toBe(false);
    expect(isInSeason({ ...card, channels: ['online'] }, place, NOW)).toBe(false);
  });

  test('fits beside what is held, in units and in value, and a tenth is left for who asks [K1]', () => {
    const room = roomBeside({ units: 10, value: 1_000 }, { units: 5, value: 800 });
    expect(room).toEqual({ units: 5, value: 200 });
    expect(take(room, 200)).toEqual({ units: 4, value: 0 });
    expect(take(room, 201)).toBeNull();
    expect(take({ units: 0, value: 900 }, 1)).toBeNull();
    expect(dealtOf({ units: 500, value: 5_009 })).toEqual({ units: 450, value: 4_509 });
    expect(dealtOf({ units: 3, value: 9 })).toEqual({ units: 3, value: 9 });
  });
});

describe('dealt out greedily', () => {
  const stores = ['0001', '0002', '0003'];
  const offered: fc.Arbitrary<Offered> = fc.record({
    hash: fc.constantFrom(...'0123456789abcdef').map(hashOfDigit),
    store: fc.constantFrom(...stores),
    score: fc.nat(5),
    value: fc.integer({ min: 1, max: 400 }),
  });
  const room = fc.record({ units: fc.nat(5), value: fc.nat(1_000) });
  const cases = fc.record({
    offers: fc.array(offered, { maxLength: 40 }),
    rooms: fc.tuple(room, room).map(
      ([one, two]) =>
        new Map([
          ['0001', one],
          ['0002', two],
        ]),
    ),
  });

  test('no store gets more than its room, in units and in value [K1]', () => {
    fc.assert(
      fc.property(cases, ({ offers, rooms }) => {
        const dealt = dealOut(offers, rooms);
        for (const store of stores) {
          const there = dealt.filter((one) => one.store === store);
          const most = rooms.get(store) ?? { units: 0, value: 0 };
          expect(there.length).toBeLessThanOrEqual(most.units);
          expect(there.reduce((sum, { value }) => sum + value, 0)).toBeLessThanOrEqual(most.value);
        }
      }),
    );
  });

  test('no code goes to two stores, and the order of offering does not matter', () => {
    fc.assert(
      fc.property(cases, fc.infiniteStream(fc.nat()), ({ offers, rooms }, noise) => {
        const dealt = dealOut(offers, rooms);
        expect(new Set(dealt.map(({ hash }) => hash)).size).toBe(dealt.length);
        const distinct = [...new Map(offers.map((one) => [`${one.hash} ${one.score}`, one])).values()];
        const shuffled = distinct.map((one) => [noise.next().value ?? 0, one] as const).sort(([a], [b]) => a - b);
        expect(
          dealOut(
            shuffled.map(([, one]) => one),
            rooms,
          ),
        ).toEqual(dealOut(distinct, rooms));
      }),
    );
  });

  test('what is left out scores no more than what went where it would have gone, or does not fit', () => {
    fc.assert(
      fc.property(
        fc.array(
          offered.map((one) => ({ ...one, store: '0001', value: 1 })),
          { maxLength: 30 },
        ),
        room,
        (offers, most) => {
          const dealt = dealOut(offers, new Map([['0001', most]]));
          const in1 = new Set(dealt.map(({ hash }) => hash));
          const best = Math.max(0, ...offers.filter(({ hash }) => !in1.has(hash)).map(({ score }) => score));
          for (const { score } of dealt) expect(score).toBeGreaterThanOrEqual(best);
        },
      ),
    );
  });
});
