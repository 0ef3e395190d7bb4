import { OPERATION, ssiPacket } from '../../gateway/lanes/profiles/ssi.ts';

export const PROFILES = ['line', 'stx-etx', 'magellan', 'ssi'] as const;
export type Profile = (typeof PROFILES)[number];
export const SUFFIXES = { cr: '\r', lf: '\n', none: '' } as const;
export type Suffix = keyof typeof SUFFIXES;

/** Code 128, as a Magellan names it. */
const LABEL = 'S08B3';
const CODE_128 = 0x03;
const [STX, ETX] = ['\u0002', '\u0003'];

/** A code as a scanner of that profile sends it. @param code latin1 */
export function frame(code: string, profile: Profile, suffix: Suffix): Uint8Array {
  switch (profile) {
    case 'line':
      return bytes(code + SUFFIXES[suffix]);
    case 'stx-etx':
      return bytes(`${STX}${code}${ETX}`);
    case 'magellan':
      return bytes(`${LABEL}${code}\r`);
    case 'ssi':
      return ssiPacket(OPERATION.scan, [CODE_128, ...bytes(code)], 'scanner');
  }
}

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
