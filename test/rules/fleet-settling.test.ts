import { describe, expect, test } from 'vitest';
import {
  applyRedeemed,
  applyReturned,
  applyReversed,
  type EntryCase,
  pastDeadline,
} from '../../cloud/fleet/settling-rules.ts';
import { CODE_STATES, type CodeState, type CodeView } from '../../cloud/ledger/code-rules.ts';
import type { EntryOf } from '../../protocol/journal.ts';
import { RESTOCK_PAUSE_MS } from '../../protocol/limits.ts';
import {
  campaignWith,
  cardWith,
  cartWait,
  codeAfter,
  codeWith,
  dollars,
  gatewayWith,
  HASH,
  handOverTo,
  hashOfDigit,
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

const redeemed = (changes: Partial<EntryOf<'redeemed'>> = {}): EntryOf<'redeemed'> => ({
  ...{ kind: 'redeemed', redemption: 'redemption-1', reservation: 'reservation-1', codeHash: HASH, generation: 0 },
  ...{
    basket: 'sale-1',
    lane: '3',
    total: dollars(42),
    discount: dollars(5),
    at: NOW - 5000,
    timeProven: true,
    oldTerms: false,
  },
  ...changes,
});
const returned = (changes: Partial<EntryOf<'returned'>> = {}): EntryOf<'returned'> => ({
  ...{ kind: 'returned', reservation: 'reservation-1', codeHash: HASH, generation: 0, why: 'recall' },
  ...changes,
});
const reversed = (changes: Partial<EntryOf<'reversed'>> = {}): EntryOf<'reversed'> => ({
  ...{ kind: 'reversed', door: `gateway:${STORE_BOX}`, codeHash: HASH, basket: 'sale-1' },
  ...{ reservation: 'reservation-1', redemption: 'redemption-1', reason: 'cancelled', at: NOW },
  ...changes,
});

/** The ledger with the code in a state and the reservation of the entry as it stands there. */
function given(state: CodeState, changes: Partial<EntryCase> = {}): EntryCase {
  const view = viewIn(state);
  return {
    view,
    reservation: view.reservation ?? reservationWith({ state: 'returned' }),
    known: null,
    versions: [],
    epoch: 1,
    evidence: false,
    ...changes,
  };
}

const open: readonly CodeState[] = ['reserved', 'void_pending', 'in_doubt'];

describe('an entry `redeemed`', () => {
  test.each(CODE_STATES.flatMap((state) => [false, true].map((evidence) => [state, evidence] as const)))(
    'of a code that is %s (evidence: %s) wins while its reservation is open, else it is an exception [C2, C11]',
    (state, evidence) => {
      const applied = applyRedeemed(gatewayWith(), redeemed(), given(state, { evidence }));
      if (open.includes(state)) {
        expect(applied.exception).toBeNull();
        expect(codeAfter(applied.changes)).toMatchObject({
          state: 'redeemed',
          redemption: 'redemption-1',
          reservation: null,
        });
        expect(reservationAfter(applied.changes)?.state).toBe('redeemed');
        expect(kinds(applied.changes)).toEqual(['code', 'entry', 'reservation', 'redemption']);
      } else {
        expect(applied.exception).toBe(state === 'voided' ? 'redeemed_after_void' : 'redeemed_twice');
        expect(kinds(applied.changes)).toEqual(['exception']);
      }
    },
  );

  test('applied before is nothing, whatever the code is now [C2]', () => {
    for (const state of CODE_STATES)
      expect(applyRedeemed(gatewayWith(), redeemed(), given(state, { known: redemptionWith() }))).toEqual({
        changes: [],
        exception: null,
      });
  });

  test.each([
    ['another door', redemptionWith({ door: 'cart:shop', reservation: null })],
    ['another reservation', redemptionWith({ reservation: 'reservation-7' })],
    ['another code', redemptionWith({ codeHash: hashOfDigit('d') })],
  ])('under the id of a redemption of %s is an exception, not a repetition [C11, S9]', (_, known) => {
    expect(applyRedeemed(gatewayWith(), redeemed(), given('reserved', { known })).exception).toBe('redeemed_twice');
  });

  test.each<[string, Partial<EntryCase>, Partial<EntryOf<'redeemed'>>]>([
    ['a reservation that the ledger never made', { reservation: null }, {}],
    ["another box's reservation", { reservation: reservationWith({ gateway: OTHER_BOX }) }, {}],
    ["another code's reservation", { reservation: reservationWith({ codeHash: hashOfDigit('d') }) }, {}],
    ['a reservation that is closed', { reservation: reservationWith({ state: 'returned' }) }, {}],
    ['a later generation', {}, { generation: 1 }],
    [
      'an earlier generation',
      {
        view: viewIn('reserved', {
          code: codeWith({ state: 'reserved', reservation: 'reservation-1', generation: 1 }),
        }),
      },
      {},
    ],
    ['an unknown code', { view: null }, {}],
  ])('under %s is an exception with both sides [C2, C11, S9]', (_, changes, entry) => {
    const applied = applyRedeemed(gatewayWith(), redeemed(entry), given('reserved', changes));
    expect(applied.exception).toBe('redeemed_twice');
    expect(applied.changes).toMatchObject([
      { do: 'exception', row: { gateway: STORE_BOX, theirs: 'redeemed by basket sale-1, redemption redemption-1' } },
    ]);
  });

  test('that came too late names both baskets [C11]', () => {
    const view = viewIn('redeemed', {
      redemption: redemptionWith({ id: 'redemption-0', door: 'cart:shop', basket: 'cart-1' }),
    });
    expect(applyRedeemed(gatewayWith(), redeemed(), given('redeemed', { view })).changes).toMatchObject([
      { row: { codeHash: HASH, ours: 'redeemed by cart:shop, basket cart-1, redemption redemption-0, generation 0' } },
    ]);
  });

  test('under terms that the campaign had no more is marked, with both versions, also where the box did not know [P8]', () => {
    const version = (n: number, endsAt: string) => ({
      ...campaignWith({ card: cardWith({ version: n, endsAt }) }),
      changedAt: NOW - 100_000 + n,
    });
    const marks = (endsAt: string, entry: Partial<EntryOf<'redeemed'>> = {}) => {
      const versions = [version(1, '2027-11-30'), version(2, endsAt)];
      const { changes } = applyRedeemed(gatewayWith(), redeemed(entry), given('reserved', { versions }));
      const isOld = changes.flatMap((change) => (change.do === 'redemption' ? [change.row.oldTerms] : []));
      return [...isOld, ...changes.flatMap((change) => (change.do === 'old_terms' ? [change.row] : []))];
    };
    expect(marks('2026-12-24')).toEqual([true, { redemption: 'redemption-1', used: 1, inForce: 2 }]);
    expect(marks('2026-12-24', { cardVersion: 1, oldTerms: true })).toMatchObject([true, { used: 1, inForce: 2 }]);
    expect(marks('2026-12-24', { cardVersion: 2 })).toEqual([false]);
    expect(marks('2027-11-30')).toEqual([false]);
  });

  test('tells every store that waited that the code is used, and where [C3]', () => {
    const view = viewIn('reserved', { waits: [wantWait(), cartWait()] });
    const { changes } = applyRedeemed(gatewayWith(), redeemed(), given('reserved', { view }));
    expect(changes.filter((change) => change.do === 'wait_ends')).toHaveLength(2);
    expect(sent(changes)).toMatchObject([
      {
        to: OTHER_BOX,
        type: 'refuse',
        body: {
          want: 'want-0001',
          reason: 'already_redeemed',
          facts: { redeemedAt: NOW - 5000, redeemedWhere: 'Main Street', lane: '3' },
        },
      },
    ]);
  });
});

describe('an entry `returned`', () => {
  const apply = (box: Parameters<typeof gatewayWith>[0], entry: EntryOf<'returned'>, at: EntryCase) =>
    applyReturned(gatewayWith(box), entry, at, handOverTo(gatewayWith({ id: OTHER_BOX })), NOW);

  test.each(CODE_STATES)('of a code that is %s frees it only while its reservation is open [A9, C2]', (state) => {
    const applied = apply({}, returned(), given(state));
    expect(applied.exception).toBeNull();
    expect(codeAfter(applied.changes)?.state ?? null).toBe(
      state === 'void_pending' ? 'voided' : open.includes(state) ? 'issued' : null,
    );
  });

  test('closes the reservation and keeps the code from the stock for an hour [C3]', () => {
    const { changes } = apply({}, returned(), given('reserved'));
    expect(reservationAfter(changes)).toMatchObject({ id: 'reservation-1', state: 'returned' });
    expect(codeAfter(changes)).toMatchObject({ generation: 0, restockAfter: NOW + RESTOCK_PAUSE_MS });
  });

  test.each<[string, number, number, number, boolean]>([
    ['all three of one epoch', 1, 1, 1, true],
    ['the gateway is past it', 1, 1, 2, false],
    ['the entry is of a later epoch than the reservation', 1, 2, 2, false],
    ['the entry is of an older epoch', 2, 1, 2, false],
    ['the reservation is of a later epoch', 2, 1, 1, false],
  ])('%s (reservation %i, entry %i, gateway %i): frees %s [C2, A9]', (_, ofReservation, ofEntry, ofGateway, frees) => {
    for (const state of open) {
      const at = given(state, { reservation: reservationWith({ epoch: ofReservation }), epoch: ofEntry });
      expect(codeAfter(apply({ epoch: ofGateway }, returned(), at).changes) !== null).toBe(frees);
    }
  });

  test('in evidence frees nothing [C2, B18]', () => {
    for (const state of open)
      expect(apply({}, returned(), given(state, { evidence: true }))).toEqual({ changes: [], exception: null });
  });

  test.each<[string, Partial<EntryCase>]>([
    ["another box's reservation", { reservation: reservationWith({ gateway: OTHER_BOX }) }],
    ['a reservation that is closed already', { reservation: reservationWith({ state: 'returned' }) }],
    ['a reservation that the code is no longer under', { reservation: reservationWith({ id: 'reservation-0' }) }],
    ['a tombstone of what was never granted', { reservation: null }],
    ['an unknown code', { view: null }],
  ])('of %s is nothing [C2, S9]', (_, changes) => {
    expect(apply({}, returned(), given('reserved', changes))).toEqual({ changes: [], exception: null });
  });

  test('hands the code to whoever waits, in the same changes [C3]', () => {
    const view = viewIn('reserved', { waits: [wantWait()] });
    const { changes } = apply({}, returned(), given('reserved', { view }));
    expect(codeAfter(changes)).toMatchObject({ state: 'reserved', reservation: 'reservation-2' });
    expect(sent(changes)).toMatchObject([{ to: OTHER_BOX, type: 'grant' }]);
  });
});

describe('an entry `reversed`', () => {
  const apply = (at: EntryCase, entry = reversed(), epoch = 1) =>
    applyReversed(gatewayWith({ epoch }), entry, at, null, handOverTo(), NOW);
  const known = redemptionWith();

  test('frees the code into its next generation by the redemption that it names [C13, B13]', () => {
    const applied = apply(given('redeemed', { known }));
    expect(codeAfter(applied.changes)).toMatchObject({
      state: 'issued',
      generation: 1,
      restockAfter: NOW + RESTOCK_PAUSE_MS,
    });
    expect(applied.changes).toContainEqual({ do: 'redemption', row: { ...known, reversed: true } });
  });

  test('applied again is nothing: the next generation may be redeemed by then [B13, C13]', () => {
    for (const state of CODE_STATES)
      expect(apply(given(state, { known: { ...known, reversed: true } }))).toEqual({ changes: [], exception: null });
  });

  test('of a redemption that no longer stands frees nothing and is an exception [B13, C11]', () => {
    const view = viewIn('redeemed', {
      code: codeWith({ state: 'redeemed', redemption: 'redemption-2', generation: 1 }),
    });
    const applied = apply(given('redeemed', { view, known }));
    expect(codeAfter(applied.changes)).toBeNull();
    expect(applied.exception).toBe('reversed_old_epoch');
  });

  test.each<[string, Partial<EntryCase>, number]>([
    ['of an older epoch than the box is in', {}, 2],
    ['of a redemption of an older epoch', { epoch: 2 }, 2],
    ['in evidence', { evidence: true }, 1],
  ])('%s is acknowledged as an exception, and the code stays redeemed [C13, C2]', (_, changes, epoch) => {
    const applied = apply(given('redeemed', { known, ...changes }), reversed(), epoch);
    expect(codeAfter(applied.changes)).toBeNull();
    expect(applied.exception).toBe('reversed_old_epoch');
    expect(applied.changes).toContainEqual({ do: 'redemption', row: { ...known, reversed: true } });
  });

  test("of another door's redemption, or of one that the ledger does not know, is an exception [C11, S9]", () => {
    expect(apply(given('redeemed', { known: redemptionWith({ door: `gateway:${OTHER_BOX}` }) })).exception).toBe(
      'reversed_unknown',
    );
    expect(apply(given('redeemed', { known: redemptionWith({ door: 'cart:shop' }) })).exception).toBe(
      'reversed_unknown',
    );
    expect(apply(given('redeemed')).exception).toBe('reversed_unknown');
  });

  test('without a redemption is a tombstone and moves nothing [C13]', () => {
    for (const state of CODE_STATES)
      expect(apply(given(state), reversed({ redemption: null, reservation: null }))).toEqual({
        changes: [],
        exception: null,
      });
  });
});

describe("a reservation's end", () => {
  const view = (state: CodeState): CodeView => viewIn(state);

  test.each(CODE_STATES)('never makes a code issued: %s [B1, B2]', (state) => {
    const to = codeAfter(pastDeadline(view(state)))?.state ?? state;
    expect(to).toBe(state === 'reserved' ? 'in_doubt' : state === 'void_pending' ? 'voided' : state);
  });

  test('leaves the reservation open, so that the box can still settle it either way [A9]', () => {
    expect(reservationAfter(pastDeadline(view('reserved')))).toBeNull();
    const doubtful = given('in_doubt');
    expect(codeAfter(applyRedeemed(gatewayWith(), redeemed(), doubtful).changes)?.state).toBe('redeemed');
    expect(codeAfter(applyReturned(gatewayWith(), returned(), doubtful, handOverTo(), NOW).changes)?.state).toBe(
      'issued',
    );
  });
});
