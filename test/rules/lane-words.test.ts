import { describe, expect, test } from 'vitest';
import { cardOf, lostCard } from '../../gateway/doors/pages/lane-words.ts';
import { localeOf } from '../../gateway/doors/pages/locale.ts';
import { readAmount } from '../../gateway/lanes/amount.ts';
import type { Answer, CouponView, Verdict } from '../../gateway/lanes/sale.ts';
import { type Facts, factsForApi, REASONS, type Reason, reasonSchema } from '../../protocol/decision.ts';
import type { Discount } from '../../protocol/offer.ts';

const now = Date.UTC(2026, 10, 23, 15, 2);
const locale = localeOf('en', 'America/New_York', now);
const sale = { number: '0007', training: null };
const amount: Discount = { type: 'amount', amount: 500, currency: 'USD' };

function card(answer: Answer) {
  return cardOf(answer, sale, locale);
}

function decided(verdict: Partial<Verdict>): Answer {
  const nothing = { mode: null, reason: null, offer: null, facts: {}, heldUntil: null, line: 'up' } as const;
  return { kind: 'decided', lastFour: '8WNS', verdict: { decision: 'approved', ...nothing, ...verdict } };
}

function refused(reason: Reason, facts: Facts = {}) {
  return card(decided({ decision: REASONS[reason].decision, reason, facts: { ...factsForApi(facts) } }));
}

const offer = (discount: Discount, title = '$5 off') => ({ campaign: 'spring', title, discount, promotionRef: null });
const coupon = (discount: Discount, lastFour = '8WNS'): CouponView => ({
  state: 'redeemed',
  lastFour,
  offer: offer(discount),
});

describe('the card of a good coupon', () => {
  test('says what is taken off, and until when it is held', () => {
    const heldUntil = new Date(now + 900_000).toISOString();
    expect(card(decided({ offer: offer(amount), heldUntil }))).toEqual({
      look: 'good',
      torn: false,
      shape: 'good',
      word: '$5.00 off',
      why: 'Coupon is good. Held for this sale.',
      next: 'Redeem when the customer pays.',
      stub: { label: null, amount: '−$5.00', code: '…8WNS', notes: ['held until', '10:17'] },
      isWaiting: false,
      sound: 'good',
    });
  });

  test('looks the same with the line down; its stub says that the line is not needed', () => {
    const up = card(decided({ offer: offer(amount) }));
    const down = card(decided({ offer: offer(amount), line: 'down' }));
    expect({ ...down, stub: null }).toEqual({ ...up, stub: null });
    expect(down.stub?.notes).toEqual(['held here,', 'line not needed']);
  });

  test('names a title that says more, and the most that a percentage takes off', () => {
    const percent: Discount = { type: 'percent', percent: 10, maxAmount: 1000, currency: 'USD' };
    expect(card(decided({ offer: offer(percent, '10% off bakery') }))).toMatchObject({
      word: '10% off',
      why: '10% off bakery. Held for this sale.',
      next: 'At most $10.00. Redeem when the customer pays.',
      stub: { amount: '−10%' },
    });
  });

  test('cuts what is too long for its place', () => {
    const item: Discount = {
      type: 'item',
      title: 'A very long name of some very special coffee',
      maxAmount: 300,
      currency: 'USD',
    };
    const { word, why } = card(decided({ offer: offer(item, 'Coffee '.repeat(17)) }));
    expect(word).toBe('Free item');
    expect(why?.length).toBeLessThan(90);
  });
});

describe('the card of a redeemed sale', () => {
  const redeemed = (coupons: CouponView[]) => card({ kind: 'redeemed', coupons, at: new Date(now).toISOString() });

  test('is torn and says when', () => {
    expect(redeemed([coupon(amount)])).toMatchObject({
      look: 'redeemed',
      torn: true,
      word: 'Redeemed',
      why: '$5.00 taken off.',
      stub: { amount: '−$5.00', code: '…8WNS', notes: ['10:02', 'Sale 0007'] },
      sound: 'redeemed',
    });
  });

  test('adds up several', () => {
    expect(redeemed([coupon(amount), coupon({ ...amount, amount: 310 })])).toMatchObject({
      why: '2 coupons, $8.10 taken off.',
      stub: { amount: '−$8.10', code: '2 coupons' },
    });
  });

  test('adds up nothing that the register works out', () => {
    const percent: Discount = { type: 'percent', percent: 10, maxAmount: 1000, currency: 'USD' };
    expect(redeemed([coupon(amount), coupon(percent)])).toMatchObject({
      why: '2 coupons taken off.',
      stub: { amount: null, code: '2 coupons' },
    });
  });
});

describe('the card of every other answer', () => {
  test.each(reasonSchema.options)('%s has a shape, a word, a why and a next step, with no facts at all', (reason) => {
    const { look, shape, word, why, next, torn } = refused(reason);
    expect(word).not.toBe('');
    expect(word.length).toBeLessThanOrEqual(16);
    expect(why).toMatch(/\.$/);
    expect(next.length).toBeGreaterThan(0);
    expect(torn).toBe(reason === 'already_redeemed');
    if (REASONS[reason].decision === 'undetermined')
      expect([look, shape, word]).toEqual(['unsure', 'unsure', 'Cannot verify']);
    else expect([look, shape]).toEqual(['refused', 'refused']);
  });

  test.each(reasonSchema.options)('%s never says error, invalid, fraud or declined', (reason) => {
    expect(JSON.stringify(refused(reason))).not.toMatch(/error|invalid|fraud|declin/i);
  });

  test('already used says when and where', () => {
    const facts = { redeemedAt: Date.UTC(2026, 10, 3, 19, 2), redeemedWhere: 'Main St', lane: '2' };
    expect(refused('already_redeemed', facts)).toMatchObject({
      word: 'Already used',
      why: '3 Nov, 14:02, Main St, lane 2',
    });
    expect(refused('already_redeemed', { ...facts, redeemedWhere: 'online' }).why).toBe('3 Nov, 14:02, online');
  });

  test('expired names the last good day', () => {
    expect(refused('expired', { endsAt: Date.UTC(2026, 10, 16, 5) }).why).toBe('It ended on 15 Nov.');
  });

  test('a small basket says what is missing', () => {
    const facts = { needs: { amount: 2500, currency: 'USD' }, short: { amount: 420, currency: 'USD' } };
    expect(refused('basket_too_small', facts)).toMatchObject({
      word: '$4.20 to go',
      why: 'It needs a sale of $25.00.',
    });
  });

  test('held elsewhere says where, and when to try again', () => {
    expect(refused('held_elsewhere', { heldBy: 'Mill Lane', retryAfterSeconds: 300 })).toMatchObject({
      why: 'Held at Mill Lane, which cannot be reached.',
      next: 'It is safe. Try again in 5 min.',
    });
  });

  test('what is no coupon is silent', () => {
    expect(refused('not_a_coupon').sound).toBeNull();
    expect(refused('expired').sound).toBe('refused');
    expect(refused('cannot_verify').sound).toBe('unsure');
  });

  test('facts that are not what they should be are not said', () => {
    const facts = { redeemedAt: 'yesterday', redeemedWhere: 7, lane: ['2'] };
    expect(card(decided({ decision: 'refused', reason: 'already_redeemed', facts })).why).toBe(
      'It was redeemed before.',
    );
  });

  test('a box that does not answer is no refusal', () => {
    expect(lostCard(locale)).toMatchObject({ look: 'unsure', sound: 'unsure' });
    expect(card({ kind: 'stuck', during: 'redeem', lastFour: '' })).toMatchObject({ look: 'unsure' });
  });
});

describe('a typed total', () => {
  test.each([
    ['42', 4200],
    ['42.00', 4200],
    [' $42.5 ', 4250],
    ['42,50', 4250],
    ['1,250.00', 125_000],
    ['$1,250', 125_000],
    ['0', 0],
  ])('%s is read', (typed, amount) => {
    expect(readAmount(typed, 'USD', 'en')).toEqual({ amount, currency: 'USD' });
  });

  test('may name its currency', () => {
    expect(readAmount('EUR 42', 'USD', 'en')).toEqual({ amount: 4200, currency: 'EUR' });
    expect(readAmount('500', 'JPY', 'en')).toEqual({ amount: 500, currency: 'JPY' });
    expect(readAmount('1.250', 'KWD', 'en')).toEqual({ amount: 1250, currency: 'KWD' });
  });

  test.each(['', 'x', '-1', '4.2.0', '42.005', '€42', '12,34,567', '99999999999'])('%j is not one', (typed) => {
    expect(readAmount(typed, 'USD', 'en')).toBeNull();
  });
});
