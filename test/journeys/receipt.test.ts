import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { brief } from './calls.ts';
import { signal, type Store, Town } from './harness.ts';
import { normalForm } from './history.ts';
import { until } from './processes.ts';

/** Coupons on receipts: in a store that is cut off, and in the shop. */

let town: Town;
let one: Store;
let two: Store;

beforeAll(async () => {
  town = await Town.start();
  [one, two] = town.stores;
  for (const store of town.stores) await until('its blanks are there', async () => (await blanks(store)) === 20);
});
afterAll(async () => town?.end());

const blanks = (store: Store) => store.metric('tearline_blank_coupons');
const pidOf = (store: Store) => town.demo().gateways.find((box) => box.store === store.store)?.pid ?? 0;

test('a store prints coupons while its line is cut and its power goes; then they are good in the other store', async () => {
  const made = await exposure();
  await one.drill('cut');
  await one.lineIs('down');
  const first = await one.issue('thanks', 'receipt-1', { lane: '3', total: { amount: 4200, currency: 'USD' } });
  expect(first).toMatchObject({ decision: 'issued', text: 'COUPON $2.00 OFF', link: null, basket: 'receipt-1' });
  const before = pidOf(one);
  signal(before, 'SIGKILL');
  await until('the gateway is there again', async () => pidOf(one) !== before && (await one.readiness()).ready);
  await one.lineIs('down');
  expect(await one.issue('thanks', 'receipt-1')).toEqual(first);
  const second = await one.issue('thanks', 'receipt-2', { customer: 'C-1' });
  const [here = '', elsewhere = ''] = [first.code, second.code].map((code) => code ?? '');
  expect(here).not.toBe(elsewhere);

  // Until the line is back they are known to the store that printed them alone.
  expect(brief(await two.redeem(elsewhere, town.basket()))).toBe('refused: held_elsewhere');
  expect(brief(await one.redeem(here, town.basket()))).toBe('approved');

  await one.drill('open');
  await town.settled();
  await until('it is free', async () => (await town.look(elsewhere)).state === 'issued');
  const again = await one.issue('thanks', 'receipt-2');
  expect(again).toMatchObject({ code: second.code, link: expect.stringMatching(/\/c\/[\w-]{22}$/) });
  expect(brief(await two.redeem(elsewhere, town.basket()))).toBe('approved');
  await town.settled();
  expect(await exposure()).toEqual({ ...made, open: made.open - 2, redeemed: made.redeemed + 2 });
  const { history } = await town.look(elsewhere);
  expect(history.map(({ what }) => what).slice(0, 4)).toEqual(['issue', 'grant', 'blank_issued', 'returned']);
});

test('a cart’s coupon is made at once, the same one for the same basket, and a register takes it', async () => {
  const made = await exposure();
  const issued = await town.cart.issue('thanks', 'order-1', { customer: 'C-7' });
  expect(issued).toMatchObject({ decision: 'issued', link: expect.stringMatching(/\/c\/[\w-]{22}$/) });
  expect(await town.cart.issue('thanks', 'order-1')).toEqual(issued);
  expect((await town.cart.issue('thanks', 'order-2', { customer: 'C-7' })).code).toBe(issued.code);
  expect(await exposure()).toEqual({ ...made, open: made.open + 1, issued: made.issued + 1 });
  expect(brief(await one.redeem(issued.code ?? '', town.basket()))).toBe('approved');
});

test('a customer who is named has one coupon: at each till, in the cart and in the app, and what was printed too many is told', async () => {
  const named = { customer: 'customer-0009' };
  const claim = z.object({ code: z.string() });
  const app = (customer: string) =>
    town.admin('/v1/claims', claim, {
      token: town.demo().cartToken,
      body: { campaign: 'thanks', customer, channel: 'app' },
    });
  const first = await one.issue('thanks', 'receipt-20', named);
  expect(first).toMatchObject({ decision: 'issued', link: expect.stringMatching(/\/c\/[\w-]{22}$/) });
  for (const answer of [
    await two.issue('thanks', 'receipt-20', named),
    await one.issue('thanks', 'receipt-21', named),
    await town.cart.issue('thanks', 'order-20', named),
  ])
    expect(answer).toMatchObject({ code: first.code, link: first.link });
  expect(normalForm((await app('customer-0009')).code)).toBe(normalForm(first.code ?? ''));

  await one.drill('cut');
  await one.lineIs('down');
  expect((await one.issue('thanks', 'receipt-21', named)).code).toBe(first.code);
  const [beside, theirs] = [
    await one.issue('thanks', 'receipt-22', named),
    await one.issue('thanks', 'receipt-23', { customer: 'customer-0010' }),
  ];
  await one.drill('open');
  await town.settled();
  expect(normalForm((await app('customer-0010')).code)).toBe(normalForm(theirs.code ?? ''));
  const { exceptions } = await town.admin('/v1/exceptions', exceptionsSchema);
  expect(exceptions.filter(({ what }) => what.startsWith('issued'))).toEqual([{ what: 'issued_beside', value: 200 }]);

  await until('it is free', async () => (await town.look(beside.code ?? '')).state === 'issued');
  for (const { code } of [beside, first]) expect(brief(await two.redeem(code ?? '', town.basket()))).toBe('approved');
  await town.settled();
  expect(await one.issue('thanks', 'receipt-24', named)).toMatchObject({
    ...{ decision: 'refused', reason: 'already_redeemed', text: 'No coupon: customer has used theirs' },
  });
  expect((await one.issue('thanks', 'receipt-20', named)).code).toBe(first.code);
  const funnel = () => town.admin('/v1/reports/funnel?campaign=thanks&by=store', funnelSchema);
  await until('its issues are followed', async () => {
    const { lines } = await funnel();
    return lines.some(({ key, issued }) => key === one.store && issued === 6);
  });
});

test('what a register cannot have is said, and whether to ask again', async () => {
  expect(await one.issue('autumn', 'receipt-9')).toMatchObject({ decision: 'refused', reason: 'unknown_campaign' });
  await one.drill('cut');
  await one.lineIs('down');
  expect(await one.issue('spring', 'receipt-9')).toMatchObject({
    ...{ decision: 'undetermined', reason: 'no_blanks', code: null },
    facts: { retryAfterSeconds: 300 },
  });
  await one.drill('open');
  await one.lineIs('up');
  const given = await until('it is asked for', async () => (await one.issue('spring', 'receipt-9')).code ?? false);
  expect(brief(await two.redeem(given, town.basket()))).toBe('approved');
});

test('no coupon that was given is in a log or in a box’s file, and the books verify', async () => {
  const baskets = ['receipt-1', 'receipt-2', 'receipt-20', 'receipt-22'];
  const given = await Promise.all(baskets.map((basket) => one.issue('thanks', basket)));
  const logs = ['cloud', 'store-0001', 'store-0002'].map((name) => town.log(name));
  const files = ['till.db', 'till.db-wal'].map((name) => readFileSync(join(one.dataDir, name), 'latin1'));
  for (const { code, link } of given)
    for (const secret of [code ?? '', normalForm(code ?? ''), link ?? '', 'customer-0009', 'customer-0010'])
      expect([...logs, ...files].some((text) => text.includes(secret))).toBe(false);
  expect(await town.judge()).toEqual([]);
});

const exceptionsSchema = z.object({ exceptions: z.array(z.object({ what: z.string(), value: z.int().nullable() })) });
const funnelSchema = z.object({ lines: z.array(z.object({ key: z.string().nullable(), issued: z.int() })) });
const unitsSchema = z.object({ units: z.int() });
const exposureSchema = z.object({
  units: z.record(z.string(), z.int()),
  open: unitsSchema,
  redeemed: unitsSchema,
});

/** Of the campaign for receipts: all that were ever made, what is open and what is spent. */
async function exposure() {
  const { json } = await town.askAdmin('/v1/campaigns/thanks/exposure');
  const { units, open, redeemed } = exposureSchema.parse(json);
  return { issued: Object.values(units).reduce((sum, n) => sum + n, 0), open: open.units, redeemed: redeemed.units };
}
