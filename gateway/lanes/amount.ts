import { currencySchema, minorDigits, type Money, moneySchema } from '../../protocol/money.ts';
import { amountFormat } from '../../protocol/pages/amounts.ts';
import type { Language } from '../../protocol/pages/language.ts';

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
  const ownSign = amountFormat(language, currency)
    .formatToParts(0)
    .find(({ type }) => type === 'currency')?.value;
  return sign === '' || sign === ownSign ? currency : (currencySchema.safeParse(sign).data ?? null);
}

/** What stands between thousands, where it is a point or a comma: typed by hand, the rest is taken in any language. */
function groupOf(language: Language, currency: string): string {
  const group = amountFormat(language, currency)
    .formatToParts(1_234_567)
    .find(({ type }) => type === 'group')?.value;
  return group === '.' || group === ',' ? group : '';
}
