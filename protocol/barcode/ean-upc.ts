import { checksOut } from './check-digit.ts';
import { type Coupon, type CouponValue, type Malformed, saysOnly } from './coupon.ts';

/**
 * EAN-13 and UPC-A, which some scanners give as EAN-13 with a 0 in front. A prefix that is not a coupon's makes a
 * product. Null: bare digits that are no such number. None of these coupons has a serial.
 * @param scannedAsEan the scanner said that it is one: then a wrong check digit is a damaged number, not another number
 */
export function readEanUpc(digits: string, scannedAsEan: boolean): Coupon | Malformed | Product | null {
  const ean = /^[0-9]{12}$/.test(digits) ? `0${digits}` : digits;
  if (!/^[0-9]{13}$/.test(ean)) return scannedAsEan ? PRODUCT : null;
  const right = checksOut(ean);
  if (!right && !scannedAsEan) return null;
  const coupon = couponOf(ean);
  if (coupon === null) return PRODUCT;
  return right ? coupon : { kind: 'malformed', scheme: coupon.scheme, why: 'the check digit is wrong' };
}

type Product = { readonly kind: 'product' };
const PRODUCT: Product = { kind: 'product' };

/** By its prefix: 981 and 982 in euro, 99 as each country has it, UPC-A 5 with maker (5), family (3) and value code (2). */
function couponOf(ean: string): Coupon | null {
  const says = /^98[12]/.test(ean) ? euroSays(ean) : ean.startsWith('99') ? saysOnly(null, ean.slice(2, 12)) : null;
  if (says !== null) return { kind: 'coupon', scheme: 'ean', normal: `EAN ${ean}`, serial: null, says };
  if (!ean.startsWith('05')) return null;
  const upc = ean.slice(1);
  return {
    kind: 'coupon',
    scheme: 'upc',
    normal: `UPC ${upc}`,
    serial: null,
    says: saysOnly(upc.slice(1, 6), upc.slice(6, 11)),
  };
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
