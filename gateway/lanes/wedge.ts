import type { CodeForm } from '../../protocol/code-form.ts';
import { readCode } from '../../protocol/code-reading.ts';

/**
 * A scanner that types sends keys, not characters: which characters come of them is decided by the keyboard that the
 * computer believes in. A scanner set to US keys at a German computer swaps Y and Z, at a French one most of a code is
 * another. What it typed is taken as it stands or not at all; it is never put right.
 */

/** Something that is neither a character nor the end of a scan came in the middle of it. */
const BROKEN = '\ufffd';

/**
 * Whether a scan may be another text than its barcode says.
 *
 * Where the keys' places say the same as the text, the computer has US keys or the text is the same on both. Where they
 * differ, only a scanner that was tried on this device is believed. Nor is an untried one believed where nothing but a
 * form tells a code: a computer with US keys sees nothing of a scanner that is set to others, our own codes and the
 * industry's then fail their checks or are unknown, but an imported code can become another one. Digits alone are the same on every keyboard that
 * can type them, and groceries must not ask for a test.
 * @param places what a US keyboard gives at the places of the same keys; null: a person typed
 * @param isTried the scanner was tried on this device, with the keyboard that it has now
 * @param forms of imported codes
 */
export function isMistyped(text: string, places: string | null, isTried: boolean, forms: readonly CodeForm[]): boolean {
  if (text.includes(BROKEN)) return true;
  if (places === null || isTried || /^\d*$/.test(text)) return false;
  return text.toUpperCase() !== places.toUpperCase() || isToldByFormAlone(text, forms);
}

function isToldByFormAlone(text: string, forms: readonly CodeForm[]): boolean {
  return readCode(text, []).kind !== 'code' && readCode(text, forms).kind === 'code';
}
