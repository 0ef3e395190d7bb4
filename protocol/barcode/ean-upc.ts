import { checksOut } from './check-digit.ts';
import { type Coupon, type CouponValue, type Malformed, saysOnly } from './coupon.ts';

/**
 * EAN-13 and UPC-A, which some scanners give as EAN-13 with a 0 in front. A prefix that is not a coupon's makes a
 * product. Null: bare digits that are no such number. None of these coupons has a serial.
 * @param scannedAsEan the scanner said that it is one: then a wrong check digit is a damaged number, not another number
 */
export function readEanUpc(
  digits: string,
  scannedAsEan: boolean,
): Coupon | Malformed | { readonly kind: 'product' } | null {
  const ean = /^[0-9]{12}$/.test(digits) ? `0${digits}` : digits;
  if (!/^[0-9]{13}$/.test(ean)) return scannedAsEan ? { kind: 'product' } : null;
  const scheme = /^98[12]|^99/.test(ean) ? 'ean' : ean.startsWith('05') ? 'upc' : null;
  if (!checksOut(ean)) return malformedOrNot(scheme, scannedAsEan);
  if (scheme === null) return { kind: 'product' };
  const coupon = { kind: 'coupon', scheme, serial: null } as const;
  if (scheme === 'upc')
    return { ...coupon, normal: `UPC ${ean.slice(1)}`, says: saysOnly(ean.slice(2, 7), ean.slice(7, 12)) };
  return {
    ...coupon,
    normal: `EAN ${ean}`,
    says: ean.startsWith('99') ? saysOnly(null, ean.slice(2, 12)) : euroSays(ean),
  };
}

function malformedOrNot(
  scheme: 'ean' | 'upc' | null,
  scannedAsEan: boolean,
): Malformed | { readonly kind: 'product' } | null {
  if (!scannedAsEan) return null;
  return scheme === null ? { kind: 'product' } : { kind: 'malformed', scheme, why: 'the check digit is wrong' };
}

/** 981 or 982, issuer (4), promotion (2), value in euro (3) with one decimal or two, check. 000 is an item free. */
function euroSays(ean: string): Coupon['says'] {
  const amount = Number(ean.slice(9, 12));
  const decimals = ean.startsWith('981') ? 1 : 2;
  const value: CouponValue =
    amount === 0
      ? { kind: 'free_item', upTo: null }
      : { kind: 'amount', of: 'items', amount, decimals, currency: EURO };
  return { ...saysOnly(ean.slice(3, 7), ean.slice(7, 9)), value };
}

/** ISO 4217. */
const EURO = '978';
