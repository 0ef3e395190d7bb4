/** So many a second, evenly: what a provider allows is not used up in the first moment of a minute. */
export class Pace {
  readonly #perSecond: number;
  #left = 1;
  #at = performance.now();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** How many may go now. */
  get left(): number {
    const at = performance.now();
    this.#left = Math.min(this.#perSecond, this.#left + ((at - this.#at) * this.#perSecond) / 1_000);
    this.#at = at;
    return Math.floor(this.#left);
  }

  take(count: number): void {
    this.#left -= count;
  }

  /** Milliseconds until the next one may go. */
  get waitMs(): number {
    return this.left > 0 ? 0 : Math.ceil(((1 - this.#left) * 1_000) / this.#perSecond);
  }
}
