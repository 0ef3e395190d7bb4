import { describe, expect, test } from 'vitest';
import { type EntryBody, chainEntries, entryBodySchema, entryHash, GENESIS_HASH } from '../../protocol/journal.ts';
import { HASH, hashOfDigit } from './ledger-rows.ts';

const sale = { codeHash: HASH, basket: '0042-3-20261123-0007' };

/** One entry of each kind, with hashes that were computed by another program: they must never change. */
const GOLDEN: readonly (readonly [EntryBody, string])[] = [
  [
    { kind: 'boot', bootId: 1, incarnation: `1-${'0123456789abcdef'.repeat(2)}`, keyId: 'key-of-box', cause: 'start' },
    '54f240051fe4fcccc3c68bdfb179a99c7c6119ed67a27b0e85ce68600c15c4b8',
  ],
  [
    {
      kind: 'granted',
      number: 1,
      reservations: [{ reservation: 'reservation-1', codeHash: HASH, generation: 0, notAfter: 1795687200000 }],
    },
    '92278a550068c7f7e178c64a5139bdf4c198755fd67981d3b7356d48d7c7ba41',
  ],
  [
    {
      ...{
        kind: 'redeemed',
        redemption: 'redemption-1',
        reservation: 'reservation-1',
        ...sale,
        generation: 0,
        lane: '3',
      },
      ...{
        total: { amount: 4200, currency: 'USD' },
        discount: null,
        at: 1795428000000,
        timeProven: true,
        oldTerms: false,
      },
    },
    '9db29666b178d8a4c9887b5a92fc07f453fa1fa76bcd2eb60932c202486d1518',
  ],
  [
    {
      ...{ kind: 'reversed', door: 'gateway:gw-aaaaaaaa1', ...sale, reservation: 'reservation-1' },
      ...{ redemption: 'redemption-1', reason: 'zurückgegeben', at: 1795428060000 },
    },
    'b13a16baf56b20b46e9d461f56c762e9e0cd3f5ca220b040fbcd52f9ecc54061',
  ],
  [
    { kind: 'returned', reservation: 'reservation-2', codeHash: hashOfDigit('d'), generation: 3, why: 'unknown' },
    '0aacbd88126c564e37c2b93a459b9e840722050f7e699113dc1d9a849f504e6d',
  ],
  [
    { kind: 'time', at: 1795428000000, cause: 'jump' },
    '2237678e21c6f05af2f30b25ec502b6c2c0ebd7d59c8763c744ec8b32ca29aed',
  ],
  [
    { kind: 'policy', campaign: 'spring', version: 2 },
    '4d730fa0bc67d1f3eca71348ce58b49ff48d16aa7d046c08a0571286237cb720',
  ],
  [
    {
      ...{ kind: 'issued', reservation: 'reservation-3', ...sale, codeHash: hashOfDigit('e'), generation: 0 },
      ...{ campaign: 'thanks', lane: '3', total: { amount: 4200, currency: 'USD' }, customer: null },
      ...{ at: 1795428120000, timeProven: true },
    },
    '97aebc57af422c72b1d566c02e0d0588272bcb87bc7e2cdfff8da7d9292ff4e2',
  ],
  [
    {
      ...{ kind: 'own_issued', ...sale, codeHash: hashOfDigit('f'), campaign: 'thanks', lane: '3', total: null },
      ...{ customer: '1'.repeat(64), at: 1795428180000, timeProven: false },
    },
    'b3e24c859b199e8cd36b17080938fff82f8fb265f499c03caa668c214565eed0',
  ],
];
const bodies = GOLDEN.map(([body]) => body);
const start = { epoch: 1, n: 0, hash: GENESIS_HASH };

describe("a journal's hashes", () => {
  test('are those that were frozen, for every kind of entry [J2]', () => {
    expect(chainEntries(start, bodies).map(({ n, hash }) => [n, hash])).toEqual(
      GOLDEN.map(([, hash], i) => [i + 1, hash]),
    );
    expect(new Set(bodies.map(({ kind }) => kind))).toEqual(
      new Set(entryBodySchema.options.map(({ shape }) => shape.kind.value)),
    );
  });

  test('do not depend on the order in which a body has its members, nor on the way over the wire [J2]', () => {
    for (const body of bodies) {
      const parsed = entryBodySchema.parse(
        JSON.parse(JSON.stringify(Object.fromEntries(Object.entries(body).reverse()))),
      );
      expect(entryHash(GENESIS_HASH, 1, 1, parsed)).toBe(entryHash(GENESIS_HASH, 1, 1, body));
    }
  });

  test('change with the epoch, the number, the hash before and every field [J2]', () => {
    const [body] = bodies;
    if (body?.kind !== 'boot') throw new Error('no boot');
    const hashes = [
      entryHash(GENESIS_HASH, 1, 1, body),
      entryHash(GENESIS_HASH, 2, 1, body),
      entryHash(GENESIS_HASH, 1, 2, body),
      entryHash('1'.repeat(64), 1, 1, body),
      entryHash(GENESIS_HASH, 1, 1, { ...body, bootId: 2 }),
      entryHash(GENESIS_HASH, 1, 1, { ...body, cause: 'epoch' }),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  test('of a chain made in parts are those of the chain made at once [J2]', () => {
    const [first, ...rest] = chainEntries(start, bodies);
    if (first === undefined) throw new Error('no entry');
    expect(chainEntries(first, bodies.slice(1))).toEqual(rest);
  });

  test('are not made of a body with a field too many [J2]', () => {
    for (const body of bodies)
      expect(entryBodySchema.safeParse({ ...body, code: '7KQ2-9MXD-4TRB-8WNS' }).success).toBe(false);
    expect(entryBodySchema.safeParse({ kind: 'issued' }).success).toBe(false);
  });
});
