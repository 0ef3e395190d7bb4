import { Gathering } from '../ledger/gathering.ts';
import { Giving, type GivingPorts } from './giving.ts';
import type { DistributionStore, DistributionTx } from './store.ts';

/** What a coupon is given out with is shared by all of the group. */
type Work = (tx: DistributionTx, giving: Giving) => Promise<unknown>;

/** Short enough that a register's redemption hardly waits for it. */
const WORKS_PER_GROUP_MAX = 256;

/** Many small pieces of work in one transaction: each is answered when all of them are durable. */
export class Grouped {
  readonly #gathering: Gathering<Work, unknown>;

  constructor(store: DistributionStore, ports: GivingPorts) {
    this.#gathering = new Gathering(
      (group) => store.transaction((tx) => eachOf(group, tx, new Giving(ports, tx))),
      WORKS_PER_GROUP_MAX,
    );
  }

  run<T>(work: (tx: DistributionTx, giving: Giving) => Promise<T>): Promise<T> {
    return this.#gathering.run(work) as Promise<T>;
  }
}

async function eachOf(group: readonly Work[], tx: DistributionTx, giving: Giving): Promise<unknown[]> {
  const results: unknown[] = [];
  for (const work of group) results.push(await work(tx, giving));
  await giving.write();
  return results;
}
