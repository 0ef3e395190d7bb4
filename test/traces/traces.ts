import { setTimeout as sleep } from 'node:timers/promises';
import { RESERVATION_MS } from '../../protocol/limits.ts';
import type { BrokenId } from './broken-designs.ts';
import type { Modules } from './modules.ts';
import { HOUR, World } from './world.ts';

/**
 * The counterexample of each broken design. A trace drives the world and says what it saw: `null`, or the break in words.
 * The same trace runs over the rules as they stand.
 */
export type Trace = (modules: Modules) => Promise<string | null>;

/** S1: two approvals of one code stand. */
function doubleSpend(world: World): string | null {
  const standing = world.standing();
  return standing.length > 1 ? `two approvals stand: ${standing.join(' and ')}` : null;
}

async function stocked(modules: Modules, boxes = 1): Promise<World> {
  const world = await World.make(modules, boxes);
  await world.stock(world.box());
  return world;
}

/** The box has the code's reservation, and the cloud has read of it. */
async function holding(modules: Modules): Promise<World> {
  const world = await stocked(modules);
  await world.box().hear('grant');
  await world.box().settles();
  return world;
}

export const TRACES: { readonly [B in BrokenId]: Trace } = {
  async B1(modules) {
    const world = await stocked(modules);
    const box = world.box();
    box.behindMs = 90_000;
    world.now += RESERVATION_MS + 1_000;
    await world.ledger.tick();
    await world.cartRedeems('X');
    // The grant comes late, to a box whose clock is behind.
    await box.crashAndStart();
    await box.hear('grant');
    await box.redeems('A');
    return doubleSpend(world);
  },

  async B2(modules) {
    const world = await holding(modules);
    await world.box().cutOff();
    world.now += RESERVATION_MS - HOUR;
    await world.box().redeems('A');
    world.now += 2 * HOUR;
    await world.ledger.tick();
    await world.cartRedeems('X');
    return doubleSpend(world);
  },

  async B3(modules) {
    const world = await holding(modules);
    const box = world.box();
    await box.redeems('A');
    await box.settles();
    await box.hear('grant');
    await box.redeems('B');
    return doubleSpend(world);
  },

  async B4(modules) {
    const world = await holding(modules);
    const box = world.box();
    box.behindMs = 60_000;
    await world.ledger.voidCode(world.code());
    world.now += RESERVATION_MS + 1_000;
    await world.ledger.tick();
    const wasFinal = (await world.state()) === 'voided';
    const decision = await box.redeems('A');
    return wasFinal && decision?.decision === 'approved' ? 'redeemed after the void was final' : null;
  },

  async B5(modules) {
    const world = await holding(modules);
    const box = world.box();
    const image = box.backup();
    await box.redeems('A');
    await box.restore(image);
    await box.redeems('B');
    return doubleSpend(world);
  },

  async B6(modules) {
    const world = await holding(modules);
    const box = world.box();
    // The broken design is validated by the welcome alone.
    await box.greet();
    const image = box.backup();
    await box.redeems('A');
    await box.restore(image);
    await box.greet();
    await box.redeems('B');
    return doubleSpend(world);
  },

  async B7(modules) {
    const world = await holding(modules);
    const box = world.box();
    const image = box.backup();
    box.witness.crashAtWrite = true;
    await box.redeems('A');
    await box.restore(image);
    await box.redeems('B');
    return doubleSpend(world);
  },

  async B8(modules) {
    const world = await holding(modules);
    const box = world.box();
    const image = box.backup();
    const cart = world.cartRedeems('X');
    await box.queued();
    box.witness.crashAtWrite = true;
    await later();
    await box.hear('recall').catch(() => undefined);
    await box.uploads();
    await cart;
    await box.restore(image);
    await box.redeems('A');
    return doubleSpend(world);
  },

  async B9(modules) {
    const world = await holding(modules);
    const box = world.box();
    const image = box.backup();
    await box.redeems('A');
    await box.restore(image);
    const cart = world.cartRedeems('X');
    await later();
    await box.hear('recall');
    await box.uploads();
    await cart;
    return doubleSpend(world);
  },

  async B11(modules) {
    const world = await holding(modules);
    const box = world.box();
    const image = box.backup();
    box.witness.crashAtWrite = true;
    await box.redeems('A');
    // Committed, not witnessed, not shown; and at the next start the witness cannot be read.
    box.witness.isReadable = false;
    await box.crashAndStart();
    await box.redeems('A');
    box.witness.isReadable = true;
    await box.restore(image);
    await box.redeems('B');
    return doubleSpend(world);
  },

  async B12(modules) {
    const world = await holding(modules);
    const box = world.box();
    await box.redeems('A');
    for (const body of box.till.holdings()) {
      const { gateway, incarnation, epoch, bootId } = box.till.sender();
      await box.reaches({
        header: { v: 1, id: 'sync-0001', gateway, incarnation, epoch, bootId, type: 'sync' },
        message: { type: 'sync', body },
      });
    }
    await world.cartRedeems('X');
    return doubleSpend(world);
  },

  async B13(modules) {
    const world = await World.make(modules);
    await world.cartRedeems('A');
    await world.cartReverses('A');
    await world.cartRedeems('X');
    await world.cartReverses('A');
    await world.cartRedeems('Y');
    return doubleSpend(world);
  },

  async B14(modules) {
    const world = await holding(modules);
    const box = world.box();
    const old = box.said.findLast(({ message }) => message.type === 'attest');
    await box.redeems('A');
    await box.settles();
    if (old !== undefined) await box.reaches(old);
    return (await world.gatewayState(box)) === 'fenced' ? 'a healthy box was fenced' : null;
  },

  async B17(modules) {
    const world = await stocked(modules);
    const box = world.box();
    // Recalled before the grant came: a tombstone. Then the grant comes.
    const cart = world.cartRedeems('X');
    await later();
    await box.hear('recall');
    await box.uploads();
    await cart;
    await box.hear('grant');
    await box.redeems('A');
    return doubleSpend(world);
  },

  async B18(modules) {
    const world = await holding(modules);
    const box = world.box();
    const image = box.backup();
    const cart = world.cartRedeems('X');
    await later();
    // `returned` is committed, the witness is not written; at the start it cannot be read.
    box.witness.crashAtWrite = true;
    await box.hear('recall').catch(() => undefined);
    box.witness.isReadable = false;
    await box.crashAndStart();
    await box.uploads();
    await cart;
    box.witness.isReadable = true;
    await box.restore(image);
    await box.redeems('A');
    return doubleSpend(world);
  },

  async B19(modules) {
    const world = await holding(modules);
    const box = world.box();
    // An extension is queued and delayed; the code comes back and is granted anew, until the old end.
    world.now += 8 * HOUR;
    await beat(box);
    const extend = (await box.queued()).findLast(({ message }) => message.type === 'extend');
    const cart = world.cartRedeems('X');
    await later();
    await box.hear('recall');
    await box.settles();
    await cart;
    await world.cartReverses('X');
    world.now -= 8 * HOUR;
    await world.stock(box);
    await box.hear('grant');
    await world.ledger.voidCode(world.code());
    world.now += RESERVATION_MS + HOUR / 2;
    await world.ledger.tick();
    const wasFinal = (await world.state()) === 'voided';
    box.behindMs = HOUR;
    if (extend !== undefined) await box.receives(extend);
    box.behindMs = 0;
    const decision = await box.redeems('A');
    return wasFinal && decision?.decision === 'approved' ? 'redeemed after the void was final' : null;
  },

  async B20(modules) {
    const world = await stocked(modules);
    const box = world.box();
    await box.settles();
    await world.ledger.voidCode(world.code());
    world.now += 2 * HOUR;
    // The grant and the recall are lost; sync finds that the box lacks the reservation.
    await box.queued();
    const [body] = box.till.holdings();
    const { gateway, incarnation, epoch, bootId } = box.till.sender();
    if (body !== undefined)
      await box.reaches({
        header: { v: 1, id: 'sync-0001', gateway, incarnation, epoch, bootId, type: 'sync' },
        message: { type: 'sync', body },
      });
    const grants = (await box.queued()).filter(({ message }) => message.type === 'grant');
    world.now += RESERVATION_MS - HOUR;
    await world.ledger.tick();
    const wasFinal = (await world.state()) === 'voided';
    const again = grants.at(-1);
    if (grants.length > 1 && again !== undefined) await box.receives(again);
    const decision = await box.redeems('A');
    return wasFinal && decision?.decision === 'approved' ? 'redeemed after the void was final' : null;
  },

  async B21(modules) {
    const world = await holding(modules);
    const box = world.box();
    await world.ledger.voidCode(world.code());
    await box.hear('recall');
    await box.settles();
    const decision = await world.cartRedeems('X');
    return decision.decision === 'approved' ? 'a voided code was redeemed' : null;
  },

  async B22(modules) {
    const world = await holding(modules);
    const box = world.box();
    const image = box.backup();
    await box.reverses('A');
    await box.restore(image);
    const decision = await box.redeems('A');
    return decision?.decision === 'approved' ? 'approved after its reversal was acknowledged' : null;
  },

  async B23(modules) {
    const world = await holding(modules);
    const box = world.box();
    // Attested, delayed; meanwhile the journal is uploaded and acknowledged.
    await greetUpToAttest(box);
    const attest = box.said.findLast(({ message }) => message.type === 'attest');
    box.till.lineIs('up', world.now);
    await box.redeems('A');
    await box.uploads();
    if (attest !== undefined) await box.reaches(attest);
    return (await world.gatewayState(box)) === 'fenced' ? 'a healthy box was fenced' : null;
  },
};

/** Long enough for the cloud to commit what a cart asked; the cart goes on waiting. */
const later = () => sleep(40);

type TheBox = ReturnType<World['box']>;

async function beat(box: TheBox): Promise<void> {
  const { gateway, incarnation, epoch, bootId } = box.till.sender();
  const header = { v: 1 as const, id: 'beat-0001', gateway, incarnation, epoch, bootId, type: 'heartbeat' };
  await box.reaches({ header, message: { type: 'heartbeat', body: box.till.heartbeat() } });
}

async function greetUpToAttest(box: TheBox): Promise<void> {
  const { gateway, incarnation, epoch, bootId } = box.till.sender();
  const header = { v: 1 as const, id: 'hello-0001', gateway, incarnation, epoch, bootId, type: 'hello' };
  await box.reaches({ header, message: { type: 'hello', body: box.till.hello() } });
  await box.hear('challenge');
}
