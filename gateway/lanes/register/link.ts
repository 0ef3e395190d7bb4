import { deframe, NOTHING_DEFRAMED } from '../../../protocol/register-frame/deframer.ts';
import { ACK, encodeFrame, encodeProgress, type LrcOptions, NAK } from '../../../protocol/register-frame/frame.ts';
import type { RegisterRequest } from '../../../protocol/register-frame/request.ts';
import type { After } from '../after.ts';
import type { Outcome } from './desk.ts';
import { decideLink, LINK_AT_REST, type LinkEffect, type LinkEvent } from './link-rules.ts';
import type { Memory } from './memory-rules.ts';

export type LinkPorts = {
  /** To the register; what cannot be written now is not kept. */
  readonly write: (bytes: Uint8Array) => void;
  /** Never rejects. */
  readonly ask: (request: RegisterRequest, memory: Memory) => Promise<Outcome>;
  readonly after: After;
  /** Milliseconds of a clock that never goes back. */
  readonly elapsed: () => number;
  readonly tell: (line: 'good' | 'not_answering') => void;
};

export interface RegisterLink {
  data(bytes: Uint8Array): void;
  /** The device is gone, or is there again: half a frame is none. */
  absent(): void;
}

/** Carries out, in their order, what the rules say at each event on one register's line. */
export function makeLink(lrc: LrcOptions, { write, ask, after, elapsed, tell }: LinkPorts): RegisterLink {
  let state = LINK_AT_REST;
  let deframing = NOTHING_DEFRAMED;
  const callOff = { ack: () => {}, progress: () => {} };
  const late = { ack: { kind: 'ack_is_late' }, progress: { kind: 'answer_takes_time' } } as const;

  function happen(event: LinkEvent): void {
    const step = decideLink(state, event);
    state = step.state;
    for (const effect of step.effects) carryOut(effect);
  }

  function carryOut(effect: LinkEffect): void {
    switch (effect.do) {
      case 'write':
        write(Uint8Array.of(effect.what === 'ack' ? ACK : NAK));
        break;
      case 'write_frame':
        write(encodeFrame(effect.payload, lrc));
        break;
      case 'write_progress':
        write(encodeProgress(effect.text));
        break;
      case 'wait':
        callOff[effect.for]();
        if (effect.delayMs !== null) callOff[effect.for] = after(effect.delayMs, () => happen(late[effect.for]));
        break;
      case 'ask': {
        const { request, memory } = effect;
        ask(request, memory).then(({ said, code }) => happen({ kind: 'answered', request, said, code }));
        break;
      }
      case 'tell':
        tell(effect.line);
        break;
    }
  }

  return {
    data(bytes) {
      const read = deframe(deframing, bytes, elapsed(), lrc);
      deframing = read.deframing;
      for (const event of read.events) happen(event);
    },
    absent() {
      deframing = NOTHING_DEFRAMED;
      happen({ kind: 'absent' });
    },
  };
}
