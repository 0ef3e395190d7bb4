import type { After } from '../../gateway/lanes/after.ts';
import { deframe, type LineEvent, NOTHING_DEFRAMED } from '../../protocol/register-frame/deframer.ts';
import { ACK, ETX, type LrcOptions, NAK, STX } from '../../protocol/register-frame/frame.ts';

/** Every value that means something on the line, and may be a check byte all the same. */
export const CONTROL_BYTES = [STX, ETX, ACK, NAK];

export type Clock = {
  readonly after: After;
  /** Milliseconds, never going back. */
  readonly elapsed: () => number;
};

/** What the line, an adapter and a busy machine may take on top of the 50 ms of an ACK. */
export const SLACK_MS_DEFAULT = 450;

export type Seen = LineEvent & { readonly atMs: number };

/** A serial line on which every byte is under the kit's control; what comes is kept until somebody asks for it. */
export class Wire {
  readonly lrc: LrcOptions;
  readonly clock: Clock;
  readonly write: (bytes: Uint8Array) => void;
  readonly slackMs: number;
  readonly #seen: Seen[] = [];
  #deframing = NOTHING_DEFRAMED;
  #wake = () => {};

  constructor(write: (bytes: Uint8Array) => void, lrc: LrcOptions, clock: Clock, slackMs = SLACK_MS_DEFAULT) {
    this.slackMs = slackMs;
    this.write = write;
    this.lrc = lrc;
    this.clock = clock;
  }

  /** What the other side sent. */
  readonly data = (bytes: Uint8Array): void => {
    const atMs = this.clock.elapsed();
    const { deframing, events } = deframe(this.#deframing, bytes, atMs, this.lrc);
    this.#deframing = deframing;
    this.#seen.push(...events.map((event) => ({ ...event, atMs })));
    this.#wake();
  };

  /** What comes next; null where nothing comes in this time. */
  async next(withinMs: number): Promise<Seen | null> {
    if (this.#seen.length === 0)
      await new Promise<void>((done) => {
        const callOff = this.clock.after(withinMs, done);
        this.#wake = () => {
          callOff();
          done();
        };
      });
    return this.#seen.shift() ?? null;
  }

  pause(ms: number): Promise<void> {
    return new Promise((done) => this.clock.after(ms, done));
  }
}

/** How an event is told to a reader. */
export function inWords(seen: LineEvent | null): string {
  if (seen === null) return 'nothing';
  switch (seen.kind) {
    case 'frame':
      return `the frame ${seen.payload}`;
    case 'damaged':
      return seen.why === 'check_byte' ? 'a frame with a wrong check byte' : `a frame that is ${seen.why}`;
    case 'ack':
      return 'ACK';
    case 'nak':
      return 'NAK';
    case 'progress':
      return `the progress text '${seen.text}'`;
    case 'noise':
      return `${seen.bytes} bytes of noise`;
  }
}
