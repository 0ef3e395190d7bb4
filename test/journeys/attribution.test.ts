import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { brief } from './calls.ts';
import { type Store, signal, Town } from './harness.ts';
import { until } from './processes.ts';

/**
 * The marketer's way back: from what was redeemed in stores, online and with the line cut, to the ads that brought it and
 * what each of them cost.
 */

let town: Town;
let [main, harbour]: Store[] = [];
beforeAll(async () => {
  town = await Town.start();
  [main, harbour] = town.stores;
});
afterAll(() => town?.end());

const SEARCH = { utm_source: 'search', utm_campaign: 'spring', utm_content: 'ad7' };
const MAIL = { utm_source: 'newsletter', utm_campaign: 'spring' };
const dollars = (amount: number) => ({ total: { amount: amount * 100, currency: 'USD' } });

/** A customer who came by that source. @returns the code of the coupon */
async function claim(customer: string, source: Record<string, string>): Promise<string> {
  const body = { campaign: 'spring', customer, channel: 'app', source };
  const answer = await town.cart.ask('/v1/claims', { body });
  return z.object({ code: z.string() }).parse(answer.json).code;
}

const lineSchema = z.looseObject({ key: z.unknown() });
const reportSchema = z.object({
  settledTo: z.iso.datetime(),
  owing: z.array(z.object({ store: z.string() })),
  lines: z.array(lineSchema),
});
const report = (path: string) => town.admin(`/v1/reports/${path}`, reportSchema);
const linesBySite = async (name: string) => {
  const { lines } = await report(`${name}?campaign=spring&by=site`);
  return Object.fromEntries(lines.map(({ key, ...line }) => [String(key), line]));
};

async function today(): Promise<string> {
  const { timeZone } = await town.admin('/v1/campaigns/spring', z.object({ timeZone: z.string() }));
  return new Intl.DateTimeFormat('sv-SE', { timeZone }).format(Date.now());
}

test('two sources, redeemed online, in stores and with the line cut: the funnel, the cost and the chain are right', async () => {
  if (main === undefined || harbour === undefined) throw new Error('two stores are needed');
  const searched = [];
  for (const customer of ['c1', 'c2', 'c3', 'c4']) searched.push(await claim(customer, SEARCH));
  const [first = '', second = '', third = '', shared = ''] = searched;
  const mailed = await claim('c5', MAIL);
  // Who asks again has come by the first source.
  expect(await claim('c1', MAIL)).toBe(first);
  const row = `${await today()},search,spring,ad7,9000,120,1500,USD`;
  const spend = `day,utm_source,utm_campaign,utm_content,impressions,clicks,cost,currency\n${row}\n`;
  const headers = { 'content-type': 'text/csv' };
  for (let times = 0; times < 2; times += 1)
    expect((await town.askAdmin('/v1/campaigns/spring/spend', { body: spend, headers })).status).toBe(200);

  expect(brief(await main.redeem(first, 'm-1', dollars(30)))).toBe('approved');
  expect(brief(await town.cart.redeem(mailed, 'o-1', dollars(80)))).toBe('approved');
  expect(brief(await harbour.redeem(shared, 'h-1', dollars(40)))).toBe('approved');
  await town.settled();
  // Somebody else has seen the coupon: at another till, again there, and in the shop.
  for (const basket of ['m-2', 'm-2']) expect((await main.validate(shared, basket)).reason).toBe('already_redeemed');
  expect((await town.cart.validate(shared, 'o-2')).reason).toBe('already_redeemed');
  // Noted in passing: what a crash takes of it is not made up for.
  await until('the attempts are counted', async () => (await linesBySite('funnel')).search?.leaked === 2);

  await town.stock(main, [second, third]);
  await main.drill('cut');
  await main.redeem(second, 'm-3', dollars(25));
  await main.redeem(third, 'm-4', dollars(35));
  // The other box may have said something a moment ago that is on its way.
  await until('the store that is cut off owes, and no other', async () => {
    const { owing } = await report('funnel');
    expect(owing).toMatchObject([{ store: main?.store }]);
    return true;
  });
  await main.reverse(third, 'm-4');
  // Nobody but the box sees these while the line is cut: its own redeemed code again, and one that was used elsewhere.
  expect((await main.validate(second, 'm-5')).reason).toBe('already_redeemed');
  expect((await main.validate(mailed, 'm-6')).reason).toBe('cannot_verify');
  // The cloud dies while it follows; nothing of the ledger's is missing or double after.
  signal(town.demo().cloudPid, 'SIGKILL');
  await main.drill('open');
  await town.settled();

  await until('all has been followed', async () => (await linesBySite('funnel')).search?.reversed === 1);
  await until('the box has told its attempts', async () => (await linesBySite('funnel')).newsletter?.leaked === 1);
  expect(await linesBySite('funnel')).toMatchObject({
    search: {
      ...{ impressions: 9000, adClicks: 120, claims: 4, assigned: 4, scanned: 4, redeemed: 4, reversed: 1, leaked: 3 },
      revenue: (30 + 40 + 25) * 100,
    },
    newsletter: { impressions: 0, assigned: 1, scanned: 1, redeemed: 1, reversed: 0, leaked: 1, revenue: 8000 },
  });
  expect(await linesBySite('performance')).toMatchObject({
    search: { redeemed: 3, spend: 1500, costPerRedemption: 500, redemptionRate: 0.75, discount: 1500 },
    newsletter: { redeemed: 1, spend: 0, costPerRedemption: null, redemptionRate: 1 },
  });
  expect((await report('leaks?by=store')).lines).toMatchObject([
    { key: null, used_elsewhere: 1, attempts: 1 },
    { key: main.store, used_elsewhere: 3, attempts: 3 },
  ]);
  expect((await report('funnel?by=store')).lines).toMatchObject([
    { key: null, redeemed: 1 },
    { key: main.store, redeemed: 3, reversed: 1 },
    { key: harbour.store, redeemed: 1 },
  ]);
  const { redemption } = await town.look(second);
  const chain = await town.admin(`/v1/redemptions/${redemption?.id}/chain`, z.looseObject({}));
  expect(chain).toMatchObject({
    redemption: { store: main.store, lane: '1', basket: 'm-3', total: { amount: 2500, currency: 'USD' } },
    assignment: { how: 'demand', channel: 'app', source: SEARCH, sourceDay: { impressions: 9000, spend: 1500 } },
    steps: [
      { what: 'claim' },
      { what: 'assigned' },
      { what: 'scanned' },
      { what: 'redeemed', store: main.store, basket: 'm-3' },
      { what: 'leaked', store: main.store, basket: 'm-5', why: 'used_elsewhere' },
    ],
  });
});

test('all callers were told the truth, and the ledger says the same', async () => {
  expect(await town.judge()).toEqual([]);
});
