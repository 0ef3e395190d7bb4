/** One frame of the register's serial line: `STX payload ETX check`, and the single bytes beside it. */

export const STX = 0x02;
export const ETX = 0x03;
export const ACK = 0x06;
export const NAK = 0x15;
/** A progress text stands between these two, without a check byte, and is not acknowledged. */
export const SOH = 0x01;
export const EOT = 0x04;

/** The longest request (a GS1 coupon, every field at its limit) fits twice; what is longer is noise. */
export const PAYLOAD_BYTES_MAX = 512;
/** One line of a register's display. */
export const DISPLAY_CHARACTERS = 20;
/** Bytes of one frame follow each other closely; after this much silence the rest will not come. */
export const BYTE_GAP_MS = 250;
/** A good frame is acknowledged in this time, before anything else is done with it. */
export const ACK_WITHIN_MS = 50;
/** How long a sender waits for ACK or NAK: forty times what the other side may take. */
export const ACK_WAIT_MS = 1_500;
/** The first time and two repetitions; what is not heard then is a line that is broken. */
export const SENDS_MAX = 3;
/** How long a register waits for the answer after the ACK: twice what a gateway takes with its line down. */
export const ANSWER_WAIT_MS = 3_000;

/** What the check byte begins with and which bytes it covers: registers differ. */
export type LrcOptions = {
  readonly base: '00' | '7F';
  readonly cover: 'payload' | 'payload+etx' | 'stx+payload+etx';
};
export const LRC_DEFAULT: LrcOptions = { base: '00', cover: 'payload+etx' };

/** The check byte: every covered byte, combined by exclusive or. */
export function lrcOf(payload: string, { base, cover }: LrcOptions): number {
  let lrc = base === '7F' ? 0x7f : 0x00;
  if (cover === 'stx+payload+etx') lrc ^= STX;
  for (let at = 0; at < payload.length; at += 1) lrc ^= payload.charCodeAt(at);
  return cover === 'payload' ? lrc : lrc ^ ETX;
}

/** @param payload printable ASCII, at most PAYLOAD_BYTES_MAX @throws RangeError on any other: a bug */
export function encodeFrame(payload: string, lrc: LrcOptions): Uint8Array {
  if (payload.length > PAYLOAD_BYTES_MAX || !isPrintable(payload)) throw new RangeError('no payload of a frame');
  return Uint8Array.of(STX, ...bytesOf(payload), ETX, lrcOf(payload, lrc));
}

/** @param text shown as it is: cut or filled to the width of the display */
export function encodeProgress(text: string): Uint8Array {
  return Uint8Array.of(SOH, ...bytesOf(text.slice(0, DISPLAY_CHARACTERS).padEnd(DISPLAY_CHARACTERS)), EOT);
}

/** Space to tilde: all that a payload may hold. */
export function isPrintable(text: string): boolean {
  return /^[ -~]*$/.test(text);
}

function bytesOf(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}
