import { SCANS_PER_MESSAGE_MAX, SYNC_MS } from '../../protocol/limits.ts';
import type { UpBody } from '../../protocol/messages.ts';
import type { TillStore } from './store.ts';

/** As with a sync: what is not answered was lost, or the cloud is of before and drops it each time. */
const AGAIN_MS = SYNC_MS;

/** What this box answered by itself is told a part at a time: the next when one is taken [E7]. */
export class ScanTelling {
  readonly #store: TillStore;
  #underWay: { readonly upTo: number; readonly againAt: number } | null = null;

  constructor(store: TillStore) {
    this.#store = store;
  }

  /** Whatever was under way on the line of before may be lost. */
  lineIsNew(): void {
    this.#underWay = null;
  }

  /** @param elapsed of a clock that never jumps, in milliseconds @returns null: there is nothing to tell now */
  next(elapsed: number): UpBody<'scans'> | null {
    const [oldest] = this.#store.scans(1);
    if (oldest === undefined || this.#waitsFor(oldest.n, elapsed)) return null;
    const scans = this.#store.scans(SCANS_PER_MESSAGE_MAX);
    this.#underWay = { upTo: scans.at(-1)?.n ?? oldest.n, againAt: elapsed + AGAIN_MS };
    return { scans };
  }

  #waitsFor(n: number, elapsed: number): boolean {
    return this.#underWay !== null && n <= this.#underWay.upTo && elapsed < this.#underWay.againAt;
  }
}
