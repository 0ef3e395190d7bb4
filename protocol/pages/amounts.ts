import { minorDigits, type Money } from '../money.ts';
import type { Language } from './language.ts';

/**
 * The BCP 47 tag by which amounts of a currency are written in a store. The first two letters of an ISO 4217 currency
 * are the country's, and Spanish is written as `$1,250.50` in Mexico and as `1250,50 €` in Spain; where no country
 * writes that language, as in de-EU, the language alone counts.
 */
const moneyLocale = (language: Language, currency: string): string => `${language}-${currency.slice(0, 2)}`;

/** Slow to make, and every answer has one: at most one for each language and currency. */
const formatsByKey = new Map<string, Intl.NumberFormat>();

export function amountFormat(language: Language, currency: string): Intl.NumberFormat {
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

/** An amount as a page's language writes it, with all its minor digits: `$5.00`, `5,00 €`. Its spaces do not break. */
export function formatAmount({ amount, currency }: Money, language: Language): string {
  return amountFormat(language, currency).format(amount / 10 ** minorDigits(currency));
}
