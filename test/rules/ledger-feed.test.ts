import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { verifyLedger } from '../../cloud/ledger/audit.ts';
import type { FedItem } from '../../cloud/ledger/port.ts';
import { dollars, NOW } from './ledger-rows.ts';
import { hashOfCode, openWorld, type World } from './ledger-world.ts';

/** Tills that redeem by themselves, at a ledger as it runs. */

const DAY_MS = 86_400_000;

let world: World;
beforeEach(async () => {
  world = await openWorld({ count: 4 });
});
afterEach(() => world.close());

const code = (i = 0): string => world.codes[i] ?? '';
const item = (changes: Partial<FedItem> = {}): FedItem => ({
  ...{ what: 'redeemed', code: code(), at: NOW - 60_000, store: '0002', lane: '3', basket: 'sale-1' },
  ...{ total: dollars(42), discount: dollars(5) },
  ...changes,
});
const feed = (...items: FedItem[]) => world.ledger.feed('old-tills', items);
const tell = async (changes: Partial<FedItem> = {}) => (await feed(item(changes)))[0];
const undo = (changes: Partial<FedItem> = {}) => tell({ what: 'reversed', ...changes });
const exceptions = async () => (await world.ledger.exceptions()).map(({ what, value }) => [what, value]);
const taken = { outcome: 'taken', reason: null, redemption: expect.any(String), again: false };

describe('what a till redeemed by itself', () => {
  test('redeems a free code, and every door knows when and where [C15]', async () => {
    expect(await tell()).toEqual(taken);
    expect(await world.shop.redeem(code(), 'cart-1')).toMatchObject({
      reason: 'already_redeemed',
      facts: { redeemedWhere: 'Harbour', redeemedAt: '2026-11-23T09:59:00Z' },
    });
    expect(await world.ledger.history(code())).toMatchObject({
      state: 'redeemed',
      redemption: { door: 'feed:old-tills', store: '0002', lane: '3', basket: 'sale-1' },
      history: [{ what: 'fed_redeemed', where: 'told by old-tills', basket: 'sale-1' }],
    });
    expect(await exceptions()).toEqual([]);
  });

  test('told again it is answered the same, and nothing is changed [C15]', async () => {
    const first = await tell();
    const entries = () => world.database.raw.prepare('SELECT count(*) FROM entries').pluck().get();
    const before = entries();
    expect(await feed(item(), item())).toEqual([first, first].map((answer) => ({ ...answer, again: true })));
    expect(entries()).toBe(before);
  });

  test('twice in one file is once [C15]', async () => {
    expect(await feed(item(), item())).toEqual([taken, { ...taken, again: true }]);
  });

  test('told again with another lane or total is refused [C15]', async () => {
    await tell();
    const conflict = { outcome: 'refused', reason: 'basket_conflict' };
    expect(await feed(item({ lane: '4' }), item({ total: dollars(43) }))).toEqual([conflict, conflict]);
  });

  test('takes a code from the cart that held it, which is told at its next call [C15]', async () => {
    await world.shop.validate(code(), 'cart-1');
    expect(await tell()).toEqual(taken);
    expect(await world.shop.redeem(code(), 'cart-1')).toMatchObject({ reason: 'already_redeemed' });
    expect(await world.ledger.basket('shop', 'cart-1')).toMatchObject({ codes: [{ state: 'released' }] });
  });

  test('over all that stands as redeemed or void already is an exception with the money, once [C15, C11]', async () => {
    await world.shop.redeem(code(0), 'cart-1');
    await tell({ code: code(1) });
    await world.ledger.voidCode(code(2));
    const already = { outcome: 'exception', reason: 'already_redeemed', redemption: null, again: false };
    const file = [item(), item({ code: code(1), basket: 'sale-2' }), item({ code: code(2) })];
    const answers = await feed(...file);
    expect(answers).toEqual([already, already, { ...already, reason: 'voided' }]);
    expect(await feed(...file)).toEqual(answers.map((answer) => ({ ...answer, again: true })));
    expect((await exceptions()).toSorted()).toEqual([
      ['fed_after_void', 500],
      ['fed_redeemed_twice', 500],
      ['fed_redeemed_twice', 500],
    ]);
    const found = (await world.ledger.exceptions()).find(({ ours }) => ours.includes('cart:shop'));
    expect(found).toMatchObject({
      ours: expect.stringMatching(/^redeemed by cart:shop, basket cart-1, redemption .*, generation 0$/),
      theirs: 'redeemed by feed:old-tills, store 0002, lane 3, basket sale-1, total 4200 USD',
    });
    expect(await world.stateOf(code(0))).toBe('redeemed');
    expect(await world.stateOf(code(2))).toBe('voided');
  });

  test('that was asked of us too is one sale, told twice [C15]', async () => {
    const box = await world.box('0002');
    await box.want(code(0), 'sale-1');
    box.redeem(code(0), 'sale-1');
    await box.settle();
    expect(await tell()).toMatchObject({ outcome: 'taken', reason: 'known' });
    expect(await tell({ store: '0001' })).toMatchObject({ again: true });
    await world.shop.redeem(code(1), 'cart-1');
    const own = await world.ledger.feed('shop', [item({ code: code(1), basket: 'cart-1', store: null })]);
    expect(own).toMatchObject([{ outcome: 'taken', reason: 'known' }]);
    expect(await exceptions()).toEqual([]);
  });

  test('that its store’s box tells only after it is one sale too, and nothing brings the code back by half [C15]', async () => {
    const box = await world.box('0002');
    await world.ledger.stock('0002', [code()]);
    await box.take();
    box.redeem(code(), 'sale-1');
    expect(await tell()).toEqual(taken);
    await box.settle();
    expect(await exceptions()).toEqual([]);
    expect(await undo()).toMatchObject({ outcome: 'exception', reason: 'reserved_in_store' });
    expect(await world.stateOf(code())).toBe('redeemed');
  });

  test.each([
    ['of no code of ours', { code: '0000-0000-0000-0000' }, 'unknown_code'],
    ['of what is mistyped', { code: '7KQ2-9MXD-4TRB-8WNX' }, 'malformed_code'],
    ['of no coupon', { code: 'MILK' }, 'not_a_coupon'],
    ['of a test code', { code: 'TEST-APPROVED' }, 'not_a_coupon'],
    ['of a store that we do not know', { store: '0099' }, 'unknown_store'],
    ['of tomorrow', { at: NOW + DAY_MS }, 'in_the_future'],
  ])('%s is refused by itself, the rest is taken, and nothing is kept of it [C15]', async (_, changes, reason) => {
    expect(await feed(item(changes), item({ basket: 'sale-2' }))).toEqual([{ outcome: 'refused', reason }, taken]);
    expect(world.database.raw.prepare('SELECT count(*) FROM fed').pluck().get()).toBe(1);
    expect(await exceptions()).toEqual([]);
  });

  test('counts though the campaign is over: the money is gone [C15]', async () => {
    world.clock.now += 400 * DAY_MS;
    expect(await world.stateOf(code())).toBe('expired');
    expect(await tell()).toEqual(taken);
    expect((await world.ledger.exposure('spring'))?.redeemed).toEqual({ units: 1, value: 500 });
  });
});

describe('a code that a store has', () => {
  test('is redeemed, asked back without an end, and never redeemed there when it came in time [C15]', async () => {
    const box = await world.box('0001');
    await world.ledger.stock('0001', [code()]);
    await box.take();
    expect(await tell()).toEqual(taken);
    const sent = await box.take();
    expect(sent).toMatchObject([{ type: 'recall', body: { why: 'sync', deadline: null } }]);
    box.obey(sent);
    await box.settle();
    expect(await world.stateOf(code())).toBe('redeemed');
    expect(await exceptions()).toEqual([]);
    expect(world.database.raw.prepare("SELECT state FROM reservations WHERE state = 'open'").all()).toEqual([]);
  });

  test('that redeemed it before it heard is an exception with both sides [C15, C11]', async () => {
    const box = await world.box('0001');
    await world.ledger.stock('0001', [code()]);
    await box.take();
    box.redeem(code(), 'sale-7');
    await tell();
    await box.settle();
    expect(await world.ledger.exceptions()).toMatchObject([
      {
        ...{ what: 'redeemed_twice', gateway: box.id, value: 500 },
        ours: expect.stringContaining('feed:old-tills, basket sale-1'),
        theirs: expect.stringContaining('basket sale-7'),
      },
    ]);
  });

  test('is asked back again by each sync that still lists it [C15, C9]', async () => {
    const box = await world.box('0001');
    await world.ledger.stock('0001', [code()]);
    await box.take();
    await tell();
    await box.miss();
    await box.sync();
    expect(box.last('recall')).toMatchObject({ why: 'sync', deadline: null });
  });

  test('does not come back by a fed reversal while it may still be redeemed there [C15]', async () => {
    const box = await world.box('0001');
    await world.ledger.stock('0001', [code()]);
    await box.take();
    await tell();
    expect(await undo()).toMatchObject({ outcome: 'exception', reason: 'reserved_in_store' });
    expect(await undo()).toMatchObject({ outcome: 'exception', reason: 'reserved_in_store', again: true });
    expect(await world.stateOf(code())).toBe('redeemed');
    expect(await exceptions()).toEqual([['reversed_while_reserved', 500]]);
    expect(await world.shop.redeem(code(), 'cart-1')).toMatchObject({ reason: 'already_redeemed' });
  });

  test('comes back by a fed reversal once the store has returned it [C15]', async () => {
    const box = await world.box('0001');
    await world.ledger.stock('0001', [code()]);
    await box.take();
    await tell();
    box.obey(await box.take());
    await box.settle();
    expect(await undo()).toEqual(taken);
    expect(await world.shop.redeem(code(), 'cart-1')).toMatchObject({ decision: 'approved' });
  });

  test('under a void stays void when the sale is undone [C15, A6]', async () => {
    const box = await world.box('0001');
    await world.ledger.stock('0001', [code()]);
    await box.take();
    await world.ledger.voidCode(code());
    expect(await tell()).toEqual(taken);
    box.obey(await box.take());
    await box.settle();
    await undo();
    expect(await world.stateOf(code())).toBe('voided');
  });

  test('in doubt for a box that was revoked is redeemed, and nothing brings it back [C15, A9]', async () => {
    const box = await world.box('0001');
    await world.ledger.stock('0001', [code()]);
    await box.take();
    await world.ledger.revoke(box.id);
    expect(await tell()).toEqual(taken);
    expect(await undo()).toMatchObject({ reason: 'reserved_in_store' });
    expect(await world.stateOf(code())).toBe('redeemed');
  });
});

describe('a fed reversal', () => {
  test('brings the code back, once, and the sale never counts again [C15]', async () => {
    await tell();
    expect(await undo()).toEqual(taken);
    expect(await world.shop.redeem(code(), 'cart-1')).toMatchObject({ decision: 'approved' });
    expect(await undo()).toEqual({ ...taken, again: true });
    expect(await tell()).toEqual({ ...taken, again: true });
    expect(await world.stateOf(code())).toBe('redeemed');
  });

  test('that comes before what it undoes leaves it without effect [C15]', async () => {
    expect(await undo()).toMatchObject({ outcome: 'taken', reason: 'not_redeemed' });
    expect(await tell()).toMatchObject({ outcome: 'taken', reason: 'reversed_first' });
    expect(await world.stateOf(code())).toBe('issued');
  });

  test('of a collision is told to whoever works on it [C15]', async () => {
    await world.shop.redeem(code(), 'cart-1');
    await tell();
    expect(await undo()).toMatchObject({ outcome: 'taken', reason: 'collision_undone' });
    expect((await exceptions()).map(([what]) => what).toSorted()).toEqual([
      'fed_collision_undone',
      'fed_redeemed_twice',
    ]);
    expect(await world.ledger.history(code())).toMatchObject({ redemption: { door: 'cart:shop' } });
  });

  test('can be asked for through a cart or a store that names its door [C15]', async () => {
    await tell();
    await tell({ code: code(1) });
    expect(await world.shop.reverse(code(), 'sale-1', 'feed:old-tills')).toMatchObject({ reversed: true });
    expect(await world.stateOf(code())).toBe('issued');
    const box = await world.box('0001');
    await box.want(code(2), 'sale-9');
    const mine = box.redeem(code(2), 'sale-9');
    await box.settle();
    box.reverse({ ...mine, codeHash: hashOfCode(code(1)), basket: 'sale-1' }, 'feed:old-tills');
    await box.settle();
    expect(box.last('outcome')).toMatchObject({ door: 'feed:old-tills', basket: 'sale-1' });
    expect(await world.stateOf(code(1))).toBe('issued');
  });
});

describe('the window of a reversal', () => {
  const late = 31 * DAY_MS;

  test('asked for within it, the code is good again [C16]', async () => {
    await world.shop.redeem(code(), 'cart-1');
    world.clock.now += 30 * DAY_MS;
    await world.shop.reverse(code(), 'cart-1');
    expect(await world.stateOf(code())).toBe('issued');
  });

  test('after it the sale is undone and the code void: at a cart, at a box, and fed [C16]', async () => {
    const box = await world.box('0001');
    await world.shop.redeem(code(0), 'cart-1');
    await box.want(code(1), 'sale-1');
    const sold = box.redeem(code(1), 'sale-1');
    await box.settle();
    await tell({ code: code(2) });
    world.clock.now += late;
    expect(await world.shop.reverse(code(0), 'cart-1')).toMatchObject({ reversed: true });
    box.reverse(sold);
    await box.settle();
    expect(await undo({ code: code(2), at: world.clock.now })).toMatchObject({
      outcome: 'taken',
      reason: 'window_over',
    });
    for (const i of [0, 1, 2]) {
      expect(await world.stateOf(code(i))).toBe('voided');
      expect(await world.app.redeem(code(i), 'cart-9')).toMatchObject({ reason: 'voided' });
    }
    expect(await exceptions()).toEqual([]);
    expect(await verifyLedger(world.store)).toMatchObject({ ok: true });
  });

  test('counts to when it was asked for, though the store was cut off for long after [C16]', async () => {
    const box = await world.box('0001');
    for (const i of [0, 1]) await box.want(code(i), 'sale-1');
    const [one] = [box.redeem(code(0), 'sale-1'), box.redeem(code(1), 'sale-1')];
    await box.settle();
    expect(await world.shop.reverse(code(1), 'sale-1', box.door)).toMatchObject({ reversed: 'pending' });
    box.reverse(one);
    const asked = await box.take();
    world.clock.now += late;
    box.obey(asked);
    await box.settle();
    for (const i of [0, 1]) expect(await world.stateOf(code(i))).toBe('issued');
  });

  test('is the campaign’s own [C16]', async () => {
    await world.ledger.changeCampaign('spring', (campaign) => ({ ...campaign, reversalDays: 0 }));
    await world.shop.redeem(code(), 'cart-1');
    world.clock.now += 1;
    await world.shop.reverse(code(), 'cart-1');
    expect(await world.stateOf(code())).toBe('voided');
  });

  test('a code that comes back after the campaign’s end is expired, and no liability [C16]', async () => {
    await world.ledger.changeCampaign('spring', (campaign) => ({
      ...campaign,
      card: { ...campaign.card, endsAt: '2026-11-24T00:00:00Z' },
    }));
    await world.shop.redeem(code(), 'cart-1');
    world.clock.now += 2 * DAY_MS;
    await world.shop.reverse(code(), 'cart-1');
    expect(await world.stateOf(code())).toBe('expired');
    expect(await world.ledger.exposure('spring')).toMatchObject({
      open: { units: 0, value: 0 },
      redeemed: { units: 0, value: 0 },
    });
  });
});
