import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Code,
  formatCode,
  hashCode,
  lastFour,
  makeCodes,
  parseCodeHash,
  partitionOf,
} from '../../protocol/code.ts';
import { readCode } from '../../protocol/code-reading.ts';
import { reasonSchema } from '../../protocol/decision.ts';

const ALPHABET = [...'0123456789ABCDEFGHJKMNPQRSTVWXYZ'];
const fleetKey = Uint8Array.from({ length: 32 }, (_, index) => index);

/** The check as the rule states it, in BigInt: another way than the product's. Null where there is no such character. */
function checkCharacter(fifteen: string): string | null {
  const value = [...fifteen].reduce((sum, character) => sum * 32n + BigInt(ALPHABET.indexOf(character)), 0n);
  return ALPHABET[Number(value % 37n)] ?? null;
}

/** Texts in our form whose check character is right, drawn by fast-check so that a failure shrinks. */
const normalForms = fc
  .array(fc.constantFrom(...ALPHABET), { minLength: 15, maxLength: 15 })
  .map((characters) => characters.join(''))
  .filter((fifteen) => checkCharacter(fifteen) !== null)
  .map((fifteen) => `${fifteen}${checkCharacter(fifteen)}`);

function codeOf(text: string): Code {
  const reading = readCode(text, []);
  if (reading.kind !== 'code') throw new Error(`${text} reads as ${reading.kind}`);
  return reading.code;
}

/** With hyphens, as typed from a coupon: digits alone are then read as a code too. */
const typed = (text: string) => text.replace(/(.{4})(?!$)/g, '$1-');

describe('a code', () => {
  it.each([
    ['7KQ2-9MXD-4TRB-8WNS', '596eb67fc7cf78bf1647d223fbd756a31cce0e3ca1bc4aec304fd230337d0677'],
    ['ZZZZ-ZZZZ-ZZZZ-ZZZ7', '75791d98d3091a4176b79d7d1ea96345a6aeade30953948807a4177bc04b136a'],
    ['ABCD-EFGH-JKMN-PQRV', '8eba6224c3c0969cd18c0914a87dbaa4576d94cf913885092ef3c66cd74f3671'],
    ['TEST-9MXD-4TRB-8WN2', '82b5a296b4769de635a7c75791cadabc9d128d5afad82d7b1692826b65aebac0'],
    ['0000-0000-0000-0011', 'e21b70cc5c39b408850ea36f7143d8f09f7ade73d6626c404f95d2cb5a58db73'],
  ])('%s keeps its check character and its hash for good', (text, hash) => {
    const code = codeOf(text);
    expect(formatCode(code)).toBe(text);
    expect(hashCode(fleetKey, code)).toBe(hash);
  });

  it('reads the same in any case, with any hyphens and spaces, O for 0, I and L for 1', () => {
    const spellings = new Map([
      ['0', ['0', 'O', 'o']],
      ['1', ['1', 'I', 'i', 'L', 'l']],
    ]);
    const separators = fc.constantFrom('', '', '', '-', ' ', ' - ', '\u2011', '\u2013', '\t', '\u00a0');
    const spelled = normalForms.chain((normal) => {
      const characters = [...normal].map((character) =>
        fc.constantFrom(...(spellings.get(character) ?? [character, character.toLowerCase()])),
      );
      const pieces = characters.flatMap((character) => [separators, character]);
      return fc.tuple(...pieces, fc.constant('-')).map((parts) => ({ normal, raw: parts.join('') }));
    });
    fc.assert(
      fc.property(spelled, ({ normal, raw }) => {
        expect(readCode(raw, [])).toEqual({ kind: 'code', code: normal });
      }),
    );
  });

  it('with one wrong character, its check character included, is never a code', () => {
    fc.assert(
      fc.property(normalForms, (normal) => {
        for (let place = 0; place < 16; place++)
          for (const character of ALPHABET) {
            if (character === normal[place]) continue;
            const wrong = normal.slice(0, place) + character + normal.slice(place + 1);
            expect(readCode(typed(wrong), []).kind).toBe('malformed_code');
            expect(readCode(wrong, []).kind).not.toBe('code');
          }
      }),
    );
  });

  it('with two different neighbours swapped, its check character included, is never a code', () => {
    fc.assert(
      fc.property(normalForms, (normal) => {
        for (let place = 0; place < 15; place++) {
          const [left, right] = [normal.charAt(place), normal.charAt(place + 1)];
          if (left === right) continue;
          const wrong = normal.slice(0, place) + right + left + normal.slice(place + 2);
          expect(readCode(typed(wrong), []).kind).toBe('malformed_code');
          expect(readCode(wrong, []).kind).not.toBe('code');
        }
      }),
    );
  });

  it('shows its last four characters and no more', () => {
    expect(lastFour(codeOf('7KQ2-9MXD-4TRB-8WNS'))).toBe('8WNS');
  });
});

describe('what goes over the scanner beside coupons is not a coupon', () => {
  it.each([
    ['milk, an EAN-13', '4006381333931'],
    ['an EAN-8', '96385074'],
    ['a UPC-A', '036000291452'],
    ['produce, a GTIN-14 behind its 01', '0104006381333931'],
    ['a loyalty card of 16 digits', '4111 1111 1111 1111'],
    ['nothing', ''],
    ['hyphens', '----'],
    ['a code with a character missing', '7KQ2-9MXD-4TRB-8WN'],
    ['a code with a character too many', '7KQ2-9MXD-4TRB-8WNSS'],
    ['a character outside the alphabet', '7KQ2-9MXD-4TRB-8WNU'],
    ['a letter that only upper-casing makes ours', '7KQ2-9MXD-4TRB-8WN\u017f'],
    ['a web address', 'https://shop.test/c/abcdef'],
    ['control characters', '7KQ29MXD4TRB8WNS\u0000'],
  ])('%s', (_, raw) => {
    expect(readCode(raw, [])).toEqual({ kind: 'not_a_coupon', facts: {} });
  });

  it('digits alone, however many', () => {
    const digits = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 40 }).map((list) => list.join(''));
    fc.assert(
      fc.property(digits, (raw) => {
        expect(readCode(raw, []).kind).toBe('not_a_coupon');
      }),
    );
  });

  it('more than 512 characters, even where a code is inside', () => {
    expect(readCode('7KQ29MXD4TRB8WNS'.padEnd(512, ' '), []).kind).toBe('code');
    expect(readCode('7KQ29MXD4TRB8WNS'.padEnd(513, ' '), []).kind).toBe('not_a_coupon');
  });

  it('any text without 16 letters and digits in it, whatever else it holds', () => {
    const texts = fc
      .string({ unit: 'binary', maxLength: 600 })
      .filter((raw) => !/^(?:[^a-z0-9]*[a-z0-9]){16}/i.test(raw));
    fc.assert(
      fc.property(texts, (raw) => {
        expect(readCode(raw, []).kind).toBe('not_a_coupon');
      }),
    );
  });
});

describe('a test code', () => {
  it('answers every reason, approved and slow, in any case', () => {
    for (const reason of [...reasonSchema.options, 'approved', 'slow']) {
      expect(readCode(`TEST-${reason.toUpperCase()}`, [])).toEqual({ kind: 'test', reason });
      expect(readCode(` test-${reason} `, [])).toEqual({ kind: 'test', reason });
    }
  });

  it('with an unknown reason is not a coupon', () => {
    expect(readCode('TEST-NOTHING', []).kind).toBe('not_a_coupon');
    expect(readCode('TEST-', []).kind).toBe('not_a_coupon');
    expect(readCode('TEST-CONSTRUCTOR', []).kind).toBe('not_a_coupon');
  });
});

describe('making codes', () => {
  it('gives as many as asked, all different, each of which reads as itself', () => {
    for (const count of [0, 1, 2, 4095, 4096, 4097, 20_000]) {
      const codes = makeCodes(count, randomBytes);
      expect(codes).toHaveLength(count);
      expect(new Set(codes).size).toBe(count);
      for (const code of codes) {
        expect(code.slice(15)).toBe(checkCharacter(code.slice(0, 15)));
        expect(readCode(code, [])).toEqual({ kind: 'code', code });
      }
    }
  });

  it('uses every character about equally often at each of the 15 random places', () => {
    const codes = makeCodes(32_000, randomBytes);
    for (let place = 0; place < 15; place++) {
      const counts = new Map<string, number>();
      for (const code of codes) counts.set(code.charAt(place), (counts.get(code.charAt(place)) ?? 0) + 1);
      expect(counts.size).toBe(32);
      // 1000 each, standard deviation 31: eight of them, so that a fair source fails in no lifetime.
      for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(250);
    }
  });

  it('draws again where it would be digits alone, which a till takes for a product', () => {
    let calls = 0;
    const zerosFirst = (size: number) => (calls++ === 0 ? new Uint8Array(size) : randomBytes(size));
    expect(readCode('0000-0000-0000-0000', []).kind).toBe('code');
    expect(makeCodes(1, zerosFirst)).not.toContain('0000000000000000');
    expect(calls).toBeGreaterThan(1);
  });

  it('stops with an error at a source of randomness that is stuck or short', () => {
    expect(() => makeCodes(1, (size) => new Uint8Array(size))).toThrow('repeats itself');
    expect(() => makeCodes(1, () => new Uint8Array(3))).toThrow('3 bytes of 15');
  });

  it('refuses a count that is no whole number', () => {
    for (const count of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => makeCodes(count, randomBytes)).toThrow(RangeError);
  });
});

describe('a code hash', () => {
  it('is read back as it was written, and nothing else is', () => {
    const hash = hashCode(fleetKey, codeOf('7KQ2-9MXD-4TRB-8WNS'));
    expect(parseCodeHash(hash)).toBe(hash);
    for (const text of ['', hash.slice(1), `${hash}0`, hash.toUpperCase(), `${hash}\n`, 'g'.repeat(64)])
      expect(parseCodeHash(text)).toBeNull();
  });

  it('belongs to the partition of its first digit', () => {
    for (const [partition, digit] of [...'0123456789abcdef'].entries()) {
      const hash = parseCodeHash(digit.padEnd(64, '0'));
      expect(hash && partitionOf(hash)).toBe(partition);
    }
  });

  it('differs from one fleet key to the next', () => {
    const code = codeOf('7KQ2-9MXD-4TRB-8WNS');
    expect(hashCode(new Uint8Array(32), code)).not.toBe(hashCode(fleetKey, code));
  });
});
