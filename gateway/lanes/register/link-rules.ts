import { BUSY, NOT_UNDERSTOOD, REASON_ROWS, SEQ_REUSED } from '../../../protocol/register-frame/answer-codes.ts';
import { formatAnswer, type RegisterAnswer, type Said, say } from '../../../protocol/register-frame/answer.ts';
import type { LineEvent } from '../../../protocol/register-frame/deframer.ts';
import { ACK_WAIT_MS, SENDS_MAX } from '../../../protocol/register-frame/frame.ts';
import { type Addressee, parseRequest, type RegisterRequest } from '../../../protocol/register-frame/request.ts';
import { type Memory, NOTHING_REMEMBERED, recall, remember } from './memory-rules.ts';

/** The gateway's end of a register's line: what is written and asked at each event, by values alone [P9]. */

/** From here on the customer notices that something takes time. */
const PROGRESS_AFTER_MS = 400;
const PROGRESS_EVERY_MS = 1_000;
const PROGRESS_TEXT = 'CHECKING COUPON...';

export type LinkState = {
  readonly memory: Memory;
  /** The request that the till has not answered yet. */
  readonly asking: { readonly request: RegisterRequest; readonly payload: string } | null;
  /** The answer that the register has not acknowledged yet. */
  readonly sending: { readonly payload: string; readonly sends: number } | null;
};
export const LINK_AT_REST: LinkState = { memory: NOTHING_REMEMBERED, asking: null, sending: null };

export type LinkEvent =
  | LineEvent
  /** What came of the request that was asked, and the code that it is about, as far as it is known. */
  | { readonly kind: 'answered'; readonly request: RegisterRequest; readonly said: Said; readonly code: string | null }
  | { readonly kind: 'ack_is_late' }
  | { readonly kind: 'answer_takes_time' }
  /** The device is gone: whatever was under way on the line is. */
  | { readonly kind: 'absent' };

export type LinkEffect =
  | { readonly do: 'write'; readonly what: 'ack' | 'nak' }
  | { readonly do: 'write_frame'; readonly payload: string }
  | { readonly do: 'write_progress'; readonly text: string }
  | { readonly do: 'ask'; readonly request: RegisterRequest; readonly memory: Memory }
  /** Null: not any more. */
  | { readonly do: 'wait'; readonly for: 'ack' | 'progress'; readonly delayMs: number | null }
  /** Nobody acknowledges: said once, until somebody does. */
  | { readonly do: 'tell'; readonly line: 'good' | 'not_answering' };

type Step = { readonly state: LinkState; readonly effects: readonly LinkEffect[] };

export function decideLink(state: LinkState, event: LinkEvent): Step {
  switch (event.kind) {
    case 'frame':
      return decideFrame(state, event.payload);
    case 'damaged':
      return { state, effects: [{ do: 'write', what: 'nak' }] };
    case 'ack':
      return decideAck(state);
    case 'nak':
    case 'ack_is_late':
      return sendAgain(state);
    case 'answered':
      return decideAnswered(state, event);
    case 'answer_takes_time':
      return decideProgress(state);
    case 'absent':
      return { state: { ...state, sending: null }, effects: [...NO_ACK_AWAITED, ...NO_PROGRESS] };
    case 'progress':
    case 'noise':
      return { state, effects: [] };
  }
}

/** Acknowledged first, whatever it says: the ACK is for the bytes, not for the coupon. */
function decideFrame(state: LinkState, payload: string): Step {
  const { state: next, effects } = decideRequest(state, payload);
  return { state: next, effects: [{ do: 'write', what: 'ack' }, ...effects] };
}

function decideRequest(state: LinkState, payload: string): Step {
  const read = parseRequest(payload);
  if (!read.ok) return send(state, read.error, say(NOT_UNDERSTOOD, 'NOT UNDERSTOOD'));
  const request = read.value;
  if (state.asking !== null)
    return state.asking.payload === payload
      ? { state, effects: [] }
      : send(state, request, say(BUSY, 'BUSY: TRY AGAIN'));
  const known = recall(state.memory, request, payload);
  switch (known.is) {
    case 'other':
      return send(state, request, say(SEQ_REUSED, 'SEQ WAS USED BEFORE'));
    case 'answered':
      return send(state, request, known.said);
    case 'undone':
      return send(state, request, say(REASON_ROWS.reversed_first.cc, REASON_ROWS.reversed_first.text));
    case 'new':
      return ask(state, request, payload);
  }
}

function ask(state: LinkState, request: RegisterRequest, payload: string): Step {
  return {
    state: { ...state, asking: { request, payload } },
    effects: [
      { do: 'wait', for: 'progress', delayMs: PROGRESS_AFTER_MS },
      { do: 'ask', request, memory: state.memory },
    ],
  };
}

function decideAnswered(state: LinkState, event: Extract<LinkEvent, { kind: 'answered' }>): Step {
  const { asking } = state;
  if (asking === null || asking.request !== event.request) throw new Error('an answer to what was not asked');
  const memory = remember(state.memory, event.request, asking.payload, event.said, event.code);
  const sent = send({ ...state, memory, asking: null }, event.request, event.said);
  return { state: sent.state, effects: [...NO_PROGRESS, ...sent.effects] };
}

/** The newest answer is the one that the register waits for; it asks for an older one again. */
function send(state: LinkState, to: Addressee, said: Said): Step {
  const answer: RegisterAnswer = { lane: to.lane, txn: to.txn, seq: to.seq, ...said };
  return sendOnce({ ...state, sending: { payload: formatAnswer(answer), sends: 0 } });
}

function sendAgain(state: LinkState): Step {
  if (state.sending === null) return { state, effects: [] };
  if (state.sending.sends < SENDS_MAX) return sendOnce(state);
  return {
    state: { ...state, sending: null },
    effects: [...NO_ACK_AWAITED, { do: 'tell', line: 'not_answering' }],
  };
}

function sendOnce(state: LinkState): Step {
  if (state.sending === null) throw new Error('there is nothing to send');
  const { payload, sends } = state.sending;
  return {
    state: { ...state, sending: { payload, sends: sends + 1 } },
    effects: [
      { do: 'write_frame', payload },
      { do: 'wait', for: 'ack', delayMs: ACK_WAIT_MS },
    ],
  };
}

function decideAck(state: LinkState): Step {
  if (state.sending === null) return { state, effects: [] };
  return { state: { ...state, sending: null }, effects: [...NO_ACK_AWAITED, { do: 'tell', line: 'good' }] };
}

function decideProgress(state: LinkState): Step {
  if (state.asking === null) return { state, effects: [] };
  return {
    state,
    effects: [
      { do: 'write_progress', text: PROGRESS_TEXT },
      { do: 'wait', for: 'progress', delayMs: PROGRESS_EVERY_MS },
    ],
  };
}

const NO_ACK_AWAITED: readonly LinkEffect[] = [{ do: 'wait', for: 'ack', delayMs: null }];
const NO_PROGRESS: readonly LinkEffect[] = [{ do: 'wait', for: 'progress', delayMs: null }];
