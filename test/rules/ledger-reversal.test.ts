import { describe, expect, test } from 'vitest';
import { CODE_STATES, type CodeState, type RedemptionRow, type ReversalRow } from '../../cloud/ledger/code-rules.ts';
import { resolveReversal, reversalSettled, type ReversalCase } from '../../cloud/ledger/reversal-rules.ts';
import { codeAfter, HASH, kinds, NOW, OTHER_BOX, redemptionWith, sent, STORE_BOX, viewIn } from './ledger-rows.ts';

const door = `gateway:${STORE_BOX}`;
const request = (changes: Partial<Parameters<typeof resolveReversal>[0]> = {}) => ({
  door,
  basket: 'sale-1',
  reason: 'cancelled',
  askedAt: NOW,
  asker: null,
  ...changes,
});
const box = (changes: Partial<NonNullable<ReversalCase['box']>> = {}) => ({
  id: STORE_BOX,
  epoch: 1,
  active: true,
  ...changes,
});
const stored = (changes: Partial<ReversalRow> = {}): ReversalRow => ({
  ...{ door, codeHash: HASH, basket: 'sale-1', redemption: null },
  ...{ state: 'pending', reason: 'cancelled', at: NOW - 1, askers: [] },
  ...changes,
});

function resolve(
  state: CodeState,
  given: Partial<ReversalCase>,
  changes: Partial<Parameters<typeof resolveReversal>[0]> = {},
) {
  return resolveReversal(request(changes), {
    view: viewIn(state),
    stored: null,
    redemption: null,
    box: box(),
    ...given,
  });
}

describe('a reversal at a cart', () => {
  const online = redemptionWith({ door: 'cart:shop', basket: 'cart-1', reservation: null, epoch: 0 });

  test.each(CODE_STATES)(
    'of a basket that never redeemed, the code %s, is done at once and stands as a tombstone [C13]',
    (state) => {
      const resolved = resolve(state, { box: null }, { door: 'cart:shop', basket: 'cart-1' });
      expect(resolved).toMatchObject({ kind: 'done', row: { redemption: null, state: 'done' } });
      expect(kinds(resolved.changes)).toEqual(['reversal']);
    },
  );

  test('of a basket that redeemed names its redemption and is undone here [C13]', () => {
    const resolved = resolve('redeemed', { box: null, redemption: online }, { door: 'cart:shop', basket: 'cart-1' });
    expect(resolved).toMatchObject({ kind: 'here', row: { redemption: online.id, state: 'done' } });
  });
});

describe("a reversal of a box's", () => {
  const mayLand: readonly CodeState[] = ['reserved', 'void_pending', 'in_doubt'];

  test.each(CODE_STATES)(
    'unknown redemption, the code %s, goes to the box only where it may still redeem [C13]',
    (state) => {
      const resolved = resolve(state, {});
      expect(resolved.kind).toBe(mayLand.includes(state) ? 'pending' : 'done');
      expect(sent(resolved.changes).map(({ to, type }) => [to, type])).toEqual(
        mayLand.includes(state) ? [[STORE_BOX, 'reverse']] : [],
      );
    },
  );

  test('unknown redemption is answered at once where another box has the code [C13]', () => {
    expect(resolve('reserved', { box: box({ id: OTHER_BOX }) }, { door: `gateway:${OTHER_BOX}` }).kind).toBe('done');
  });

  const known: readonly (readonly [string, RedemptionRow, Partial<NonNullable<ReversalCase['box']>>, string])[] = [
    ['of the present epoch', redemptionWith(), {}, 'pending'],
    ['of an older epoch', redemptionWith(), { epoch: 2 }, 'done'],
    ['of a box that is fenced or revoked', redemptionWith(), { active: false }, 'done'],
  ];
  test.each(known)('known redemption %s never moves the code here [C13, B13]', (_, redemption, changes, kind) => {
    const resolved = resolve('redeemed', { redemption, box: box(changes) });
    expect(resolved).toMatchObject({ kind, row: { redemption: redemption.id } });
    expect(codeAfter(resolved.changes)).toBeNull();
    if (kind === 'pending')
      expect(sent(resolved.changes)).toMatchObject([
        { to: STORE_BOX, type: 'reverse', body: { redemption: redemption.id, basket: 'sale-1' } },
      ]);
    else
      expect(resolved.changes).toMatchObject([
        { do: 'reversal' },
        { do: 'redemption', row: { reversed: true } },
        { do: 'exception', row: { what: 'reversed_old_epoch' } },
      ]);
  });
});

describe('a reversal that was resolved before', () => {
  test('is answered the same, whatever was redeemed since [C13, B13]', () => {
    for (const state of CODE_STATES) {
      const row = stored({ state: 'done', redemption: 'redemption-1' });
      const resolved = resolve(state, {
        stored: row,
        redemption: redemptionWith({ id: 'redemption-2', generation: 1 }),
      });
      expect(resolved).toEqual({ kind: 'repeated', row, changes: [] });
    }
  });

  test('and is pending asks the box again, for the message may be lost [C13, L5]', () => {
    expect(sent(resolve('reserved', { stored: stored() }).changes)).toMatchObject([{ to: STORE_BOX, type: 'reverse' }]);
  });

  test('and is pending remembers each box that forwards it, once [C13]', () => {
    const resolved = resolve('reserved', { stored: stored() }, { asker: OTHER_BOX });
    expect(resolved.row.askers).toEqual([OTHER_BOX]);
    expect(resolve('reserved', { stored: resolved.row }, { asker: OTHER_BOX }).row.askers).toEqual([OTHER_BOX]);
  });

  test.each([
    ['the box was fenced since', { epoch: 2, active: false }],
    ['the box was revoked since', { epoch: 1, active: false }],
  ])('and is pending ends as an exception where %s: nobody would ever answer it [C13, L5]', (_, changes) => {
    const row = stored({ redemption: 'redemption-1', askers: [OTHER_BOX] });
    const resolved = resolve('redeemed', { stored: row, redemption: redemptionWith(), box: box(changes) });
    expect(resolved).toMatchObject({ kind: 'done', row: { state: 'done', redemption: 'redemption-1', askers: [] } });
    expect(codeAfter(resolved.changes)).toBeNull();
    expect(resolved.changes).toContainEqual(expect.objectContaining({ do: 'exception' }));
    expect(sent(resolved.changes)).toMatchObject([
      { to: OTHER_BOX, type: 'outcome', body: { redemption: 'redemption-1' } },
    ]);
  });
});

describe("the redeeming door's entry", () => {
  test('settles the reversal and tells whoever forwarded it [C13]', () => {
    const row = { door, codeHash: HASH, basket: 'sale-1', redemption: 'redemption-1', reason: 'cancelled', at: NOW };
    const changes = reversalSettled(stored({ askers: [OTHER_BOX] }), row);
    expect(changes[0]).toEqual({ do: 'reversal', row: { ...row, state: 'done', askers: [] } });
    expect(sent(changes)).toMatchObject([{ to: OTHER_BOX, type: 'outcome', body: { redemption: 'redemption-1' } }]);
  });

  test('settles one that nobody asked for, a tombstone as well [C13]', () => {
    const row = { door, codeHash: HASH, basket: 'sale-1', redemption: null, reason: '', at: NOW };
    expect(reversalSettled(null, row)).toEqual([{ do: 'reversal', row: { ...row, state: 'done', askers: [] } }]);
  });
});
