import {
  ACK,
  BYTE_GAP_MS,
  DISPLAY_CHARACTERS,
  EOT,
  ETX,
  LRC_DEFAULT,
  lrcOf,
  NAK,
  PAYLOAD_BYTES_MAX,
  SOH,
  STX,
} from './frame.ts';
import type { LrcOptions } from './frame.ts';

/** What stands on the line. `damaged` is a whole frame that must be sent again; half a frame is dropped without a word. */
export type LineEvent =
  | { readonly kind: 'frame'; readonly payload: string }
  | { readonly kind: 'damaged'; readonly why: 'check_byte' | 'too_long' | 'unprintable' }
  | { readonly kind: 'ack' }
  | { readonly kind: 'nak' }
  | { readonly kind: 'progress'; readonly text: string }
  /** Bytes that belong to nothing, one after the other. */
  | { readonly kind: 'noise'; readonly bytes: number };

/** Where the reader is. At most PAYLOAD_BYTES_MAX characters are kept, whatever comes. */
export type Deframing = {
  /** `check`: exactly one byte is left, and it may have any value, also that of STX, ETX, ACK or NAK. */
  readonly in: 'nothing' | 'payload' | 'check' | 'progress';
  readonly text: string;
  readonly flaw: 'too_long' | 'unprintable' | null;
  /** When the last byte came, in milliseconds of a clock that never goes back. */
  readonly atMs: number;
};

export const NOTHING_DEFRAMED: Deframing = { in: 'nothing', text: '', flaw: null, atMs: 0 };

/** Reads bytes as they come, cut anywhere. @param nowMs when they came, by the same clock as before */
export function deframe(
  before: Deframing,
  bytes: Uint8Array,
  nowMs: number,
  lrc: LrcOptions = LRC_DEFAULT,
): { readonly deframing: Deframing; readonly events: readonly LineEvent[] } {
  const events: LineEvent[] = [];
  let deframing = nowMs - before.atMs > BYTE_GAP_MS ? NOTHING_DEFRAMED : before;
  let noise = 0;
  for (const byte of bytes) {
    const step = take(deframing, byte, lrc);
    deframing = step.deframing;
    if (step.event === 'noise') noise += 1;
    if (step.event === 'noise' || step.event === null) continue;
    if (noise > 0) events.push({ kind: 'noise', bytes: noise });
    noise = 0;
    events.push(step.event);
  }
  if (noise > 0) events.push({ kind: 'noise', bytes: noise });
  return { deframing: bytes.length === 0 ? before : { ...deframing, atMs: nowMs }, events };
}

type Step = { readonly deframing: Deframing; readonly event: LineEvent | 'noise' | null };

const IN_PAYLOAD: Deframing = { ...NOTHING_DEFRAMED, in: 'payload' };
const IN_PROGRESS: Deframing = { ...NOTHING_DEFRAMED, in: 'progress' };

function take(deframing: Deframing, byte: number, lrc: LrcOptions): Step {
  switch (deframing.in) {
    case 'nothing':
      return begin(byte);
    case 'payload':
      return inPayload(deframing, byte);
    case 'check':
      return { deframing: NOTHING_DEFRAMED, event: endOf(deframing, byte, lrc) };
    case 'progress':
      return inProgress(deframing, byte);
  }
}

function begin(byte: number): Step {
  switch (byte) {
    case STX:
      return { deframing: IN_PAYLOAD, event: null };
    case SOH:
      return { deframing: IN_PROGRESS, event: null };
    case ACK:
      return { deframing: NOTHING_DEFRAMED, event: { kind: 'ack' } };
    case NAK:
      return { deframing: NOTHING_DEFRAMED, event: { kind: 'nak' } };
    default:
      return { deframing: NOTHING_DEFRAMED, event: 'noise' };
  }
}

function inPayload(deframing: Deframing, byte: number): Step {
  // A sender that broke off begins anew: nothing in a payload has this value.
  if (byte === STX) return { deframing: IN_PAYLOAD, event: null };
  if (byte === ETX) return { deframing: { ...deframing, in: 'check' }, event: null };
  if (deframing.flaw !== null) return { deframing, event: null };
  if (!isText(byte)) return { deframing: { ...IN_PAYLOAD, flaw: 'unprintable' }, event: null };
  if (deframing.text.length === PAYLOAD_BYTES_MAX)
    return { deframing: { ...IN_PAYLOAD, flaw: 'too_long' }, event: null };
  return { deframing: { ...deframing, text: deframing.text + String.fromCharCode(byte) }, event: null };
}

function endOf({ text, flaw }: Deframing, byte: number, lrc: LrcOptions): LineEvent {
  if (flaw !== null) return { kind: 'damaged', why: flaw };
  return byte === lrcOf(text, lrc) ? { kind: 'frame', payload: text } : { kind: 'damaged', why: 'check_byte' };
}

function inProgress(deframing: Deframing, byte: number): Step {
  if (byte === EOT) return { deframing: NOTHING_DEFRAMED, event: { kind: 'progress', text: deframing.text } };
  const isTooLong = deframing.text.length === DISPLAY_CHARACTERS;
  // It may have been no progress text at all: what comes now is read from the beginning.
  if (isTooLong || !isText(byte)) return begin(byte);
  return { deframing: { ...deframing, text: deframing.text + String.fromCharCode(byte) }, event: null };
}

const isText = (byte: number): boolean => byte >= 0x20 && byte <= 0x7e;
