import { z } from 'zod';

/** The largest amount in minor units, a hundred million dollars: beyond any coupon or sale, far inside exact numbers. */
const AMOUNT_MINOR_UNITS_MAX = 100_000_000_00;

const currencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));

/** An ISO 4217 currency, upper-case. */
export const currencySchema = z
  .string()
  .regex(/^[A-Z]{3}$/, 'three upper-case letters')
  .refine((currency) => currencies.has(currency), 'an ISO 4217 currency');

/** An amount in minor units of its currency, as ISO 4217 counts them: 500 USD is five dollars, 500 JPY five hundred yen. */
export const moneySchema = z.strictObject({
  amount: z.int().min(0).max(AMOUNT_MINOR_UNITS_MAX),
  currency: currencySchema,
});
export type Money = Readonly<z.infer<typeof moneySchema>>;

/**
 * Money as a cashier reads it, with all its minor digits: `$5.00`, `¥500`, `KWD 1.250`.
 * @throws RangeError where the currency is not three letters: a bug, moneySchema lets none through
 */
export function formatMoney(money: Money): string {
  return format(money, 'auto');
}

/** The same without the minor digits where they are all zero: `$5`, but `$5.50`. For titles. */
export function formatMoneyShort(money: Money): string {
  return format(money, 'stripIfInteger');
}

function format({ amount, currency }: Money, trailingZeroDisplay: Zeros): string {
  const digits = minorDigits(currency);
  const text = formatterOf(currency, digits, trailingZeroDisplay).format(amount / 10 ** digits);
  // A register's display has no glyph for the no-break space between a currency's letters and its amount.
  return text.replaceAll('\u00a0', ' ');
}

type Zeros = 'auto' | 'stripIfInteger';

/** Slow to make, and every answer has one: at most one for each currency and each way of showing zeros. */
const formatters = new Map<string, Intl.NumberFormat>();

function formatterOf(currency: string, digits: number, trailingZeroDisplay: Zeros): Intl.NumberFormat {
  const key = `${currency} ${trailingZeroDisplay}`;
  const known = formatters.get(key);
  if (known !== undefined) return known;
  const made = new Intl.NumberFormat('en-US', {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    trailingZeroDisplay,
  });
  formatters.set(key, made);
  return made;
}

/**
 * Digits after the point by ISO 4217, list one, where they are not 2.
 * Not Intl's: it gives the digits in everyday use, 0 for HUF, COP and IQD among others, and an amount would read a
 * hundred or a thousand times too large.
 */
const minorDigitsByCurrency: ReadonlyMap<string, number> = new Map([
  ...'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF'.split(' ').map((name) => [name, 0] as const),
  ...'BHD IQD JOD KWD LYD OMR TND'.split(' ').map((name) => [name, 3] as const),
]);

/** Digits after the point of an amount in this currency. */
export function minorDigits(currency: string): number {
  return minorDigitsByCurrency.get(currency) ?? 2;
}
