import { Gathering } from '../ledger/gathering.ts';
import type { DistributionStore, DistributionTx } from './store.ts';

type Work = (tx: DistributionTx) => Promise<unknown>;

/** Short enough that a register's redemption hardly waits for it. */
const WORKS_PER_GROUP_MAX = 512;

/** Many small pieces of work in one transaction: each is answered when all of them are durable. */
export class Grouped {
  readonly #gathering: Gathering<Work, unknown>;

  constructor(store: DistributionStore) {
    this.#gathering = new Gathering((group) => store.transaction((tx) => eachOf(group, tx)), WORKS_PER_GROUP_MAX);
  }

  run<T>(work: (tx: DistributionTx) => Promise<T>): Promise<T> {
    return this.#gathering.run(work) as Promise<T>;
  }
}

async function eachOf(group: readonly Work[], tx: DistributionTx): Promise<unknown[]> {
  const results: unknown[] = [];
  for (const work of group) results.push(await work(tx));
  return results;
}
