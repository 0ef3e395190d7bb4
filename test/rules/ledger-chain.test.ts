import { describe, expect, test } from 'vitest';
import { chain, entryOf } from '../../cloud/ledger/chain.ts';
import { HASH, hashOfDigit, NOW } from './ledger-rows.ts';

describe("the ledger's chains", () => {
  test('have the hashes that were frozen, computed by another program [J4]', () => {
    const entries = chain(
      [],
      [
        entryOf(HASH, NOW, { n: 1, kind: 'hold' }),
        { codeHash: null, partition: 12, at: NOW + 1, body: { kind: 'issue' } },
      ],
    );
    expect(entries.map(({ partition, n, body, hash }) => [partition, n, body, hash])).toEqual([
      [12, 1, '{"kind":"hold","n":1}', '1e15eeea04b404fa19f68040ae30a5791ff663ad7ba49cefe72c73aaf8082a0f'],
      [12, 2, '{"kind":"issue"}', 'f57b8ba36b7c67c154355d97bd3737aebd42a1a179bc2fa6a19f0b4f91c322f3'],
    ]);
  });

  test('are sixteen, by the first digit of the code hash, each with numbers of its own [J4]', () => {
    const digits = [...'0123456789abcdef'];
    const entries = chain(
      [{ partition: 3, n: 7, hash: '3'.repeat(64) }],
      digits.map((digit) => entryOf(hashOfDigit(digit), NOW, {})),
    );
    expect(entries.map(({ partition, n }) => [partition, n])).toEqual(digits.map((_, i) => [i, i === 3 ? 8 : 1]));
  });
});
