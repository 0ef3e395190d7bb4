import { describe, expect, test } from 'vitest';
import { formatCode, hashCode, hashCustomer } from '../../protocol/code.ts';
import { readCode } from '../../protocol/code-reading.ts';

/** Vectors that were computed by another program: what is printed on paper must be read for good. */
const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);
const CODES = ['7KQ29MXD4TRB8WNS', 'ABCDEFGHJKMNPQRV', '0000000000000A0R', 'ZZZZZZZZZZZZZZZ7', '7KQ29MXD4TRB8W15'];

describe('a code', () => {
  test.each(CODES)('%s is read, however it is written [F1, F2]', (text) => {
    const groups = text.replace(/.{4}(?=.)/g, '$&-');
    const misread = text.replaceAll('0', 'o').replaceAll('1', 'l');
    for (const raw of [
      text,
      groups,
      groups.toLowerCase(),
      ` ${groups.replaceAll('-', ' ')} `,
      groups.replaceAll('-', '–'),
      misread,
    ])
      expect(readCode(raw, [])).toEqual({ kind: 'code', code: text });
    const reading = readCode(text, []);
    expect(reading.kind === 'code' && formatCode(reading.code)).toBe(groups);
  });

  test.each([
    '7KQ29MXD4TRB8WN',
    '7KQ29MXD4TRB8WNS0',
    'UUUUUUUUUUUUUUUU',
    '0123456789012345',
    '7KQ2_9MXD_4TRB_8WNS',
    '',
  ])('%j has another form: no coupon [F1]', (raw) => {
    expect(readCode(raw, [])).toEqual({ kind: 'not_a_coupon', facts: {} });
  });

  test('with one wrong character or two neighbours swapped is malformed, each of them [F2]', () => {
    const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
    for (const text of CODES)
      for (let place = 0; place < text.length; place += 1) {
        const swapped = text.slice(0, place) + text.charAt(place + 1) + text.charAt(place) + text.slice(place + 2);
        if (place < 15 && swapped !== text) expect(readCode(swapped, []).kind).toBe('malformed_code');
        for (const wrong of alphabet)
          if (wrong !== text.charAt(place)) {
            const other = text.slice(0, place) + wrong + text.slice(place + 1);
            expect(readCode(other, []).kind).toBe(/^[0-9]*$/.test(other) ? 'not_a_coupon' : 'malformed_code');
          }
      }
  });
});

describe('a hash', () => {
  test("of a code and of a customer's number are those that were frozen [F3]", () => {
    const reading = readCode('7KQ2-9MXD-4TRB-8WNS', []);
    if (reading.kind !== 'code') throw new Error(reading.kind);
    expect(hashCode(KEY, reading.code)).toBe('596eb67fc7cf78bf1647d223fbd756a31cce0e3ca1bc4aec304fd230337d0677');
    expect(hashCustomer(KEY, '4711')).toBe('5b690d7c4b4acf65a2ed0b9ad98472e26d9401d6d93ce965234289939611b8a0');
  });
});
