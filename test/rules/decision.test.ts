import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  approvedText,
  type Facts,
  factsForApi,
  factsSchema,
  REASONS,
  type Reason,
  reasonSchema,
  TEXT_CHARACTERS_MAX,
} from '../../protocol/decision.ts';
import { discountSchema } from '../../protocol/offer.ts';

const at = (time: string) => Date.parse(time);
/** New York is five hours behind in November. */
const where = { timeZone: 'America/New_York', now: at('2026-11-23T15:02:00Z') };
const textOf = (reason: Reason, facts: Facts) => REASONS[reason].text(facts, where);

const currencies = fc.constantFrom(...Intl.supportedValuesOf('currency'));
const amounts = fc.integer({ min: 0, max: 10_000_000_000 });
const moneys = fc.record({ amount: amounts, currency: currencies });
/** Times of any year, and numbers that are no time at all. */
const times = fc.oneof(fc.integer({ min: 0, max: 253_402_300_799_999 }), fc.maxSafeInteger(), fc.double());
const names = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 300 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('online', 'Main St', 'x'.repeat(200), '👩‍👩‍👧‍👦'.repeat(20), '\ud83d'.repeat(50), 'a\nb\u0007', ' '),
);
const hostileFacts: fc.Arbitrary<Facts> = fc.record(
  {
    redeemedAt: times,
    redeemedWhere: names,
    lane: names,
    freeAt: times,
    heldBy: names,
    silentSince: times,
    retryAfterSeconds: times,
    startsAt: times,
    endsAt: times,
    needs: moneys,
    short: moneys,
  },
  { requiredKeys: [] },
);
const zones = fc.constantFrom('America/New_York', 'Pacific/Kiritimati', 'Asia/Kathmandu', 'UTC');

describe('the table of reasons', () => {
  it('has the reasons of the API and no others', () => {
    expect(Object.keys(REASONS)).toEqual([...reasonSchema.options]);
    expect(reasonSchema.options.join(' ')).toBe(
      'not_a_coupon not_single_use malformed_code unknown_code not_yet_valid expired wrong_channel wrong_store ' +
        'wrong_customer wrong_currency basket_too_small basket_incomplete already_redeemed voided in_use ' +
        'held_elsewhere reversed_first limit_reached cannot_verify stand_in_limit',
    );
  });

  it('calls only what cannot be known now undetermined', () => {
    const undetermined = reasonSchema.options.filter((reason) => REASONS[reason].decision === 'undetermined');
    expect(undetermined).toEqual(['cannot_verify', 'stand_in_limit']);
  });

  it.each<[Reason, Facts, string]>([
    ['not_a_coupon', {}, 'Not a coupon'],
    ['not_single_use', {}, 'Ordinary coupon: use the register'],
    ['malformed_code', {}, 'Code incomplete. Scan or type again'],
    ['unknown_code', {}, 'Code not known here'],
    ['not_yet_valid', { startsAt: at('2026-11-27T05:00:00Z') }, 'Starts 27 Nov'],
    ['expired', { endsAt: at('2026-11-16T05:00:00Z') }, 'Expired 15 Nov'],
    ['wrong_channel', {}, 'Online only'],
    ['wrong_channel', { onlyIn: 'online' }, 'Online only'],
    ['wrong_channel', { onlyIn: 'store' }, 'In stores only'],
    ['wrong_store', {}, "Not for this store. See customer's phone"],
    ['wrong_customer', {}, 'Belongs to another customer'],
    ['wrong_currency', {}, 'Other currency than this sale'],
    [
      'basket_too_small',
      { needs: { amount: 2500, currency: 'USD' }, short: { amount: 420, currency: 'USD' } },
      'Needs $25.00. $4.20 to go',
    ],
    ['basket_incomplete', {}, 'Not all coupons good. None used'],
    [
      'already_redeemed',
      { redeemedAt: at('2026-11-03T19:02:00Z'), redeemedWhere: 'Main St', lane: '2' },
      'Used 3 Nov 14:02, Main St, lane 2',
    ],
    ['voided', {}, 'Withdrawn. Customer: see phone'],
    ['in_use', { lane: '3', freeAt: at('2026-11-23T19:16:00Z') }, 'In use on lane 3. Free at 14:16'],
    ['held_elsewhere', { heldBy: 'Mill Lane', retryAfterSeconds: 300 }, 'Held at Mill Lane. Retry in 5 min'],
    ['reversed_first', {}, 'Sale was undone. Ring up a new one'],
    ['limit_reached', {}, 'Offer limit reached'],
    ['cannot_verify', {}, 'CANNOT VERIFY. Not used. Keep coupon'],
    ['stand_in_limit', {}, 'CANNOT VERIFY. Offline limit reached'],
  ])('says at %s, %o: %s', (reason, facts, text) => {
    expect(textOf(reason, facts)).toBe(text);
  });
});

describe('the text for the cashier', () => {
  it('has at most 40 characters whatever the facts, on one line and with no broken pair', () => {
    fc.assert(
      fc.property(fc.constantFrom(...reasonSchema.options), hostileFacts, zones, (reason, facts, timeZone) => {
        const text = REASONS[reason].text(facts, { ...where, timeZone });
        expect(text.length).toBeLessThanOrEqual(TEXT_CHARACTERS_MAX);
        expect(text.length).toBeGreaterThan(0);
        expect(text).not.toMatch(/[\p{Cc}\p{Cs}]|undefined|null|NaN|Infinity|Invalid/u);
        expect(text).toBe(text.trim());
      }),
      { numRuns: 3000 },
    );
    expect(TEXT_CHARACTERS_MAX).toBe(40);
  });

  it.each<[Reason, Facts, string]>([
    ['not_yet_valid', {}, 'Not started yet'],
    ['expired', {}, 'Expired'],
    ['basket_too_small', {}, 'Sale is too small for this coupon'],
    ['basket_too_small', { short: { amount: 420, currency: 'USD' } }, '$4.20 to go'],
    ['basket_too_small', { needs: { amount: 2500, currency: 'USD' } }, 'Needs $25.00'],
    ['already_redeemed', {}, 'Already used'],
    ['already_redeemed', { redeemedWhere: 'online' }, 'Already used, online'],
    ['already_redeemed', { redeemedAt: at('2026-11-03T19:02:00Z') }, 'Used 3 Nov 14:02'],
    ['already_redeemed', { redeemedAt: at('2026-11-03T19:02:00Z'), lane: '2' }, 'Used 3 Nov 14:02, lane 2'],
    ['already_redeemed', { redeemedWhere: 'Main St', lane: '2' }, 'Already used, Main St, lane 2'],
    ['already_redeemed', { redeemedAt: Number.NaN, redeemedWhere: '\n' }, 'Already used'],
    ['in_use', {}, 'In use in another sale'],
    ['in_use', { lane: '3' }, 'In use on lane 3'],
    ['in_use', { freeAt: at('2026-11-23T19:16:00Z') }, 'In use. Free at 14:16'],
    ['held_elsewhere', {}, 'Held elsewhere. Retry later'],
    ['held_elsewhere', { heldBy: 'Mill Lane' }, 'Held at Mill Lane. Retry later'],
  ])('makes sense where facts are missing: %s, %o: %s', (reason, facts, text) => {
    expect(textOf(reason, facts)).toBe(text);
  });

  it.each<[Reason, Facts, string]>([
    ['in_use', { heldBy: 'Mill Lane', freeAt: at('2026-11-23T19:16:00Z') }, 'In use at Mill Lane. Free at 14:16'],
    ['in_use', { heldBy: 'online', freeAt: at('2026-11-23T19:16:00Z') }, 'In use online. Free at 14:16'],
    [
      'already_redeemed',
      { redeemedAt: at('2026-11-03T19:02:00Z'), redeemedWhere: 'online' },
      'Used 3 Nov 14:02, online',
    ],
    ['held_elsewhere', { heldBy: 'online', retryAfterSeconds: 60 }, 'Held online. Retry in 1 min'],
  ])('says where: %s, %o: %s', (reason, facts, text) => {
    expect(textOf(reason, facts)).toBe(text);
  });

  it('shows the year only where it is not this one', () => {
    expect(textOf('expired', { endsAt: at('2025-11-16T05:00:00Z') })).toBe('Expired 15 Nov 2025');
    expect(textOf('not_yet_valid', { startsAt: at('2027-01-02T05:00:00Z') })).toBe('Starts 2 Jan 2027');
    const newYearsEve = { redeemedAt: at('2027-01-01T04:59:00Z') };
    const later = { timeZone: 'UTC', now: at('2027-01-01T12:00:00Z') };
    expect(textOf('already_redeemed', newYearsEve)).toBe('Used 31 Dec 23:59');
    expect(REASONS.already_redeemed.text(newYearsEve, later)).toBe('Used 1 Jan 4:59');
  });

  it('shows the day where a use ends on another, and the time where an offer starts today', () => {
    expect(textOf('in_use', { lane: '3', freeAt: at('2026-11-24T05:05:00Z') })).toBe(
      'In use on lane 3. Free 24 Nov 0:05',
    );
    expect(textOf('not_yet_valid', { startsAt: at('2026-11-23T23:00:00Z') })).toBe('Starts today 18:00');
  });

  it('names the last good day of an offer that ends in the middle of it', () => {
    expect(textOf('expired', { endsAt: at('2026-11-15T19:00:00Z') })).toBe('Expired 15 Nov');
  });

  it('cuts a long store name with an ellipsis and keeps the lane', () => {
    const facts = { redeemedAt: at('2026-11-03T19:02:00Z'), redeemedWhere: 'Kensington High Street', lane: '12' };
    expect(textOf('already_redeemed', facts)).toBe('Used 3 Nov 14:02, Kensington H…, lane 12');
    const held = { heldBy: 'Kensington High Street', retryAfterSeconds: 300 };
    expect(textOf('held_elsewhere', held)).toBe('Held at Kensington High…. Retry in 5 min');
  });

  it('leaves the lane out before it leaves nothing of the store', () => {
    const facts = { redeemedAt: at('2025-11-13T19:02:00Z'), redeemedWhere: 'Kensington', lane: 'self-checkout' };
    expect(textOf('already_redeemed', facts)).toBe('Used 13 Nov 2025 14:02, Kensington');
  });

  it('gives amounts that do not fit together one by one', () => {
    const huge = { amount: 10_000_000_000, currency: 'KWD' };
    expect(textOf('basket_too_small', { needs: huge, short: huge })).toBe('KWD 10,000,000.000 to go');
  });

  it('tells how long to wait in minutes, rounded up, then in hours', () => {
    const retry = (retryAfterSeconds: number) => textOf('held_elsewhere', { retryAfterSeconds });
    expect(retry(0)).toBe('Held elsewhere. Retry in 1 min');
    expect(retry(61)).toBe('Held elsewhere. Retry in 2 min');
    expect(retry(7200)).toBe('Held elsewhere. Retry in 2 h');
  });
});

describe('the text of an approval', () => {
  it.each([
    [{ type: 'amount', amount: 500, currency: 'USD' } as const, 'OK $5.00 OFF'],
    [{ type: 'percent', percent: 10, maxAmount: 2000, currency: 'USD' } as const, 'OK 10% OFF'],
    [{ type: 'item', title: 'Free coffee', maxAmount: 350, currency: 'USD' } as const, 'OK FREE COFFEE'],
    [{ type: 'item', title: 'coffee', maxAmount: 350, currency: 'USD' } as const, 'OK FREE COFFEE'],
    [
      {
        type: 'item',
        title: 'Free coffee and a slice of homemade apple pie',
        maxAmount: 350,
        currency: 'USD',
      } as const,
      'OK FREE COFFEE AND A SLICE OF HOMEMADE…',
    ],
  ])('of %o is %s', (discount, text) => {
    expect(approvedText(discount)).toBe(text);
  });

  it('has at most 40 characters whatever the offer', () => {
    const worth = fc.integer({ min: 1, max: 10_000_000_000 });
    const discounts = fc.oneof(
      fc.record({ type: fc.constant('amount'), amount: worth, currency: currencies }),
      fc.record({
        type: fc.constant('percent'),
        percent: fc.integer({ min: 1, max: 100 }),
        maxAmount: worth,
        currency: currencies,
      }),
      fc.record({ type: fc.constant('item'), title: names, maxAmount: worth, currency: currencies }),
    );
    fc.assert(
      fc.property(discounts, (raw) => {
        const { data: discount } = discountSchema.safeParse(raw);
        fc.pre(discount !== undefined);
        const text = approvedText(discount);
        expect(text.length).toBeLessThanOrEqual(TEXT_CHARACTERS_MAX);
        expect(text).toMatch(/^OK \S/);
      }),
    );
  });
});

describe('facts', () => {
  it('are answered under the same names, times in UTC by RFC 3339', () => {
    const facts: Facts = {
      redeemedAt: at('2026-11-03T19:02:00Z'),
      redeemedWhere: 'Main St',
      lane: '2',
      silentSince: at('2026-11-23T09:50:00.250Z'),
      retryAfterSeconds: 300,
      needs: { amount: 2500, currency: 'USD' },
    };
    expect(factsForApi(facts)).toStrictEqual({
      redeemedAt: '2026-11-03T19:02:00Z',
      redeemedWhere: 'Main St',
      lane: '2',
      silentSince: '2026-11-23T09:50:00.250Z',
      retryAfterSeconds: 300,
      needs: { amount: 2500, currency: 'USD' },
    });
    expect(factsForApi({})).toStrictEqual({});
  });

  it('with a time that RFC 3339 cannot write are answered without it', () => {
    expect(factsForApi({ freeAt: Number.MAX_SAFE_INTEGER, endsAt: -1, lane: '2' })).toStrictEqual({ lane: '2' });
  });

  it('survive the way over the link, and what is no fact does not get in', () => {
    const facts: Facts = { heldBy: 'Mill Lane', silentSince: where.now, retryAfterSeconds: 300 };
    expect(factsSchema.parse(JSON.parse(JSON.stringify(facts)))).toStrictEqual(facts);
    expect(factsSchema.parse({})).toStrictEqual({});
    for (const wrong of [{ customer: 'Ann' }, { redeemedAt: '2026-11-03' }, { lane: 2 }, { heldBy: 'x'.repeat(201) }])
      expect(factsSchema.safeParse(wrong).success).toBe(false);
  });
});
