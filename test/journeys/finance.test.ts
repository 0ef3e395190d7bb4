import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { backUp, type Store, Town } from './harness.ts';
import { tearline, until } from './processes.ts';

let town: Town;
let one: Store;
const folder = mkdtempSync(join(tmpdir(), 'tearline-books-'));

const FACE = 500;
const sumSchema = z.object({ units: z.int(), value: z.int() });
const exposureSchema = z.object({ units: z.record(z.string(), z.int()), open: sumSchema, redeemed: sumSchema });
const exposure = () => town.admin('/v1/campaigns/spring/exposure', exposureSchema);
const issued = async () => (await town.admin('/v1/campaigns/spring', z.object({ issued: sumSchema }))).issued;

beforeAll(async () => {
  town = await Town.start();
  [one] = town.stores;
});
afterAll(async () => {
  await town?.end();
  rmSync(folder, { recursive: true, force: true });
});

test('what was issued is open, redeemed or void, to the cent, whatever happened to it', async () => {
  const codes = await town.newCodes(12);
  const [a = '', b = '', c = '', d = '', e = '', f = '', g = '', h = '', i = ''] = codes;
  await one.redeem(a, town.basket());
  await town.cart.redeem(b, town.basket());
  await one.redeem(c, 'undone');
  await one.reverse(c, 'undone');
  await town.cart.validate(d, town.basket());
  await one.validate(e, town.basket());
  await town.stock(one, [f, i]);
  for (const code of [g, h]) await town.admin(`/v1/codes/${code}/void`, z.unknown(), { method: 'POST' });
  await one.drill('cut');
  await town.admin(`/v1/codes/${f}/void`, z.unknown(), { method: 'POST' });
  await one.redeem(i, town.basket());

  const adds = async () => {
    const [{ units, open, redeemed }, all] = [await exposure(), await issued()];
    expect(open.units + redeemed.units + (units.voided ?? 0)).toBe(all.units);
    expect(Object.values(units).reduce((sum, count) => sum + count, 0)).toBe(all.units);
    expect([open.value, redeemed.value, all.value]).toEqual([
      open.units * FACE,
      redeemed.units * FACE,
      all.units * FACE,
    ]);
    return { units, redeemed };
  };
  expect(await adds()).toMatchObject({ redeemed: { units: 2 }, units: { voided: 2, void_pending: 1, held: 1 } });
  await one.drill('open');
  await town.settled();
  await until('the void is final', async () => (await town.look(f)).state === 'voided');
  expect(await adds()).toMatchObject({ redeemed: { units: 3, value: 3 * FACE }, units: { voided: 3, held: 1 } });
  expect(await issued()).toEqual({ units: 32, value: 32 * FACE });
});

test('the books verify: the ledger’s and a box’s', async () => {
  await town.settled();
  expect(await town.auditLedger()).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^The ledger is whole: \d+ entries\.\n$/),
  });
  for (const store of town.stores)
    expect(await store.audit()).toMatchObject({ status: 0, stdout: expect.stringContaining('The journal is whole') });
});

/** A copy of the cloud's data in which somebody who has the file has been at work. */
async function tampered(name: string, sql: string) {
  const copy = join(folder, name);
  await backUp(join(town.folder, 'cloud'), copy);
  const database = new Sqlite(join(copy, 'ledger.sqlite'));
  database.exec(sql);
  database.close();
  return tearline(['audit', 'verify', '--data', copy]);
}
const unguarded = 'DROP TRIGGER entries_never_change; DROP TRIGGER entries_never_go;';

test('the ledger does not let its entries be changed or removed', async () => {
  const copy = join(folder, 'guarded');
  await backUp(join(town.folder, 'cloud'), copy);
  const database = new Sqlite(join(copy, 'ledger.sqlite'));
  expect(() => database.exec('UPDATE entries SET at = 0')).toThrow('append-only');
  expect(() => database.exec('DELETE FROM entries')).toThrow('append-only');
  database.close();
});

test.each([
  [
    'a changed entry',
    `${unguarded} UPDATE entries SET body = replace(body, '"', ' "') WHERE (partition, n) = (SELECT partition, n FROM entries WHERE n = 2 LIMIT 1)`,
    /partition \d+, entry 2: its hash does not fit/,
  ],
  [
    'a removed entry',
    `${unguarded} DELETE FROM entries WHERE (partition, n) = (SELECT partition, n - 1 FROM entries WHERE n = 2 LIMIT 1)`,
    /partition \d+ goes from entry 0 to 2/,
  ],
  [
    'a changed entry of an uploaded journal',
    `UPDATE journals SET body = replace(body, '"amount":4200', '"amount":9200') WHERE body LIKE '%"kind":"redeemed"%'`,
    /journal of gw-[0-9a-f]+, epoch 1, entry \d+: its hash does not fit/,
  ],
  [
    'what is no entry of a journal any more',
    `UPDATE journals SET body = replace(body, '"kind":"redeemed"', '"kind":"returned"') WHERE body LIKE '%"kind":"redeemed"%'`,
    /journal of gw-[0-9a-f]+, epoch 1, entry \d+: it cannot be read/,
  ],
])('%s is found, and the first broken entry named', async (what, sql, line) => {
  const { status, stdout } = await tampered(what.replaceAll(' ', '-'), sql);
  expect([status, stdout]).toEqual([1, expect.stringMatching(/^The ledger is broken: [^\n]+\n$/)]);
  expect(stdout).toMatch(line);
});

test('a changed entry of a box’s journal is found, and named', async () => {
  const copy = join(folder, 'box');
  await backUp(one.dataDir, copy);
  cpSync(`${one.dataDir}.witness`, `${copy}.witness`, { recursive: true });
  expect(await tearline(['audit', 'verify', '--gateway', copy])).toMatchObject({ status: 0 });
  const database = new Sqlite(join(copy, 'till.db'));
  const n = database.prepare(`SELECT min(n) FROM journal WHERE body LIKE '%"kind":"redeemed"%'`).pluck().get();
  database.prepare(`UPDATE journal SET body = replace(body, '"amount":4200', '"amount":9200') WHERE n = ?`).run(n);
  database.close();
  expect(await tearline(['audit', 'verify', '--gateway', copy])).toMatchObject({
    status: 1,
    stdout: `The journal is broken: first at entry ${n} of epoch 1.\n`,
  });
});

test('a code’s history is told from its entries', async () => {
  const [code = ''] = await town.newCodes(1);
  await one.redeem(code, 'sale');
  await one.reverse(code, 'sale');
  await town.settled();
  await town.cart.redeem(code, town.basket());
  await town.settled();
  const { history, redemption } = await town.look(code);
  expect(redemption?.door).toBe('cart:demo-shop');
  expect(history.map(({ what }) => what)).toEqual(['grant', 'redeemed', 'reversed', 'cart_redeems']);
});

test('all callers were told the truth, and the ledger says the same', async () => {
  expect(await town.judge()).toEqual([]);
});
