import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PlacesStore } from '../../cloud/fleet/places-store.ts';
import { CHOSEN_SCORE } from '../../cloud/fleet/stocking-rules.ts';
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

const DAY = 86_400_000;
const dayOf = (at: number) => Math.floor(at / DAY) * DAY;
const code = (i: number) => world.codes[i] ?? '';
const hash = (i: number) => hashOfCode(code(i));
const assigned = (after: number, most = 10) => places.read((tx) => tx.assigned(after, most));
const toStock = (store: string, most = 10, scoreMin = 0) =>
  places.read((tx) => tx.toStock({ store, campaign: 'spring', scoreMin }, world.clock.now, most));
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
      places: { chosen: null, home: '0001', seen: [] },
      weight: null,
    });
    const one = await world.box('0002');
    await one.want(code(0), 'b-1');
    await weigh(0, '0001', 60);
    await places.transaction((tx) => tx.choose(id, '0002', NOW));
    expect(await known()).toEqual({
      hash: hash(0),
      places: { chosen: { store: '0002' }, home: '0001', seen: [{ store: '0002', at: dayOf(world.clock.now) }] },
      weight: { store: '0001', score: 60 },
    });
    await places.transaction((tx) => tx.choose(id, null, NOW));
    expect((await known())?.places.chosen).toEqual({ store: null });
  });

  test('have one sighting for each place and day, whoever tells it, however often, in whichever order', async () => {
    const id = await assign(peopleOf(world), code(0), { customer: 'c-kim' });
    await assign(peopleOf(world), code(1), { customer: 'c-lee' });
    const one = await world.box('0001');
    const two = await world.box('0002');
    await one.want(code(0), 'b-1');
    world.clock.now += 2 * DAY;
    await two.want(code(0), 'b-2');
    await world.shop.validate(code(0), 'cart-1');
    await world.shop.validate(code(0), 'cart-1');
    // A box that was cut off settles later what it redeemed before.
    world.clock.now -= 2 * DAY;
    one.redeem(code(0), 'b-1');
    await one.settle();
    const seen = async (assignment: string) =>
      (await places.read((tx) => tx.assignedCode(assignment)))?.places.seen ?? [];
    const kim = await assign(peopleOf(world), code(2), { customer: 'c-kim' });
    const inOrder = (await seen(kim)).toSorted((a, b) => ((a.store ?? '') < (b.store ?? '') ? -1 : 1));
    expect(inOrder).toEqual([
      { store: null, at: dayOf(NOW + 2 * DAY) },
      { store: '0001', at: dayOf(NOW) },
      { store: '0002', at: dayOf(NOW + 2 * DAY) },
    ]);
    expect(await seen(id)).toEqual([]);
  });

  test('have what was seen of both where two persons become one, and nothing that is too old', async () => {
    const people = peopleOf(world);
    const kim = await assign(people, code(0), { customer: 'c-kim' });
    await assign(people, code(1), { customer: 'c-lee' });
    const seen = async () => (await places.read((tx) => tx.assignedCode(kim)))?.places.seen;
    await people.transaction(async (tx) => {
      await tx.putSighting('c-kim', { store: '0001', at: NOW });
      for (const at of [NOW, NOW - DAY]) await tx.putSighting('c-lee', { store: '0001', at });
      const [lee] = await tx.customers(['c-lee']);
      if (lee !== undefined) await tx.putCustomer({ ...lee, mergedInto: 'c-kim' });
    });
    expect(await seen()).toEqual([NOW - DAY, NOW].map((at) => ({ store: '0001', at: dayOf(at) })));
    await people.transaction((tx) => tx.forgetSightings(NOW));
    expect(await seen()).toEqual([{ store: '0001', at: dayOf(NOW) }]);
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
    expect((await toStock('0001', 10, 20)).map((one) => one.hash)).toEqual([hash(1), hash(2)]);
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
    await weigh(1, '0001', 40);
    await box.take();
    expect(box.held.size).toBe(4);
    await box.want(code(4), 'b-1');
    await weigh(4, '0001', 1);
    const guessed = () => places.read((tx) => tx.dealtTo(box.id, CHOSEN_SCORE, 10));
    expect(await guessed()).toEqual([hash(1), hash(2)]);
    await world.ledger.voidCode(code(1));
    expect(await guessed()).toEqual([hash(2)]);
  });
});
