import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Canonical, canonicalText } from '../../protocol/canonical.ts';

describe('canonical text', () => {
  test.each<[Canonical, string]>([
    [null, 'null'],
    [true, 'true'],
    [0, '0'],
    [-0, '0'],
    [-7, '-7'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
    ['', '""'],
    ['"\\\n\u0000/é€😀', '"\\"\\\\\\n\\u0000/é€😀"'],
    [[], '[]'],
    [[1, ['a'], null], '[1,["a"],null]'],
    [{}, '{}'],
    [{ b: 1, a: 2 }, '{"a":2,"b":1}'],
    [{ a: undefined, b: [{ d: 1, c: null }] }, '{"b":[{"c":null,"d":1}]}'],
    // UTF-16 units and not code points: the surrogates of 😀 come before ﬁ. Digits are not sorted as numbers.
    [{ ﬁ: 1, '😀': 2, é: 3, Z: 4, a: 5, '10': 6, '9': 7 }, '{"10":6,"9":7,"Z":4,"a":5,"é":3,"😀":2,"ﬁ":1}'],
  ])('of %j is %s [J1]', (value, text) => {
    expect(canonicalText(value)).toBe(text);
  });

  test.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])('is not made of %d [J1]', (number) => {
    expect(() => canonicalText({ number })).toThrow(TypeError);
  });

  const value = fc.letrec<{ any: Canonical }>((tie) => ({
    any: fc.oneof(
      fc.constant(null),
      fc.boolean(),
      fc.maxSafeInteger(),
      fc.string({ unit: 'binary' }),
      fc.array(tie('any')),
      fc.dictionary(fc.string({ unit: 'grapheme' }), tie('any')),
    ),
  })).any;

  test('is JSON, and the same for a value in whatever order its members came [J1]', () => {
    fc.assert(
      fc.property(value, (one) => {
        const text = canonicalText(one);
        expect(canonicalText(JSON.parse(text))).toBe(text);
        expect(canonicalText(reversedMembers(one))).toBe(text);
      }),
    );
  });
});

function reversedMembers(value: Canonical): Canonical {
  if (Array.isArray(value)) return value.map(reversedMembers);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, reversedMembers(member ?? null)]),
  );
}
