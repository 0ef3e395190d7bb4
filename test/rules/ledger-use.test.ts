import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { verifyLedger } from '../../cloud/ledger/audit.ts';
import { Group } from '../../cloud/ledger/group.ts';
import { LostRace } from '../../cloud/ledger/store.ts';
import { RECALL_WAIT_CART_MS, RETRY_AFTER_SECONDS, USE_MS } from '../../protocol/limits.ts';
import { dollars } from './ledger-rows.ts';
import { type Box, csv, hashOfCode, issue, openWorld, type World } from './ledger-world.ts';

let world: World;
let code: string;
let second: string;
beforeEach(async () => {
  world = await openWorld();
  [code = '', second = ''] = world.codes;
});
afterEach(() => world.close());

/** Lets the ledger work until something has happened. */
async function until(happened: () => boolean | Promise<boolean>): Promise<void> {
  for (let turns = 0; turns < 1000; turns += 1) {
    if (await happened()) return;
    await new Promise(setImmediate);
  }
  throw new Error('it never happened');
}

async function stocked(box: Box, ...codes: string[]): Promise<void> {
  expect(await world.ledger.stock(box.store, codes)).toMatchObject({ ok: true, value: { granted: codes.length } });
  await box.take();
}

const recalled = (box: Box) =>
  until(async () => (await box.take()).some(({ type }) => type === 'recall') || box.count('recall') > 0);

describe('a cart alone', () => {
  test('holds a code at validate, spends it at redeem, and is answered the same for good [A1, P4]', async () => {
    const held = await world.shop.validate(code, 'cart-1');
    const until = new Date(world.clock.now + USE_MS).toISOString();
    expect(held).toMatchObject({
      decision: 'approved',
      mode: 'online',
      reservation: { holder: 'cart:shop', until },
      redemption: null,
    });
    const redeemed = await world.shop.redeem(code, 'cart-1');
    expect(redeemed).toMatchObject({
      decision: 'approved',
      redemption: { door: 'cart:shop', basket: 'cart-1', settled: true },
    });
    world.clock.now += 86_400_000;
    for (const call of ['validate', 'redeem'] as const)
      expect(await world.shop[call](code, 'cart-1')).toMatchObject({
        decision: 'approved',
        redemption: redeemed.redemption,
      });
  });

  test('redeems without a hold, and every other basket hears when and where [A1]', async () => {
    await world.shop.redeem(code, 'cart-1');
    const redeemedAt = '2026-11-23T10:00:00Z';
    for (const other of [await world.shop.redeem(code, 'cart-2'), await world.app.validate(code, 'cart-1')])
      expect(other).toMatchObject({
        decision: 'refused',
        reason: 'already_redeemed',
        facts: { redeemedAt, redeemedWhere: 'online' },
      });
  });

  test('that asks again with another total is in conflict [P4]', async () => {
    await world.shop.redeem(code, 'cart-1');
    const again = await world.ledger.redeem(world.shop.sale(code, 'cart-1', { total: dollars(1) }));
    expect(again).toEqual({ ok: false, error: 'basket_conflict' });
  });

  test('keeps others off until its hold ends, by itself or by a release [C3]', async () => {
    await world.shop.validate(code, 'cart-1');
    expect(await world.app.redeem(code, 'cart-9')).toMatchObject({ reason: 'in_use', facts: { heldBy: 'online' } });
    await world.app.release(code, 'cart-1');
    expect(await world.stateOf(code)).toBe('held');
    await world.shop.release(code, 'cart-1');
    expect(await world.stateOf(code)).toBe('issued');
    await world.shop.validate(code, 'cart-2');
    world.clock.now += USE_MS;
    await world.ledger.tick();
    expect(await world.stateOf(code)).toBe('issued');
  });

  test('finds a hold over that nobody has swept yet [C3]', async () => {
    await world.shop.validate(code, 'cart-1');
    world.clock.now += USE_MS;
    expect(await world.app.redeem(code, 'cart-9')).toMatchObject({ decision: 'approved' });
    expect(await world.shop.redeem(code, 'cart-1')).toMatchObject({ reason: 'already_redeemed' });
  });

  test('spends several codes in one transaction: all or none if asked [A2]', async () => {
    await world.app.redeem(second, 'cart-9');
    const both = (allOrNone: boolean) =>
      world.ledger.redeem(world.shop.sale(code, 'cart-1', { codes: [code, second], allOrNone }));
    const none = await both(true);
    expect(none.ok && none.value.map(({ reason }) => reason)).toEqual(['basket_incomplete', 'already_redeemed']);
    expect(await world.stateOf(code)).toBe('issued');
    const some = await both(false);
    expect(some.ok && some.value.map(({ decision }) => decision)).toEqual(['approved', 'refused']);
  });

  test('spends codes of every kind in one basket, all or none: ours, imported, industry and test codes [P3]', async () => {
    const coupon = '(8112)017777777666666223456789';
    await world.ledger.importStack('spring', csv('SAVE50', coupon));
    const codes = [code, 'save-50', ']C1\u001d8112017777777666666223456789', 'TEST-APPROVED'];
    const redeem = async (...more: string[]) => {
      const sale = world.shop.sale(code, 'cart-1', { codes: [...codes, ...more], allOrNone: true });
      const result = await world.ledger.redeem(sale);
      return result.ok ? result.value.map(({ reason, decision }) => reason ?? decision) : result.error;
    };
    const none = codes.map(() => 'basket_incomplete');
    expect(await redeem('4006381333931')).toEqual([...none, 'not_a_coupon']);
    expect(await redeem('TEST-EXPIRED')).toEqual([...none, 'expired']);
    expect(await redeem('SAVE 50')).toBe('duplicate_code');
    expect(await redeem(coupon)).toBe('duplicate_code');
    expect(await redeem('test-approved')).toBe('duplicate_code');
    expect(await world.stateOf('SAVE50')).toBe('issued');
    expect(await redeem()).toEqual(codes.map(() => 'approved'));
    // What the basket has redeemed stays so, whatever comes to it.
    expect(await redeem('4006381333931')).toEqual([
      'approved',
      'approved',
      'approved',
      'basket_incomplete',
      'not_a_coupon',
    ]);
  });

  test('of test codes alone is all or none as well', async () => {
    const codes = ['TEST-APPROVED', 'TEST-EXPIRED'];
    const result = await world.ledger.validate(world.shop.sale(code, 'cart-1', { codes, allOrNone: true }));
    expect(result.ok && result.value.map(({ reason }) => reason)).toEqual(['basket_incomplete', 'expired']);
  });

  test('naming one code twice is a conflict, however it is written', async () => {
    const codes = [code, code.toLowerCase().replace(/(.{4})(?=.)/g, '$1-')];
    expect(await world.ledger.redeem(world.shop.sale(code, 'cart-1', { codes }))).toEqual({
      ok: false,
      error: 'duplicate_code',
    });
  });

  test.each([20, 200])(
    '%i baskets at once for one code: one is approved, the others hear so [A1, C7]',
    async (baskets) => {
      const answers = await Promise.all(
        Array.from({ length: baskets }, (_, i) => world.shop.redeem(code, `cart-${i}`)),
      );
      expect(answers.filter(({ decision }) => decision === 'approved')).toHaveLength(1);
      expect(new Set(answers.map(({ reason }) => reason))).toEqual(new Set([null, 'already_redeemed']));
    },
  );

  test('undoes its redemption: the code is free for others, and for that basket never again [C13]', async () => {
    await world.shop.redeem(code, 'cart-1');
    const reversed = await world.shop.reverse(code, 'cart-1');
    expect(reversed).toMatchObject({ reversed: true, redemption: { basket: 'cart-1' } });
    expect(await world.shop.redeem(code, 'cart-1')).toMatchObject({ reason: 'reversed_first' });
    expect(await world.app.redeem(code, 'cart-1')).toMatchObject({ decision: 'approved' });
    // The same reversal again touches nothing of the next redemption.
    expect(await world.shop.reverse(code, 'cart-1')).toEqual(reversed);
    expect(await world.stateOf(code)).toBe('redeemed');
  });

  test('that reverses before it ever redeemed is answered at once and can never redeem; its hold ends [C13]', async () => {
    await world.shop.validate(code, 'cart-1');
    expect(await world.shop.reverse(code, 'cart-1')).toEqual({ reversed: true, redemption: null });
    expect(await world.stateOf(code)).toBe('issued');
    expect(await world.shop.redeem(code, 'cart-1')).toMatchObject({ reason: 'reversed_first' });
  });
});

describe('a cap', () => {
  test('binds at issue: what would exceed it is refused whole, with what is left', async () => {
    const capped = await openWorld({ count: 3, capUnits: 5 });
    expect(await capped.ledger.issueStack('spring', 3)).toEqual({
      ok: false,
      error: { why: 'cap_exceeded', unitsLeft: 2 },
    });
    expect((await issue(capped.ledger, 2)).length).toBe(2);
    expect(await capped.ledger.issueStack('spring', 1)).toMatchObject({ ok: false });
    expect((await capped.ledger.exposure('spring'))?.units.issued).toBe(5);
    await capped.close();
  });
});

describe('a void', () => {
  test('of what the cloud holds is final at once [A6]', async () => {
    await world.shop.validate(second, 'cart-1');
    expect(await world.ledger.voidCode(code)).toBe('voided');
    expect(await world.ledger.voidCode(second)).toBe('voided');
    expect(await world.shop.redeem(code, 'cart-1')).toMatchObject({ reason: 'voided' });
    expect(await world.shop.redeem(second, 'cart-1')).toMatchObject({ reason: 'voided' });
    expect(await world.ledger.voidCode('0000-0000-0000-000A')).toBe('unknown_code');
  });

  test('of what is redeemed is refused [A6]', async () => {
    await world.shop.redeem(code, 'cart-1');
    expect(await world.ledger.voidCode(code)).toBe('already_redeemed');
    await world.shop.reverse(code, 'cart-1');
    expect(await world.stateOf(code)).toBe('issued');
  });

  test('of a stocked code recalls it without end; returned, it is voided and no waiting cart gets it [A6]', async () => {
    const box = await world.box();
    await stocked(box, code);
    expect(await world.ledger.voidCode(code)).toBe('void_pending');
    await box.take();
    expect(box.last('recall')).toMatchObject({ why: 'void', deadline: null });
    expect(await world.shop.redeem(code, 'cart-1')).toMatchObject({ reason: 'held_elsewhere' });
    box.giveBack(code);
    await box.settle();
    expect(await world.stateOf(code)).toBe('voided');
  });

  test('of a stocked code loses to a redemption [A6]', async () => {
    const box = await world.box();
    await stocked(box, code);
    await world.ledger.voidCode(code);
    const entry = box.redeem(code, 'sale-1');
    await box.settle();
    expect(await world.stateOf(code)).toBe('redeemed');
    // The mark outlives the redemption: reversed, the code is dead.
    box.reverse(entry);
    await box.settle();
    expect(await world.stateOf(code)).toBe('voided');
  });
});

describe('a cart that wants what a store has', () => {
  let box: Box;
  beforeEach(async () => {
    box = await world.box();
    await stocked(box, code);
  });
  afterEach(() => vi.useRealTimers());

  test('gets it as soon as the store has given it back [C3, P5, L2]', async () => {
    const asked = world.shop.redeem(code, 'cart-1');
    await recalled(box);
    box.giveBack(code);
    await box.settle();
    expect(await asked).toMatchObject({ decision: 'approved', redemption: { door: 'cart:shop' } });
  });

  test('is told in use as soon as the store says so [P5]', async () => {
    const asked = world.shop.redeem(code, 'cart-1');
    await recalled(box);
    const reservation = box.heldFor(code)?.reservation ?? '';
    const answer = { reservation, answer: 'in_use' as const, until: world.clock.now + 60_000, lane: '3' };
    await box.send({ type: 'recalled', body: { reservations: [answer] } });
    expect(await asked).toMatchObject({ reason: 'in_use', facts: { heldBy: 'Main Street', lane: '3' } });
    // Whoever asks next hears it without another recall.
    expect(await world.app.validate(code, 'cart-2')).toMatchObject({ reason: 'in_use' });
    await box.take();
    expect(box.count('recall')).toBe(1);
  });

  test('hears that it was used where the store redeemed it meanwhile [P5]', async () => {
    const asked = world.shop.redeem(code, 'cart-1');
    await recalled(box);
    box.redeem(code, 'sale-1');
    await box.settle();
    expect(await asked).toMatchObject({ reason: 'already_redeemed', facts: { redeemedWhere: 'Main Street' } });
  });

  test('is told to come again where the store does not answer in time, and gets nothing afterwards [C3, P5]', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const asked = world.shop.validate(code, 'cart-1');
    await recalled(box);
    await vi.advanceTimersByTimeAsync(RECALL_WAIT_CART_MS);
    expect(await asked).toMatchObject({ reason: 'held_elsewhere', facts: { retryAfterSeconds: RETRY_AFTER_SECONDS } });
    box.giveBack(code);
    await box.settle();
    expect(await world.stateOf(code)).toBe('issued');
    expect(await world.shop.validate(code, 'cart-1')).toMatchObject({ decision: 'approved' });
  });

  test('is told at once where the store is silent, and since when; the recall goes out all the same [P5]', async () => {
    await world.ledger.gatewayGone(box.id);
    const silentSince = '2026-11-23T10:00:00Z';
    world.clock.now += 60_000;
    expect(await world.shop.validate(code, 'cart-1')).toMatchObject({
      reason: 'held_elsewhere',
      facts: { heldBy: 'Main Street', silentSince },
    });
    await box.take();
    expect(box.count('recall')).toBe(1);
  });

  test('gets no hold behind its back once it has been reversed [C3, C13]', async () => {
    const asked = world.shop.redeem(code, 'cart-1');
    await recalled(box);
    await world.ledger.reverse({ client: 'shop', code, basket: 'cart-1', reason: 'left', door: null });
    box.giveBack(code);
    await box.settle();
    expect(await asked).toMatchObject({ reason: 'reversed_first' });
    expect(await world.stateOf(code)).toBe('issued');
  });

  test('waits behind another cart that asked first [C3]', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const first = world.shop.validate(code, 'cart-1');
    await recalled(box);
    const later = world.app.validate(code, 'cart-2');
    await until(async () => (await world.store.read((tx) => tx.waits([hashOfCode(code)]))).length === 2);
    box.giveBack(code);
    await box.settle();
    expect(await first).toMatchObject({ decision: 'approved' });
    await vi.advanceTimersByTimeAsync(RECALL_WAIT_CART_MS);
    expect(await later).toMatchObject({ reason: 'in_use' });
  });
});

describe('commands of one turn', () => {
  const ports = () => ({
    store: world.store,
    now: () => world.clock.now,
    newId: () => 'an-id-0001',
    wake: () => undefined,
    refused: () => undefined,
  });

  test('are one transaction, and one that fails by a defect fails alone [C7]', async () => {
    const transaction = vi.spyOn(world.store, 'transaction');
    const group = new Group(ports());
    const good = Promise.all(['a', 'b', 'c'].map((name) => group.run([], async () => name)));
    expect(await good).toEqual(['a', 'b', 'c']);
    expect(transaction).toHaveBeenCalledTimes(1);
    const mixed = await Promise.allSettled([
      group.run([], async () => 'a'),
      group.run([], () => Promise.reject(new Error('a defect'))),
      group.run([], async () => 'c'),
    ]);
    expect(mixed.map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))).toEqual([
      'a',
      'Error: a defect',
      'c',
    ]);
  });

  test('that lose a race are loaded and decided again [A4]', async () => {
    const real = world.store.transaction.bind(world.store);
    let races = 2;
    const racing: typeof real = (work) => {
      races -= 1;
      return races >= 0 ? Promise.reject(new LostRace('another was there first')) : real(work);
    };
    const group = new Group({ ...ports(), store: { ...world.store, transaction: racing } });
    expect(await group.run([], async () => 'decided')).toBe('decided');
    expect(races).toBe(-1);
  });
});

describe('the audit', () => {
  test('finds a whole ledger whole, and names the entry that was changed [J4]', async () => {
    await world.shop.redeem(code, 'cart-1');
    await world.shop.reverse(code, 'cart-1');
    await world.shop.redeem(second, 'cart-2');
    const audit = await verifyLedger(world.store);
    expect(audit).toMatchObject({ ok: true });
    const [, reversed] = await world.store.read((tx) => tx.entriesOfCode(hashOfCode(code)));
    if (reversed === undefined) throw new Error('no entry');
    world.database.raw.exec('DROP TRIGGER entries_never_change');
    world.database.raw
      .prepare("UPDATE entries SET body = replace(body, 'cart-1', 'cart-7') WHERE partition = ? AND n = ?")
      .run(reversed.partition, reversed.n);
    expect(await verifyLedger(world.store)).toEqual({
      ok: false,
      first: `partition ${reversed.partition}, entry ${reversed.n}: its hash does not fit`,
    });
  });

  test('names a gap in the chain, and an entry of a journal that was changed [J4]', async () => {
    const box = await world.box();
    await stocked(box, code);
    box.redeem(code, 'sale-1');
    await box.settle();
    expect(await verifyLedger(world.store)).toMatchObject({ ok: true });
    const { raw } = world.database;
    raw.exec("SAVEPOINT s; UPDATE journals SET body = json_set(body, '$.basket', 'sale-7')");
    expect(await verifyLedger(world.store)).toEqual({
      ok: false,
      first: `journal of ${box.id}, epoch 1, entry 1: its hash does not fit`,
    });
    raw.exec('ROLLBACK TO s; RELEASE s; DROP TRIGGER entries_never_go');
    const { partition } = raw
      .prepare<[], { partition: number }>('SELECT partition FROM entries GROUP BY partition HAVING count(*) > 1')
      .get() ?? { partition: -1 };
    raw.prepare('DELETE FROM entries WHERE partition = ? AND n = 1').run(partition);
    expect(await verifyLedger(world.store)).toEqual({
      ok: false,
      first: `partition ${partition} goes from entry 0 to 2`,
    });
  });
});
