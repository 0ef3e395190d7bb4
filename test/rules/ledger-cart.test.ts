import { describe, expect, test } from 'vitest';
import {
  type Cart,
  type CartOutcome,
  decideCart,
  expireHold,
  releaseCart,
  reverseCart,
} from '../../cloud/ledger/cart-rules.ts';
import { CODE_STATES, type CodeState, type CodeView, type ReversalRow } from '../../cloud/ledger/code-rules.ts';
import {
  RECALL_DEADLINE_MS,
  RECALL_WAIT_CART_MS,
  RETRY_AFTER_SECONDS,
  RESTOCK_PAUSE_MS,
  USE_MS,
} from '../../protocol/limits.ts';
import {
  cardWith,
  cartWait,
  codeAfter,
  dollars,
  gatewayWith,
  handOverTo,
  kinds,
  NOW,
  OTHER_BOX,
  redemptionWith,
  reservationAfter,
  reservationWith,
  STORE_BOX,
  sent,
  viewIn,
  wantWait,
} from './ledger-rows.ts';

const sale = (changes: Partial<Cart> = {}): Cart => ({
  client: 'shop',
  basket: 'cart-1',
  lane: null,
  total: dollars(42),
  discount: dollars(5),
  ...changes,
});
const bought = redemptionWith({ door: 'cart:shop', basket: 'cart-1', reservation: null, epoch: 0, lane: null });

function decide(
  view: CodeView | null,
  options: { call?: 'validate' | 'redeem'; cart?: Cart; mayWait?: boolean; reversal?: ReversalRow } = {},
): CartOutcome {
  const { call = 'redeem', cart = sale(), mayWait = true, reversal = null } = options;
  return decideCart(call, cart, { view, reversal, redemptionId: 'redemption-9', waitId: 'wait-9' }, mayWait, NOW);
}

const reasonOf = (outcome: CartOutcome) => (outcome.kind === 'refused' ? outcome.refusal.reason : outcome.kind);

/** What a cart is told, by the state of the code; a string of two: when the store answers, when it is silent. */
const OWN: Record<CodeState, string | readonly [string, string]> = {
  issued: 'approved',
  held: 'approved',
  reserved: ['waits', 'held_elsewhere'],
  void_pending: 'held_elsewhere',
  in_doubt: 'held_elsewhere',
  redeemed: 'again',
  voided: 'voided',
};
const OTHER: typeof OWN = { ...OWN, held: 'in_use', redeemed: 'already_redeemed' };

const cases = CODE_STATES.flatMap((state) =>
  ['own', 'other'].flatMap((basket) =>
    (['validate', 'redeem'] as const).flatMap((call) =>
      [true, false].flatMap((connected) =>
        [true, false].map((mayWait) => ({ state, basket, call, connected, mayWait })),
      ),
    ),
  ),
);

describe('a cart', () => {
  test.each(cases)('$call, $state, $basket basket, store connected: $connected, may wait: $mayWait [C3]', (given) => {
    const { state, basket, call, connected, mayWait } = given;
    const view = viewIn(state, state === 'redeemed' ? { redemption: bought } : {});
    const holder = view.holder && {
      ...view.holder,
      gateway: gatewayWith({ connected, silentSince: connected ? null : NOW - 9 }),
    };
    const outcome = decide(
      { ...view, holder },
      { call, mayWait, cart: sale(basket === 'own' ? {} : { basket: 'cart-2' }) },
    );
    const cell = (basket === 'own' ? OWN : OTHER)[state];
    const expected = typeof cell === 'string' ? cell : cell[connected && mayWait ? 0 : 1];
    if (expected === 'approved') expect(outcome.kind).toBe(call === 'redeem' ? 'redeemed' : 'held');
    else if (expected === 'again')
      expect(outcome).toMatchObject({ kind: 'redeemed', again: true, redemption: bought.id, changes: [] });
    else expect(reasonOf(outcome)).toBe(expected);
  });

  test('that is told no moves no code [C3]', () => {
    for (const given of cases) {
      const outcome = decide(viewIn(given.state), { ...given, cart: sale({ basket: 'cart-2' }) });
      if (outcome.kind === 'refused' || outcome.kind === 'waits') expect(codeAfter(outcome.changes)).toBeNull();
    }
  });

  test('validates into a hold of fifteen minutes, which a second validation neither doubles nor extends [C3]', () => {
    const outcome = decide(viewIn('issued'), { call: 'validate' });
    expect(outcome).toMatchObject({
      kind: 'held',
      row: { state: 'held', hold: { client: 'shop', basket: 'cart-1', until: NOW + USE_MS } },
    });
    expect(decide(viewIn('held'), { call: 'validate' })).toMatchObject({ kind: 'held', changes: [] });
  });

  test('redeems in one transaction: the code, its entry, the redemption and the record of the basket [A5]', () => {
    const outcome = decide(viewIn('held'));
    expect(outcome).toMatchObject({ kind: 'redeemed', again: false, redemption: 'redemption-9' });
    expect(kinds(outcome.kind === 'redeemed' ? outcome.changes : [])).toEqual(['code', 'entry', 'redemption', 'use']);
  });

  test('is told that another lane or total than it redeemed with is a conflict [P4]', () => {
    const view = viewIn('redeemed', { redemption: bought });
    expect(decide(view, { cart: sale({ lane: '2' }) }).kind).toBe('conflict');
    expect(decide(view, { cart: sale({ total: dollars(43) }) }).kind).toBe('conflict');
    expect(decide(view, { cart: sale({ total: null }) }).kind).toBe('conflict');
    expect(decide(view, { cart: sale({ discount: null }) }).kind).toBe('redeemed');
  });

  test('of another client with the same basket id is another basket [C13]', () => {
    expect(reasonOf(decide(viewIn('held'), { cart: sale({ client: 'app' }) }))).toBe('in_use');
    expect(reasonOf(decide(viewIn('redeemed', { redemption: bought }), { cart: sale({ client: 'app' }) }))).toBe(
      'already_redeemed',
    );
  });

  test('whose basket was reversed gets nothing more of that code, whatever its state [C13]', () => {
    const reversal: ReversalRow = {
      ...{ door: 'cart:shop', codeHash: viewIn('issued').code.hash, basket: 'cart-1', redemption: null },
      ...{ state: 'done', reason: 'cancelled', at: NOW - 1, askers: [] },
    };
    for (const state of CODE_STATES) expect(reasonOf(decide(viewIn(state), { reversal }))).toBe('reversed_first');
  });

  test('asks with a code that nobody knows', () => {
    expect(decide(null)).toEqual({ kind: 'refused', refusal: { reason: 'unknown_code', facts: {} }, changes: [] });
  });

  test('is told why the offer does not fit, and nothing moves', () => {
    const reason = (card: Parameters<typeof cardWith>[0], cart: Partial<Cart> = {}) =>
      reasonOf(decide(viewIn('issued', { card: cardWith(card) }), { cart: sale(cart) }));
    expect(reason({ startsAt: '2026-12-01' })).toBe('not_yet_valid');
    expect(reason({ endsAt: '2026-11-22' })).toBe('expired');
    expect(reason({ channels: ['store'] })).toBe('wrong_channel');
    expect(reason({}, { total: { amount: 4200, currency: 'EUR' } })).toBe('wrong_currency');
    expect(reason({ minimumBasket: dollars(50) })).toBe('basket_too_small');
  });
});

describe('a cart that wants what a store holds', () => {
  test('recalls it and waits at most a second and a half [P5]', () => {
    const outcome = decide(viewIn('reserved'));
    if (outcome.kind !== 'waits') throw new Error(outcome.kind);
    expect(outcome.until).toBe(NOW + RECALL_WAIT_CART_MS);
    expect(sent(outcome.changes)).toMatchObject([
      {
        to: STORE_BOX,
        type: 'recall',
        body: {
          why: 'wanted',
          deadline: NOW + RECALL_DEADLINE_MS,
          reservations: [{ reservation: 'reservation-1', epoch: 1 }],
        },
      },
    ]);
    expect(reservationAfter(outcome.changes)?.recall).toEqual({ why: 'wanted', deadline: NOW + RECALL_DEADLINE_MS });
  });

  test('does not repeat a recall that stands, and repeats one that has lapsed [P5]', () => {
    const recalled = (deadline: number | null, why: 'wanted' | 'void' = 'wanted') => {
      const outcome = decide(viewIn('reserved', { reservation: reservationWith({ recall: { why, deadline } }) }));
      return outcome.kind === 'waits' ? sent(outcome.changes).length : outcome.kind;
    };
    expect(recalled(NOW + 1)).toBe(0);
    expect(recalled(null, 'void')).toBe(0);
    expect(recalled(NOW)).toBe(1);
  });

  test('is told in which lane it is in use and until when, where the store has said so [P5]', () => {
    const view = viewIn('reserved', { reservation: reservationWith({ inUse: { until: NOW + 1, lane: '3' } }) });
    expect(decide(view)).toMatchObject({
      refusal: { reason: 'in_use', facts: { heldBy: 'Main Street', lane: '3', freeAt: NOW + 1 } },
    });
    const over = viewIn('reserved', { reservation: reservationWith({ inUse: { until: NOW, lane: '3' } }) });
    expect(decide(over).kind).toBe('waits');
  });

  test.each([
    ['gone', gatewayWith({ connected: false, silentSince: NOW - 60_000 }), { silentSince: NOW - 60_000 }],
    ['fenced', gatewayWith({ state: 'fenced' }), {}],
    ['revoked', gatewayWith({ state: 'revoked' }), {}],
  ] as const)(
    'is told at once to come again where the store is %s; the recall goes out all the same [P5]',
    (_, gateway, facts) => {
      const outcome = decide(viewIn('reserved', { holder: { gateway, storeName: 'Main Street' } }));
      if (outcome.kind !== 'refused') throw new Error(outcome.kind);
      const told = { heldBy: 'Main Street', retryAfterSeconds: RETRY_AFTER_SECONDS, ...facts };
      expect(outcome.refusal).toEqual({ reason: 'held_elsewhere', facts: told });
      expect(sent(outcome.changes)).toHaveLength(1);
    },
  );
});

describe('the end of a hold', () => {
  test('is not before its time [C3]', () => {
    expect(expireHold(viewIn('held'), handOverTo(), NOW + USE_MS - 1)).toEqual([]);
    expect(codeAfter(expireHold(viewIn('held'), handOverTo(), NOW + USE_MS))?.state).toBe('issued');
    expect(expireHold(viewIn('issued'), handOverTo(), NOW + USE_MS)).toEqual([]);
  });

  test("comes by the basket's own release, and by no other's [C3]", () => {
    const release = (client: string, basket: string) => releaseCart(viewIn('held'), client, basket, handOverTo(), NOW);
    expect(codeAfter(release('shop', 'cart-1'))?.state).toBe('issued');
    expect(release('shop', 'cart-2')).toEqual([]);
    expect(release('app', 'cart-1')).toEqual([]);
    expect(releaseCart(viewIn('redeemed', { redemption: bought }), 'shop', 'cart-1', handOverTo(), NOW)).toEqual([]);
  });

  test('hands the code to whoever waits for it [C3]', () => {
    const other = gatewayWith({ id: OTHER_BOX });
    const changes = expireHold(
      viewIn('held', { waits: [wantWait({ until: NOW + USE_MS })] }),
      handOverTo(other),
      NOW + USE_MS,
    );
    expect(sent(changes)).toMatchObject([
      { to: OTHER_BOX, type: 'grant', body: { cause: { kind: 'want', want: 'want-0001' } } },
    ]);
  });
});

describe("a cart's reversal", () => {
  test('frees the code into its next generation, not stocked again for an hour [C3, C13]', () => {
    const changes = reverseCart(viewIn('redeemed', { redemption: bought }), bought.id, NOW, handOverTo(), NOW);
    expect(codeAfter(changes)).toMatchObject({ state: 'issued', generation: 1, restockAfter: NOW + RESTOCK_PAUSE_MS });
    expect(changes).toContainEqual({ do: 'redemption', row: { ...bought, reversed: true } });
  });

  test('hands it to whoever waits [C3]', () => {
    const waits = [cartWait({ who: { kind: 'cart', client: 'app', basket: 'cart-7' } })];
    const changes = reverseCart(viewIn('redeemed', { redemption: bought, waits }), bought.id, NOW, handOverTo(), NOW);
    expect(codeAfter(changes)).toMatchObject({
      state: 'held',
      generation: 1,
      hold: { client: 'app', basket: 'cart-7' },
    });
  });

  test('of another redemption than the one that stands frees nothing [B13, C13]', () => {
    expect(reverseCart(viewIn('redeemed', { redemption: bought }), 'redemption-0', NOW, handOverTo(), NOW)).toEqual([]);
    expect(reverseCart(viewIn('issued', { redemption: bought }), bought.id, NOW, handOverTo(), NOW)).toEqual([]);
  });
});
