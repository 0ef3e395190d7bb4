import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cardSchema, sameTerms, validityIn } from '../../protocol/card.ts';
import { faceValue, type Personal, personalOfferSchema } from '../../protocol/offer.ts';
import { forBoxes, inChain, outOfBounds, ownValue, personalCard } from '../../protocol/personal-offer.ts';
import { reservationSchema } from '../../protocol/reservation.ts';
import { cardWith, HASH, NOW } from './ledger-rows.ts';

/** November of the campaign, in New York; $5 off. */
const card = cardWith({ timeZone: 'America/New_York', startsAt: '2026-11-01', endsAt: '2026-11-30' });
const off = (amount: number) => ({ type: 'amount', amount, currency: 'USD' }) as const;
const usd = (amount: number) => ({ amount, currency: 'USD' });

describe('the card of one coupon', () => {
  test('is the campaign’s with what is its own in place of it [P13]', () => {
    const personal = { title: '$7 off for you', discount: off(700), endsAt: '2026-11-20', minimumBasket: usd(3000) };
    expect(personalCard(card, personal)).toEqual({
      ...card,
      offer: { ...card.offer, title: '$7 off for you', discount: off(700) },
      endsAt: '2026-11-20',
      minimumBasket: usd(3000),
    });
    expect(personalCard(card, { title: 'Hello' })).toEqual({ ...card, offer: { ...card.offer, title: 'Hello' } });
    expect(personalCard(card, null)).toBe(card);
  });

  test('needs no minimum basket where its own is none, and the campaign’s where it says nothing [P13]', () => {
    const asks = { ...card, minimumBasket: usd(2000) };
    expect(personalCard(asks, { minimumBasket: null }).minimumBasket).toBeNull();
    expect(personalCard(asks, { title: 'Hello' }).minimumBasket).toEqual(usd(2000));
  });

  test('is a card as boxes read it', () => {
    expect(cardSchema.safeParse(personalCard(card, { discount: off(700), startsAt: '2026-11-05' })).success).toBe(true);
  });

  test('a campaign whose discount changes leaves a coupon its own, and takes the others along [P13]', () => {
    const changed = { ...card, offer: { ...card.offer, discount: off(200) } };
    expect(personalCard(changed, { discount: off(700) }).offer.discount).toEqual(off(700));
    expect(personalCard(changed, { title: 'Hello' }).offer.discount).toEqual(off(200));
  });
});

describe('the bounds of a campaign', () => {
  test.each([
    ['nothing but a title', { title: 'Hello' }, null],
    ['the campaign’s own value', { discount: off(500) }, null],
    ['less', { discount: off(1) }, null],
    ['a cent more', { discount: off(501) }, 'discount'],
    ['another currency', { discount: { ...off(500), currency: 'EUR' } }, 'discount'],
    ['another type', { discount: { type: 'percent', percent: 5, maxAmount: 100, currency: 'USD' } }, 'discount'],
    ['the campaign’s own dates', { startsAt: '2026-11-01', endsAt: '2026-11-30' }, null],
    ['one day', { startsAt: '2026-11-30', endsAt: '2026-11-30' }, null],
    ['a day before', { startsAt: '2026-10-31' }, 'startsAt'],
    ['a day after', { endsAt: '2026-12-01' }, 'endsAt'],
    ['its last instant, which is exclusive', { endsAt: '2026-12-01T00:00:00-05:00' }, null],
    ['an instant after', { endsAt: '2026-12-01T00:00:01-05:00' }, 'endsAt'],
    ['an end before its start', { startsAt: '2026-11-20', endsAt: '2026-11-19' }, 'endsAt'],
    ['a start at the campaign’s end', { startsAt: '2026-12-01T05:00:00Z' }, 'startsAt'],
    ['any minimum basket', { minimumBasket: usd(1) }, null],
    ['none', { minimumBasket: null }, null],
    ['a minimum basket in another currency', { minimumBasket: { amount: 1, currency: 'EUR' } }, 'minimumBasket'],
  ] satisfies [string, Personal, string | null][])('let %s in, or name the field [P13]', (_, personal, field) => {
    expect(outOfBounds(card, personal, null)?.field ?? null).toBe(field);
  });

  test('are the campaign’s own value, or the most that it names, be it more or less [P13]', () => {
    expect(outOfBounds(card, { discount: off(700) }, 700)).toBeNull();
    expect(outOfBounds(card, { discount: off(701) }, 700)).toMatchObject({ field: 'discount' });
    expect(outOfBounds(card, { discount: off(400) }, 300)).toMatchObject({ field: 'discount' });
    const percent = { type: 'percent', percent: 10, maxAmount: 1000, currency: 'USD' } as const;
    const tenth = { ...card, offer: { ...card.offer, discount: percent } };
    expect(outOfBounds(tenth, { discount: { ...percent, percent: 20 } }, null)).toBeNull();
    expect(outOfBounds(tenth, { discount: { ...percent, maxAmount: 1001 } }, null)).toMatchObject({
      field: 'discount',
    });
  });

  const zone = fc.constantFrom('UTC', 'America/New_York', 'Asia/Tokyo', 'Pacific/Auckland');
  const date = fc.integer({ min: -20, max: 60 }).map((days) => new Date(NOW + days * 86_400_000).toISOString());
  const day = date.map((text) => text.slice(0, 10));
  const days = fc.record({ startsAt: day, endsAt: day }, { requiredKeys: [] });
  const instants = fc.record({ startsAt: date, endsAt: date }, { requiredKeys: [] });

  test('hold a coupon in every zone, and in the campaign’s also where dates meet instants; after any change of the campaign’s dates [P13]', () => {
    let inside = 0;
    fc.assert(
      fc.property(fc.oneof(days, instants), days, zone, zone, (own, campaign, its, here) => {
        const bounds = { ...card, timeZone: its, ...campaign };
        const within = (place: string) => {
          const [mine, theirs] = [validityIn(personalCard(bounds, own), place), validityIn(bounds, place)];
          expect(mine.startsAt).toBeGreaterThanOrEqual(theirs.startsAt);
          expect(mine.endsAt).toBeLessThanOrEqual(theirs.endsAt);
        };
        within(its);
        const kinds = new Set(Object.values(own).map(({ length }) => length));
        if (!kinds.has(24)) within(here);
        if (outOfBounds(bounds, own, null) === null) {
          inside += 1;
          // What was let in is as it was given.
          expect(validityIn(personalCard(bounds, own), its)).toEqual(validityIn({ ...bounds, ...own }, its));
        }
      }),
      { numRuns: 500 },
    );
    expect(inside).toBeGreaterThan(20);
  });

  test('hold the value of whatever is let in [P13]', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2000 }), fc.option(fc.integer({ min: 1, max: 2000 })), (amount, most) => {
        const letIn = outOfBounds(card, { discount: off(amount) }, most) === null;
        expect(letIn).toBe(amount <= (most ?? faceValue(card.offer.discount)));
      }),
    );
  });
});

describe('what is told of it', () => {
  const offer = { title: 'For Anna', discount: off(700), endsAt: '2026-11-20', terms: 'On her birthday.' };

  test('a box hears all but the small print, and nothing where that is all [P13]', () => {
    expect(forBoxes(offer)).toEqual({ title: 'For Anna', discount: off(700), endsAt: '2026-11-20' });
    expect(forBoxes({ terms: 'On her birthday.' })).toBeNull();
    expect(forBoxes(null)).toBeNull();
  });

  test('the chain keeps the money and no words [J4, P13]', () => {
    expect(inChain(offer)).toEqual({ discount: off(700), endsAt: '2026-11-20' });
  });

  test('a value of its own is its discount’s; without one it is worth what the campaign’s is [P13]', () => {
    expect([ownValue(offer), ownValue({ title: 'For Anna' }), ownValue(null)]).toEqual([700, null, null]);
  });

  test('a manifest without it is as before, and with it is read strictly [P13]', () => {
    const item = {
      ...{ reservation: 'res-00001', codeHash: HASH, lastFour: '8WNS', generation: 0 },
      ...{ notAfter: NOW, campaign: 'spring', cardVersion: 1 },
    };
    expect(reservationSchema.parse(item)).toEqual(item);
    expect(reservationSchema.parse({ ...item, personal: { discount: off(700) } })).toMatchObject({ personal: {} });
    for (const personal of [undefined, null, { terms: 'x' }, { discount: off(0) }, { title: '' }, { endsAt: 'soon' }])
      expect(reservationSchema.safeParse({ ...item, personal }).success).toBe(false);
  });

  test.each([{ title: 'x'.repeat(121) }, { terms: 'x'.repeat(10_001) }, { discount: off(-1) }, { value: 700 }])(
    'what is not well-formed is none (%#)',
    (bad) => {
      expect(personalOfferSchema.safeParse(bad).success).toBe(false);
    },
  );
});

test('terms are the same under a card of another version that knows other forms, and under no other change [P8]', () => {
  const forms = [{ alphabet: 'digits', length: { min: 8, max: 8 }, prefix: '123' }] as const;
  expect(sameTerms(card, { ...card, version: 9, forms: [...forms] })).toBe(true);
  expect(sameTerms(card, { ...card, onSilence: 'replace' })).toBe(true);
  for (const change of [{ endsAt: '2026-11-29' }, { minimumBasket: usd(1) }, { stores: ['0001'] }])
    expect(sameTerms(card, { ...card, ...change })).toBe(false);
  expect(sameTerms(card, personalCard(card, { discount: off(499) }))).toBe(false);
});
