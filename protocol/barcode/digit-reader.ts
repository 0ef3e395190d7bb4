/**
 * Reads digits from left to right. After the first thing that does not fit, everything it gives is empty and `failure`
 * says what it was: a grammar is then written down as it is, without a question after each field.
 */
export class DigitReader {
  #rest: string;
  #failure: string | null;

  constructor(text: string) {
    this.#rest = text;
    this.#failure = /^[0-9]*$/.test(text) ? null : 'not digits alone';
  }

  take(count: number, what: string): string {
    if (this.#failure !== null) return '';
    if (this.#rest.length < count) return this.#fail(`${what} is cut short`);
    const taken = this.#rest.slice(0, count);
    this.#rest = this.#rest.slice(count);
    return taken;
  }

  /** One digit of those that are allowed. */
  oneOf(allowed: string, what: string): string {
    const digit = this.take(1, what);
    return digit === '' || allowed.includes(digit) ? digit : this.#fail(`${what} cannot be ${digit}`);
  }

  /** A field behind its length digit; that digit counts from `least`. `none`: the length digit that means 'no such field'. */
  counted(lengths: string, least: number, what: string, none = ''): string {
    const length = this.oneOf(lengths + none, `the length of ${what}`);
    return length === '' || length === none ? '' : this.take(Number(length) + least, what);
  }

  /** Whether an optional field opens here: it begins with its own digit, which is then read. */
  opens(marker: string): boolean {
    if (this.#failure !== null || !this.#rest.startsWith(marker)) return false;
    this.#rest = this.#rest.slice(1);
    return true;
  }

  /** What broke the rules; digits that are left over do too. Null: all was read. */
  failure(): string | null {
    return this.#failure ?? (this.#rest === '' ? null : `digits left over: ${this.#rest.length}`);
  }

  rest(): string {
    return this.#rest;
  }

  fail(why: string): void {
    this.#failure ??= why;
  }

  #fail(why: string): string {
    this.fail(why);
    return '';
  }
}
