import { currencySchema, minorDigits, type Money, moneySchema } from '../../protocol/money.ts';
import type { Language } from '../config.ts';

/**
 * The BCP 47 tag by which amounts of a currency are written in a store. The first two letters of an ISO 4217 currency
 * are the country's, and Spanish is written as `$1,250.50` in Mexico and as `1250,50 €` in Spain; where no country
 * writes that language, as in de-EU, the language alone counts.
 */
const moneyLocale = (language: Language, currency: string): string => `${language}-${currency.slice(0, 2)}`;

/** Slow to make, and every answer has one: at most one for each currency. */
const formatsByKey = new Map<string, Intl.NumberFormat>();

function formatOf(language: Language, currency: string): Intl.NumberFormat {
  const key = `${language} ${currency}`;
  const known = formatsByKey.get(key);
  if (known !== undefined) return known;
  const digits = minorDigits(currency);
  const made = new Intl.NumberFormat(moneyLocale(language, currency), {
    style: 'currency',
    currency,
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  formatsByKey.set(key, made);
  return made;
}

/** An amount as the store's language writes it, with all its minor digits: `$5.00`, `5,00 €`. Its spaces do not break. */
export function formatAmount({ amount, currency }: Money, language: Language): string {
  return formatOf(language, currency).format(amount / 10 ** minorDigits(currency));
}

/**
 * An amount as a cashier types it, or as `formatAmount` writes it: `42`, `42.00`, `$42,00`, `1,250.00`, in German
 * `1.250,00`, or with its currency named, `EUR 42`.
 * @param currency of an amount that names none, ISO 4217
 * @returns null where it is not an amount, or has the sign of another currency
 */
export function readAmount(typed: string, currency: string, language: Language): Money | null {
  const groups = ` \u00a0\u202f'’${groupOf(language, currency)}`;
  const digits = `\\d{1,3}(?:[${groups}]\\d{3})+|\\d{1,8}`;
  const match = new RegExp(`^([^\\d.,-]*?)\\s*(${digits})(?:[.,](\\d{1,3}))?\\s*([^\\d.,-]*)$`).exec(typed.trim());
  if (match === null) return null;
  const [, before = '', whole = '', fraction = '', behind = ''] = match;
  const named = before !== '' && behind !== '' ? null : currencyOf(before || behind, currency, language);
  if (named === null || fraction.length > minorDigits(named)) return null;
  const amount = Number(whole.replace(/\D/g, '') + fraction.padEnd(minorDigits(named), '0'));
  return moneySchema.safeParse({ amount, currency: named }).data ?? null;
}

function currencyOf(sign: string, currency: string, language: Language): string | null {
  const ownSign = formatOf(language, currency)
    .formatToParts(0)
    .find(({ type }) => type === 'currency')?.value;
  return sign === '' || sign === ownSign ? currency : (currencySchema.safeParse(sign).data ?? null);
}

/** What stands between thousands, where it is a point or a comma: typed by hand, the rest is taken in any language. */
function groupOf(language: Language, currency: string): string {
  const group = formatOf(language, currency)
    .formatToParts(1_234_567)
    .find(({ type }) => type === 'group')?.value;
  return group === '.' || group === ',' ? group : '';
}
