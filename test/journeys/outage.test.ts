import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { brief } from './calls.ts';
import { signal, type Store, Town } from './harness.ts';
import { until } from './processes.ts';

let town: Town;
let one: Store;
let two: Store;

beforeAll(async () => {
  town = await Town.start();
  [one, two] = town.stores;
});
afterAll(async () => town?.end());

async function stocked(count: number): Promise<string[]> {
  const codes = await town.newCodes(count);
  await town.stock(one, codes);
  return codes;
}
const codesOf = async <N extends string>(names: readonly N[], codes: readonly string[]) =>
  Object.fromEntries(names.map((name, i) => [name, codes[i] ?? ''])) as Record<N, string>;

describe('the line of store 1 is cut by the drill', () => {
  test('store 1 redeems what it holds, nobody else gets it meanwhile, and then all is settled', async () => {
    const { spent, kept, undone } = await codesOf(['spent', 'kept', 'undone'], await stocked(3));
    const [free = ''] = await town.newCodes(1);
    await one.drill('cut');
    await one.lineIs('down');

    const basket = town.basket();
    const redeemed = await one.redeem(spent, basket);
    expect(redeemed).toMatchObject({ decision: 'approved', mode: 'reserved', redemption: { settled: false } });
    expect(redeemed.backlog).toBeGreaterThan(0);
    expect((await one.redeem(spent, basket)).redemption?.id).toBe(redeemed.redemption?.id);
    expect(brief(await one.redeem(spent, town.basket()))).toBe('refused: already_redeemed');
    expect(await one.redeem(free, town.basket())).toMatchObject({
      decision: 'undetermined',
      reason: 'cannot_verify',
      text: 'CANNOT VERIFY. Not used. Keep coupon',
    });

    for (const code of [spent, kept])
      for (const door of [two, town.cart])
        expect(await door.redeem(code, town.basket())).toMatchObject({
          decision: 'refused',
          reason: 'held_elsewhere',
          facts: { heldBy: 'Main Street', retryAfterSeconds: expect.any(Number), silentSince: expect.any(String) },
        });
    expect(brief(await two.redeem(free, town.basket()))).toBe('approved');

    // Sold, then undone, while cut off: not good here again until the line is back.
    const sale = town.basket();
    await one.redeem(undone, sale);
    expect(await one.reverse(undone, sale)).toMatchObject({ reversed: true });
    expect(brief(await one.redeem(undone, town.basket()))).toBe('undetermined: cannot_verify');
    // A basket that lets go ends the use: the code stays here, for another lane.
    await one.validate(kept, sale);
    await one.release(kept, sale);
    expect(brief(await one.validate(kept, town.basket()))).toBe('approved');

    await one.drill('open');
    await town.settled();
    expect((await one.redeem(spent, basket)).redemption).toMatchObject({ id: redeemed.redemption?.id, settled: true });
    for (const door of [two, town.cart])
      expect(await door.redeem(spent, town.basket())).toMatchObject({
        reason: 'already_redeemed',
        facts: { redeemedWhere: 'Main Street' },
      });
    expect(brief(await two.redeem(undone, town.basket()))).toBe('approved');
  });

  test('a redemption of a cut-off store is undone at the desk: pending, then true when the store is back', async () => {
    const [code = ''] = await stocked(1);
    await one.drill('cut');
    const basket = town.basket();
    const { redemption } = await one.redeem(code, basket);
    expect(await town.cart.reverse(code, basket, one.id)).toEqual({ reversed: 'pending', redemption: null });
    await one.drill('open');
    await town.settled();
    await until('the reversal is done', async () => (await town.cart.reverse(code, basket, one.id)).reversed === true);
    expect(await town.cart.reverse(code, basket, one.id)).toMatchObject({
      reversed: true,
      redemption: { id: redemption?.id },
    });
    expect(brief(await one.redeem(code, basket))).toBe('refused: reversed_first');
    expect(brief(await town.cart.redeem(code, town.basket()))).toBe('approved');
  });

  test('with the line back every reservation ends: redeemed, given back, wanted elsewhere or voided [L1]', async () => {
    const codes = await stocked(4);
    const [sold = '', left = '', wanted = '', voided = ''] = codes;
    const basket = town.basket();
    expect(brief(await one.validate(left, basket))).toBe('approved');
    await one.drill('cut');
    expect(brief(await one.redeem(sold, town.basket()))).toBe('approved');
    await one.release(left, basket);
    expect(brief(await town.cart.validate(wanted, 'b-wants'))).toBe('refused: held_elsewhere');
    for (const code of [left, voided])
      expect(await town.askAdmin(`/v1/codes/${code}/void`, { method: 'POST' })).toMatchObject({ status: 200 });
    const states = () => Promise.all(codes.map(async (code) => (await town.look(code)).state));
    expect(await states()).toEqual(['reserved', 'void_pending', 'reserved', 'void_pending']);
    await one.drill('open');
    await until('all have ended', async () => {
      await town.cart.validate(wanted, 'b-wants');
      return `${await states()}` === 'redeemed,voided,held,voided';
    });
    await town.cart.release(wanted, 'b-wants');
  });

  test('what the cart wanted meanwhile goes to it when the store gives it up', async () => {
    const [code = ''] = await stocked(1);
    await one.drill('cut');
    expect(brief(await town.cart.validate(code, town.basket()))).toBe('refused: held_elsewhere');
    await one.drill('open');
    await town.settled();
    await until('the cart gets it', async () => (await town.cart.redeem(code, 'b-wanted')).decision === 'approved');
    expect(brief(await one.redeem(code, town.basket()))).toBe('refused: already_redeemed');
  });
});

describe('the cloud does not answer', () => {
  test('stopped: store 1 redeems what it holds, store 2 cannot verify it, and when it goes on all is settled', async () => {
    const [code = '', other = ''] = await stocked(2);
    const { cloudPid } = town.demo();
    const basket = town.basket();
    signal(cloudPid, 'SIGSTOP');
    try {
      expect(await one.redeem(code, basket)).toMatchObject({
        decision: 'approved',
        mode: 'reserved',
        redemption: { settled: false },
      });
      expect(await two.redeem(code, town.basket())).toMatchObject({
        decision: 'undetermined',
        reason: 'cannot_verify',
      });
      expect(brief(await two.redeem(other, town.basket()))).toBe('undetermined: cannot_verify');
    } finally {
      signal(cloudPid, 'SIGCONT');
    }
    await town.settled();
    expect((await one.redeem(code, basket)).redemption?.settled).toBe(true);
    for (const door of [two, town.cart])
      expect(brief(await door.redeem(code, town.basket()))).toBe('refused: already_redeemed');
    expect(brief(await two.redeem(other, town.basket()))).toBe('approved');
  });

  test('killed: store 1 redeems what it holds, and settles with the cloud that is started in its place', async () => {
    const [code = ''] = await stocked(1);
    const { cloudPid } = town.demo();
    signal(cloudPid, 'SIGKILL');
    const basket = town.basket();
    expect(brief(await one.redeem(code, basket))).toBe('approved');
    await one.lineIs('down');
    expect(brief(await two.redeem(code, town.basket()))).toBe('undetermined: cannot_verify');
    await until('another cloud runs', async () => town.demo().cloudPid !== cloudPid);
    await town.settled();
    expect((await one.redeem(code, basket)).redemption?.settled).toBe(true);
    for (const door of [two, town.cart])
      expect(brief(await door.redeem(code, town.basket()))).toBe('refused: already_redeemed');
  });
});

test('a gateway killed in the middle of its traffic shows the same answers when it is there again', async () => {
  const codes = [...(await stocked(10)), ...(await town.newCodes(20))];
  const { pid = 0 } = town.demo().gateways[0] ?? {};
  const sales = codes.map((code) => ({ code, basket: town.basket() }));
  let answered = 0;
  const traffic = sales.map(({ code, basket }) =>
    one.redeem(code, basket).then(
      () => {
        answered += 1;
        // In the middle: some were answered, some are under way.
        if (answered === 5) signal(pid, 'SIGKILL');
      },
      () => undefined,
    ),
  );
  await Promise.all(traffic);
  expect(answered).toBeLessThan(codes.length);
  await until('it is there again', async () => town.demo().gateways[0]?.pid !== pid && (await one.readiness()).ready);
  await town.settled();
  for (const { code, basket } of sales) expect(brief(await one.redeem(code, basket))).toBe('approved');
  for (const { code } of sales) expect(brief(await two.redeem(code, town.basket()))).toBe('refused: already_redeemed');
});

test('all callers were told the truth, and the ledger says the same', async () => {
  expect(await town.judge()).toEqual([]);
  expect(town.history.standing().length).toBeGreaterThan(30);
});
