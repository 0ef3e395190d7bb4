import { currencySchema, formatMoney, type Money, minorDigits, moneySchema } from '../../protocol/money.ts';

/**
 * An amount as a cashier types it: `42`, `42.00`, `$42,00`, `1,250.00`, or with its currency named, `EUR 42`.
 * @param currency of an amount that names none, ISO 4217
 * @returns null where it is not an amount, or has the sign of another currency
 */
export function readAmount(typed: string, currency: string): Money | null {
  const match = /^([^\d.,-]*)(\d{1,3}(?:,\d{3})+|\d{1,8})(?:[.,](\d{1,3}))?$/.exec(typed.trim());
  if (match === null) return null;
  const [, sign = '', whole = '', fraction = ''] = match;
  const named = currencyOf(sign.trim(), currency);
  if (named === null || fraction.length > minorDigits(named)) return null;
  const amount = Number(whole.replaceAll(',', '') + fraction.padEnd(minorDigits(named), '0'));
  return moneySchema.safeParse({ amount, currency: named }).data ?? null;
}

function currencyOf(sign: string, currency: string): string | null {
  const ownSign = formatMoney({ amount: 0, currency }).replace(/[\d., ]/g, '');
  return sign === '' || sign === ownSign ? currency : (currencySchema.safeParse(sign).data ?? null);
}
