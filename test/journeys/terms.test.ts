import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { brief, type Refused } from './calls.ts';
import { signal, type Store, Town } from './harness.ts';
import { until } from './processes.ts';

/** A $5 campaign of which some coupons are worth $7, and whose terms are changed in an emergency. */

let town: Town;
let one: Store;
let two: Store;
const campaign = 'personal-five';

const off = (amount: number) => ({ type: 'amount', amount, currency: 'USD' });
const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
const terms = {
  ...{ id: campaign, title: '$5 off', discount: off(500), personalValueMax: 700 },
  ...{ timeZone: 'America/New_York', startsAt: day(-2), endsAt: day(30) },
};

beforeAll(async () => {
  town = await Town.start();
  [one, two] = town.stores;
  await town.admin('/v1/campaigns', z.unknown(), { body: terms });
});
afterAll(async () => town?.end());

const sumSchema = z.object({ units: z.int(), value: z.int() });
const exposureSchema = z.object({ open: sumSchema, redeemed: sumSchema });
/** Open and redeemed, in cents. */
async function exposure(): Promise<[number, number]> {
  const { open, redeemed } = await town.admin(`/v1/campaigns/${campaign}/exposure`, exposureSchema);
  return [open.value, redeemed.value];
}
const heldAt = async (store: Store) => (await town.boxOf(store))?.holds.value ?? 0;
const personalise = (code: string, offer: object) =>
  town.admin(`/v1/campaigns/${campaign}/personal-offers`, z.object({ title: z.string() }), {
    body: { code, ...offer },
  });
const SEVEN = { title: '$7 off for you', discount: off(700) };
const change = (body: object) =>
  town.admin(`/v1/campaigns/${campaign}`, z.object({ version: z.int(), changedAt: z.string() }), {
    method: 'PATCH',
    body,
  });
/** What a new basket is told of a code. A use keeps its terms: each look is another basket's. */
async function textAt(store: Store, code: string): Promise<string> {
  const basket = town.basket();
  const decision = await store.validate(code, basket);
  await store.release(code, basket);
  return decision.text;
}

test('a coupon worth $7 is redeemed with the line and, after a power cut, without it; the money is right throughout [P13]', async () => {
  const [online = '', ahead = '', plain = '', tooDear = ''] = await town.newCodes(4, campaign);
  expect(await exposure()).toEqual([2000, 0]);
  expect(await personalise(online, SEVEN)).toMatchObject({ title: SEVEN.title });
  await personalise(ahead, SEVEN);
  const refused = await personalise(tooDear, { discount: off(701) }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ status: 422, type: 'invalid_request' } satisfies Partial<Refused>);
  expect(await exposure()).toEqual([2400, 0]);

  expect(await one.redeem(online, town.basket())).toMatchObject({ text: 'OK $7.00 OFF', mode: 'online' });
  await town.settled();
  expect(await exposure()).toEqual([1700, 700]);

  const before = await heldAt(one);
  await town.stock(one, [ahead, plain]);
  expect((await heldAt(one)) - before).toBe(1200);
  expect(await exposure()).toEqual([1700, 700]);
  await one.drill('cut');
  await one.lineIs('down');
  const { pid = 0 } = town.demo().gateways[0] ?? {};
  signal(pid, 'SIGKILL');
  await until(
    'the box is there again',
    async () => town.demo().gateways[0]?.pid !== pid && (await one.readiness()).ready,
  );
  const basket = town.basket();
  const sold = await one.redeem(ahead, basket);
  expect(sold).toMatchObject({
    decision: 'approved',
    mode: 'reserved',
    text: 'OK $7.00 OFF',
    offer: { title: SEVEN.title },
  });
  expect(await one.redeem(plain, town.basket())).toMatchObject({ text: 'OK $5.00 OFF' });
  expect(brief(await two.redeem(ahead, town.basket()))).toBe('refused: held_elsewhere');
  // The ledger has not heard of it.
  expect(await exposure()).toEqual([1700, 700]);
  await one.drill('open');
  await town.settled();
  expect(await exposure()).toEqual([500, 1900]);
  expect((await one.redeem(ahead, basket)).redemption).toMatchObject({ id: sold.redemption?.id, settled: true });
  expect((await town.look(ahead)).history.map(({ what }) => what)).toEqual(['personal', 'grant', 'redeemed']);

  const [inCart = ''] = await town.newCodes(1, campaign);
  await personalise(inCart, SEVEN);
  expect(await town.cart.redeem(inCart, town.basket())).toMatchObject({ text: 'OK $7.00 OFF' });
  expect(await exposure()).toEqual([500, 2600]);
});

const oldTermsSchema = z.object({
  redemptions: z.array(
    z.object({
      campaign: z.string(),
      lastFour: z.string(),
      store: z.string(),
      used: z.object({ version: z.int(), title: z.string() }),
      inForce: z.object({ version: z.int(), title: z.string() }),
      difference: z.object({ amount: z.int(), currency: z.string() }),
    }),
  ),
});

test('changed terms are those of a connected store at once; what a cut-off store redeems by the old ones is listed [P8]', async () => {
  const [there = '', fetched = '', away = '', mine = ''] = await town.newCodes(4, campaign);
  await personalise(mine, SEVEN);
  await town.stock(two, [there]);
  await town.stock(one, [away, mine]);
  expect([await textAt(two, there), await textAt(two, fetched)]).toEqual(['OK $5.00 OFF', 'OK $5.00 OFF']);
  await one.drill('cut');
  await one.lineIs('down');

  const { version, changedAt } = await change({ title: '$3 off', discount: off(300), terms: 'Not on Sundays.' });
  expect(version).toBe(2);
  expect(Date.parse(changedAt)).toBeGreaterThan(Date.now() - 60_000);
  await until('store 2 was told', async () => (await textAt(two, there)) === 'OK $3.00 OFF');
  expect(await textAt(two, fetched)).toBe('OK $3.00 OFF');
  expect(await two.redeem(there, town.basket())).toMatchObject({ text: 'OK $3.00 OFF', offer: { title: '$3 off' } });
  expect(await one.redeem(away, town.basket())).toMatchObject({ text: 'OK $5.00 OFF', offer: { title: '$5 off' } });
  expect(await one.redeem(mine, town.basket())).toMatchObject({ text: 'OK $7.00 OFF' });
  await one.drill('open');
  await town.settled();

  const { redemptions } = await town.admin('/v1/reports/old-terms', oldTermsSchema);
  const common = {
    campaign,
    store: '0001',
    used: { version: 1, title: '$5 off' },
    inForce: { version: 2, title: '$3 off' },
  };
  const other = { ...common, used: { version: 1, title: SEVEN.title }, inForce: { version: 2, title: SEVEN.title } };
  expect(new Set(redemptions)).toEqual(
    new Set([
      { ...common, lastFour: away.slice(-4), difference: { amount: 200, currency: 'USD' } },
      // Its value is its own; the small print was another.
      { ...other, lastFour: mine.slice(-4), difference: { amount: 0, currency: 'USD' } },
    ]),
  );
  const file = await town.askAdmin('/v1/reports/old-terms', { headers: { accept: 'text/csv' } });
  expect(file.headers.get('content-type')).toContain('text/csv');
  expect(file.text.trim().split('\n')).toHaveLength(3);
  const { versions } = await town.admin(
    `/v1/campaigns/${campaign}/versions`,
    z.object({ versions: z.array(z.object({ version: z.int(), terms: z.string().nullable() })) }),
  );
  expect(versions).toEqual([
    { version: 1, terms: null },
    { version: 2, terms: 'Not on Sundays.' },
  ]);
});

test('an end that is moved to today’s past stops a connected store with what it holds [P8]', async () => {
  const [code = ''] = await town.newCodes(1, campaign);
  await town.stock(two, [code]);
  await change({ endsAt: day(-2) });
  await until('store 2 was told', async () => (await textAt(two, code)).startsWith('Expired'));
  await two.drill('cut');
  expect(brief(await two.redeem(code, town.basket()))).toBe('refused: expired');
  await two.drill('open');
});

test('all callers were told the truth, and the ledger says the same', async () => {
  expect(await town.judge()).toEqual([]);
});
