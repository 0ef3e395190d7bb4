import { describe, expect, test } from 'vitest';
import { compareHoldings, decideWant, extend, stopWaiting, type Want } from '../../cloud/fleet/granting-rules.ts';
import {
  CODE_STATES,
  type CodeState,
  type CodeView,
  type GatewayRow,
  type ReservationRow,
} from '../../cloud/ledger/code-rules.ts';
import { EXTEND_UNDER_MS, RECALL_DEADLINE_MS, RECALL_WAIT_STORE_MS, RESERVATION_MS } from '../../protocol/limits.ts';
import {
  cardWith,
  cartWait,
  codeAfter,
  codeWith,
  dollars,
  gatewayWith,
  HASH,
  hashOfDigit,
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

const want = (changes: Partial<Want> = {}): Want => ({
  ...{
    want: 'want-0001',
    codeHash: HASH,
    basket: 'sale-9',
    lane: '1',
    total: dollars(42),
    customer: null,
    waitMs: 800,
  },
  ...changes,
});

type Given = Partial<Parameters<typeof decideWant>[2]>;
function decide(gateway: GatewayRow, view: CodeView | null, given: Given = {}, changes: Partial<Want> = {}) {
  const ids = { reservationId: 'reservation-2', waitId: 'wait-9', tombstones: [] };
  return decideWant(
    gateway,
    want(changes),
    { view, reversal: null, store: { id: '0001', timeZone: 'UTC' }, ...ids, ...given },
    NOW,
  );
}

/** What the want is told: a reason, `grant`, or `waits` where it is told nothing yet. */
function told(changes: ReturnType<typeof decideWant>): string {
  const answer = sent(changes).find(({ type }) => type === 'grant' || type === 'refuse');
  if (answer?.type === 'refuse') return answer.body.reason;
  if (answer?.type === 'grant') return 'grant';
  return changes.some((change) => change.do === 'wait') ? 'waits' : 'nothing';
}

describe('a want', () => {
  const other = gatewayWith({ id: OTHER_BOX });
  const expected: Record<CodeState, string> = {
    issued: 'grant',
    held: 'in_use',
    reserved: 'waits',
    void_pending: 'held_elsewhere',
    in_doubt: 'held_elsewhere',
    redeemed: 'already_redeemed',
    voided: 'voided',
  };

  test.each(CODE_STATES)('of another store for a code that is %s [C1, P5]', (state) => {
    expect(told(decide(other, viewIn(state)))).toBe(expected[state]);
  });

  test.each(CODE_STATES)(
    'of the box that has it, the code %s: only what is reserved there is granted again [C1, B20]',
    (state) => {
      const own: Record<CodeState, string> = { ...expected, reserved: 'grant', void_pending: 'voided' };
      const changes = decide(gatewayWith(), viewIn(state));
      expect(told(changes)).toBe(own[state]);
      if (state === 'reserved') expect(reservationAfter(changes)).toMatchObject({ id: 'reservation-1', number: 11 });
    },
  );

  test('for what is void_pending at this very box recalls it, so that it can never be installed [C1, B20]', () => {
    expect(sent(decide(gatewayWith(), viewIn('void_pending'))).map(({ type }) => type)).toEqual(['recall', 'refuse']);
  });

  test('for what another store has waits half a second, or what its scan has left [P5]', () => {
    const until = (waitMs: number) =>
      decide(other, viewIn('reserved'), {}, { waitMs }).flatMap((change) =>
        change.do === 'wait' ? [change.row.until] : [],
      );
    expect(until(800)).toEqual([NOW + RECALL_WAIT_STORE_MS]);
    expect(until(200)).toEqual([NOW + 200]);
    expect(sent(decide(other, viewIn('reserved')))).toMatchObject([
      { to: STORE_BOX, type: 'recall', body: { why: 'wanted', deadline: NOW + RECALL_DEADLINE_MS } },
    ]);
  });

  test('for what another store has is refused at once where that store is silent or says it is in use [P5]', () => {
    const silent = { gateway: gatewayWith({ connected: false, silentSince: NOW - 5 }), storeName: 'Main Street' };
    expect(sent(decide(other, viewIn('reserved', { holder: silent })))).toMatchObject([
      { to: STORE_BOX, type: 'recall' },
      {
        to: OTHER_BOX,
        type: 'refuse',
        body: { reason: 'held_elsewhere', facts: { heldBy: 'Main Street', silentSince: NOW - 5 } },
      },
    ]);
    const used = reservationWith({ inUse: { until: NOW + 1, lane: '3' } });
    expect(told(decide(other, viewIn('reserved', { reservation: used })))).toBe('in_use');
  });

  test('for what it gave up already, recalled, waits for its own return [C1, P5]', () => {
    const recalled = reservationWith({ recall: { why: 'wanted', deadline: NOW + 1 } });
    const changes = decide(gatewayWith(), viewIn('reserved', { reservation: recalled }));
    expect(told(changes)).toBe('waits');
    expect(sent(changes)).toEqual([]);
  });

  test('of a basket whose reversal came first is refused, whatever the code is [C13]', () => {
    const reversal = {
      ...{ door: `gateway:${STORE_BOX}`, codeHash: HASH, basket: 'sale-9', redemption: null },
      ...{ state: 'done' as const, reason: '', at: NOW, askers: [] },
    };
    for (const state of CODE_STATES)
      expect(told(decide(gatewayWith(), viewIn(state), { reversal }))).toBe('reversed_first');
  });

  test('is refused by the offer before anything moves', () => {
    const reason = (card: Parameters<typeof cardWith>[0], changes: Partial<Want> = {}) =>
      told(decide(gatewayWith(), viewIn('issued', { card: cardWith(card) }), {}, changes));
    expect(reason({ channels: ['online'] })).toBe('wrong_channel');
    expect(reason({ stores: ['0002'] })).toBe('wrong_store');
    expect(reason({ endsAt: '2026-11-22' })).toBe('expired');
    expect(reason({}, { total: { amount: 1, currency: 'EUR' } })).toBe('wrong_currency');
    expect(told(decide(gatewayWith(), null))).toBe('unknown_code');
  });

  test.each(CODE_STATES)('that is refused or waits moves no code: %s [C10]', (state) => {
    const changes = decide(other, viewIn(state));
    if (told(changes) !== 'grant') expect(codeAfter(changes)).toBeNull();
  });
});

describe('who stops waiting', () => {
  test('is told why: in use, already used or held elsewhere [C3, P5]', () => {
    const reason = (view: CodeView) => told(stopWaiting(view, wantWait()));
    expect(reason(viewIn('reserved'))).toBe('held_elsewhere');
    expect(
      reason(viewIn('reserved', { reservation: reservationWith({ inUse: { until: NOW + 1, lane: null } }) })),
    ).toBe('in_use');
    expect(reason(viewIn('redeemed', { redemption: redemptionWith() }))).toBe('already_redeemed');
  });

  test('at a cart asks again by itself [C3]', () => {
    expect(stopWaiting(viewIn('reserved'), cartWait())).toEqual([{ do: 'wait_ends', wait: cartWait() }]);
  });
});

/** A holding of the box, of a code of its own. */
function holding(digit: string, changes: Partial<ReservationRow> = {}, state: CodeState = 'reserved'): CodeView {
  const codeHash = hashOfDigit(digit);
  const reservation = reservationWith({ id: `reservation-${digit}`, codeHash, ...changes });
  return viewIn(state, {
    reservation,
    code: codeWith({ hash: codeHash, state, reservation: reservation.id, voidMark: state === 'void_pending' }),
  });
}

describe('an extension', () => {
  const soon = NOW + EXTEND_UNDER_MS - 1;
  const renewed = NOW + RESERVATION_MS;

  test('is not made while there is time [K2]', () => {
    expect(extend(gatewayWith(), [], NOW)).toEqual({ kind: 'none' });
    expect(extend(gatewayWith(), [holding('1', { notAfter: NOW + EXTEND_UNDER_MS })], NOW)).toEqual({ kind: 'none' });
  });

  test('names the newest grant number and moves every row that ends earlier, in the same changes [C14]', () => {
    const extension = extend(
      gatewayWith(),
      [holding('1', { notAfter: soon }), holding('2', { notAfter: renewed + 1 })],
      NOW,
    );
    if (extension.kind !== 'extend') throw new Error(extension.kind);
    expect(sent(extension.changes)).toEqual([
      { to: STORE_BOX, type: 'extend', body: { number: 10, notAfter: renewed } },
    ]);
    expect(
      extension.changes.flatMap((change) =>
        change.do === 'reservation' ? [[change.row.id, change.row.notAfter]] : [],
      ),
    ).toEqual([['reservation-1', renewed]]);
  });

  test.each([
    ['recalled', holding('9', { recall: { why: 'wanted', deadline: NOW + 1 } })],
    ['void_pending', holding('9', { recall: { why: 'void', deadline: null } }, 'void_pending')],
    ['in_doubt', holding('9', {}, 'in_doubt')],
    ['of an older epoch', holding('9', { epoch: 0 })],
  ])('over something that is %s becomes new grants of those that can have them [C14, B19]', (_, odd) => {
    const good = holding('1', { notAfter: soon });
    const extension = extend(gatewayWith(), [good, odd, holding('2')], NOW);
    expect(extension).toEqual({ kind: 'grant_again', views: [good] });
  });

  test('is not made for what is past already [C14, B19]', () => {
    expect(extend(gatewayWith(), [holding('1', { notAfter: NOW })], NOW)).toEqual({ kind: 'none' });
  });
});

describe('a sync', () => {
  const compare = (open: readonly CodeView[], ...holdings: string[]) =>
    compareHoldings(gatewayWith(), open, new Set(holdings), NOW);

  test('frees nothing, whatever the box lists or leaves out [C9, B12]', () => {
    for (const state of ['reserved', 'void_pending', 'in_doubt'] as const)
      for (const holdings of [[], ['reservation-1'], ['reservation-x']]) {
        const compared = compare([holding('1', {}, state)], ...holdings);
        expect(codeAfter(compared.changes)).toBeNull();
        expect(compared.changes.filter((change) => change.do === 'reservation' && change.row.state !== 'open')).toEqual(
          [],
        );
      }
  });

  test('that agrees changes nothing [C9]', () => {
    expect(compare([holding('1')], 'reservation-1')).toEqual({ again: [], changes: [], unexpected: [] });
  });

  test('grants again what is reserved and not there [C9, C1]', () => {
    const lost = holding('1');
    expect(compare([lost, holding('2')], 'reservation-2')).toEqual({ again: [lost], changes: [], unexpected: [] });
  });

  test.each([
    ['recalled', holding('1', { recall: { why: 'wanted', deadline: NOW + 1 } }), 'wanted', NOW + RECALL_DEADLINE_MS],
    ['void_pending', holding('1', { recall: { why: 'void', deadline: null } }, 'void_pending'), 'void', null],
    ['in_doubt', holding('1', {}, 'in_doubt'), 'sync', NOW + RECALL_DEADLINE_MS],
  ])('recalls by its id, and never grants again, what is %s, there or not [C9, C1, B20]', (_, view, why, deadline) => {
    for (const holdings of [[], ['reservation-1']]) {
      const compared = compare([view], ...holdings);
      expect(compared.again).toEqual([]);
      expect(sent(compared.changes)).toMatchObject([
        {
          to: STORE_BOX,
          type: 'recall',
          body: { why, deadline, reservations: [{ reservation: 'reservation-1', epoch: 1 }] },
        },
      ]);
    }
  });

  test('names what the ledger does not expect [C9]', () => {
    expect(compare([holding('1')], 'reservation-1', 'reservation-x').unexpected).toEqual(['reservation-x']);
  });
});
