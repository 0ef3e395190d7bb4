import { expect, test } from 'vitest';
import type { Decision } from '../../protocol/redemption-api.ts';
import { History, violations } from './history.ts';

/** The checker itself: it must find what it is there to find. */
const ONE = 'gateway:gw-1';
const TWO = 'gateway:gw-2';
const CODE = 'AAAA-BBBB';

function decision(redemption: { id: string; door: string; basket: string } | null): Decision {
  return {
    decision: redemption === null ? 'refused' : 'approved',
    mode: redemption === null ? null : 'reserved',
    reason: redemption === null ? 'in_use' : null,
    text: '',
    code: CODE,
    basket: redemption?.basket ?? '',
    offer: null,
    reservation: null,
    redemption: redemption && { ...redemption, at: '2026-01-01T00:00:00Z', store: null, lane: null, settled: true },
    facts: {},
    backlog: 0,
  };
}

function redeemed(history: History, door: string, basket: string, id: string, code = CODE): void {
  history.ok(history.invoke({ op: 'redeem', door, codes: [code], basket }), [decision({ id, door, basket })], null);
}

function reversed(history: History, door: string, basket: string, answer: true | 'pending' | null): void {
  const call = history.invoke({ op: 'reverse', door, codes: [CODE], basket });
  if (answer !== null) history.ok(call, [], { reversed: answer, redemption: null });
}

const found = (tell: (history: History) => void): string[] => {
  const history = new History();
  tell(history);
  return violations(history).map((line) => line.split(':')[0] ?? '');
};

test('two baskets at one door, or two doors, with one code are a double redemption', () => {
  for (const [door, basket] of [
    [ONE, 'b'],
    [TWO, 'a'],
    [TWO, 'b'],
  ] as const)
    expect(
      found((history) => {
        redeemed(history, ONE, 'a', 'r1');
        redeemed(history, door, basket, 'r2', CODE.toLowerCase().replace('-', ' '));
      }),
    ).toEqual(['S1']);
});

test('the same basket at the same door counts once, if it is shown the same redemption', () => {
  const asked = (id: string) =>
    found((history) => {
      redeemed(history, ONE, 'a', 'r1');
      redeemed(history, ONE, 'a', id);
    });
  expect([asked('r1'), asked('r2')]).toEqual([[], ['S4']]);
});

test('a redemption that its caller wants undone does not count, answered or not', () => {
  for (const answer of [true, 'pending', null] as const)
    expect(
      found((history) => {
        redeemed(history, ONE, 'a', 'r1');
        reversed(history, ONE, 'a', answer);
        redeemed(history, TWO, 'b', 'r2');
      }),
    ).toEqual([]);
});

test('a reversal for another basket or door undoes nothing', () => {
  for (const [door, basket] of [
    [ONE, 'b'],
    [TWO, 'a'],
  ] as const)
    expect(
      found((history) => {
        redeemed(history, ONE, 'a', 'r1');
        reversed(history, door, basket, true);
        redeemed(history, TWO, 'c', 'r2');
      }),
    ).toEqual(['S1']);
});

test('what was undone is never shown as redeemed to whoever asks after that', () => {
  const asked = (answer: true | 'pending') =>
    found((history) => {
      reversed(history, ONE, 'a', answer);
      redeemed(history, ONE, 'a', 'r1');
    });
  expect([asked(true), asked('pending')]).toEqual([['G9'], []]);
});

test('the redemption of another sale is found', () => {
  expect(
    found((history) => {
      const call = history.invoke({ op: 'redeem', door: ONE, codes: [CODE], basket: 'a' });
      history.ok(call, [decision({ id: 'r1', door: TWO, basket: 'a' })], null);
    }),
  ).toHaveLength(1);
  expect(
    found((history) => {
      redeemed(history, ONE, 'a', 'r1');
      redeemed(history, ONE, 'a', 'r1', 'CCCC');
    }),
  ).toEqual(['the redemption r1 is of several sales']);
});

test('refused, unanswered and test calls count for nothing', () => {
  expect(
    found((history) => {
      redeemed(history, ONE, 'a', 'r1');
      history.ok(history.invoke({ op: 'redeem', door: TWO, codes: [CODE], basket: 'b' }), [decision(null)], null);
      history.fail(history.invoke({ op: 'redeem', door: TWO, codes: [CODE], basket: 'c' }), 422, 'invalid_request');
      history.invoke({ op: 'redeem', door: TWO, codes: [CODE], basket: 'd' });
      redeemed(history, ONE, 'a', 'test', 'TEST-APPROVED');
      redeemed(history, TWO, 'b', 'test', 'TEST-APPROVED');
    }),
  ).toEqual([]);
});
