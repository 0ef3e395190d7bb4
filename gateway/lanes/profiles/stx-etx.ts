import { type Heard, type Reader, scanOf } from '../scanner.ts';
import { Frame } from './frame.ts';

/**
 * The `stx-etx` profile: STX, the code, ETX, and with `lrc` one check byte, the XOR of the code and ETX. That byte may
 * have any value, also that of STX or ETX: it is told by its place alone.
 */
export function stxEtxReader(lrc: boolean): Reader {
  const frame = new Frame();
  let state: 'outside' | 'inside' | 'check' = 'outside';
  let check = 0;

  /** What the next frame, or silence, finds unfinished. */
  function broken(): Heard[] {
    const why = state === 'outside' ? 'unframed' : 'cut_off';
    return state === 'outside' && frame.kept === 0 ? [] : [frame.discard(why)];
  }

  function begin(): Heard[] {
    const heard = broken();
    [state, check] = ['inside', 0];
    return heard;
  }

  function end(): Heard[] {
    state = 'outside';
    const said = frame.end();
    return [said.kind === 'text' ? scanOf(said.text) : said];
  }

  function next(byte: number): Heard[] {
    switch (state) {
      case 'check':
        if (byte === check) return end();
        state = 'outside';
        // The check byte is missing, and this is the next frame.
        return byte === STX ? [frame.discard('damaged'), ...begin()] : [frame.discard('damaged')];
      case 'outside':
        if (byte === STX) return begin();
        if (byte !== CR && byte !== LF) frame.add(byte);
        return [];
      case 'inside':
        if (byte === STX) return begin();
        check ^= byte;
        if (byte !== ETX) frame.add(byte);
        else if (lrc) state = 'check';
        else return end();
        return [];
    }
  }

  return {
    read: (piece) => {
      const heard: Heard[] = [];
      for (const byte of piece) heard.push(...next(byte));
      return heard;
    },
    silence: () => {
      const heard = broken();
      state = 'outside';
      return heard;
    },
    get kept() {
      return frame.kept + (state === 'outside' ? 0 : 1);
    },
  };
}

const [STX, ETX, LF, CR] = [0x02, 0x03, 0x0a, 0x0d];
