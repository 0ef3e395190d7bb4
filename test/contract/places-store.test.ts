import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PlacesStore } from '../../cloud/fleet/places-store.ts';
import { assign, peopleOf } from '../rules/assigned.ts';
import { NOW } from '../rules/ledger-rows.ts';
import { hashOfCode, openWorld, type World } from '../rules/ledger-world.ts';

/** What every store of places must do, whatever database is under it. */

let world: World;
let places: PlacesStore;
beforeEach(async () => {
  world = await openWorld({ count: 5 });
  places = world.places;
});
afterEach(() => world.close());

const code = (i: number) => world.codes[i] ?? '';
const hash = (i: number) => hashOfCode(code(i));
const assigned = (after: number, most = 10) => places.read((tx) => tx.assigned(after, most));
const toStock = (store: string, most = 10) =>
  places.read((tx) => tx.toStock({ store, campaign: 'spring' }, world.clock.now, most));
const weigh = (i: number, store: string, score: number) =>
  places.transaction((tx) => tx.putWeights([{ hash: hash(i), weight: { store, score } }]));

describe('assignments', () => {
  test('are gone through in their order, those that may still be stocked', async () => {
    const people = peopleOf(world);
    expect([await places.read((tx) => tx.newestAssignment()), (await assigned(0)).upTo]).toEqual([0, null]);
    for (const i of [0, 1, 2]) await assign(people, code(i), { home: '0001' });
    await world.shop.redeem(code(1), 'cart-1');
    const { upTo, codes } = await assigned(0, 2);
    expect(codes.map((one) => one.hash)).toEqual([hash(0)]);
    expect((await assigned(upTo ?? 0)).codes.map((one) => one.hash)).toEqual([hash(2)]);
    expect((await assigned(await places.read((tx) => tx.newestAssignment()))).upTo).toBeNull();
  });

  test('have what is known of their places', async () => {
    const people = peopleOf(world);
    const id = await assign(people, code(0), { home: '0001' });
    const known = () => places.read((tx) => tx.assignedCode(id));
    expect(await known()).toEqual({
      hash: hash(0),
      places: { chosen: null, home: '0001', seen: null },
      weight: null,
    });
    const one = await world.box('0002');
    await one.want(code(0), 'b-1');
    await weigh(0, '0001', 60);
    await places.transaction((tx) => tx.choose(id, '0002', NOW));
    expect(await known()).toEqual({
      hash: hash(0),
      places: { chosen: { store: '0002' }, home: '0001', seen: { store: '0002', at: world.clock.now } },
      weight: { store: '0001', score: 60 },
    });
    await places.transaction((tx) => tx.choose(id, null, NOW));
    expect((await known())?.places.chosen).toEqual({ store: null });
  });

  test('keep the newest sighting, in whichever order they come', async () => {
    await assign(peopleOf(world), code(0), { customer: 'c-kim' });
    const one = await world.box('0001');
    const two = await world.box('0002');
    await one.want(code(0), 'b-1');
    world.clock.now += 5_000;
    await two.want(code(0), 'b-2');
    // A box that was cut off settles later what it redeemed before.
    world.clock.now -= 4_000;
    one.redeem(code(0), 'b-1');
    await one.settle();
    const seen = world.database.raw.prepare('SELECT seen_store, seen_at FROM customer_places').all();
    expect(seen).toEqual([{ seen_store: '0002', seen_at: NOW + 5_000 }]);
  });
});

describe('what a store is best stocked with', () => {
  test('comes best first, without what is not free, pauses or is best elsewhere', async () => {
    await weigh(0, '0001', 10);
    await weigh(1, '0001', 30);
    await weigh(2, '0001', 20);
    await weigh(3, '0002', 90);
    await weigh(4, '0001', 99);
    await world.shop.validate(code(4), 'cart-1');
    expect(await toStock('0001')).toEqual([
      { hash: hash(1), score: 30 },
      { hash: hash(2), score: 20 },
      { hash: hash(0), score: 10 },
    ]);
    expect(await toStock('0001', 1)).toEqual([{ hash: hash(1), score: 30 }]);
    const box = await world.box('0001');
    await box.want(code(1), 'b-1');
    box.giveBack(code(1));
    await box.settle();
    await world.ledger.voidCode(code(2));
    expect((await toStock('0001')).map((one) => one.hash)).toEqual([hash(0)]);
  });

  test('may give way where it was guessed, the weakest first, but not what was listed, fetched, chosen or recalled', async () => {
    const people = peopleOf(world);
    const box = await world.box('0001');
    await world.ledger.stock('0001', [code(0)]);
    for (const i of [1, 2]) await assign(people, code(i), { home: '0001' });
    const chosen = await assign(people, code(3));
    await world.ledger.place({ assignment: chosen, codeHash: hash(3), store: '0001' });
    await world.ledger.tick();
    await weigh(1, '0001', 50);
    await box.take();
    expect(box.held.size).toBe(4);
    await box.want(code(4), 'b-1');
    await weigh(4, '0001', 1);
    const guessed = () => places.read((tx) => tx.dealtTo(box.id, 1_000, 10));
    expect(await guessed()).toEqual([hash(1), hash(2)]);
    await world.ledger.voidCode(code(1));
    expect(await guessed()).toEqual([hash(2)]);
  });
});
