import { z } from 'zod';
import { CODE_CHARACTERS_STORED_MAX, FORM_PREFIX_CHARACTERS_MAX } from './limits.ts';

/**
 * What the codes of a stack made elsewhere look like. A card carries the forms of its campaign's, so that a box knows what
 * may be a coupon before it asks anybody: groceries go over the same scanner.
 */

const lengthSchema = z.int().min(1).max(CODE_CHARACTERS_STORED_MAX);

/** Of normal forms. A text has one alphabet, the narrowest: what is digits alone is never a code of `alphanumeric`. */
export const codeFormSchema = z.strictObject({
  length: z.strictObject({ min: lengthSchema, max: lengthSchema }),
  /** Digits alone; digits and letters with at least one letter; anything with at least one other character. */
  alphabet: z.enum(['digits', 'alphanumeric', 'printable']),
  /** What they all begin with, as far as it may be told: never enough of a code to guess the rest. */
  prefix: z
    .string()
    .max(FORM_PREFIX_CHARACTERS_MAX)
    .regex(/^[!-~]*$/),
});
export type CodeForm = z.infer<typeof codeFormSchema>;

/** Whatever can be imported: for whoever must only know whether two texts are the same code. */
export const EVERY_FORM: readonly CodeForm[] = codeFormSchema.shape.alphabet.options.map((alphabet) => ({
  length: { min: 1, max: CODE_CHARACTERS_STORED_MAX },
  alphabet,
  prefix: '',
}));

/**
 * The lenient reading, which is an imported code's normal form: white space, hyphens and dashes dropped, letters in upper
 * case, O read as 0, I and L as 1. Null where nothing is left, too much, or anything but printable ASCII.
 */
export function normalText(text: string): string | null {
  const bare = text.replace(DROPPED, '');
  if (bare.length > CODE_CHARACTERS_STORED_MAX || !/^[!-~]+$/.test(bare)) return null;
  return bare.toUpperCase().replaceAll('O', '0').replace(/[IL]/g, '1');
}

export function alphabetOf(normal: string): CodeForm['alphabet'] {
  if (/^[0-9]*$/.test(normal)) return 'digits';
  return /^[0-9A-Z]*$/.test(normal) ? 'alphanumeric' : 'printable';
}

export function fits(normal: string, { length, alphabet, prefix }: CodeForm): boolean {
  return (
    normal.length >= length.min &&
    normal.length <= length.max &&
    normal.startsWith(prefix) &&
    alphabetOf(normal) === alphabet
  );
}

/** The forms of many cards, each once. */
export function formsOf(cards: Iterable<{ readonly forms?: readonly CodeForm[] }>): readonly CodeForm[] {
  const formsByText = new Map<string, CodeForm>();
  for (const { forms = [] } of cards) for (const form of forms) formsByText.set(JSON.stringify(form), form);
  return [...formsByText.values()];
}

/** White space, the keyboard's hyphen, and the dashes into which mail programs and word processors turn it. */
const DROPPED = /[\s\-\u2010-\u2015\u2212]/g;
