import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatMoney, formatMoneyShort, moneySchema } from '../../protocol/money.ts';
import { discountSchema, faceValue, offerSchema } from '../../protocol/offer.ts';

describe('money', () => {
  it.each([
    [500, 'USD', '$5.00', '$5'],
    [550, 'USD', '$5.50', '$5.50'],
    [0, 'USD', '$0.00', '$0'],
    [1, 'USD', '$0.01', '$0.01'],
    [123_456_789, 'USD', '$1,234,567.89', '$1,234,567.89'],
    [10_000_000_000, 'USD', '$100,000,000.00', '$100,000,000'],
    [500, 'EUR', '€5.00', '€5'],
    [500, 'JPY', '¥500', '¥500'],
    [1250, 'KWD', 'KWD 1.250', 'KWD 1.250'],
    [1000, 'KWD', 'KWD 1.000', 'KWD 1'],
    [500, 'CAD', 'CA$5.00', 'CA$5'],
  ])('%i %s is shown as %s, short %s', (amount, currency, long, short) => {
    expect(formatMoney({ amount, currency })).toBe(long);
    expect(formatMoneyShort({ amount, currency })).toBe(short);
  });

  it.each([
    [50_000, 'HUF', 'HUF 500.00'],
    [50_000, 'COP', 'COP 500.00'],
    [50_000, 'IQD', 'IQD 50.000'],
  ])('%i %s counts minor units by ISO 4217, not by what is in everyday use', (amount, currency, text) => {
    expect(formatMoney({ amount, currency })).toBe(text);
  });

  it('shows every amount in full: its digits are the digits of the minor units', () => {
    const amounts = fc.integer({ min: 0, max: 10_000_000_000 });
    fc.assert(
      fc.property(amounts, fc.constantFrom('USD', 'JPY', 'KWD'), (amount, currency) => {
        const text = formatMoney({ amount, currency });
        expect(Number(text.replace(/\D/g, ''))).toBe(amount);
        expect(text).toMatch(/^[\x20-\x7e¥]+$/);
      }),
    );
  });

  it('is whole minor units from nothing to a hundred million, in a currency that exists', () => {
    for (const amount of [0, 1, 10_000_000_000])
      expect(moneySchema.safeParse({ amount, currency: 'USD' }).success).toBe(true);
    for (const amount of [-1, 0.5, 10_000_000_001, Number.NaN, '5'])
      expect(moneySchema.safeParse({ amount, currency: 'USD' }).success).toBe(false);
    for (const currency of ['usd', 'QQQ', 'US', 'USDX', '', null])
      expect(moneySchema.safeParse({ amount: 5, currency }).success).toBe(false);
    expect(moneySchema.safeParse({ amount: 5, currency: 'USD', tax: 1 }).success).toBe(false);
  });
});

describe('an offer', () => {
  it('costs at most its amount, or the most that its percentage or item may come to', () => {
    expect(faceValue({ type: 'amount', amount: 500, currency: 'USD' })).toBe(500);
    expect(faceValue({ type: 'percent', percent: 10, maxAmount: 2000, currency: 'USD' })).toBe(2000);
    expect(faceValue({ type: 'item', title: 'Free coffee', maxAmount: 350, currency: 'USD' })).toBe(350);
  });

  it.each([
    { type: 'amount', amount: 0, currency: 'USD' },
    { type: 'amount', amount: 500 },
    { type: 'percent', percent: 0, maxAmount: 500, currency: 'USD' },
    { type: 'percent', percent: 101, maxAmount: 500, currency: 'USD' },
    { type: 'percent', percent: 10, currency: 'USD' },
    { type: 'item', title: ' ', maxAmount: 500, currency: 'USD' },
    { type: 'amount', amount: 500, currency: 'USD', maxAmount: 5 },
    { type: 'gift', amount: 500, currency: 'USD' },
  ])('has no discount like %o', (discount) => {
    expect(discountSchema.safeParse(discount).success).toBe(false);
  });

  it('may go without a promotion of the register, but must say so', () => {
    const offer = { campaign: 'spring', title: '$5 off', discount: { type: 'amount', amount: 500, currency: 'USD' } };
    expect(offerSchema.parse({ ...offer, promotionRef: null }).promotionRef).toBeNull();
    expect(offerSchema.parse({ ...offer, promotionRef: 'PLU-7781' }).promotionRef).toBe('PLU-7781');
    expect(offerSchema.safeParse(offer).success).toBe(false);
  });
});
