import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { verifyLedger } from '../../cloud/ledger/audit.ts';
import { createLedger } from '../../cloud/ledger/ledger.ts';
import {
  cloudActsAt,
  EXTEND_UNDER_MS,
  RECALL_DEADLINE_MS,
  RECALL_WAIT_STORE_MS,
  RESERVATION_MS,
  RESTOCK_PAUSE_MS,
  SILENT_AFTER_MS,
} from '../../protocol/limits.ts';
import type { UpBody } from '../../protocol/messages.ts';
import { type Box, hashOfCode, issue, openWorld, type World } from './ledger-world.ts';

let world: World;
let box: Box;
let code: string;
let second: string;
beforeEach(async () => {
  world = await openWorld();
  box = await world.box();
  [code = '', second = ''] = world.codes;
});
afterEach(async () => {
  vi.useRealTimers();
  await world.close();
});

async function stocked(at: Box, ...codes: string[]): Promise<void> {
  expect(await world.ledger.stock(at.store, codes)).toMatchObject({ ok: true, value: { granted: codes.length } });
  await at.take();
}

/** Everything that the ledger has on the disk, but for when and how often it heard of whom. */
async function stateOfLedger(): Promise<unknown> {
  const { raw } = world.database;
  const tables = [
    'codes',
    'reservations',
    'redemptions',
    'reversals',
    'uses',
    'waits',
    'journals',
    'entries',
    'exceptions',
  ];
  const gateways = (await world.store.read((tx) => tx.allGateways())).map(
    ({ id, epoch, state, acknowledged, number }) => ({ id, epoch, state, acknowledged, number }),
  );
  return { gateways, tables: tables.map((table) => raw.prepare(`SELECT * FROM ${table}`).all()) };
}

const exceptions = async () => (await world.ledger.exceptions()).map(({ what }) => what);
const rowOf = async (id: string) => (await world.store.read((tx) => tx.gateways([id])))[0];

describe('a scan at a store', () => {
  test('is a want, a grant, an entry, and then used for everybody [A2, C1, C2]', async () => {
    await box.want(code, 'sale-1');
    expect(box.last('grant')).toMatchObject({
      number: 1,
      cause: { kind: 'want' },
      manifest: [{ codeHash: hashOfCode(code), generation: 0 }],
    });
    const { redemption } = box.redeem(code, 'sale-1');
    await box.settle();
    expect(box.last('ack')).toMatchObject({ acknowledged: box.head, exceptions: [] });
    const told = await world.shop.validate(code, 'cart-1');
    expect(told).toMatchObject({ reason: 'already_redeemed', facts: { redeemedWhere: 'Main Street', lane: '1' } });
    expect((await world.ledger.history(code))?.redemption).toMatchObject({
      id: redemption,
      door: box.door,
      store: '0001',
      basket: 'sale-1',
    });
  });

  test('for what a cart holds is in use, and free again when the hold is over [C1]', async () => {
    await world.shop.validate(code, 'cart-1');
    await box.want(code, 'sale-1');
    expect(box.last('refuse')).toMatchObject({ reason: 'in_use', facts: { heldBy: 'online' } });
    world.clock.now += 15 * 60_000;
    await box.want(code, 'sale-1');
    expect(box.heldFor(code)).not.toBeNull();
  });

  test('asked twice is granted again under a new number, the same reservation [C1]', async () => {
    await box.want(code, 'sale-1');
    const first = box.heldFor(code)?.reservation;
    await box.want(code, 'sale-1');
    expect(box.last('grant')).toMatchObject({ number: 2, manifest: [{ reservation: first }] });
  });

  test('of a code that came back is a new reservation: no id comes twice [A8]', async () => {
    const ids = new Set<string>();
    for (let times = 1; times <= 5; times += 1) {
      await box.want(code, `sale-${times}`);
      ids.add(box.heldFor(code)?.reservation ?? '');
      box.giveBack(code, 'released');
      await box.settle();
      expect(ids.size).toBe(times);
    }
  });

  test('for what another store has waits until that store has given it back [C3, P5]', async () => {
    const other = await world.box('0002');
    await stocked(other, code);
    await box.want(code, 'sale-1');
    expect(box.last('refuse')).toBeNull();
    await other.take();
    expect(other.last('recall')).toMatchObject({ why: 'wanted', deadline: world.clock.now + RECALL_DEADLINE_MS });
    other.giveBack(code);
    await other.settle();
    await box.take();
    expect(box.last('grant')).toMatchObject({ cause: { kind: 'want' } });
    expect(box.heldFor(code)).not.toBeNull();
  });

  test('that has stopped waiting gets nothing, and is told why [C3, P5]', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const other = await world.box('0002');
    await stocked(other, code);
    await box.want(code, 'sale-1');
    world.clock.now += RECALL_WAIT_STORE_MS;
    await vi.advanceTimersByTimeAsync(RECALL_WAIT_STORE_MS + 1);
    await world.ledger.tick();
    await box.take();
    expect(box.last('refuse')).toMatchObject({ reason: 'held_elsewhere' });
    other.giveBack(code);
    await other.settle();
    expect(await world.stateOf(code)).toBe('issued');
  });

  test('hears at once that another basket there is using it, by the hint alone [C10, P5]', async () => {
    const other = await world.box('0002');
    await stocked(other, code);
    await box.want(code, 'sale-1');
    const reservation = other.heldFor(code)?.reservation ?? '';
    await other.send({
      type: 'recalled',
      body: { reservations: [{ reservation, answer: 'in_use', until: world.clock.now + 9000, lane: '2' }] },
    });
    await box.take();
    expect(box.last('refuse')).toMatchObject({ reason: 'in_use', facts: { heldBy: 'Harbour', lane: '2' } });
  });
});

describe('a hint', () => {
  test.each(['returned', 'redeemed', 'not_mine', 'in_use'] as const)(
    'that something is %s moves no code [C10]',
    async (answer) => {
      await stocked(box, code);
      const reservation = box.heldFor(code)?.reservation ?? '';
      await box.send({ type: 'recalled', body: { reservations: [{ reservation, answer, until: null, lane: null }] } });
      expect(await world.stateOf(code)).toBe('reserved');
    },
  );
});

describe('an upload', () => {
  test('that comes again changes nothing, and is acknowledged again [C2]', async () => {
    await stocked(box, code, second);
    box.redeem(code, 'sale-1');
    box.giveBack(second);
    const upload = box.upload();
    await box.settle();
    const before = await stateOfLedger();
    const acks = box.count('ack');
    await box.send({ type: 'journal', body: upload });
    await box.send({ type: 'journal', body: { ...upload } });
    expect(await stateOfLedger()).toEqual(before);
    expect(box.count('ack')).toBe(acks + 2);
  });

  test('that begins before the prefix, where an acknowledgement was lost, applies the rest, and the journal stays whole [C2, J4]', async () => {
    await stocked(box, code, second);
    box.redeem(code, 'sale-1');
    await box.settle();
    box.redeem(second, 'sale-2');
    await box.send({ type: 'journal', body: box.upload({ from: 1 }) });
    expect(box.acknowledged).toBe(2);
    expect(await world.stateOf(second)).toBe('redeemed');
    expect(await verifyLedger(world.store)).toMatchObject({ ok: true });
  });

  test('beyond the prefix is answered with where the ledger stands [C2]', async () => {
    await stocked(box, code, second);
    box.redeem(code, 'sale-1');
    box.redeem(second, 'sale-2');
    await box.send({ type: 'journal', body: box.upload({ from: 2 }) });
    expect(box.last('ack')).toMatchObject({ acknowledged: { epoch: 1, n: 0 } });
    expect(await world.stateOf(second)).toBe('reserved');
  });

  test('whose head is not what its entries give is dropped [C2, J3]', async () => {
    await stocked(box, code);
    box.redeem(code, 'sale-1');
    const upload = box.upload();
    const before = await stateOfLedger();
    for (const head of [
      { ...upload.head, hash: 'f'.repeat(64) },
      { ...upload.head, n: 2 },
      { ...upload.head, epoch: 2 },
    ])
      await box.send({ type: 'journal', body: { ...upload, head } });
    expect(await stateOfLedger()).toEqual(before);
    expect(box.count('ack')).toBe(0);
  });

  test('with another history at an acknowledged number fences the box [C2, C4]', async () => {
    await stocked(box, code, second);
    box.redeem(code, 'sale-1');
    await box.settle();
    box.entries = [];
    box.redeem(second, 'sale-2');
    await box.send({ type: 'journal', body: box.upload({ from: 1 }) });
    expect(box.last('fence')).toEqual({ epoch: 2, why: 'fork' });
    expect(await world.stateOf(second)).toBe('in_doubt');
    expect(await world.stateOf(code)).toBe('redeemed');
  });

  test('marked evidence: what was redeemed is taken, what was returned is not, and nothing is acknowledged [C2]', async () => {
    await stocked(box, code, second);
    box.redeem(code, 'sale-1');
    box.giveBack(second);
    await box.send({ type: 'journal', body: box.upload({ evidence: true }) });
    expect([await world.stateOf(code), await world.stateOf(second)]).toEqual(['redeemed', 'reserved']);
    expect(box.last('ack')).toMatchObject({ acknowledged: { n: 0 }, evidence: box.head });
  });
});

describe('a message', () => {
  test('of another incarnation is not read [C8]', async () => {
    await stocked(box, code);
    box.redeem(code, 'sale-1');
    const before = await stateOfLedger();
    const as = { incarnation: `2-${'0'.repeat(32)}` };
    await box.send({ type: 'journal', body: box.upload() }, as);
    await box.send({ type: 'hello', body: { nonce: 'nonce-0000', version: '1' } }, as);
    expect(await stateOfLedger()).toEqual(before);
  });

  test.each([
    ['an older epoch', { epoch: 0 }],
    ['another boot', { bootId: 2 }],
  ])('under %s than was welcomed grants nothing, compares nothing and beats nothing [C4]', async (_, as) => {
    await stocked(box, code);
    const before = await stateOfLedger();
    const count = box.inbox.length;
    const want = {
      want: 'want-0000',
      codeHash: hashOfCode(second),
      basket: 'sale-1',
      lane: null,
      total: null,
      customer: null,
      waitMs: 0,
    };
    await box.send({ type: 'want', body: want }, as);
    await box.send(
      { type: 'sync', body: { sync: 'sync-0000', part: 0, parts: 1, floor: 0, head: box.head, holdings: [] } },
      as,
    );
    const { head } = box;
    await box.send(
      {
        type: 'heartbeat',
        body: {
          beat: 'beat-0000',
          head,
          acknowledged: 0,
          holding: 0,
          inUse: 0,
          backlog: 0,
          timeProven: true,
          version: '1',
        },
      },
      as,
    );
    expect(await stateOfLedger()).toEqual(before);
    expect(box.inbox.length).toBe(count);
  });

  test('leaves under the epoch of the moment at which it was queued [T5]', async () => {
    // Both in one turn, so in one transaction.
    await Promise.all([box.want(code, 'sale-1'), world.ledger.revoke(box.id)]);
    await box.take();
    expect(box.inbox.slice(-2).map(({ epoch, message }) => [epoch, message.type])).toEqual([
      [1, 'grant'],
      [2, 'fence'],
    ]);
  });

  test('of a box that nobody knows changes nothing', async () => {
    const before = await stateOfLedger();
    const header = {
      v: 1 as const,
      id: 'message-0',
      gateway: 'gw-stranger',
      incarnation: world.ledger.incarnation,
      epoch: 1,
      bootId: 1,
    };
    await world.ledger.receive(
      { ...header, type: 'hello' },
      { type: 'hello', body: { nonce: 'nonce-0000', version: '1' } },
    );
    expect(await stateOfLedger()).toEqual(before);
  });
});

describe('a greeting', () => {
  test('welcomes a box that started again, and the boot before is no longer heard [C4]', async () => {
    box.bootId = 2;
    await box.greet();
    expect(box.count('welcome')).toBe(2);
    const granted = box.count('grant');
    const want = {
      want: 'want-0000',
      codeHash: hashOfCode(code),
      basket: 'sale-1',
      lane: null,
      total: null,
      customer: null,
      waitMs: 0,
    };
    await box.send({ type: 'want', body: want }, { bootId: 1 });
    expect(box.count('grant')).toBe(granted);
  });

  test('that was slow is judged against its challenge, not against what settled since [C4]', async () => {
    await stocked(box, code);
    const challenge = await box.hello();
    if (challenge === null) throw new Error('no challenge');
    const attest = box.attest(challenge);
    box.redeem(code, 'sale-1');
    await box.settle();
    await box.send({ type: 'attest', body: attest });
    expect(box.count('welcome')).toBe(2);
    expect(box.count('fence')).toBe(0);
  });

  test.each<[string, (attest: UpBody<'attest'>) => UpBody<'attest'>, string]>([
    ['a journal that went back', (attest) => ({ ...attest, hashAtChallenge: null }), 'behind'],
    ['another journal', (attest) => ({ ...attest, hashAtChallenge: 'f'.repeat(64) }), 'fork'],
    ['a witness that disagrees', (attest) => ({ ...attest, disagreement: { epoch: 1, n: 9 } }), 'disagreement'],
  ])('with %s fences the box: codes in doubt for everybody, never issued [C4, A9]', async (_, lie, why) => {
    await stocked(box, code);
    const challenge = await box.hello();
    if (challenge === null) throw new Error('no challenge');
    const attest = lie(box.attest(challenge));
    await box.send({ type: 'attest', body: attest });
    expect(box.last('fence')).toEqual({ epoch: 2, why });
    expect(await world.stateOf(code)).toBe('in_doubt');
    expect(await exceptions()).toEqual([`fenced_${why}`]);
    expect(await world.shop.validate(code, 'cart-1')).toMatchObject({ reason: 'held_elsewhere' });
    // The same attest again, and time itself, change nothing more.
    const before = await stateOfLedger();
    await box.send({ type: 'attest', body: attest });
    world.clock.now += 30 * 86_400_000;
    await world.ledger.tick();
    expect(await stateOfLedger()).toEqual(before);
  });

  test('of a box that knows more than the ledger is an alarm and no welcome [C4, C11]', async () => {
    const challenge = await box.hello();
    if (challenge === null) throw new Error('no challenge');
    await box.send({ type: 'attest', body: { ...box.attest(challenge), floor: 99 } });
    expect(box.count('welcome')).toBe(1);
    expect(await exceptions()).toEqual(['ledger_behind']);
    expect(await rowOf(box.id)).toMatchObject({ state: 'active', epoch: 1 });
  });
});

describe('a revocation', () => {
  test('puts what the box holds in doubt; its redemptions still settle, its returns do not [C12, C2]', async () => {
    await stocked(box, code, second);
    box.redeem(code, 'sale-1');
    box.giveBack(second);
    expect(await world.ledger.revoke(box.id)).toBe('revoked');
    expect([await world.stateOf(code), await world.stateOf(second)]).toEqual(['in_doubt', 'in_doubt']);
    await box.send({ type: 'journal', body: box.upload() });
    expect([await world.stateOf(code), await world.stateOf(second)]).toEqual(['redeemed', 'in_doubt']);
    expect(box.last('ack')).toMatchObject({ acknowledged: { epoch: 2, n: 0 }, evidence: box.head, exceptions: [] });
  });

  test('is told to the box at every hello, and nothing else is answered [C12]', async () => {
    await world.ledger.revoke(box.id);
    expect(await box.hello()).toBeNull();
    expect(box.last('fence')).toEqual({ epoch: 2, why: 'revoked' });
    await box.want(code, 'sale-1');
    expect(box.count('grant')).toBe(0);
    expect(await world.ledger.stock(box.store, [code])).toMatchObject({ value: { granted: 0 } });
  });

  test('twice, or of a box that nobody knows, changes nothing [C12]', async () => {
    await world.ledger.revoke(box.id);
    const before = await stateOfLedger();
    expect(await world.ledger.revoke(box.id)).toBe('revoked');
    expect(await world.ledger.revoke('gw-stranger')).toBe('unknown_gateway');
    expect(await stateOfLedger()).toEqual(before);
  });

  test('makes a redemption after an operator gave the code up an exception, with the money [C11]', async () => {
    await stocked(box, code);
    box.redeem(code, 'sale-1');
    await world.ledger.revoke(box.id);
    world.clock.now += 2 * RESERVATION_MS;
    expect(await world.ledger.voidCode(code)).toBe('voided');
    await box.send({ type: 'journal', body: box.upload() });
    const late = (await world.ledger.exceptions()).find(({ what }) => what === 'redeemed_after_void');
    expect(late).toMatchObject({ gateway: box.id, lastFour: code.slice(-4), value: 500, ours: 'voided, generation 0' });
    expect(box.last('ack')?.exceptions).toEqual([{ epoch: 1, n: 1, what: 'redeemed_after_void' }]);
    expect(await world.stateOf(code)).toBe('voided');
  });
});

describe("a reservation's end", () => {
  const actsAt = () => cloudActsAt(box.heldFor(code)?.notAfter ?? 0);

  test('leaves the code in doubt, at the margin and not a moment before, and frees it never [A3, Z2]', async () => {
    await stocked(box, code);
    world.clock.now = actsAt() - 1;
    await world.ledger.tick();
    expect(await world.stateOf(code)).toBe('reserved');
    world.clock.now += 1;
    await world.ledger.tick();
    expect(await world.stateOf(code)).toBe('in_doubt');
    world.clock.now += 30 * 86_400_000;
    await world.ledger.tick();
    expect(await world.shop.redeem(code, 'cart-1')).toMatchObject({ reason: 'held_elsewhere' });
  });

  test.each([
    ['redeemed', 'redeemed'],
    ['returned', 'issued'],
  ] as const)('is settled by a late entry: %s [A3, A9]', async (entry, state) => {
    await stocked(box, code);
    if (entry === 'redeemed') box.redeem(code, 'sale-1');
    else box.giveBack(code, 'end');
    world.clock.now = cloudActsAt(world.clock.now + RESERVATION_MS);
    await world.ledger.tick();
    expect(await world.stateOf(code)).toBe('in_doubt');
    await box.settle();
    expect(await world.stateOf(code)).toBe(state);
  });

  test('makes a void final, at the margin and not a moment before; until then a redemption wins [B4, A6]', async () => {
    await stocked(box, code, second);
    const end = actsAt();
    await world.ledger.voidCode(code);
    await world.ledger.voidCode(second);
    world.clock.now = end - 1;
    await world.ledger.tick();
    expect(await world.stateOf(code)).toBe('void_pending');
    box.redeem(second, 'sale-1');
    await box.settle();
    world.clock.now = end;
    await world.ledger.tick();
    expect([await world.stateOf(code), await world.stateOf(second)]).toEqual(['voided', 'redeemed']);
  });
});

describe('stock', () => {
  test('by list: what cannot be had is named with its reason [K1]', async () => {
    await world.shop.redeem(code, 'cart-1');
    const [, , third = '', fourth = ''] = world.codes;
    await world.shop.validate(third, 'cart-1');
    const stocked = await world.ledger.stock('0001', [code, second, third, fourth, 'groceries']);
    expect(stocked.ok && stocked.value.granted).toBe(2);
    expect(stocked.ok && new Map(stocked.value.refused.map((one) => [one.code, one.reason]))).toEqual(
      new Map([
        [code, 'already_redeemed'],
        [third, 'in_use'],
        ['groceries', 'not_a_coupon'],
      ]),
    );
    expect(await world.ledger.stock('9999', [second])).toEqual({ ok: false, error: 'unknown_store' });
  });

  test('of a campaign for named stores is dealt in turn to the boxes that are there, up to the cap of each [K1]', async () => {
    const dealing = await openWorld({
      count: 7,
      card: { stores: ['0001', '0002'] },
      stockMax: { units: 3, value: 10_000 },
    });
    const [one, two] = [await dealing.box('0001'), await dealing.box('0002')];
    await dealing.ledger.tick();
    await one.take();
    await two.take();
    expect([one.held.size, two.held.size]).toEqual([3, 3]);
    expect((await dealing.ledger.exposure('spring'))?.units).toMatchObject({ issued: 1, reserved: 6 });
    await dealing.close();
  });

  test('of a campaign for all stores is nothing [K1]', async () => {
    await world.ledger.tick();
    await box.take();
    expect(box.held.size).toBe(0);
  });

  test('pauses for an hour with a code that came back [C3, K1]', async () => {
    const dealing = await openWorld({ count: 1, card: { stores: ['0001'] } });
    const one = await dealing.box('0001');
    const [only = ''] = dealing.codes;
    const deal = async (afterMs: number) => {
      dealing.clock.now += afterMs;
      await one.heartbeat();
      await dealing.ledger.tick();
      await one.take();
      return one.heldFor(only) !== null;
    };
    expect(await deal(0)).toBe(true);
    one.giveBack(only);
    await one.settle();
    expect(await deal(RESTOCK_PAUSE_MS - 1)).toBe(false);
    expect(await deal(30_001)).toBe(true);
    await dealing.close();
  });

  test('ends later by a heartbeat when less than 66 hours are left, in one message for all [K2, C14]', async () => {
    await stocked(box, code, second);
    world.clock.now += RESERVATION_MS - EXTEND_UNDER_MS;
    await box.heartbeat();
    expect(box.count('extend')).toBe(0);
    world.clock.now += 1;
    await box.heartbeat();
    expect(box.last('extend')).toEqual({ number: box.floor, notAfter: world.clock.now + RESERVATION_MS });
    const rows = await world.store.read((tx) => tx.reservations([...box.held.keys()]));
    expect(new Set(rows.map(({ notAfter }) => notAfter))).toEqual(new Set([world.clock.now + RESERVATION_MS]));
  });

  test('ends later one by one, under new grants, while something of it is recalled [C14, C1]', async () => {
    await stocked(box, code, second);
    await world.ledger.voidCode(second);
    world.clock.now += RESERVATION_MS - EXTEND_UNDER_MS + 1;
    await box.heartbeat();
    expect(box.count('extend')).toBe(0);
    expect(box.last('grant')).toMatchObject({
      cause: { kind: 'again' },
      manifest: [{ codeHash: hashOfCode(code), notAfter: world.clock.now + RESERVATION_MS }],
    });
  });
});

describe('a sync', () => {
  test('grants again what got lost on the way [C9, L4]', async () => {
    await stocked(box, code);
    const lost = box.heldFor(code)?.reservation;
    box.held.clear();
    await box.sync();
    expect(box.last('grant')).toMatchObject({ cause: { kind: 'again' }, manifest: [{ reservation: lost }] });
    expect(box.heldFor(code)?.reservation).toBe(lost);
  });

  test('takes what the journal has not told yet for no loss [C9]', async () => {
    await stocked(box, code);
    box.redeem(code, 'sale-1');
    const granted = box.count('grant');
    await box.sync();
    expect(box.count('grant')).toBe(granted);
    await box.settle();
    await box.sync();
    expect(box.count('grant')).toBe(granted);
  });

  test('recalls by its id, without an end, what the ledger does not expect there [C9]', async () => {
    await stocked(box, code);
    const closed = box.heldFor(code)?.reservation ?? '';
    box.giveBack(code);
    await box.settle();
    await box.sync([closed, 'reservation-of-nobody']);
    expect(box.last('recall')).toMatchObject({
      why: 'sync',
      deadline: null,
      reservations: [{ reservation: closed, epoch: 1 }],
    });
    expect(box.last('recall')?.reservations).toHaveLength(1);
  });

  test('repeats a recall that got lost, and grants it never again [C9, L4]', async () => {
    await stocked(box, code);
    await world.ledger.voidCode(code);
    await box.take();
    const granted = box.count('grant');
    await box.sync([]);
    expect(box.count('recall')).toBe(2);
    expect(box.last('recall')).toMatchObject({ why: 'void', deadline: null });
    expect(box.count('grant')).toBe(granted);
  });

  test('in parts is compared when the last of them is there, in whatever order [C9]', async () => {
    await stocked(box, code, second);
    const [one = '', two = ''] = [...box.held.keys()];
    const part = (n: number, holdings: string[]) =>
      box.send({ type: 'sync', body: { sync: 'sync-0000', part: n, parts: 2, floor: 1, head: box.head, holdings } });
    const granted = box.count('grant');
    await part(1, [two]);
    await part(1, [two]);
    expect(box.count('grant')).toBe(granted);
    await part(0, [one]);
    expect(box.count('grant')).toBe(granted);
    await part(0, []);
    await part(1, [two]);
    expect(box.last('grant')).toMatchObject({ cause: { kind: 'again' }, manifest: [{ reservation: one }] });
  });
});

describe('a reversal', () => {
  test("asked at a cart of a store's redemption is pending until that store's entry is applied [C13]", async () => {
    await stocked(box, code);
    const entry = box.redeem(code, 'sale-1');
    await box.settle();
    expect(await world.shop.reverse(code, 'sale-1', box.door)).toMatchObject({
      reversed: 'pending',
      redemption: { id: entry.redemption },
    });
    expect(await world.stateOf(code)).toBe('redeemed');
    await box.take();
    expect(box.last('reverse')).toMatchObject({ door: box.door, basket: 'sale-1', redemption: entry.redemption });
    box.reverse(entry);
    await box.settle();
    expect(await world.stateOf(code)).toBe('issued');
    expect(await world.shop.reverse(code, 'sale-1', box.door)).toMatchObject({
      reversed: true,
      redemption: { id: entry.redemption },
    });
  });

  test('of a basket that the ledger does not know goes to the store that may still redeem it [C13]', async () => {
    await stocked(box, code);
    expect(await world.shop.reverse(code, 'sale-1', box.door)).toEqual({ reversed: 'pending', redemption: null });
    await box.take();
    expect(box.last('reverse')).toMatchObject({ basket: 'sale-1', redemption: null });
    box.write({
      kind: 'reversed',
      door: box.door,
      codeHash: hashOfCode(code),
      basket: 'sale-1',
      reservation: null,
      redemption: null,
      reason: '',
      at: world.clock.now,
    });
    await box.settle();
    expect(await world.shop.reverse(code, 'sale-1', box.door)).toEqual({ reversed: true, redemption: null });
    expect(await world.stateOf(code)).toBe('reserved');
  });

  test('that came first goes with every later grant of that code to that door, and its wants are refused [C13]', async () => {
    expect(await world.shop.reverse(code, 'sale-1', box.door)).toEqual({ reversed: true, redemption: null });
    await box.want(code, 'sale-1');
    expect(box.last('refuse')).toMatchObject({ reason: 'reversed_first' });
    await box.want(code, 'sale-2');
    expect(box.last('grant')?.tombstones).toEqual([{ codeHash: hashOfCode(code), basket: 'sale-1' }]);
    const other = await world.box('0002');
    box.giveBack(code);
    await box.settle();
    await other.want(code, 'sale-1');
    expect(other.last('grant')?.tombstones).toEqual([]);
  });

  test("forwarded by a box undoes a cart's redemption, and the box hears the outcome [C13]", async () => {
    await world.shop.redeem(code, 'cart-1');
    box.write({
      kind: 'reversed',
      door: 'cart:shop',
      codeHash: hashOfCode(code),
      basket: 'cart-1',
      reservation: null,
      redemption: null,
      reason: '',
      at: world.clock.now,
    });
    await box.settle();
    expect(await world.stateOf(code)).toBe('issued');
    expect(box.last('outcome')).toMatchObject({ door: 'cart:shop', basket: 'cart-1' });
    expect(box.last('outcome')?.redemption).not.toBeNull();
  });

  test("forwarded by a box for another store's redemption is told to it once that store has undone it [C13]", async () => {
    const other = await world.box('0002');
    await stocked(other, code);
    const entry = other.redeem(code, 'sale-1');
    await other.settle();
    box.write({
      kind: 'reversed',
      door: other.door,
      codeHash: hashOfCode(code),
      basket: 'sale-1',
      reservation: null,
      redemption: null,
      reason: '',
      at: world.clock.now,
    });
    await box.settle();
    expect(box.count('outcome')).toBe(0);
    await other.take();
    expect(other.last('reverse')).toMatchObject({ redemption: entry.redemption });
    other.reverse(entry);
    await other.settle();
    await box.take();
    expect(box.last('outcome')).toMatchObject({ door: other.door, redemption: entry.redemption });
    expect(await world.stateOf(code)).toBe('issued');
  });

  test('repeated, also after the same basket id redeemed elsewhere, frees nothing of that [C13]', async () => {
    await stocked(box, code);
    const entry = box.redeem(code, 'sale-1');
    box.reverse(entry);
    await box.settle();
    const other = await world.box('0002');
    await stocked(other, code);
    other.redeem(code, 'sale-1');
    await other.settle();
    expect(await world.shop.reverse(code, 'sale-1', box.door)).toMatchObject({ reversed: true });
    await box.send({ type: 'journal', body: box.upload({ from: 1 }) });
    expect(await world.stateOf(code)).toBe('redeemed');
    expect((await world.ledger.history(code))?.redemption?.door).toBe(other.door);
  });

  test('of what a revoked box redeemed is acknowledged as an exception: the code stays redeemed [C13]', async () => {
    await stocked(box, code);
    box.redeem(code, 'sale-1');
    await box.settle();
    await world.ledger.revoke(box.id);
    expect(await world.shop.reverse(code, 'sale-1', box.door)).toMatchObject({ reversed: true });
    expect(await world.stateOf(code)).toBe('redeemed');
    expect(await exceptions()).toContain('reversed_old_epoch');
  });

  test('that was pending when its box was revoked is answered by the next who asks [C13, L5]', async () => {
    await stocked(box, code);
    expect(await world.shop.reverse(code, 'sale-1', box.door)).toMatchObject({ reversed: 'pending' });
    box.redeem(code, 'sale-1');
    await world.ledger.revoke(box.id);
    await box.send({ type: 'journal', body: box.upload() });
    expect(await world.stateOf(code)).toBe('redeemed');
    expect(await world.shop.reverse(code, 'sale-1', box.door)).toMatchObject({
      reversed: true,
      redemption: { basket: 'sale-1' },
    });
    expect(await world.stateOf(code)).toBe('redeemed');
  });
});

describe('the line to a box', () => {
  test('counts as gone after three heartbeats without one, and as back with the next [P5]', async () => {
    world.clock.now += SILENT_AFTER_MS - 1;
    await world.ledger.tick();
    expect(await rowOf(box.id)).toMatchObject({ connected: true });
    world.clock.now += 1;
    await world.ledger.tick();
    expect(await rowOf(box.id)).toMatchObject({ connected: false, silentSince: world.clock.now });
    await box.heartbeat();
    expect(await rowOf(box.id)).toMatchObject({ connected: true, silentSince: null });
    expect(box.last('beat')).toMatchObject({ now: world.clock.now });
  });

  test('counts as gone when the box says so, for a drill with its end; a last will of an earlier boot is late [P5]', async () => {
    const drillUntil = world.clock.now + 60_000;
    await box.send({ type: 'presence', body: { online: false, drillUntil } });
    expect(await rowOf(box.id)).toMatchObject({ connected: false, drillUntil });
    box.bootId = 2;
    await box.greet();
    await box.send({ type: 'presence', body: { online: false, drillUntil: null } }, { bootId: 1 });
    expect(await rowOf(box.id)).toMatchObject({ connected: true, drillUntil: null });
  });

  test('is not taken over from the process before: a new one hears first [P5]', async () => {
    await stocked(box, code);
    const again = await createLedger({
      store: world.store,
      keys: {
        fleetKey: Buffer.alloc(32, 7),
        sealKey: Buffer.alloc(32, 8),
        publicKey: { id: 'cloudkey', publicKey: 'A'.repeat(43) },
      },
      ...{ now: () => world.clock.now, randomBytes: (size: number) => Buffer.alloc(size, 1) },
      ...{ places: world.places, stockMax: { units: 1, value: 1_000 } },
      outgoing: { wake: () => undefined },
      faceUrl: (link) => `https://coupons.example/c/${link}`,
    });
    expect(again.incarnation).toBe(world.ledger.incarnation);
    expect((await again.gateways())[0]).toMatchObject({
      id: box.id,
      connected: false,
      holds: { units: 1, value: 500 },
    });
  });
});

test('what the fleet did adds up and audits whole, all of it together [J4, C11]', async () => {
  const other = await world.box('0002');
  const more = await issue(world.ledger, 20);
  await stocked(box, ...more.slice(0, 8));
  await stocked(other, ...more.slice(8, 16));
  for (const text of more.slice(0, 4)) box.redeem(text, `sale-${text}`);
  for (const text of more.slice(8, 10)) other.giveBack(text, 'end');
  await box.settle();
  await other.settle();
  await world.ledger.revoke(other.id);
  expect((await world.ledger.exposure('spring'))?.units).toMatchObject({
    issued: 10,
    redeemed: 4,
    reserved: 4,
    in_doubt: 6,
  });
  expect(await world.ledger.gateways()).toMatchObject([
    { id: box.id, holds: { units: 4, value: 2000 }, inDoubt: { units: 0 } },
    { id: other.id, holds: { units: 0 }, inDoubt: { units: 6, value: 3000 } },
  ]);
  expect(await verifyLedger(world.store)).toMatchObject({ ok: true });
});
