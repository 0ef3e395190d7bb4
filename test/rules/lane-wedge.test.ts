import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SCANNER_TEST } from '../../gateway/doors/pages/lane-panels.ts';
import { isMistyped } from '../../gateway/lanes/wedge.ts';
import { formatCode, makeCodes } from '../../protocol/code.ts';
import { readCode } from '../../protocol/code-reading.ts';
import { keyboards, pressesFor, typedOn } from '../browser/keyboards.ts';

const seed = Number(process.env.TEARLINE_SEED ?? randomBytes(4).readUInt32BE());
const bytesFrom = (start: number) => {
  let state = start >>> 0;
  return (size: number) =>
    Uint8Array.from({ length: size }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    });
};
const codes = makeCodes(2_000, bytesFrom(seed));
const imported = (count: number) =>
  fc.sample(fc.string({ unit: fc.constantFrom(...'ABCMQWYZ0123456789-'), minLength: 8, maxLength: 20 }), {
    numRuns: count,
    seed,
  });

const names = Object.keys(keyboards).map((name) => [name as keyof typeof keyboards] as const);

/** What a scanner types for a barcode at a computer, and what US keys would have given at the same places. */
function typed(barcode: string, scanner: keyof typeof keyboards, computer: keyof typeof keyboards) {
  const presses = pressesFor(barcode, keyboards[scanner]);
  const text = typedOn(presses, keyboards[computer]).map((key) => (key.length > 1 ? '\ufffd' : key));
  return { text: text.join(''), places: typedOn(presses, keyboards.us).join('') };
}

describe(`a scanner set to US keys (seed ${seed})`, () => {
  test.each(names)('at a %s keyboard is taken as its barcode says, or not at all', (computer) => {
    for (const barcode of [...codes, ...codes.map(formatCode), ...imported(2_000), 'TEST-APPROVED']) {
      const { text, places } = typed(barcode, 'us', computer);
      if (!isMistyped(text, places, false, [])) expect(text).toBe(barcode);
    }
  });

  test.each([['german'], ['french'], ['spanish']] as const)(
    'is told from one set to %s keys by the test barcode',
    (computer) => {
      expect(typed(SCANNER_TEST, 'us', computer).text).not.toBe(SCANNER_TEST);
      expect(typed(SCANNER_TEST, computer, 'us').text).not.toBe(SCANNER_TEST);
      expect(typed(SCANNER_TEST, computer, computer).text).toBe(SCANNER_TEST);
    },
  );
});

describe('a scanner set to the keys of its computer', () => {
  test.each(names)('(%s) is taken once it was tried, whatever it reads', (name) => {
    for (const barcode of [...codes, ...imported(500)]) {
      const { text, places } = typed(barcode, name, name);
      expect([text, isMistyped(text, places, true, [])]).toEqual([barcode, false]);
    }
  });

  test.each(names)('(%s) reads groceries without ever having been tried', (name) => {
    const { text, places } = typed('4006381333931', name, name);
    expect([text, isMistyped(text, places, false, [])]).toEqual(['4006381333931', false]);
  });
});

describe('Y and Z that changed places', () => {
  const swapped = (character: string) => ({ Y: 'Z', Z: 'Y' })[character] ?? character;

  test('once in a code are never another code', () => {
    for (const code of codes)
      for (const [place, character] of [...code].entries()) {
        if (swapped(character) === character) continue;
        const other = code.slice(0, place) + swapped(character) + code.slice(place + 1);
        expect(readCode(other, []).kind).toBe('malformed_code');
      }
  });

  test('all over a code can be another one, which no check character sees: so the keys are looked at', () => {
    const others = codes.filter((code) => {
      const other = [...code].map(swapped).join('');
      return other !== code && readCode(other, []).kind === 'code';
    });
    expect(others.length).toBeGreaterThan(0);
    for (const code of others) {
      const { text, places } = typed(code, 'us', 'german');
      expect(readCode(text, []).kind).toBe('code');
      expect(isMistyped(text, places, false, [])).toBe(true);
    }
  });
});

describe('a scanner that was never tried, set to German keys at a US keyboard', () => {
  const form = { length: { min: 8, max: 8 }, alphabet: 'alphanumeric', prefix: 'SA1E' } as const;
  const { text, places } = typed('SALE00YZ', 'german', 'us');

  test('turns an imported code into another one, and is not believed for it', () => {
    expect([text, places, readCode(text, [form]).kind]).toEqual(['SALE00ZY', 'SALE00ZY', 'code']);
    expect(isMistyped(text, places, false, [form])).toBe(true);
    expect(isMistyped(text, places, true, [form])).toBe(false);
  });

  test('is heard where the text is no imported code, or checks itself', () => {
    for (const other of ['CATALOG-12', 'TEST-APPROVED', codes[0] ?? ''])
      expect(isMistyped(other, other, false, [form])).toBe(false);
  });
});

describe('what a person typed', () => {
  test('is taken as it stands', () => {
    expect(isMistyped('7KQ2-9MXD-4TRB-8WNS', null, false, [])).toBe(false);
  });
});

describe('what is not whole', () => {
  test('is never taken, by a scanner that was tried neither', () => {
    expect(isMistyped('7KQ29MXD\ufffd4TRB8WNS', '7KQ29MXD\ufffd4TRB8WNS', true, [])).toBe(true);
  });
});
