import { withoutAim } from './barcode/aim.ts';
import { readBarcode } from './barcode/barcode.ts';
import { type Code, readOwn } from './code.ts';
import { alphabetOf, type CodeForm, fits, normalText } from './code-form.ts';
import { type Facts, type Reason, reasonSchema } from './decision.ts';
import { CODE_CHARACTERS_READ_MAX } from './limits.ts';

/** What a scanned or typed text is, before any look-up. */
export type CodeReading =
  | { readonly kind: 'code'; readonly code: Code }
  | { readonly kind: 'not_a_coupon' | 'malformed_code' | 'not_single_use'; readonly facts: Facts }
  | { readonly kind: 'test'; readonly reason: Reason | 'approved' | 'slow' };

/**
 * Reads what a scanner or a person gave, whichever kind of code it may be: a test code, one of ours, an industry coupon,
 * an imported one. Case, hyphens and white space do not count, nor does an AIM identifier in front; O reads as 0, I and L
 * as 1.
 *
 * An industry coupon with a serial number is a code, one without is `not_single_use`. Another text is an imported code
 * where it fits a form that is known here. What has our form with a wrong check character is `malformed_code`; all else
 * is `not_a_coupon`, at which no lane beeps.
 *
 * @param raw without the scanner's prefix and line end
 * @param forms of the imported codes of every campaign that is known here
 */
export function readCode(raw: string, forms: readonly CodeForm[]): CodeReading {
  if (raw.length > CODE_CHARACTERS_READ_MAX) return NOT_A_COUPON;
  const text = withoutAim(raw.trim()).text.replace(/\s/g, '');
  const test = testReason(text);
  if (test !== null) return { kind: 'test', reason: test };
  const own = readOwn(text);
  if (own !== null && own !== 'malformed') return { kind: 'code', code: own };
  const imported = readImported(text, forms);
  const barcode = readBarcode(raw.trim());
  switch (barcode.kind) {
    case 'coupon':
      if (barcode.serial === null) return { kind: 'not_single_use', facts: { scheme: barcode.scheme } };
      return { kind: 'code', code: asCode(barcode.normal) };
    case 'several':
      return { kind: 'not_single_use', facts: { several: true } };
    case 'malformed':
      return { kind: 'malformed_code', facts: { scheme: barcode.scheme } };
    case 'product':
      // A link or an element string that names a product may fit a wide form, and is no coupon for that.
      return imported !== null && alphabetOf(imported) === 'digits' ? { kind: 'code', code: imported } : NOT_A_COUPON;
    case 'plain':
      if (imported !== null) return { kind: 'code', code: imported };
      return own === 'malformed' ? { kind: 'malformed_code', facts: {} } : NOT_A_COUPON;
  }
}

const NOT_A_COUPON: CodeReading = { kind: 'not_a_coupon', facts: {} };

function readImported(text: string, forms: readonly CodeForm[]): Code | null {
  const normal = normalText(text);
  return normal !== null && forms.some((form) => fits(normal, form)) ? asCode(normal) : null;
}

/** `TEST-` and a reason, in any case. A code that begins with TEST falls through: the reasons of 12 characters have underscores. */
function testReason(text: string): Reason | 'approved' | 'slow' | null {
  const name = /^test-(\w+)$/i.exec(text)?.[1]?.toLowerCase();
  if (name === 'approved' || name === 'slow') return name;
  return reasonSchema.safeParse(name).data ?? null;
}

/** The cast of what was read above: a coupon's normal text, or a text that fits a form. */
const asCode = (normal: string): Code => normal as Code;
