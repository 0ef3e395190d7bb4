import type { Kept } from './lane-memory.ts';

/** As long as a shift's first lesson; what is forgotten must not keep a lane from selling. */
export const TRAINING_MS = 30 * 60_000;

/** Which lanes train, and until when: also after a restart, or a trainee would use up real coupons. */
export class Trainings {
  readonly #kept: Kept<Readonly<Record<string, number>>>;
  readonly #now: () => number;
  readonly #untilByLane: Map<string, number>;

  constructor(kept: Kept<Readonly<Record<string, number>>>, now: () => number) {
    this.#kept = kept;
    this.#now = now;
    this.#untilByLane = new Map(Object.entries(kept.load()));
  }

  /** Milliseconds; null: the lane sells. A clock that was set back makes no training longer. */
  until(lane: string): number | null {
    const until = this.#untilByLane.get(lane) ?? 0;
    const left = until - this.#now();
    return left > 0 && left <= TRAINING_MS ? until : null;
  }

  /** @param until null: it is over. @throws TillUnavailable where it cannot be written; then nothing has changed */
  set(lane: string, until: number | null): void {
    const others = [...this.#untilByLane].filter(([other]) => other !== lane && this.until(other) !== null);
    const next = until === null ? others : [...others, [lane, until] as const];
    this.#kept.save(Object.fromEntries(next));
    this.#untilByLane.clear();
    for (const [name, its] of next) this.#untilByLane.set(name, its);
  }
}
