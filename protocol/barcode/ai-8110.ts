import type { Coupon, CouponSays, CouponValue, Malformed, Purchase, Requirement } from './coupon.ts';
import { isDay } from './dates.ts';
import { DigitReader } from './digit-reader.ts';

/**
 * The North American paper coupon. The grammar of the linter `couponcode` of the GS1 Barcode Syntax Dictionary; what the
 * digits mean is from the JICC's North American Coupon Application Guideline. @param data behind the identifier
 */
export function read8110(data: string): Coupon | Malformed {
  const digits = new DigitReader(data);
  const { serial, says } = readFields(digits);
  const why = data.length > DATA_DIGITS_MAX ? `more than ${DATA_DIGITS_MAX} digits` : digits.failure();
  if (why !== null) return { kind: 'malformed', scheme: '8110', why };
  return { kind: 'coupon', scheme: '8110', normal: `(8110)${data}`, serial, says };
}

/** As bare digits: the shortest has 25, and shorter product numbers begin so too. Null: too short. */
export function readBare8110(text: string): Coupon | Malformed | null {
  return text.length < BARE_DIGITS_MIN ? null : read8110(text.slice('8110'.length));
}

const BARE_DIGITS_MIN = 25;
/** GS1 Barcode Syntax Dictionary: X..70, although three purchases with their prefixes would take more. */
const DATA_DIGITS_MAX = 70;

/** Optional fields open with their own digit and come in rising order, each once. */
function readFields(digits: DigitReader): { readonly serial: string | null; readonly says: CouponSays } {
  const funder = digits.counted(PREFIX_LENGTHS, 6, 'the company prefix');
  const offer = digits.take(6, 'the offer');
  const save = digits.counted(VALUE_LENGTHS, 0, 'the save value');
  const purchase = readPurchase(digits, funder);
  const { startsOn, endsOn } = readDays(digits);
  const serial = digits.opens('5') ? digits.counted('0123456789', 6, 'the serial') : null;
  const retailer = digits.opens('6') ? digits.counted('1234567', 6, 'the retailer') : null;
  const saveCode = digits.opens('9') ? readSaveCode(digits) : '0';
  const value = couponValue(saveCode, Number(save));
  return { serial, says: { funder, offer, value, purchase, retailer, startsOn, endsOn } };
}

const PREFIX_LENGTHS = '0123456';
const VALUE_LENGTHS = '12345';
/** Instead of the length of a prefix: no prefix here, the first purchase's company is meant. */
const NO_PREFIX = '9';

function readPurchase(digits: DigitReader, funder: string): Purchase {
  const requirements = [readRequirement(digits, funder)];
  const second = digits.opens('1');
  const ruleCode = second ? digits.oneOf('0123', 'the rule for more purchases') : '';
  if (second) requirements.push(readOtherRequirement(digits, funder));
  if (digits.opens('2')) requirements.push(readOtherRequirement(digits, funder));
  return { rule: requirements.length === 1 ? null : ruleOf(ruleCode), requirements };
}

function readRequirement(digits: DigitReader, company: string): Requirement {
  const quantity = Number(digits.counted(VALUE_LENGTHS, 0, 'the purchase requirement'));
  const of = unitOf(digits.oneOf('012349', 'the purchase requirement code'));
  return { of, quantity, company, family: digits.take(3, 'the family code') };
}

function readOtherRequirement(digits: DigitReader, funder: string): Requirement {
  const requirement = readRequirement(digits, funder);
  const company = digits.counted(PREFIX_LENGTHS, 6, "another purchase's company prefix", NO_PREFIX);
  return company === '' ? requirement : { ...requirement, company };
}

function readDays(digits: DigitReader): { readonly startsOn: string | null; readonly endsOn: string | null } {
  const endsOn = digits.opens('3') ? readDay(digits, 'the expiry date') : null;
  const startsOn = digits.opens('4') ? readDay(digits, 'the start date') : null;
  // Two digits of the year are compared as they stand, as GS1's linter does: no coupon runs over a turn of the century.
  if (startsOn !== null && endsOn !== null && startsOn > endsOn) digits.fail('it starts after it ends');
  return { startsOn, endsOn };
}

function readDay(digits: DigitReader, what: string): string {
  const day = digits.take(6, what);
  if (!isDay(day)) digits.fail(`${what} is no day`);
  return day;
}

/** The flags behind the save value's code (which item it is for, store coupon, not to be multiplied) are checked and not told. */
function readSaveCode(digits: DigitReader): string {
  const code = digits.oneOf('01256', 'the save value code');
  digits.oneOf('012', 'the item that the save value applies to');
  digits.take(1, 'the store coupon flag');
  digits.oneOf('01', 'the flag against multiplying');
  return code;
}

function couponValue(saveCode: string, save: number): CouponValue {
  if (saveCode === '1') return { kind: 'free_item', upTo: save === 0 ? null : save };
  if (saveCode === '2') return { kind: 'free_items', items: save };
  if (saveCode === '5') return { kind: 'percent', percent: save, decimals: 0 };
  return { kind: 'amount', of: saveCode === '6' ? 'sale' : 'items', amount: save, decimals: 2, currency: null };
}

function unitOf(code: string): Requirement['of'] {
  if (code === '0') return 'items';
  if (code === '1') return 'spend_on_items';
  if (code === '2') return 'spend_on_sale';
  if (code === '3') return 'pounds';
  return code === '4' ? 'kilograms' : 'nothing';
}

function ruleOf(code: string): Purchase['rule'] {
  if (code === '0') return 'any';
  if (code === '1') return 'all';
  return code === '2' ? 'first_and_another' : 'unknown';
}
