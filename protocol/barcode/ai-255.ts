import { checksOut } from './check-digit.ts';
import { type Coupon, type CouponValue, type Malformed, saysOnly } from './coupon.ts';
import { dayOrMonthEnd } from './dates.ts';
import type { Element } from './elements.ts';

/**
 * A Global Coupon Number: 13 digits of which the last checks, then up to 12 digits of serial. The company prefix in it
 * has no told length, so it is not parted from the reference.
 * @param others the other elements of the same barcode: some tell what the coupon is worth, some must not be there
 */
export function read255(data: string, others: readonly Element[]): Coupon | Malformed {
  const [, number, serial] = /^([0-9]{13})([0-9]{0,12})$/.exec(data) ?? [];
  if (number === undefined || serial === undefined) return malformed('not 13 to 25 digits');
  if (!checksOut(number)) return malformed('the check digit is wrong');
  const stranger = others.find(({ ai }) => EXCLUDED.has(ai));
  if (stranger !== undefined) return malformed(`stands beside (${stranger.ai})`);
  const endsOn = readExpiry(others);
  const value = readValue(others);
  if (endsOn === false || value === false) return malformed('its value or its expiry date breaks the rules');
  return {
    kind: 'coupon',
    scheme: '255',
    normal: `(255)${data}`,
    serial: serial === '' ? null : serial,
    says: { ...saysOnly(null, number), value, endsOn },
  };
}

/** A coupon number is of a coupon and of nothing else. GS1 Barcode Syntax Dictionary: `ex=` of 255. */
const EXCLUDED: ReadonlySet<string> = new Set(['01', '02', '415', '8006', '8020', '8026']);

const malformed = (why: string): Malformed => ({ kind: 'malformed', scheme: '255', why });

/** Null: none told. False: told against the rules. */
function readExpiry(elements: readonly Element[]): string | null | false {
  const expiry = elements.find(({ ai }) => ai === '17');
  return expiry === undefined ? null : (dayOrMonthEnd(expiry.value) ?? false);
}

/** (390n) an amount, (394n) a percentage, (8111) points; n counts the decimals. */
function readValue(elements: readonly Element[]): CouponValue | null | false {
  for (const { ai, value } of elements) {
    const decimals = Number(ai.charAt(3));
    if (/^390[0-9]$/.test(ai)) return /^[0-9]{1,15}$/.test(value) && amountOf(Number(value), decimals);
    if (/^394[0-3]$/.test(ai)) return /^[0-9]{4}$/.test(value) && { kind: 'percent', percent: Number(value), decimals };
    if (ai === '8111') return /^[0-9]{4}$/.test(value) && { kind: 'points', points: Number(value) };
  }
  return null;
}

const amountOf = (amount: number, decimals: number): CouponValue => ({
  kind: 'amount',
  of: 'sale',
  amount,
  decimals,
  currency: null,
});
