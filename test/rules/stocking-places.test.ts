import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { choosePlace } from '../../cloud/distribution/places.ts';
import type { DistributionStore } from '../../cloud/distribution/store.ts';
import { RESTOCK_PAUSE_MS } from '../../protocol/limits.ts';
import { assign, peopleOf } from './assigned.ts';
import { type Box, openWorld, type World } from './ledger-world.ts';

let world: World;
let people: DistributionStore;
let one: Box;
let two: Box;
const opened: World[] = [];

async function begin(options: Parameters<typeof openWorld>[0] = {}): Promise<void> {
  world = await openWorld({ count: 6, ...options });
  opened.push(world);
  people = peopleOf(world);
  one = await world.box('0001');
  two = await world.box('0002');
}
beforeEach(() => begin());
afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

const code = (i: number) => world.codes[i] ?? '';
/** As the clock ticks: each box is heard, and takes what it is sent. */
async function seconds(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    world.clock.now += 1_000;
    await world.ledger.tick();
    for (const box of [one, two]) box.obey(await box.take());
    for (const box of [one, two]) await box.settle();
  }
}
async function heard(): Promise<void> {
  for (const box of [one, two]) await box.heartbeat();
}
const choose = (assignment: string, store: string | null) =>
  choosePlace({ store: people, ledger: world.ledger, now: () => world.clock.now }, assignment, store);
/** While somebody waits, the boxes answer. */
async function answered<T>(asked: Promise<T>): Promise<T> {
  for (let i = 0; i < 20; i += 1) {
    await new Promise(setImmediate);
    for (const box of [one, two]) box.obey(await box.take());
    for (const box of [one, two]) await box.settle();
  }
  return asked;
}
const where = (i: number) => (one.heldFor(code(i)) ? 'one' : two.heldFor(code(i)) ? 'two' : null);

describe('a coupon that belongs to somebody', () => {
  test('is reserved in the home store, once it is connected, and one of nobody nowhere [K3]', async () => {
    await assign(people, code(0), { home: '0002' });
    await assign(people, code(1));
    await seconds(2);
    expect([where(0), where(1), where(2)]).toEqual(['two', null, null]);
  });

  test('is reserved where its owner was seen: redeeming there, or asking for it in vain [K3]', async () => {
    const second = { customer: 'c-kim' };
    await assign(people, code(0), second);
    await one.want(code(0), 'b-1');
    one.redeem(code(0), 'b-1');
    await one.settle();
    await assign(people, code(1), second);
    await seconds(2);
    expect(where(1)).toBe('one');

    await assign(people, code(2), { customer: 'c-lee' });
    await world.shop.redeem(code(2), 'cart-of-another');
    await two.want(code(2), 'b-2');
    expect(two.last('refuse')).toMatchObject({ reason: 'already_redeemed' });
    const seen = () =>
      world.database.raw.prepare("SELECT place FROM customer_sightings WHERE customer = 'c-lee'").all();
    expect(seen()).toEqual([{ place: '' }, { place: '0002' }]);
  });

  test('is nowhere reserved ahead once its owner has shown one online, and where nothing tells of any store [K3]', async () => {
    const kim = { home: '0001', customer: 'c-kim' };
    await assign(people, code(0), kim);
    expect((await world.shop.redeem(code(0), 'cart-1')).decision).toBe('approved');
    await assign(people, code(1), kim);
    await assign(people, code(2));
    await seconds(3);
    expect([where(1), where(2)]).toEqual([null, null]);
  });

  test('is reserved by the least sign where no cart can want it [K3]', async () => {
    await begin({ card: { channels: ['store'] } });
    const kim = { home: '0001', customer: 'c-kim' };
    await assign(people, code(0), kim);
    await world.shop.validate(code(0), 'cart-1');
    await assign(people, code(1), kim);
    await seconds(3);
    expect(where(1)).toBe('one');
  });

  test('is reserved at the likelihood that is set [K3]', async () => {
    for (const [stockLikelihoodMin, place] of [
      [51, null],
      [50, 'one'],
    ] as const) {
      await begin({ stockLikelihoodMin });
      await assign(people, code(0), { home: '0001' });
      await seconds(3);
      expect(where(0)).toBe(place);
    }
  });

  test('goes by what tills and shops tell that redeem by themselves, on the day on which they did [K3]', async () => {
    const told = (i: number, store: string | null, days: number) => ({
      ...{ what: 'redeemed' as const, code: code(i), at: world.clock.now - days * 86_400_000, store, lane: null },
      ...{ basket: `sale-${i}`, total: null, discount: null },
    });
    for (const i of [0, 1]) await assign(people, code(i), { customer: i === 0 ? 'c-kim' : 'c-lee' });
    await world.ledger.feed('old-tills', [told(0, '0002', 1), told(1, null, 1)]);
    await assign(people, code(2), { customer: 'c-kim' });
    await assign(people, code(3), { customer: 'c-lee', home: '0001' });
    await seconds(3);
    expect([where(2), where(3)]).toEqual(['two', null]);
    expect(world.database.raw.prepare('SELECT DISTINCT day FROM customer_sightings').all()).toEqual([
      { day: Math.floor(world.clock.now / 86_400_000) - 1 },
    ]);
  });

  test('stays where it is when the home store changes; one that is free follows within a round [K3]', async () => {
    await assign(people, code(0), { home: '0001', customer: 'c-kim' });
    await seconds(2);
    await assign(people, code(1), { home: '0002', customer: 'c-kim' });
    await seconds(40);
    expect([where(0), where(1)]).toEqual(['one', 'two']);
  });

  test('is not stocked again within an hour of coming back [C3, K3]', async () => {
    await assign(people, code(0), { home: '0001' });
    await seconds(2);
    one.giveBack(code(0));
    await one.settle();
    await seconds(40);
    expect(where(0)).toBeNull();
    world.clock.now += RESTOCK_PAUSE_MS;
    await heard();
    await seconds(2);
    expect(where(0)).toBe('one');
  });

  test('is not stocked before the day before it starts, nor after its end [K3]', async () => {
    const inDays = (days: number) => new Date(world.clock.now + days * 86_400_000).toISOString();
    await begin({ card: { startsAt: inDays(2), endsAt: inDays(3) } });
    await assign(people, code(0), { home: '0001' });
    await seconds(2);
    expect(where(0)).toBeNull();
    world.clock.now += 1.1 * 86_400_000;
    await heard();
    await seconds(2);
    expect(where(0)).toBe('one');
    await assign(people, code(1), { home: '0001' });
    world.clock.now += 3 * 86_400_000;
    await heard();
    await seconds(2);
    expect(where(1)).toBeNull();
  });

  test('goes with the likeliest first where the store has no room for all, in units or in value [K1, K3]', async () => {
    for (const stockMax of [
      { units: 2, value: 10_000 },
      { units: 9, value: 1_199 },
    ]) {
      await begin({ stockMax });
      for (const i of [0, 1, 2]) await assign(people, code(i), { home: '0001', customer: `c-${i}` });
      for (const i of [1, 2]) {
        await one.want(code(i), 'b-1');
        one.giveBack(code(i), 'released');
      }
      await one.settle();
      world.clock.now += RESTOCK_PAUSE_MS;
      await heard();
      await seconds(3);
      expect([where(0), where(1), where(2)]).toEqual([null, 'one', 'one']);
    }
  });
});

test('coupons that are over by a date of their own do not stand in the way of others [K3]', async () => {
  await begin({ stockMax: { units: 2, value: 10_000 } });
  const yesterday = new Date(world.clock.now - 86_400_000).toISOString();
  for (const i of [0, 1, 2]) {
    expect(await world.ledger.personalise('spring', code(i), { endsAt: yesterday })).toMatchObject({ ok: true });
    await assign(people, code(i), { home: '0001', customer: 'c-kim' });
  }
  // Refused, but seen there: these score more than the one that can be used.
  await one.want(code(0), 'b-1');
  await one.want(code(5), 'b-2');
  await assign(people, code(3), { home: '0001', customer: 'c-lee' });
  await seconds(3);
  expect([0, 1, 2, 3].map(where)).toEqual([null, null, null, 'one']);
});

describe('a coupon whose owner chooses a store', () => {
  test('is reserved there at once, and asked again it is the same [K4]', async () => {
    const coupon = await assign(people, code(0));
    expect(await choose(coupon, '0001')).toBe('stocked');
    expect(await choose(coupon, '0001')).toBe('stocked');
    await one.take();
    expect([where(0), one.count('grant')]).toEqual(['one', 1]);
  });

  test('moves from the store that has it, which is asked first [K4]', async () => {
    const coupon = await assign(people, code(0), { home: '0001' });
    await seconds(2);
    expect(where(0)).toBe('one');
    expect(await answered(choose(coupon, '0002'))).toBe('stocked');
    expect(where(0)).toBe('two');
    await seconds(40);
    expect(where(0)).toBe('two');
  });

  test('is let go of: back at once, and nowhere reserved ahead from then on [K4]', async () => {
    const coupon = await assign(people, code(0), { home: '0001' });
    await seconds(2);
    expect(await answered(choose(coupon, null))).toBe('let_go');
    expect(await choose(coupon, null)).toBe('let_go');
    expect(await world.stateOf(code(0))).toBe('issued');
    world.clock.now += 2 * RESTOCK_PAUSE_MS;
    await heard();
    await seconds(3);
    expect(where(0)).toBeNull();
    expect(await choose(coupon, '0001')).toBe('stocked');
  });

  test('waits for a store that is not connected, and stays where it can be had until then [K4]', async () => {
    await begin();
    const coupon = await assign(people, code(0), { home: '0002' });
    const free = await assign(people, code(1));
    await seconds(2);
    await world.ledger.gatewayGone(one.id);
    expect(await choose(coupon, '0001')).toBe('store_not_connected');
    expect(await choose(free, '0001')).toBe('store_not_connected');
    expect([where(0), where(1)]).toEqual(['two', null]);
    one.bootId += 1;
    await one.greet();
    await one.heartbeat();
    await seconds(2);
    expect(where(1)).toBe('one');
  });

  test('is held elsewhere while a silent store has it [K4]', async () => {
    const coupon = await assign(people, code(0), { home: '0002' });
    await seconds(2);
    await world.ledger.gatewayGone(two.id);
    expect(await choose(coupon, '0001')).toBe('held_elsewhere');
    expect(await choose(coupon, null)).toBe('held_elsewhere');
    expect(two.heldFor(code(0))).not.toBeNull();
  });

  test('is not moved out of a sale [K4]', async () => {
    const coupon = await assign(people, code(0));
    await world.shop.validate(code(0), 'cart-1');
    expect(await choose(coupon, '0001')).toBe('in_use');
    expect((await world.shop.redeem(code(0), 'cart-1')).decision).toBe('approved');
    expect(await choose(coupon, '0001')).toBe('not_usable');
  });

  test('is refused where the store is full, unknown, or not for it, and after twelve times in an hour [K4]', async () => {
    await begin({ stockMax: { units: 1, value: 10_000 }, card: { stores: ['0001'] } });
    const coupon = await assign(people, code(0));
    const other = await assign(people, code(1));
    expect(await choose(other, '0001')).toBe('stocked');
    expect(await choose(coupon, '0001')).toBe('store_full');
    expect(await choose(coupon, '0002')).toBe('not_usable');
    expect(await choose(coupon, '9999')).toBe('not_usable');
    expect(await choose('a-none', '0001')).toBe('unknown_coupon');
    for (let i = 3; i < 12; i += 1) expect(await choose(coupon, null)).toBe('let_go');
    expect(await choose(coupon, null)).toBe('too_often');
    world.clock.now += 3_600_000;
    expect(await choose(coupon, null)).toBe('let_go');
  });

  test('goes before what was only guessed: where the store is full, the weakest guess gives way [K4]', async () => {
    await begin({ stockMax: { units: 3, value: 10_000 } });
    for (const i of [0, 1]) await assign(people, code(i), { home: '0001' });
    const chosen = await assign(people, code(2));
    expect(await choose(chosen, '0001')).toBe('stocked');
    await one.want(code(1), 'b-1');
    one.giveBack(code(1), 'released');
    await one.settle();
    world.clock.now += RESTOCK_PAUSE_MS;
    await heard();
    await seconds(2);
    expect([where(0), where(1), where(2)]).toEqual(['one', 'one', 'one']);

    const elsewhere = await assign(people, code(3), { home: '0002' });
    await seconds(40);
    expect(where(3)).toBe('two');
    expect(await answered(choose(elsewhere, '0001'))).toBe('stocked');
    expect([0, 1, 2, 3].map(where)).toEqual([null, 'one', 'one', 'one']);
    expect(one.held.size).toBe(3);
    const another = await assign(people, code(4));
    expect(await answered(choose(another, '0001'))).toBe('stocked');
    const last = await assign(people, code(5));
    expect(await choose(last, '0001')).toBe('store_full');
    expect([1, 2, 3, 4].map(where)).toEqual([null, 'one', 'one', 'one']);
  });

  test('many choices at once never put more into a store than its caps [K1, K4]', async () => {
    for (const stockMax of [
      { units: 3, value: 10_000 },
      { units: 9, value: 1_999 },
    ]) {
      await begin({ stockMax });
      const coupons = await Promise.all(world.codes.map((each) => assign(people, each)));
      const answers = await Promise.all(coupons.map((coupon) => choose(coupon, '0001')));
      expect(answers.filter((answer) => answer === 'stocked')).toHaveLength(3);
      expect(answers.filter((answer) => answer === 'store_full')).toHaveLength(3);
      await one.take();
      expect(one.held.size).toBe(3);
    }
  });
});

test('a campaign with more stores than one turn looks at is dealt to all of them evenly [K1]', async () => {
  const stores = Array.from({ length: 25 }, (_, i) => String(1001 + i));
  await begin({ count: 60, card: { stores: [...stores] } });
  const boxes: Box[] = [];
  for (const id of stores) {
    await world.ledger.createStore({ id, name: id, timeZone: 'UTC', address: null });
    boxes.push(await world.box(id));
  }
  for (let turn = 0; turn < 12; turn += 1) await world.ledger.tick();
  for (const box of boxes) await box.take();
  const held = boxes.map((box) => box.held.size);
  expect(held.reduce((sum, each) => sum + each, 0)).toBe(60);
  expect(Math.max(...held) - Math.min(...held)).toBeLessThanOrEqual(1);
});

test('who is forgotten was never seen anywhere', async () => {
  await assign(people, code(0), { customer: 'c-kim' });
  await one.want(code(0), 'b-1');
  const seen = () => world.database.raw.prepare('SELECT customer FROM customer_sightings').all();
  expect(seen()).toHaveLength(1);
  await people.transaction(async (tx) => {
    const [kim] = await tx.customers(['c-kim']);
    if (kim !== undefined) await tx.putCustomer({ ...kim, erasedAt: world.clock.now });
  });
  expect(seen()).toEqual([]);
  await one.want(code(0), 'b-2');
  expect(seen()).toEqual([]);
});
