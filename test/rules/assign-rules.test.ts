import { describe, expect, test } from 'vitest';
import { decideAssignment, keptOf, type Mine, type Offered, spentOf } from '../../cloud/distribution/assign-rules.ts';
import { samePerson } from '../../cloud/distribution/person-rules.ts';
import { CODE_STATES, type CodeState } from '../../cloud/ledger/code-rules.ts';

const offered = (own: Partial<Offered> = {}): Offered => ({ perCustomer: 1, ended: false, left: null, ...own });
const mine = (...states: CodeState[]): Mine[] =>
  states.map((state, i) => ({
    assignment: `a${i + 1}`,
    ordinal: i + 1,
    state,
    replaced: false,
    ended: false,
    untold: false,
  }));
const same = (assignment: string) => ({ kind: 'same', coupon: { assignment } });

describe('who asks for a coupon [D1]', () => {
  test('the first time gets a new one, while some are left', () => {
    expect(decideAssignment([], offered())).toEqual({ kind: 'new', ordinal: 1 });
    expect(decideAssignment([], offered({ left: 1 }))).toEqual({ kind: 'new', ordinal: 1 });
    expect(decideAssignment([], offered({ left: 0 }))).toEqual({ kind: 'refused', why: 'none_left' });
    expect(decideAssignment([], offered({ ended: true, left: 0 }))).toEqual({ kind: 'refused', why: 'ended' });
  });

  test.each(CODE_STATES)('again gets the same one, though it is %s', (state) => {
    expect(decideAssignment(mine(state), offered())).toMatchObject(same('a1'));
    expect(decideAssignment(mine(state), offered({ left: 0, ended: true }))).toMatchObject(same('a1'));
  });

  test('gets the next one of several when the one before is redeemed, and never more than there may be', () => {
    const several = offered({ perCustomer: 2 });
    expect(decideAssignment(mine('issued'), several)).toMatchObject(same('a1'));
    expect(decideAssignment(mine('redeemed'), several)).toEqual({ kind: 'new', ordinal: 2 });
    expect(decideAssignment(mine('redeemed', 'issued'), several)).toMatchObject(same('a2'));
    expect(decideAssignment(mine('redeemed', 'redeemed'), several)).toMatchObject(same('a2'));
    expect(decideAssignment(mine('redeemed'), offered({ perCustomer: 2, left: 0 }))).toMatchObject(same('a1'));
  });

  test('is not held to a coupon that another has replaced', () => {
    const [one] = mine('voided');
    if (one === undefined) throw new Error('one coupon');
    expect(decideAssignment([{ ...one, replaced: true }], offered())).toEqual({ kind: 'new', ordinal: 2 });
  });
});

test('at a sale nobody is given a coupon that is used, withdrawn or over [I7]', () => {
  const spent = Object.fromEntries(CODE_STATES.map((state) => [state, spentOf({ state, ended: false })]));
  expect(spent).toEqual({
    ...{ issued: null, held: null, reserved: null, in_doubt: null },
    ...{ redeemed: 'already_redeemed', voided: 'voided', void_pending: 'voided' },
  });
  expect(spentOf({ state: 'issued', ended: true })).toBe('expired');
  expect(spentOf({ state: 'redeemed', ended: true })).toBe('already_redeemed');
});

describe('two persons who are one [D3]', () => {
  const at = (state: CodeState, seq: number) => ({ state, seq });

  test('keep the coupon that is redeemed, else the older one, and never a voided one for a good one', () => {
    expect(keptOf(at('redeemed', 2), at('issued', 1))).toBe('one');
    expect(keptOf(at('issued', 1), at('redeemed', 2))).toBe('other');
    expect(keptOf(at('issued', 1), at('reserved', 2))).toBe('one');
    expect(keptOf(at('issued', 2), at('reserved', 1))).toBe('other');
    expect(keptOf(at('voided', 1), at('issued', 2))).toBe('other');
    expect(keptOf(at('issued', 2), at('voided', 1))).toBe('one');
    expect(keptOf(at('redeemed', 1), at('redeemed', 2))).toBe('both');
  });

  const owner = (customer: string, createdAt: number, isNumbered = false) => ({ customer, createdAt, isNumbered });

  test('become the numbered one, else the older one', () => {
    expect(samePerson([], false)).toEqual({ customer: null, others: [], strangers: [] });
    const [young, old, numbered] = [owner('young', 2), owner('old', 1), owner('numbered', 3, true)];
    expect(samePerson([young, old], false)).toEqual({ customer: 'old', others: ['young'], strangers: [] });
    expect(samePerson([old, numbered], false)).toEqual({ customer: 'numbered', others: ['old'], strangers: [] });
  });

  test('stay two where the retailer has two numbers for them', () => {
    const [a, b, old] = [owner('a', 1, true), owner('b', 2, true), owner('old', 0)];
    expect(samePerson([a, b], false)).toEqual({ customer: 'a', others: [], strangers: ['b'] });
    expect(samePerson([a], true)).toEqual({ customer: null, others: [], strangers: ['a'] });
    expect(samePerson([a, old], true)).toEqual({ customer: 'old', others: [], strangers: ['a'] });
  });
});
