import { alphabetOf, type CodeForm, fits } from '../../protocol/code-form.ts';
import { FORM_PREFIX_CHARACTERS_MAX, FORMS_PER_CARD_MAX } from '../../protocol/limits.ts';
import { err, ok, type Result } from '../../protocol/result.ts';

/** The forms of a stack made elsewhere: found from its codes, and joined to those that the campaign has. */

/**
 * Digits alone are what products and loyalty cards have too: such codes must have this much in common at their beginning,
 * as the number ranges that are given out for coupons do. Without it a till could not tell milk from a coupon.
 */
const DIGITS_IN_COMMON_MIN = 3;

/** What the codes of one file have in common, code by code: one form for each alphabet that there is among them. */
export class FormsFound {
  readonly #formsByAlphabet = new Map<CodeForm['alphabet'], CodeForm>();

  /** @param normal a code that only a form lets a till recognise */
  add(normal: string): void {
    const alphabet = alphabetOf(normal);
    const known = this.#formsByAlphabet.get(alphabet);
    if (known !== undefined && fits(normal, known)) return;
    const { length } = normal;
    const one = { alphabet, length: { min: length, max: length }, prefix: tellable(normal, length) };
    this.#formsByAlphabet.set(alphabet, join(known ?? one, one));
  }

  forms(): CodeForm[] {
    return [...this.#formsByAlphabet.values()];
  }
}

/** Would it take a product for a coupon? */
export function catchesProducts({ alphabet, prefix }: CodeForm): boolean {
  return alphabet === 'digits' && prefix.length < DIGITS_IN_COMMON_MIN;
}

/**
 * The campaign's forms with those of another stack: one that is alike is widened, another stands beside.
 * @returns the very forms that were given where nothing is new
 */
export function widen(
  forms: readonly CodeForm[],
  more: readonly CodeForm[],
): Result<readonly CodeForm[], 'too_many_forms'> {
  let widened = forms;
  for (const form of more) {
    const place = widened.findIndex((known) => isAlike(known, form));
    const known = widened[place];
    if (known === undefined) widened = [...widened, form];
    else if (!isWithin(form, known)) widened = widened.with(place, join(known, form));
  }
  return widened.length > FORMS_PER_CARD_MAX ? err('too_many_forms') : ok(widened);
}

/** Of two that are alike: does whatever fits the one fit the other? */
function isWithin(one: CodeForm, other: CodeForm): boolean {
  const { min, max } = other.length;
  return one.prefix.startsWith(other.prefix) && one.length.min >= min && one.length.max <= max;
}

/** Of one alphabet and, as far as the shorter goes, of one beginning; never so that the two together would catch products. */
function isAlike(one: CodeForm, other: CodeForm): boolean {
  if (one.alphabet !== other.alphabet) return false;
  const joined = join(one, other);
  if (catchesProducts(joined)) return false;
  return joined.prefix.length >= Math.min(one.prefix.length, other.prefix.length, DIGITS_IN_COMMON_MIN);
}

function join(one: CodeForm, other: CodeForm): CodeForm {
  const length = { min: Math.min(one.length.min, other.length.min), max: Math.max(one.length.max, other.length.max) };
  return { alphabet: one.alphabet, length, prefix: tellable(inCommon(one.prefix, other.prefix), length.min) };
}

/** At most half of the shortest code: a card travels, and codes do not. */
function tellable(beginning: string, shortest: number): string {
  return beginning.slice(0, Math.min(FORM_PREFIX_CHARACTERS_MAX, Math.floor(shortest / 2)));
}

function inCommon(one: string, other: string): string {
  let same = 0;
  while (same < one.length && one.charAt(same) === other.charAt(same)) same += 1;
  return one.slice(0, same);
}
