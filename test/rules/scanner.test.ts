import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeReader, type ProfileSettings } from '../../gateway/lanes/profiles/profile.ts';
import { OPERATION, ssiPacket } from '../../gateway/lanes/profiles/ssi.ts';
import type { Discard, Heard } from '../../gateway/lanes/scanner.ts';
import { CODE_CHARACTERS_READ_MAX } from '../../protocol/limits.ts';

type Profile = Pick<ProfileSettings, 'profile' | 'lrc'>;
const LINE: Profile = { profile: 'line', lrc: false };
const FRAMED: Profile = { profile: 'stx-etx', lrc: false };
const CHECKED: Profile = { profile: 'stx-etx', lrc: true };
const MAGELLAN: Profile = { profile: 'magellan', lrc: false };
const SSI: Profile = { profile: 'ssi', lrc: false };

const bytesOf = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const textOf = (bytes: Iterable<number>) => String.fromCharCode(...bytes);
const hex = (text: string) => textOf(text.split(' ').map((byte) => Number.parseInt(byte, 16)));

/** Reads the pieces one after the other, and then the silence. */
function heardOf(profile: Profile, ...pieces: string[]): Heard[] {
  const reader = makeReader({ ...profile, ack: 'none' });
  return [...pieces.flatMap((piece) => reader.read(bytesOf(piece))), ...reader.silence()];
}

/** The same without the silence. */
function heardAtOnce(profile: Profile, text: string): Heard[] {
  return makeReader({ ...profile, ack: 'none' }).read(bytesOf(text));
}

const scan = (text: string, aim: string | null = null, isSentAgain = false): Heard => {
  return { kind: 'scan', text, aim, isSentAgain };
};
const discard = (why: Discard, bytes: number): Heard => ({ kind: 'discard', why, bytes });

/** STX, the code, ETX, and the XOR of the code and ETX. */
function checked(code: string): string {
  const lrc = bytesOf(`${code}\u0003`).reduce((xor, byte) => xor ^ byte, 0);
  return `\u0002${code}\u0003${String.fromCharCode(lrc)}`;
}
const ssiScan = (code: string, status = 0) =>
  textOf(ssiPacket(OPERATION.scan, [0x03, ...bytesOf(code)], 'scanner', status));

/** One frame of each profile that says `code`. */
const framings: [name: string, profile: Profile, frame: (code: string) => string][] = [
  ['line', LINE, (code) => `${code}\r\n`],
  ['stx-etx', FRAMED, (code) => `\u0002${code}\u0003`],
  ['stx-etx with LRC', CHECKED, checked],
  ['magellan', MAGELLAN, (code) => `S08B3${code}\r`],
  ['ssi', SSI, ssiScan],
];

describe.each(framings)('the profile %s', (_name, profile, frame) => {
  const code = '7KQ2-9MXD-4TRB-8WNS';

  test('gives a scan as soon as its frame ends, without waiting for silence', () => {
    expect(heardAtOnce(profile, frame(code))).toEqual([scan(code)]);
  });

  test('reads one scan after the other', () => {
    expect(heardOf(profile, frame(code) + frame('ABC'))).toEqual([scan(code), scan('ABC')]);
  });

  test('gives the same wherever the bytes are cut', () => {
    const stream = frame(`]C1255123\u001d3900500`) + frame(code);
    const whole = heardOf(profile, stream);
    expect(whole).toEqual([scan('255123\u001d3900500', ']C1'), scan(code)]);
    for (let at = 0; at <= stream.length; at += 1)
      expect(heardOf(profile, stream.slice(0, at), stream.slice(at))).toEqual(whole);
    expect(heardOf(profile, ...stream)).toEqual(whole);
  });

  test('gives the same of noise, wherever it is cut', () => {
    const noise = fc.string({ unit: fc.constantFrom(...frame('A]C1\u001d\u0000\u0006\u0015\u00ff7').split('')) });
    fc.assert(
      fc.property(noise, fc.nat(), (text, at) => {
        const cut = at % (text.length + 1);
        expect(heardOf(profile, text.slice(0, cut), text.slice(cut))).toEqual(heardOf(profile, text));
      }),
    );
  });

  test('strips an AIM identifier and tells it, and discards one that stands alone', () => {
    expect(heardOf(profile, frame(']d2ABC'))).toEqual([scan('ABC', ']d2')]);
    expect(heardOf(profile, frame(']C1'))).toEqual([discard('empty', 3)]);
  });

  test.each([
    ['a NUL', 'AB\u0000C'],
    ['an escape', 'AB\u001bC'],
    ['a byte above ASCII, as with the wrong parity', 'AB\u00c3C'],
    ['DEL', 'AB\u007fC'],
  ])('discards a scan with %s as a whole, and reads the next one', (_what, bad) => {
    expect(heardOf(profile, frame(bad) + frame('DEF'))).toEqual([
      expect.objectContaining({ kind: 'discard', why: 'unprintable' }),
      scan('DEF'),
    ]);
  });
});

describe.each(framings.slice(0, 4))('the profile %s, which has no length of its own,', (_name, profile, frame) => {
  const longest = 'A'.repeat(CODE_CHARACTERS_READ_MAX - 5);

  test('reads the longest code with its identifier', () => {
    expect(heardOf(profile, frame(`]C1${longest}`))).toEqual([scan(longest, ']C1')]);
  });

  test('discards what is longer up to its end, and reads the next one', () => {
    expect(heardOf(profile, frame('A'.repeat(100_000)) + frame('DEF'))).toEqual([
      { kind: 'discard', why: 'too_long', bytes: expect.any(Number) },
      scan('DEF'),
    ]);
  });
});

describe('the line profile', () => {
  test.each([
    ['CR', '\r'],
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['TAB', '\t'],
    ['ETX', '\u0003'],
    ['nothing but silence', ''],
  ])('ends a scan with %s', (_name, end) => {
    expect(heardOf(LINE, `7KQ2-9MXD-4TRB-8WNS${end}`)).toEqual([scan('7KQ2-9MXD-4TRB-8WNS')]);
  });

  test('makes no scan of the LF after a CR, however the bytes are cut', () => {
    expect(heardOf(LINE, 'ABC\r', '\nDEF\r', '\n')).toEqual([scan('ABC'), scan('DEF')]);
  });
});

describe('the stx-etx profile', () => {
  test('ignores the line end after a frame, and tells of other bytes between frames', () => {
    expect(heardOf(FRAMED, '\u0002ABC\u0003\r\n\u0002DEF\u0003')).toEqual([scan('ABC'), scan('DEF')]);
    expect(heardOf(FRAMED, 'xyz\u0002DEF\u0003')).toEqual([discard('unframed', 3), scan('DEF')]);
    expect(heardOf(FRAMED, 'ABC\r')).toEqual([discard('unframed', 3)]);
  });

  test('drops a frame whose end never came, at the next one or with silence', () => {
    expect(heardOf(FRAMED, '\u0002ABC\u0002DEF\u0003')).toEqual([discard('cut_off', 3), scan('DEF')]);
    expect(heardOf(FRAMED, '\u0002ABC')).toEqual([discard('cut_off', 3)]);
    expect(heardOf(CHECKED, '\u0002ABC\u0003')).toEqual([discard('cut_off', 3)]);
  });

  test('takes the check byte for what it is, also where it equals STX, ETX, ACK or NAK', () => {
    // The XOR of 0x20 to 0x7e reaches every low value with two characters.
    for (const lrc of [0x02, 0x03, 0x06, 0x15, 0x0d, 0x00]) {
      const wanted = lrc ^ 0x03;
      const code = `A${String.fromCharCode(0x41 ^ wanted ^ 0x20)} `;
      const frame = checked(code);
      expect(frame.charCodeAt(frame.length - 1)).toBe(lrc);
      expect(heardAtOnce(CHECKED, frame + checked('DEF'))).toEqual([scan(code), scan('DEF')]);
    }
  });

  test('discards a frame whose check byte is wrong or missing, and reads the next one', () => {
    expect(heardOf(CHECKED, `\u0002ABC\u0003\u0001${checked('DEF')}`)).toEqual([discard('damaged', 3), scan('DEF')]);
    expect(heardOf(CHECKED, `\u0002ABC\u0003${checked('DEF')}`)).toEqual([discard('damaged', 3), scan('DEF')]);
  });
});

describe('the magellan profile', () => {
  test.each([
    ['EAN-13', 'F', '4006381333931'],
    ['EAN-8', 'FF', '40123455'],
    ['UPC-A', 'A', '036000291452'],
    ['DataBar', 'R4', '0100614141000012'],
    ['DataBar', 'RX', '8110106141416543213500110000310123196000'],
    ['Code 39', 'B1', 'ABC'],
    ['Code 128', 'B3', '7KQ29MXD4TRB8WNS'],
    ['QR', 'QR', '7KQ29MXD4TRB8WNS'],
    ['Data Matrix', 'DM', '7KQ29MXD4TRB8WNS'],
  ])('reads the label %s', (_name, kind, code) => {
    expect(heardOf(MAGELLAN, `S08${kind}${code}\r`)).toEqual([scan(code)]);
  });

  test('ignores the scale and whatever else is on the cable', () => {
    expect(heardOf(MAGELLAN, 'S1441234\rS08FF40123455\rS11\r\r\nhello\r')).toEqual([scan('40123455')]);
  });

  test('discards a label of a kind that it does not know: it cannot tell where the code begins', () => {
    expect(heardOf(MAGELLAN, 'S08Z9ABC\r')).toEqual([discard('unknown_label', 8)]);
  });

  test('drops a line whose end never came', () => {
    expect(heardOf(MAGELLAN, 'S08B3ABC')).toEqual([discard('cut_off', 8)]);
  });
});

describe('the ssi profile', () => {
  test('reads the packet of the reference', () => {
    const packet = hex('0F F3 00 00 03 53 41 56 45 31 30 2D 41 42 43 FC 78');
    expect(heardAtOnce(SSI, packet)).toEqual([scan('SAVE10-ABC')]);
  });

  test('sends the packets of the reference', () => {
    expect(textOf(ssiPacket(OPERATION.acknowledged))).toBe(hex('04 D0 04 00 FF 28'));
    expect(textOf(ssiPacket(OPERATION.notAcknowledged, [0x01]))).toBe(hex('05 D1 04 00 01 FF 25'));
    expect(textOf(ssiPacket(OPERATION.beep, [0x09]))).toBe(hex('05 E6 04 00 09 FF 08'));
    expect(textOf(ssiPacket(0xe9))).toBe(hex('04 E9 04 00 FF 0F'));
    expect(textOf(ssiPacket(0xea))).toBe(hex('04 EA 04 00 FF 0E'));
  });

  test('tells a packet that is sent again', () => {
    expect(heardOf(SSI, ssiScan('ABC', 0x01))).toEqual([scan('ABC', null, true)]);
  });

  test('takes the scanner’s own suffix off', () => {
    expect(heardOf(SSI, ssiScan('ABC\r\n'))).toEqual([scan('ABC')]);
  });

  test('hears acknowledgements in silence, and notices everything else', () => {
    const acknowledged = textOf(ssiPacket(OPERATION.acknowledged, [], 'scanner'));
    const refused = textOf(ssiPacket(OPERATION.notAcknowledged, [0x06], 'scanner'));
    const started = textOf(ssiPacket(0xf6, [0x03], 'scanner'));
    expect(heardOf(SSI, acknowledged + refused + started + ssiScan('ABC'))).toEqual([{ kind: 'notice' }, scan('ABC')]);
  });

  test('discards a packet with one bit turned, wherever it is, and reads the next one', () => {
    const packet = ssiScan('7KQ29MXD4TRB8WNS');
    for (let bit = 0; bit < packet.length * 8; bit += 1) {
      const damaged = bytesOf(packet);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const heard = heardOf(SSI, textOf(damaged), packet);
      expect(heard.filter(({ kind }) => kind === 'scan')).toEqual([scan('7KQ29MXD4TRB8WNS')]);
      expect(heard.filter(({ kind }) => kind === 'discard').length).toBeGreaterThan(0);
    }
  });

  test('discards a code that goes on in a second packet', () => {
    expect(heardOf(SSI, ssiScan('ABC', 0x02))).toEqual([discard('too_long', 8)]);
  });
});
