import { setImmediate as turn } from 'node:timers/promises';

/** The bytes of a file as they arrive: bounded, in small pieces, with one kind of line end. */

export class TooLarge extends Error {}

/** Some hundred lines: judging them takes a few milliseconds. */
const PIECE_BYTES_MAX = 16 * 1024;

/** @throws TooLarge */
export async function* bounded(bytes: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array> {
  let read = 0;
  for await (const piece of bytes) {
    read += piece.length;
    if (read > bytesMax) throw new TooLarge();
    for (let at = 0; at < piece.length; at += PIECE_BYTES_MAX) {
      // However much arrives at once, registers and shops have their turn.
      if (at > 0) await turn();
      yield piece.subarray(at, at + PIECE_BYTES_MAX);
    }
  }
}

/** CR and CRLF as LF: the parser would count a CRLF within quotes as two lines. */
export async function* withLineFeeds(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let before = 0;
  for await (const piece of pieces) {
    const kept = new Uint8Array(piece.length);
    let length = 0;
    for (const byte of piece) {
      if (byte !== LF || before !== CR) kept[length++] = byte === CR ? LF : byte;
      before = byte;
    }
    yield kept.subarray(0, length);
  }
}

const LF = 0x0a;
const CR = 0x0d;
