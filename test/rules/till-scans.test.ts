import { beforeEach, describe, expect, it } from 'vitest';
import { SCANS_KEPT_MAX } from '../../gateway/till/store.ts';
import { hashCustomer } from '../../protocol/code.ts';
import { SCANS_PER_MESSAGE_MAX, SYNC_MS, USE_MS } from '../../protocol/limits.ts';
import { upSchemas } from '../../protocol/messages.ts';
import { codeAt, hashOf, T0, World } from './till-world.ts';

/** What a box answers by itself, and tells afterwards. */

const [ONE, TWO, THREE] = [codeAt(0), codeAt(1), codeAt(2)];
const KIM = hashCustomer(new Uint8Array(32).fill(7), 'kim');

let world: World;
beforeEach(async () => {
  world = new World();
  await world.start();
  await world.connect();
  await world.stock(ONE, TWO);
});

const kept = () => world.store.scans(SCANS_KEPT_MAX);
const whats = () => kept().map(({ what, basket }) => `${what} ${basket}`);
/** One tick, and what it told. */
async function tick() {
  const before = world.sent.length;
  await world.box.tick();
  return world.sent.slice(before).flatMap(({ type, body }) => (type === 'scans' ? [upSchemas.scans.parse(body)] : []));
}

describe('a box notes [E7]', () => {
  it('a coupon that it has redeemed, shown again in another basket: once, however often', async () => {
    await world.redeem(ONE, 'A');
    await world.redeem(ONE, 'A');
    for (let times = 0; times < 3; times += 1) await world.validate(ONE, 'B');
    expect(kept()).toEqual([
      { n: 1, codeHash: hashOf(ONE), basket: 'B', lane: '3', customer: null, at: T0, what: 'already_redeemed' },
    ]);
  });

  it('a coupon that another basket is using, also one that waits for the cloud', async () => {
    await world.validate(ONE, 'A');
    await world.validate(ONE, 'B');
    const waiting = world.validate(THREE, 'C');
    await world.validate(THREE, 'D');
    expect(whats()).toEqual(['in_use B', 'in_use D']);
    await world.pass(800);
    await waiting;
    expect(whats()).toEqual(['in_use B', 'in_use D', 'cannot_verify C']);
  });

  it('with the line cut, a coupon that it cannot verify', async () => {
    await world.cut();
    await world.validate(THREE, 'A', { customer: 'kim' });
    expect(kept()).toMatchObject([{ what: 'cannot_verify', codeHash: hashOf(THREE), customer: KIM }]);
  });

  it('whom a sale named that it answered from its own stock', async () => {
    await world.validate(ONE, 'A', { customer: 'kim' });
    await world.redeem(ONE, 'A', { customer: 'kim' });
    expect(kept()).toMatchObject([{ what: 'named', basket: 'A', customer: KIM }]);
  });

  it('a scan that was approved from stock and led to nothing, when it is over: released, or timed out', async () => {
    await world.validate(ONE, 'A');
    await world.validate(TWO, 'B');
    expect(kept()).toEqual([]);
    await world.box.release({ code: ONE, basket: 'A' });
    expect(kept()).toMatchObject([{ what: 'scanned', basket: 'A', at: T0 }]);
    await world.pass(USE_MS + 1_000);
    await world.box.tick();
    expect(kept()).toMatchObject([{}, { what: 'scanned', basket: 'B', at: T0 }]);
  });

  it('nothing of what the journal or the cloud knows: redeemed, fetched, refused there, no code', async () => {
    await world.validate(ONE, 'A');
    await world.redeem(ONE, 'A');
    const asked = world.validate(THREE, 'B');
    await world.pass(0);
    const want = world.lastSent('want')?.want ?? '';
    await world.hear('refuse', { want, reason: 'already_redeemed', facts: {} });
    expect((await asked).reason).toBe('already_redeemed');
    await world.validate('TEST-IN_USE', 'C');
    await world.validate('4006381333931', 'C');
    expect(kept()).toEqual([]);
  });

  it('nothing in quarantine', async () => {
    const before = world.backup();
    await world.redeem(ONE, 'A');
    world.restore(before);
    await world.start();
    await world.validate(ONE, 'B');
    expect(kept()).toEqual([]);
  });
});

describe('what it noted [E7]', () => {
  it('survives a crash, and is told when the line is up', async () => {
    await world.cut();
    await world.redeem(ONE, 'A');
    await world.validate(ONE, 'B');
    expect(await tick()).toEqual([]);
    world.crash();
    await world.start();
    await world.back();
    expect(world.lastSent('scans')?.scans).toMatchObject([{ n: 1, basket: 'B', what: 'already_redeemed' }]);
  });

  it('is told again only when the line is new or a sync is due, and goes when it is taken', async () => {
    await world.redeem(ONE, 'A');
    await world.validate(ONE, 'B');
    expect(await tick()).toHaveLength(1);
    expect(await tick()).toEqual([]);
    await world.pass(SYNC_MS);
    expect(await tick()).toHaveLength(1);
    // A cloud of before drops what it does not know: nothing is lost, and nothing else is told.
    await world.validate(ONE, 'C');
    expect(await tick()).toEqual([]);
    await world.hear('scans_taken', { n: 1 });
    expect(await tick()).toMatchObject([{ scans: [{ n: 2, basket: 'C' }] }]);
    await world.hear('scans_taken', { n: 1 });
    expect(whats()).toEqual(['already_redeemed C']);
    await world.hear('scans_taken', { n: 2 });
    expect(await tick()).toEqual([]);
    await world.validate(ONE, 'D');
    expect(kept()).toMatchObject([{ n: 3 }]);
  });

  it('is bounded: the oldest make room, and their numbers are missed; a message has its part of it', async () => {
    const scan = { codeHash: hashOf(ONE), lane: null, customer: null, at: T0, what: 'in_use' as const };
    world.store.begin();
    for (let i = 1; i <= SCANS_KEPT_MAX + 7; i += 1)
      world.store.apply([{ do: 'scan', scan: { ...scan, basket: `b-${i}` } }], []);
    world.store.commit();
    expect(kept()).toHaveLength(SCANS_KEPT_MAX);
    expect(kept()[0]).toMatchObject({ n: 8, basket: 'b-8' });
    const [told] = await tick();
    expect(told?.scans).toHaveLength(SCANS_PER_MESSAGE_MAX);
    expect(told?.scans.at(-1)?.n).toBe(7 + SCANS_PER_MESSAGE_MAX);
  });
});
