import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { brief, Refused } from './calls.ts';
import { type Store, Town } from './harness.ts';
import { violations } from './history.ts';
import { until } from './processes.ts';

let town: Town;
let one: Store;
let two: Store;

beforeAll(async () => {
  town = await Town.start();
  [one, two] = town.stores;
});
afterAll(async () => town?.end());

test('the fleet is seen from the cloud: who holds what, who is cut off, and for how long on purpose', async () => {
  const codes = await town.newCodes(3);
  const before = await town.boxOf(one);
  await town.stock(one, codes);
  expect(await town.boxOf(one)).toMatchObject({
    state: 'active',
    connected: true,
    epoch: 1,
    drillUntil: null,
    holds: { units: (before?.holds.units ?? 0) + 3, value: ((before?.holds.units ?? 0) + 3) * 500 },
  });
  await one.drill('cut');
  await until('the cloud knows of the drill', async () => {
    const box = await town.boxOf(one);
    return box?.connected === false && box.drillUntil !== null;
  });
  await one.drill('open');
  await until('it is back', async () => (await town.boxOf(one))?.connected === true);
});

describe('a revoked gateway', () => {
  test('decides nothing any more, its codes are held elsewhere, and what it sold before it knew still counts', async () => {
    const [sold = '', kept = '', free = ''] = await town.newCodes(3);
    await town.stock(two, [sold, kept]);
    await two.drill('cut');
    await two.lineIs('down');
    await until('the cloud knows', async () => (await town.boxOf(two))?.connected === false);
    expect(await town.askAdmin(`/v1/gateways/${two.gateway}/revocation`, { method: 'POST' })).toMatchObject({
      status: 200,
      json: { revoked: true },
    });
    // It cannot know yet, and sells what it holds.
    expect(brief(await two.redeem(sold, town.basket()))).toBe('approved');
    for (const code of [sold, kept])
      expect(brief(await town.cart.redeem(code, town.basket()))).toBe('refused: held_elsewhere');
    expect((await town.boxOf(two))?.inDoubt.units).toBeGreaterThanOrEqual(2);

    await two.drill('open');
    await two.isState('fenced');
    await until('its late redemption has arrived', async () => (await town.look(sold)).state === 'redeemed');
    expect((await town.look(sold)).redemption).toMatchObject({ door: two.id, store: '0002', settled: true });
    expect(brief(await town.cart.redeem(sold, town.basket()))).toBe('refused: already_redeemed');
    for (const code of [kept, free])
      expect(brief(await two.redeem(code, town.basket()))).toBe('undetermined: cannot_verify');
    expect(brief(await town.cart.redeem(kept, town.basket()))).toBe('refused: held_elsewhere');
    expect(brief(await town.cart.redeem(free, town.basket()))).toBe('approved');
    expect(await town.boxOf(two)).toMatchObject({ state: 'revoked', epoch: 2 });
    expect(await town.exceptionsOf(two)).toContain('fenced_revoked');
    const stocked = await town.askAdmin('/v1/stores/0002/stock', { body: { codes: await town.newCodes(1) } });
    expect(stocked).toMatchObject({ status: 200, json: { granted: 0 } });
  });

  test('stays so after a restart', async () => {
    const before = town.demo().gateways[1]?.pid ?? 0;
    process.kill(before, 'SIGKILL');
    await until(
      'it runs again',
      async () => town.demo().gateways[1]?.pid !== before && (await two.readiness()).state === 'fenced',
    );
    const reversal = await two.reverse(town.demo().codes[5] ?? '', 'any').catch((error: unknown) => error);
    expect(reversal).toBeInstanceOf(Refused);
    expect(reversal).toMatchObject({ status: 503 });
  });

  test('that is none is not found', async () => {
    expect(await town.askAdmin('/v1/gateways/gw-none/revocation', { method: 'POST' })).toMatchObject({ status: 404 });
  });
});

test('all callers were told the truth, and the ledger says the same', async () => {
  expect(violations(town.history)).toEqual([]);
  expect(await town.notInLedger()).toEqual([]);
  expect(await town.auditLedger()).toMatchObject({ status: 0 });
});
