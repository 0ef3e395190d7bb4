import type { After } from '../../gateway/lanes/after.ts';
import { parseAnswer, type RegisterAnswer } from '../../protocol/register-frame/answer.ts';
import { deframe, type LineEvent, NOTHING_DEFRAMED } from '../../protocol/register-frame/deframer.ts';
import {
  ACK,
  ACK_WAIT_MS,
  ANSWER_WAIT_MS,
  encodeFrame,
  type LrcOptions,
  NAK,
  SENDS_MAX,
} from '../../protocol/register-frame/frame.ts';

/** A register's end of the line, as the integration guide asks for it: one request at a time. */
export class RegisterLine {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #lrc: LrcOptions;
  readonly #clock: { readonly after: After; readonly elapsed: () => number };
  readonly #display: (text: string) => void;
  #deframing = NOTHING_DEFRAMED;
  #request: Waiting | null = null;

  constructor(
    write: (bytes: Uint8Array) => void,
    lrc: LrcOptions,
    clock: { readonly after: After; readonly elapsed: () => number },
    display: (text: string) => void,
  ) {
    this.#write = write;
    this.#lrc = lrc;
    this.#clock = clock;
    this.#display = display;
  }

  /** What the gateway sent. */
  readonly data = (bytes: Uint8Array): void => {
    const { deframing, events } = deframe(this.#deframing, bytes, this.#clock.elapsed(), this.#lrc);
    this.#deframing = deframing;
    for (const event of events) this.#happen(event);
  };

  /** Sends it, at most three times. @returns null where no answer came in time: it may have been done all the same */
  ask(payload: string, txn: string, seq: string): Promise<RegisterAnswer | null> {
    return new Promise((resolve) => {
      const waiting: Waiting = { payload, txn, seq, sends: 0, callOff: () => {}, resolve };
      this.#request = waiting;
      this.#send(waiting);
    });
  }

  #happen(event: LineEvent): void {
    switch (event.kind) {
      case 'frame':
        this.#write(Uint8Array.of(ACK));
        this.#answered(parseAnswer(event.payload));
        break;
      case 'damaged':
        this.#write(Uint8Array.of(NAK));
        break;
      case 'ack':
        if (this.#request !== null) this.#wait(this.#request, ANSWER_WAIT_MS, () => this.#end(null));
        break;
      case 'nak':
        if (this.#request !== null) this.#send(this.#request);
        break;
      case 'progress':
        this.#display(event.text);
        break;
      case 'noise':
    }
  }

  /** An answer to an older request is acknowledged, and means nothing any more. */
  #answered(answer: RegisterAnswer | null): void {
    if (answer?.txn === this.#request?.txn && answer?.seq === this.#request?.seq) this.#end(answer);
  }

  #send(request: Waiting): void {
    if (request.sends === SENDS_MAX) {
      this.#end(null);
      return;
    }
    request.sends += 1;
    this.#write(encodeFrame(request.payload, this.#lrc));
    this.#wait(request, ACK_WAIT_MS, () => this.#send(request));
  }

  #wait(request: Waiting, delayMs: number, then: () => void): void {
    request.callOff();
    request.callOff = this.#clock.after(delayMs, then);
  }

  #end(answer: RegisterAnswer | null): void {
    const request = this.#request;
    this.#request = null;
    request?.callOff();
    request?.resolve(answer);
  }
}

type Waiting = {
  readonly payload: string;
  readonly txn: string;
  readonly seq: string;
  sends: number;
  callOff: () => void;
  readonly resolve: (answer: RegisterAnswer | null) => void;
};
