import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { flush, NOTHING_READ, read, type Scan } from '../../gateway/lanes/scanner.ts';
import { CODE_CHARACTERS_READ_MAX } from '../../protocol/limits.ts';

const bytesOf = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

/** Reads the pieces one after the other; the silence at the end flushes. */
function scansOf(...pieces: string[]): Scan[] {
  let reading = NOTHING_READ;
  const scans: Scan[] = [];
  for (const piece of pieces) {
    const step = read(reading, bytesOf(piece));
    reading = step.reading;
    scans.push(...step.scans);
  }
  return [...scans, ...flush(reading)];
}

const scan = (text: string, aim: string | null = null): Scan => ({ kind: 'scan', text, aim });

describe('the line profile', () => {
  test.each([
    ['CR', '\r'],
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['TAB', '\t'],
    ['nothing but silence', ''],
  ])('ends a scan with %s', (_name, end) => {
    expect(scansOf(`7KQ2-9MXD-4TRB-8WNS${end}`)).toEqual([scan('7KQ2-9MXD-4TRB-8WNS')]);
  });

  test('gives a scan as soon as its line end is read, without waiting for silence', () => {
    expect(read(NOTHING_READ, bytesOf('ABC\rDE')).scans).toEqual([scan('ABC')]);
  });

  test('makes no scan of the LF after a CR, however the bytes are cut', () => {
    expect(scansOf('ABC\r', '\nDEF\r', '\n')).toEqual([scan('ABC'), scan('DEF')]);
  });

  test('strips an AIM identifier and tells it', () => {
    expect(scansOf(']C18112123\r')).toEqual([scan('8112123', ']C1')]);
    expect(scansOf(']d2ABC\r')).toEqual([scan('ABC', ']d2')]);
  });

  test('keeps the separators of GS1 codes', () => {
    expect(scansOf(']C1255123\u001d3900500\r')).toEqual([scan('255123\u001d3900500', ']C1')]);
  });

  test('discards an AIM identifier alone', () => {
    expect(scansOf(']C1\r')).toEqual([{ kind: 'discard', why: 'empty', bytes: 3 }]);
  });

  test.each([
    ['a NUL', 'AB\u0000C'],
    ['an escape', 'AB\u001bC'],
    ['a byte above ASCII, as with the wrong parity', 'AB\u00c3C'],
    ['DEL', 'AB\u007fC'],
  ])('discards a scan with %s as a whole, and reads the next one', (_name, noise) => {
    expect(scansOf(`${noise}\rDEF\r`)).toEqual([{ kind: 'discard', why: 'unprintable', bytes: 4 }, scan('DEF')]);
  });

  test('reads the longest code with its identifier', () => {
    const longest = 'A'.repeat(CODE_CHARACTERS_READ_MAX);
    expect(scansOf(`]C1${longest}\r`)).toEqual([scan(longest, ']C1')]);
  });

  test('discards what is longer up to its line end, and reads the next one', () => {
    expect(scansOf('A'.repeat(100_000), 'AAA\rDEF\r')).toEqual([
      { kind: 'discard', why: 'too_long', bytes: 100_003 },
      scan('DEF'),
    ]);
  });

  test('keeps no more than the longest scan of what never ends', () => {
    const { reading } = read(NOTHING_READ, bytesOf('A'.repeat(100_000)));
    expect(reading.text.length).toBeLessThanOrEqual(CODE_CHARACTERS_READ_MAX + 3);
  });

  test('gives the same scans wherever the bytes are cut', () => {
    const stream = fc.string({ unit: fc.constantFrom('A', '7', ']', 'C', '1', '\r', '\n', '\t', '\u001d', '\u0000') });
    fc.assert(
      fc.property(stream, fc.nat(), (text, at) => {
        const cut = at % (text.length + 1);
        expect(scansOf(text.slice(0, cut), text.slice(cut))).toEqual(scansOf(text));
      }),
    );
  });
});
