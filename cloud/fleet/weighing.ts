import type { AssignedCode, PlacesStore } from './places-store.ts';
import { isSameWeight, weigh } from './stocking-rules.ts';

/**
 * Weighs where people's coupons would best be reserved: new ones at once, and all of them over and over, so that whatever
 * changes, and what only grows old, is seen within one round.
 */
export class Weighing {
  readonly #places: PlacesStore;
  readonly #now: () => number;
  /** The last that was weighed as new; null: not started. */
  #newest: number | null = null;
  /** Where the round is. */
  #round = 0;

  constructor(places: PlacesStore, now: () => number) {
    this.#places = places;
    this.#now = now;
  }

  /** @returns whether there is more that is new */
  async turn(): Promise<boolean> {
    // What was there before this process is the round's.
    const newest = this.#newest ?? (await this.#places.read((tx) => tx.newestAssignment()));
    const after = await this.#weighAfter(newest, NEW_PER_TURN);
    this.#newest = after ?? newest;
    this.#round = (await this.#weighAfter(this.#round, ROUND_PER_TURN)) ?? 0;
    return after !== null;
  }

  /** @returns up to where; null: there was nothing */
  async #weighAfter(after: number, most: number): Promise<number | null> {
    const { upTo, codes } = await this.#places.read((tx) => tx.assigned(after, most));
    await putChanged(this.#places, codes, this.#now());
    return upTo;
  }
}

/** A claim is one, a file of a million is taken in over minutes: 2,000 are read in a few milliseconds. */
const NEW_PER_TURN = 2_000;
/** All of 100,000 coupons within two minutes, at a few milliseconds of each second. */
const ROUND_PER_TURN = 1_000;

async function putChanged(places: PlacesStore, codes: readonly AssignedCode[], now: number): Promise<void> {
  const weights = codes.flatMap(({ hash, places, weight: before }) => {
    const weight = weigh(places, now);
    return isSameWeight(weight, before) ? [] : [{ hash, weight }];
  });
  if (weights.length > 0) await places.transaction((tx) => tx.putWeights(weights));
}

/** The owner's own word, weighed at once. @returns false: there is no such coupon any more */
export async function noteChoice(
  places: PlacesStore,
  assignment: string,
  store: string | null,
  now: number,
): Promise<boolean> {
  return places.transaction(async (tx) => {
    const code = await tx.assignedCode(assignment);
    if (code === null) return false;
    await tx.choose(assignment, store, now);
    await tx.putWeights([{ hash: code.hash, weight: weigh({ ...code.places, chosen: { store } }, now) }]);
    return true;
  });
}
