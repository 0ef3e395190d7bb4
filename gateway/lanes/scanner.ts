import { withoutAim } from '../../protocol/barcode/aim.ts';
import { CODE_CHARACTERS_READ_MAX } from '../../protocol/limits.ts';

/** What a scanner gave: a text without its frame, or something that is no text, told so that it can be counted. */
export type Scan =
  | {
      readonly kind: 'scan';
      readonly text: string;
      readonly aim: string | null;
      /** The scanner says that it has sent this one before, and was not heard. */
      readonly isSentAgain: boolean;
    }
  | { readonly kind: 'discard'; readonly why: Discard; readonly bytes: number };

/**
 * `too_long`: more than any barcode holds. `unprintable`: noise, or the line's settings are wrong. `empty`: an AIM
 * identifier alone. `damaged`: the check bytes do not fit. `cut_off`: the end of the frame never came. `unframed`: bytes
 * outside of any frame; the scanner is set up for another profile. `unknown_label`: a label whose kind is not known.
 * `too_many`: so many wait already.
 */
export type Discard =
  | 'too_long'
  | 'unprintable'
  | 'empty'
  | 'damaged'
  | 'cut_off'
  | 'unframed'
  | 'unknown_label'
  | 'too_many';

/** A frame that is no scan and wants its acknowledgement all the same, as a scanner's word that it has started. */
export type Notice = { readonly kind: 'notice' };

export type Heard = Scan | Notice;

/** Reads what one scanner sends, from the opening of its port on. It keeps less than a kilobyte, whatever comes. */
export interface Reader {
  /** Pieces may be cut anywhere. */
  read(piece: Uint8Array): Heard[];
  /** Nothing has come for `SILENCE_MS`: what has begun is as whole as it will ever be. */
  silence(): Heard[];
  /** Bytes of what has not ended yet. 0: silence would tell nothing. */
  readonly kept: number;
}

/** A scanner that sends no line end sends a scan in one go: at 9600 baud a character takes one millisecond. */
export const SILENCE_MS = 100;

/** A scanner's text as the scan that it is. */
export function scanOf(raw: string): Scan {
  const scan = withoutAim(raw);
  if (scan.text === '') return { kind: 'discard', why: 'empty', bytes: raw.length };
  return { kind: 'scan', ...scan, isSentAgain: false };
}

/** The longest code, and its AIM identifier before it. */
export const SCAN_BYTES_MAX = CODE_CHARACTERS_READ_MAX + 3;

const GS = 0x1d;

/** GS parts the fields of GS1 codes. */
export function isPrintable(byte: number): boolean {
  return (byte >= 0x20 && byte <= 0x7e) || byte === GS;
}
