import { describe, expect, test } from 'vitest';
import { applyReturned, applyReversed, pastDeadline } from '../../cloud/fleet/settling-rules.ts';
import { expireHold, releaseCart, reverseCart } from '../../cloud/ledger/cart-rules.ts';
import { CODE_EVENTS, CODE_STATES, type CodeState, type CodeView, move, TABLE } from '../../cloud/ledger/code-rules.ts';
import { decideVoid } from '../../cloud/ledger/void-rules.ts';
import { USE_MS } from '../../protocol/limits.ts';
import {
  cartWait,
  codeAfter,
  codeWith,
  gatewayWith,
  HASH,
  handOverTo,
  NOW,
  redemptionWith,
  reservationWith,
  sent,
  STORE_BOX,
  viewIn,
} from './ledger-rows.ts';

const marked = (view: CodeView): CodeView => ({ ...view, code: { ...view.code, voidMark: true }, waits: [cartWait()] });

describe('one holder', () => {
  const full = {
    reservation: 'reservation-1',
    hold: { client: 'shop', basket: 'cart-1', until: NOW + USE_MS },
    redemption: 'redemption-1',
  };

  test.each(
    CODE_STATES.flatMap((state) => CODE_EVENTS.map((event) => ({ state, event }))).filter(
      ({ state, event }) => !['stays', 'refused', 'exception'].includes(TABLE[state][event]),
    ),
  )(
    'after $state, $event a code has a hold, a reservation or a redemption, or none, never two of them [A1]',
    ({ state, event }) => {
      const moved = move(codeWith({ state, ...full }), event, {}, {});
      if (typeof moved === 'string') throw new Error(moved);
      const { row } = moved;
      const held: CodeState[] = ['reserved', 'void_pending', 'in_doubt'];
      expect([row.hold !== null, row.reservation !== null, row.redemption !== null]).toEqual([
        row.state === 'held',
        held.includes(row.state),
        row.state === 'redeemed',
      ]);
    },
  );
});

describe('the void mark', () => {
  const held = viewIn('held');
  const entry = {
    kind: 'returned' as const,
    reservation: 'reservation-1',
    codeHash: HASH,
    generation: 0,
    why: 'recall' as const,
  };
  const given = { reservation: reservationWith(), known: null, versions: [], epoch: 1, evidence: false };
  const ended = NOW + USE_MS;
  const door = { door: 'cart:shop', basket: 'cart-1', reservation: null };
  const online = redemptionWith(door);
  const bought = viewIn('redeemed', { redemption: online });
  const reversal = {
    kind: 'reversed' as const,
    ...{ door: `gateway:${STORE_BOX}`, codeHash: HASH, basket: 'sale-1' },
    ...{ reservation: 'reservation-1', redemption: 'redemption-1', reason: '', at: NOW },
  };

  test.each([
    ['the end of a hold', (mark: boolean) => expireHold(mark ? marked(held) : held, handOverTo(), ended)],
    ['a release', (mark: boolean) => releaseCart(mark ? marked(held) : held, 'shop', 'cart-1', handOverTo(), NOW)],
    [
      "a cart's reversal",
      (mark: boolean) => reverseCart(mark ? marked(bought) : bought, online.id, NOW, handOverTo(), NOW),
    ],
    [
      'a return',
      (mark: boolean) => {
        const view = mark ? marked(viewIn('reserved')) : viewIn('reserved');
        return applyReturned(gatewayWith(), entry, { ...given, view }, handOverTo(), NOW).changes;
      },
    ],
    [
      "a box's reversal",
      (mark: boolean) => {
        const view = mark ? marked(viewIn('redeemed')) : viewIn('redeemed');
        return applyReversed(
          gatewayWith(),
          reversal,
          { ...given, view, known: redemptionWith() },
          null,
          handOverTo(),
          NOW,
        ).changes;
      },
    ],
  ])('outlives %s: the code is voided, and nobody who waits gets it [A6, B21]', (_, event) => {
    expect(codeAfter(event(false))).toMatchObject({ state: 'issued', voidMark: false });
    const changes = event(true);
    expect(codeAfter(changes)).toMatchObject({ state: 'voided', voidMark: true });
    expect(changes).toContainEqual({ do: 'wait_ends', wait: cartWait() });
  });
});

describe('a void', () => {
  test.each([
    ['issued', false, 'voided', 'voided'],
    ['held', false, 'voided', 'voided'],
    ['reserved', false, 'void_pending', 'void_pending'],
    ['reserved', true, 'void_pending', 'void_pending'],
    ['void_pending', false, 'void_pending', null],
    ['void_pending', true, 'voided', 'voided'],
    ['in_doubt', false, 'void_pending', 'void_pending'],
    ['in_doubt', true, 'voided', 'voided'],
    ['redeemed', false, 'already_redeemed', null],
    ['redeemed', true, 'already_redeemed', null],
    ['voided', false, 'voided', null],
  ] as const)('of a code that is %s (reservation ended: %s) answers %s [A6]', (state, ended, answer, to) => {
    const decided = decideVoid(viewIn(state), ended, NOW);
    expect(decided.answer).toBe(answer);
    expect(codeAfter(decided.changes)?.state ?? null).toBe(to);
    if (to !== null) expect(codeAfter(decided.changes)?.voidMark).toBe(true);
  });

  test('recalls without a deadline what a store may still redeem, also where it was recalled before [A6]', () => {
    const wanted = reservationWith({ recall: { why: 'wanted', deadline: NOW + 1000 } });
    for (const view of [viewIn('reserved'), viewIn('reserved', { reservation: wanted }), viewIn('in_doubt')]) {
      const { changes } = decideVoid(view, false, NOW);
      expect(sent(changes)).toMatchObject([{ to: STORE_BOX, type: 'recall', body: { why: 'void', deadline: null } }]);
    }
  });

  test('that is pending ends at the deadline for good, and one in doubt stays in doubt [A6]', () => {
    expect(codeAfter(pastDeadline(viewIn('void_pending')))?.state).toBe('voided');
    expect(codeAfter(pastDeadline(viewIn('reserved')))?.state).toBe('in_doubt');
    expect(pastDeadline(viewIn('in_doubt'))).toEqual([]);
    expect(pastDeadline(viewIn('issued'))).toEqual([]);
  });
});
