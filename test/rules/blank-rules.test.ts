import { expect, test } from 'vitest';
import { blanksToMove, blanksWanted } from '../../cloud/fleet/blank-rules.ts';
import { cardWith, NOW } from './ledger-rows.ts';

test.each([
  [200, 200, null],
  [200, 100, null],
  [200, 99, { make: 101 }],
  [1, 0, { make: 1 }],
  [10, 14, { recall: 4 }],
  [0, 0, null],
  [0, 3, { recall: 3 }],
])('%i wanted, %i there [I6]', (wanted, held, move) => {
  expect(blanksToMove(wanted, held)).toEqual(move);
});

test('a store wants none of a campaign that is over, or is for others [I6]', () => {
  const blanks = { perStore: 200 };
  const wanted = (card: Parameters<typeof cardWith>[0]) =>
    blanksWanted({ card: cardWith(card), blanks }, '0001', 'UTC', NOW);
  expect(wanted({})).toBe(200);
  expect(wanted({ stores: ['0001'] })).toBe(200);
  expect(wanted({ startsAt: '2027-01-01' })).toBe(200);
  expect(wanted({ stores: ['0002'] })).toBe(0);
  expect(wanted({ endsAt: '2026-11-22' })).toBe(0);
  expect(blanksWanted({ card: cardWith(), blanks: null }, '0001', 'UTC', NOW)).toBe(0);
});
