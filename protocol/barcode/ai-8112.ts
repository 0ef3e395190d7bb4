import { type Coupon, type Malformed, type Several, saysOnly } from './coupon.ts';
import { DigitReader } from './digit-reader.ts';

/**
 * The digital coupon as GS1 has it, always serialised: format, funder, offer, serial. The grammar of the linter
 * `couponposoffer` of the GS1 Barcode Syntax Dictionary. @param data behind the identifier
 */
export function read8112(data: string): Coupon | Malformed {
  const digits = new DigitReader(data);
  const coupon = readSerialised(digits, data);
  const why = digits.failure();
  return why === null ? coupon : { kind: 'malformed', scheme: '8112', why };
}

/**
 * What retailers scan as bare digits, wider than GS1: also an offer without a serial, an offer printed for all
 * (`81122`, its last four digits track the print), serialised coupons strung together, the fetch code of 16 digits that
 * stands for a customer's coupons, and the bundle. Null: too short for any of these; grocery numbers begin so too.
 * @param text digits that begin with 8112
 */
export function readBare8112(text: string): Coupon | Malformed | Several | null {
  if (text.length === FETCH_CODE_DIGITS) return { kind: 'several', form: 'fetch_code', coupons: [] };
  if (text.length < BARE_DIGITS_MIN) return null;
  const data = text.slice(AI.length);
  const format = data.charAt(0);
  if (format === '2') return readPrinted(data);
  if (format > '2') return { kind: 'several', form: 'bundle', coupons: [] };
  const one = read8112(data);
  return one.kind === 'coupon' ? one : (readUnserialised(data) ?? readConcatenated(text) ?? one);
}

const AI = '8112';
const FETCH_CODE_DIGITS = 16;
/** Shorter ones are product numbers: 811 is an Italian prefix of EAN-13 and GTIN-14. */
const BARE_DIGITS_MIN = 15;
const TRACKING_DIGITS = 4;

function readSerialised(digits: DigitReader, data: string): Coupon {
  digits.oneOf('01', 'the format');
  const { funder, offer } = readOffer(digits);
  const serial = digits.counted('0123456789', 6, 'the serial');
  const used = data.slice(0, data.length - digits.rest().length);
  return { kind: 'coupon', scheme: '8112', normal: `(8112)${used}`, serial, says: saysOnly(funder, offer) };
}

function readOffer(digits: DigitReader): { readonly funder: string; readonly offer: string } {
  const funder = digits.counted('0123456', 6, 'the funder');
  return { funder, offer: digits.take(6, 'the offer') };
}

function readUnserialised(data: string): Coupon | null {
  const digits = new DigitReader(data);
  digits.take(1, 'the format');
  const { funder, offer } = readOffer(digits);
  return digits.failure() === null ? unserialised(data, funder, offer) : null;
}

function readPrinted(data: string): Coupon | Malformed {
  const digits = new DigitReader(data);
  digits.take(1, 'the format');
  const { funder, offer } = readOffer(digits);
  digits.take(TRACKING_DIGITS, 'the tracking code');
  const why = digits.failure();
  if (why !== null) return { kind: 'malformed', scheme: '8112', why };
  return unserialised(data.slice(0, -TRACKING_DIGITS), funder, offer);
}

function unserialised(data: string, funder: string, offer: string): Coupon {
  return { kind: 'coupon', scheme: '8112', normal: `(8112)${data}`, serial: null, says: saysOnly(funder, offer) };
}

function readConcatenated(text: string): Several | null {
  const coupons: string[] = [];
  for (let rest = text; rest !== ''; ) {
    if (!rest.startsWith(AI)) return null;
    const data = rest.slice(AI.length);
    const digits = new DigitReader(data);
    const { normal, serial } = readSerialised(digits, data);
    if (serial === '') return null;
    coupons.push(normal);
    rest = digits.rest();
  }
  return { kind: 'several', form: 'concatenated', coupons };
}
