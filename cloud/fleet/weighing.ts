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

  /** @returns the stores that were found best for something which was best elsewhere, or nowhere, before */
  async turn(): Promise<ReadonlySet<string>> {
    // What was there before this process is the round's.
    const newest = this.#newest ?? (await this.#places.read((tx) => tx.newestAssignment()));
    const fresh = await this.#weighAfter(newest, NEW_PER_TURN);
    this.#newest = fresh.upTo ?? newest;
    const old = await this.#weighAfter(this.#round, ROUND_PER_TURN);
    this.#round = old.upTo ?? 0;
    return new Set([...fresh.stores, ...old.stores]);
  }

  async #weighAfter(after: number, most: number): Promise<{ upTo: number | null; stores: readonly string[] }> {
    const { upTo, codes } = await this.#places.read((tx) => tx.assigned(after, most));
    return { upTo, stores: await putChanged(this.#places, codes, this.#now()) };
  }
}

/** A claim is one, a file of a million is taken in over minutes: 2,000 are read in a few milliseconds. */
const NEW_PER_TURN = 2_000;
/** All of 100,000 coupons within two minutes, at a few milliseconds of each second. */
const ROUND_PER_TURN = 1_000;

async function putChanged(places: PlacesStore, codes: readonly AssignedCode[], now: number): Promise<string[]> {
  const weights = codes.flatMap(({ hash, places, weight: before }) => {
    const weight = weigh(places, now);
    return isSameWeight(weight, before) ? [] : [{ hash, weight, before }];
  });
  if (weights.length > 0) await places.transaction((tx) => tx.putWeights(weights));
  return weights.flatMap(({ weight, before }) =>
    weight === null || weight.store === before?.store ? [] : weight.store,
  );
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
