import { type Heard, type Reader, scanOf } from '../scanner.ts';
import { Frame } from './frame.ts';

/**
 * The `line` profile: a scan ends with CR, LF, CRLF, TAB or ETX, or with silence, for scanners that send no end at all.
 * None of these is ever part of a code.
 */
export function lineReader(): Reader {
  const frame = new Frame();
  return {
    read: (piece) => {
      const heard: Heard[] = [];
      for (const byte of piece) {
        if (isLineEnd(byte)) heard.push(...ended(frame));
        else frame.add(byte);
      }
      return heard;
    },
    silence: () => ended(frame),
    get kept() {
      return frame.kept;
    },
  };
}

/** Nothing where nothing was read, as between CR and LF. */
function ended(frame: Frame): Heard[] {
  if (frame.kept === 0) return [];
  const said = frame.end();
  return [said.kind === 'text' ? scanOf(said.text) : said];
}

const [ETX, TAB, LF, CR] = [0x03, 0x09, 0x0a, 0x0d];

export function isLineEnd(byte: number): boolean {
  return byte === CR || byte === LF || byte === TAB || byte === ETX;
}
