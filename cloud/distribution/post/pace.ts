/** So many a second, evenly: what a provider allows is not used up in the first moment of a minute. */
export class Pace {
  readonly #perSecond: number;
  readonly #now: () => number;
  #left: number;
  #at: number;

  constructor(perSecond: number, now: () => number) {
    this.#perSecond = perSecond;
    this.#now = now;
    this.#left = 1;
    this.#at = now();
  }

  /** How many may go now. */
  get left(): number {
    const at = this.#now();
    this.#left = Math.min(this.#perSecond, this.#left + (Math.max(0, at - this.#at) * this.#perSecond) / 1_000);
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
