import type { After } from './after.ts';
import { FRESH_MS, lengthOf, type Signal } from './feedback.ts';
import type { SerialLink } from './serial.ts';

/** A scanner takes a few bytes at once, or never. */
const WRITE_MS = 200;
/** Between two answers, or two approvals would sound like one 'cannot verify'. */
const PAUSE_MS = 600;

export type SpeakerPorts = {
  readonly write: SerialLink['write'];
  /** Milliseconds that only rise. */
  readonly elapsed: () => number;
  readonly after: After;
};

/** What is said to one scanner on one opening of its port, one answer after the other and none of them late. */
export class Speaker {
  readonly #ports: SpeakerPorts;
  #freeAt = Number.NEGATIVE_INFINITY;
  #isOver = false;

  constructor(ports: SpeakerPorts) {
    this.#ports = ports;
  }

  /** At once, also in the middle of an answer: a scanner that waits for it reads nothing else. */
  acknowledge(bytes: Uint8Array): void {
    this.#send(bytes);
  }

  /**
   * @param heardAt when the scan's last byte came, in `elapsed`
   * @param encode what to say of a scan of that age
   */
  answer(heardAt: number, encode: (ageMs: number) => readonly Signal[]): void {
    const { elapsed } = this.#ports;
    const beginsAt = Math.max(elapsed(), this.#freeAt);
    const signals = encode(beginsAt - heardAt);
    if (signals.length === 0) return;
    this.#freeAt = beginsAt + lengthOf(signals) + PAUSE_MS;
    for (const { atMs, bytes } of signals) this.#later(beginsAt + atMs - elapsed(), bytes, heardAt);
  }

  /** The port is lost: what was to be said is said to nobody. */
  end(): void {
    this.#isOver = true;
  }

  #later(delayMs: number, bytes: Uint8Array, heardAt: number): void {
    // A timer may come late, where this process was held up.
    const say = () => {
      if (this.#ports.elapsed() - heardAt <= FRESH_MS) this.#send(bytes);
    };
    if (delayMs <= 0) say();
    else this.#ports.after(delayMs, say);
  }

  #send(bytes: Uint8Array): void {
    if (!this.#isOver) void this.#ports.write(bytes, WRITE_MS);
  }
}
