import { type Heard, type Reader, type Scan, scanOf } from '../scanner.ts';
import { Frame } from './frame.ts';
import { isLineEnd } from './line.ts';

/**
 * The `magellan` profile: a scanner and a scale on one cable. A label's line is `S08`, the label's kind in one or two
 * characters, what it says, and CR; all other lines are the scale's.
 */
export function magellanReader(): Reader {
  const frame = new Frame();
  return {
    read: (piece) => {
      const heard: Heard[] = [];
      for (const byte of piece) {
        if (!isLineEnd(byte)) frame.add(byte);
        else if (frame.kept > 0) heard.push(...ended(frame));
      }
      return heard;
    },
    silence: () => (frame.kept === 0 ? [] : [frame.discard('cut_off')]),
    get kept() {
      return frame.kept;
    },
  };
}

function ended(frame: Frame): Heard[] {
  const said = frame.end();
  if (said.kind === 'discard') return [said];
  return said.text.startsWith(LABEL) ? [label(said.text)] : [];
}

/** Where the kind is not known, it is not known either where the code begins. */
function label(line: string): Scan {
  const data = line.slice(LABEL.length);
  const kind = KINDS.find((one) => data.startsWith(one));
  if (kind === undefined) return { kind: 'discard', why: 'unknown_label', bytes: line.length };
  return scanOf(data.slice(kind.length));
}

const LABEL = 'S08';
/**
 * EAN-8, EAN-13, UPC-A, DataBar, Code 39, Code 128, QR, Data Matrix. Two characters before one: `FF` is no EAN-13, whose
 * data are digits.
 */
const KINDS = ['FF', 'R4', 'RX', 'B1', 'B3', 'QR', 'DM', 'F', 'A'];
