import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { brief } from './calls.ts';
import { backUp, type Store, Town } from './harness.ts';
import { normalForm, violations } from './history.ts';

/** Old data of a box come back, its witness beside them stays: the box is found out [G6, C4]. */
let town: Town;
let one: Store;
let two: Store;
const lost: string[] = [];
const folder = mkdtempSync(join(tmpdir(), 'tearline-restore-'));

beforeAll(async () => {
  town = await Town.start();
  [one, two] = town.stores;
});
afterAll(async () => {
  await town?.end();
  rmSync(folder, { recursive: true, force: true });
});

async function restore({ dataDir }: Store, backup: string): Promise<void> {
  await town.stop();
  rmSync(dataDir, { recursive: true });
  cpSync(backup, dataDir, { recursive: true });
  await town.startAgain();
}

test('restored data are found out: the box decides nothing, the cloud fences it, and what it sold stays sold', async () => {
  const [sold = '', kept = '', old = ''] = await town.newCodes(3);
  await town.stock(one, [sold, kept, old]);
  const [before, after] = [town.basket(), town.basket()];
  await one.redeem(old, before);
  await town.settled();
  const backup = join(folder, 'settled');
  await backUp(one.dataDir, backup);
  expect(brief(await one.redeem(sold, after))).toBe('approved');
  await town.settled();
  await restore(one, backup);

  await one.isState('fenced');
  expect((await one.readiness()).ready).toBe(false);
  // Also what it approved before the backup: it does not know what it does not know.
  const asked = [
    [sold, after],
    [sold, town.basket()],
    [kept, town.basket()],
    [old, before],
  ] as const;
  for (const [code, basket] of asked)
    expect(await one.redeem(code, basket)).toMatchObject({ decision: 'undetermined', reason: 'cannot_verify' });
  await two.lineIs('up');
  expect(brief(await two.redeem(sold, town.basket()))).toBe('refused: already_redeemed');
  for (const door of [two, town.cart])
    expect(brief(await door.redeem(kept, town.basket()))).toBe('refused: held_elsewhere');
  expect((await town.look(kept)).state).toBe('in_doubt');
  const box = await town.boxOf(one);
  expect(box).toMatchObject({ state: 'fenced', epoch: 2, holds: { units: 0 } });
  expect(box?.inDoubt.units).toBeGreaterThan(0);
  expect(await town.exceptionsOf(one)).toContain('fenced_disagreement');
});

test('restored data are found out with the line cut too, and a sale that they lost is nobody’s to sell again', async () => {
  const [sold = '', kept = ''] = await town.newCodes(2);
  await town.stock(two, [sold, kept]);
  await two.drill('cut');
  await two.lineIs('down');
  const backup = join(folder, 'cut-off');
  await backUp(two.dataDir, backup);
  expect(brief(await two.redeem(sold, town.basket()))).toBe('approved');
  lost.push(normalForm(sold));
  await restore(two, backup);

  await two.isState('disagreement');
  expect((await two.readiness()).line).toBe('down');
  for (const code of [sold, kept])
    expect(brief(await two.redeem(code, town.basket()))).toBe('undetermined: cannot_verify');
  for (const code of [sold, kept])
    expect(brief(await town.cart.redeem(code, town.basket()))).toBe('refused: held_elsewhere');
  await two.drill('open');
  await two.isState('fenced');
  for (const code of [sold, kept])
    expect(brief(await town.cart.redeem(code, town.basket()))).toBe('refused: held_elsewhere');
  expect((await town.look(sold)).state).toBe('in_doubt');
  expect(await town.exceptionsOf(two)).toContain('fenced_disagreement');
});

test('all callers were told the truth, and the ledger says the same', async () => {
  expect(violations(town.history)).toEqual([]);
  expect(await town.notInLedger((code) => !lost.includes(code))).toEqual([]);
  expect(await town.auditLedger()).toMatchObject({ status: 0 });
});
