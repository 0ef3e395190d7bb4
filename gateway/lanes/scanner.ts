import { withoutAim } from '../../protocol/barcode/aim.ts';
import { CODE_CHARACTERS_READ_MAX } from '../../protocol/limits.ts';

/** What a scanner gave: a text without its line end, or something that is no text, told so that it can be counted. */
export type Scan =
  | { readonly kind: 'scan'; readonly text: string; readonly aim: string | null }
  | { readonly kind: 'discard'; readonly why: Discard; readonly bytes: number };

/** `too_long`: more than any barcode holds. `unprintable`: noise, or the line's settings are wrong. `empty`: an AIM identifier alone. */
export type Discard = 'too_long' | 'unprintable' | 'empty';

/** What has come since the last line end. A scan that is too long is not kept, only counted. */
export type Reading = { readonly text: string; readonly bytes: number; readonly unprintable: boolean };

export const NOTHING_READ: Reading = { text: '', bytes: 0, unprintable: false };

/** A scanner that sends no line end sends a scan in one go: at 9600 baud a character takes one millisecond. */
export const IDLE_FLUSH_MS = 50;

/**
 * The `line` profile: a scan ends with CR, LF, CRLF or TAB, or with silence (then the caller flushes).
 * GS is kept, it parts the fields of GS1 codes. Pieces may be cut anywhere.
 */
export function read(
  reading: Reading,
  piece: Uint8Array,
): { readonly reading: Reading; readonly scans: readonly Scan[] } {
  const scans: Scan[] = [];
  let { text, bytes, unprintable } = reading;
  for (const byte of piece) {
    if (isLineEnd(byte)) {
      scans.push(...flush({ text, bytes, unprintable }));
      ({ text, bytes, unprintable } = NOTHING_READ);
      continue;
    }
    bytes += 1;
    unprintable ||= !isPrintable(byte);
    if (bytes <= SCAN_BYTES_MAX) text += String.fromCharCode(byte);
    else text = '';
  }
  return { reading: { text, bytes, unprintable }, scans };
}

/** What has been read so far, as the scan that it is; nothing where nothing was read, as between CR and LF. */
export function flush({ text, bytes, unprintable }: Reading): Scan[] {
  if (bytes === 0) return [];
  if (bytes > SCAN_BYTES_MAX) return [{ kind: 'discard', why: 'too_long', bytes }];
  // Dropping the bad bytes alone could make another code out of a damaged one.
  if (unprintable) return [{ kind: 'discard', why: 'unprintable', bytes }];
  const scan = withoutAim(text);
  return scan.text === '' ? [{ kind: 'discard', why: 'empty', bytes }] : [{ kind: 'scan', ...scan }];
}

/** The longest code, and its AIM identifier before it. */
const SCAN_BYTES_MAX = CODE_CHARACTERS_READ_MAX + 3;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const GS = 0x1d;

function isLineEnd(byte: number): boolean {
  return byte === CR || byte === LF || byte === TAB;
}

function isPrintable(byte: number): boolean {
  return (byte >= 0x20 && byte <= 0x7e) || byte === GS;
}
