import { CODE_CHARACTERS_READ_MAX } from '../limits.ts';
import { read255 } from './ai-255.ts';
import { read8110, readBare8110 } from './ai-8110.ts';
import { read8112, readBare8112 } from './ai-8112.ts';
import { isEanCarrier, promisesElements, withoutAim } from './aim.ts';
import type { Coupon, Malformed, Several } from './coupon.ts';
import { readEanUpc } from './ean-upc.ts';
import { type Element, readBrackets, readDigitalLink, readElementString, SEPARATOR } from './elements.ts';

/** What a barcode says, read by its industry's rules, before any look-up. */
export type Barcode =
  | Coupon
  | Several
  | Malformed
  /** A product, a shipping unit …: an industry code that is no coupon. */
  | { readonly kind: 'product' }
  /** No industry's code: whatever its text says. */
  | { readonly kind: 'plain'; readonly text: string };

/**
 * Reads a scan by the rules of the industry's coupons [F4]. It never throws, and says nothing about our own codes.
 *
 * The parsers are ours: GS1's own Syntax Engine comes as source to be built, gs1-barcode-parser-mod 1.2.1 does not look
 * into (8110) and (255) and throws at (8112), and the linters inside bwip-js judge without telling what was read. Those
 * linters are the oracle of the tests. A link's address is taken apart by the platform's URL.
 *
 * @param raw as the scanner sent it, without its line end: an AIM identifier may stand in front, GS (0x1D) within
 */
export function readBarcode(raw: string): Barcode {
  const { text, aim } = withoutAim(raw);
  if (text.length > CODE_CHARACTERS_READ_MAX) return { kind: 'plain', text };
  return readText(text.trim(), aim) ?? { kind: 'plain', text };
}

function readText(text: string, aim: string | null): Barcode | null {
  if (hasOurForm(text)) return null;
  if (isEanCarrier(aim)) return readEanUpc(text, true);
  const marked = readBrackets(text) ?? readDigitalLink(text);
  if (marked !== null) return readElements(marked);
  if (promisesElements(aim) || text.includes(SEPARATOR)) return readElements(readElementString(text) ?? []);
  // Spaces are as printed under a barcode and typed from there.
  return readDigits(text.replaceAll(' ', ''), aim);
}

/** As a code of Tearline [F1], its letters not looked at: no industry coupon has such a form, whatever carries it. */
function hasOurForm(text: string): boolean {
  const letters = text.replace(/[-\s]/g, '');
  return /^[0-9a-z]{16}$/i.test(letters) && /[a-z]/i.test(letters);
}

/** The coupon among a message's elements; several, where there are; null where nothing in it is known here. */
function readElements(elements: readonly Element[]): Barcode | null {
  const coupons = elements.map((element) => readElement(element, elements)).filter((one) => one !== null);
  if (coupons.length === 0) return elements.some(isGoods) ? { kind: 'product' } : null;
  const broken = coupons.find((one) => one.kind === 'malformed');
  if (broken !== undefined || coupons.length === 1) return broken ?? coupons[0] ?? null;
  return { kind: 'several', form: 'concatenated', coupons: normalsOf(coupons) };
}

function readElement({ ai, value }: Element, all: readonly Element[]): Coupon | Malformed | null {
  if (ai === '8112') return read8112(value);
  if (ai === '8110') return read8110(value);
  return ai === '255' ? read255(value, all) : null;
}

const normalsOf = (coupons: readonly (Coupon | Malformed)[]): string[] =>
  coupons.flatMap((one) => (one.kind === 'coupon' ? [one.normal] : []));

/** An item, a shipping unit, or what is in it. */
const isGoods = ({ ai }: Element): boolean => ai === '00' || ai === '01' || ai === '02';

/**
 * Nothing says GS1 here, so the form of the digits alone must. (255) has too little form: one loyalty card in ten
 * would pass its check digit. And what was scanned from another carrier than EAN's is no EAN.
 */
function readDigits(digits: string, aim: string | null): Barcode | null {
  if (!/^[0-9]+$/.test(digits)) return null;
  return readNorthAmerican(digits) ?? (aim === null ? readEanUpc(digits, false) : null);
}

function readNorthAmerican(digits: string): Barcode | null {
  if (digits.startsWith('8112')) return readBare8112(digits);
  return digits.startsWith('8110') ? readBare8110(digits) : null;
}
