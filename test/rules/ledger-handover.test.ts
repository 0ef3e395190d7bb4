import { describe, expect, test } from 'vitest';
import { CODE_STATES, type CodeView } from '../../cloud/ledger/code-rules.ts';
import { grant, handOver, mayGrantAgain } from '../../cloud/ledger/handover-rules.ts';
import { RESERVATION_MS, USE_MS } from '../../protocol/limits.ts';
import {
  cardWith,
  cartWait,
  codeAfter,
  codeWith,
  gatewayWith,
  HASH,
  handOverTo,
  hashOfDigit,
  kinds,
  NOW,
  OTHER_BOX,
  reservationAfter,
  reservationWith,
  STORE_BOX,
  sent,
  viewIn,
  wantWait,
} from './ledger-rows.ts';

const one = (view: CodeView, tombstones: readonly string[] = []) => ({
  view,
  reservationId: 'reservation-2',
  tombstones,
});
const stock = { kind: 'stock', request: null } as const;

describe('a grant', () => {
  test('moves the code, its reservation, the number and the message in one go [C1]', () => {
    const granted = grant(gatewayWith(), [one(viewIn('issued'))], { kind: 'want', want: 'want-0001' }, NOW);
    expect(kinds(granted.changes)).toEqual(['code', 'entry', 'reservation', 'gateway', 'send']);
    expect(codeAfter(granted.changes)).toMatchObject({ state: 'reserved', reservation: 'reservation-2' });
    expect(reservationAfter(granted.changes)).toMatchObject({
      number: 11,
      epoch: 1,
      gateway: STORE_BOX,
      notAfter: NOW + RESERVATION_MS,
      cause: 'want',
    });
    expect(granted.gateway.number).toBe(11);
    expect(sent(granted.changes)).toMatchObject([
      {
        to: STORE_BOX,
        type: 'grant',
        body: {
          number: 11,
          cause: { kind: 'want', want: 'want-0001' },
          manifest: [{ reservation: 'reservation-2', codeHash: HASH, generation: 0 }],
        },
      },
    ]);
  });

  test.each(CODE_STATES.filter((state) => state !== 'issued'))('is not made from %s [C1]', (state) => {
    const other = gatewayWith({ id: OTHER_BOX });
    expect(grant(other, [one(viewIn(state))], stock, NOW)).toEqual({ gateway: other, granted: 0, changes: [] });
  });

  test('leaves out what cannot be granted and takes one number for the rest [C1]', () => {
    const second = { ...viewIn('issued'), code: codeWith({ hash: hashOfDigit('d') }) };
    const granted = grant(gatewayWith(), [one(viewIn('held')), one(viewIn('issued')), one(second)], stock, NOW);
    expect(granted.granted).toBe(2);
    expect(granted.gateway.number).toBe(11);
    expect(sent(granted.changes)).toMatchObject([
      { body: { number: 11, manifest: [{ codeHash: HASH }, { codeHash: hashOfDigit('d') }] } },
    ]);
  });

  test('carries the terms once for a campaign and the baskets that must never redeem the code [C13]', () => {
    const second = { ...viewIn('issued'), code: codeWith({ hash: hashOfDigit('d') }) };
    const [message] = sent(grant(gatewayWith(), [one(viewIn('issued'), ['sale-7']), one(second)], stock, NOW).changes);
    expect(message?.body).toMatchObject({ cards: [cardWith()], tombstones: [{ codeHash: HASH, basket: 'sale-7' }] });
  });
});

describe('granting again', () => {
  test('keeps the reservation under a new number, its notAfter the later one [C1]', () => {
    const again = (notAfter: number) =>
      reservationAfter(
        grant(
          gatewayWith(),
          [one(viewIn('reserved', { reservation: reservationWith({ notAfter }) }))],
          { kind: 'again' },
          NOW,
        ).changes,
      );
    expect(again(NOW + 1)).toMatchObject({ id: 'reservation-1', number: 11, notAfter: NOW + RESERVATION_MS });
    expect(again(NOW + RESERVATION_MS + 1)).toMatchObject({
      id: 'reservation-1',
      number: 11,
      notAfter: NOW + RESERVATION_MS + 1,
    });
  });

  test.each([
    ['reserved, here, in this epoch, not recalled', viewIn('reserved'), true],
    ['void_pending', viewIn('void_pending'), false],
    ['in_doubt', viewIn('in_doubt'), false],
    [
      'recalled',
      viewIn('reserved', { reservation: reservationWith({ recall: { why: 'wanted', deadline: NOW + 1 } }) }),
      false,
    ],
    ['of an older epoch', viewIn('reserved', { reservation: reservationWith({ epoch: 0 }) }), false],
    ["another box's", viewIn('reserved', { reservation: reservationWith({ gateway: OTHER_BOX }) }), false],
    ['issued', viewIn('issued'), false],
  ] as const)('what is %s: %s [C1, B20]', (_, view, may) => {
    expect(mayGrantAgain(gatewayWith(), view)).toBe(may);
    if (!may && view.code.state !== 'issued')
      expect(grant(gatewayWith(), [one(view)], { kind: 'again' }, NOW)).toMatchObject({ granted: 0, changes: [] });
  });
});

describe('a code that is free', () => {
  const waiting = (...waits: CodeView['waits']) => viewIn('issued', { waits });
  const other = gatewayWith({ id: OTHER_BOX });

  test('goes to a cart as a hold [C3]', () => {
    const changes = handOver(waiting(cartWait()), handOverTo(), NOW);
    expect(codeAfter(changes)).toMatchObject({
      state: 'held',
      hold: { client: 'shop', basket: 'cart-1', until: NOW + USE_MS },
    });
    expect(kinds(changes)).toEqual(['wait_ends', 'code', 'entry', 'use']);
  });

  test('goes to a store as a new grant for its want, with its tombstones [C3, C13]', () => {
    const tombstonesByGateway = new Map([[OTHER_BOX, ['sale-7']]]);
    const changes = handOver(waiting(wantWait()), { ...handOverTo(other), tombstonesByGateway }, NOW);
    expect(codeAfter(changes)).toMatchObject({ state: 'reserved', reservation: 'reservation-2' });
    expect(sent(changes)).toMatchObject([
      {
        to: OTHER_BOX,
        type: 'grant',
        body: { cause: { kind: 'want', want: 'want-0001' }, tombstones: [{ basket: 'sale-7' }] },
      },
    ]);
  });

  test('goes to whoever asked first and still waits; who stopped waiting gets nothing, the others go on [C3]', () => {
    const late = cartWait({ id: 'late', until: NOW - 1 });
    const changes = handOver(waiting(late, wantWait({ until: NOW }), cartWait({ id: 'next' })), handOverTo(other), NOW);
    expect(codeAfter(changes)?.state).toBe('reserved');
    expect(changes.flatMap((change) => (change.do === 'wait_ends' ? [change.wait.id] : []))).toEqual([
      'late',
      'wait-of-want',
    ]);
  });

  test('stays free where nobody waits any more [C3]', () => {
    expect(codeAfter(handOver(waiting(cartWait({ until: NOW - 1 })), handOverTo(), NOW))).toBeNull();
    expect(handOver(waiting(), handOverTo(), NOW)).toEqual([]);
  });

  test.each(['fenced', 'revoked'] as const)('is not granted to a box that is %s [C3, C12]', (state) => {
    const changes = handOver(waiting(wantWait()), handOverTo(gatewayWith({ id: OTHER_BOX, state })), NOW);
    expect(codeAfter(changes)).toBeNull();
  });

  test('passes over a box that may receive nothing, to the next who waits [C3, C12]', () => {
    const waits = waiting(wantWait(), cartWait());
    const changes = handOver(waits, handOverTo(gatewayWith({ id: OTHER_BOX, state: 'fenced' })), NOW);
    expect(codeAfter(changes)).toMatchObject({ state: 'held', hold: { basket: 'cart-1' } });
  });

  test('that is voided is refused to the box that waits for it [A6]', () => {
    const changes = handOver(viewIn('voided', { waits: [wantWait()] }), handOverTo(), NOW);
    expect(sent(changes)).toMatchObject([
      { to: OTHER_BOX, type: 'refuse', body: { want: 'want-0001', reason: 'voided' } },
    ]);
  });

  test('that is voided goes to nobody [A6]', () => {
    const changes = handOver(viewIn('voided', { waits: [cartWait()] }), handOverTo(), NOW);
    expect(kinds(changes)).toEqual(['wait_ends']);
  });
});
