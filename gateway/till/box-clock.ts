import type { Clock } from '../../protocol/card.ts';
import { instantSchema } from '../../protocol/reservation.ts';
import type { Now } from './box-rules.ts';
import { type Anchor, clockAt } from './time-rules.ts';

export type ClockPorts = {
  /** The wall clock, milliseconds since 1970. It may be wrong, and it may jump. */
  readonly now: () => number;
  /** Milliseconds that only rise, from any origin. */
  readonly monotonic: () => number;
};

/** Trusted time: the cloud's signed anchor and what has passed since, or the mark on the disk where there is none yet. */
export class BoxClock {
  readonly #ports: ClockPorts;
  readonly #startedMs: number;
  readonly #sentMs = { hello: 0, beat: 0 };
  #anchor: Anchor | null = null;

  constructor(ports: ClockPorts) {
    this.#ports = ports;
    this.#startedMs = ports.monotonic();
  }

  get isProven(): boolean {
    return this.#anchor !== null;
  }

  /** Something went out that the cloud answers with its time. */
  asked(what: 'hello' | 'beat'): void {
    this.#sentMs[what] = this.#ports.monotonic();
  }

  /** The answer: it was told at some moment since the question went out. */
  anchor(at: number, since: 'hello' | 'beat'): void {
    const receivedMs = this.#ports.monotonic();
    this.#anchor = { at, receivedMs, uncertaintyMs: receivedMs - this.#sentMs[since] };
  }

  /** @param highWater the time is never before this */
  clock(highWater: number): Clock {
    return clockAt(this.#anchor, highWater, this.#startedMs, this.#ports.monotonic());
  }

  /** The wall clock is believed only where nothing better is known, and never below what is certain. */
  now(highWater: number): Now {
    const clock = this.clock(highWater);
    const wall = instantSchema.safeParse(Math.floor(this.#ports.now()));
    const isBest = !clock.proven && wall.success && wall.data > clock.earliest;
    return { at: isBest ? wall.data : clock.earliest, clock };
  }
}
