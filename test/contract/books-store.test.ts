import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDistribution } from '../../cloud/distribution/distribution.ts';
import { sqliteDistributionStore } from '../../cloud/distribution/sqlite-distribution-store.ts';
import { verifyLedger } from '../../cloud/ledger/audit.ts';
import type { Distribution } from '../../cloud/distribution/port.ts';
import type { Campaign } from '../../cloud/ledger/port.ts';
import { type Books, createBooks } from '../../cloud/reports/books.ts';
import { sqliteBooksStore } from '../../cloud/reports/sqlite-books-store.ts';
import { campaignWith, cardWith, dollars } from '../rules/ledger-rows.ts';
import type { PersonalOffer } from '../../protocol/offer.ts';
import { openWorld, type World } from '../rules/ledger-world.ts';

/** The books over the ledger's own database. */

const DAY_MS = 86_400_000;
const TODAY = '2026-11-23';

let world: World;
let books: Books;
beforeEach(async () => {
  world = await openWorld({ count: 10 });
  books = createBooks({ store: sqliteBooksStore(world.database), now: () => world.clock.now });
});
afterEach(() => world.close());

const code = (i: number): string => world.codes[i] ?? '';
const spring = async (day: string) =>
  (await books.liability(day)).campaigns.find(({ campaign }) => campaign === 'spring');
const worth = (amount: number) => (campaign: Campaign) => ({
  ...campaign,
  card: {
    ...campaign.card,
    offer: { ...campaign.card.offer, discount: { ...dollars(0), type: 'amount' as const, amount } },
  },
});
/** By the retailer's number. */
const somebody = (distribution: Pick<Distribution, 'person'>, number: string): Promise<string> =>
  distribution.person([{ identity: { kind: 'number', value: number, key: number }, verified: false }], {});

const distributionOf = ({ database, ledger, clock }: World) =>
  createDistribution({
    store: sqliteDistributionStore(database),
    ...{ ledger, randomBytes, now: () => clock.now },
    keys: { fleetKey: Buffer.alloc(32, 7), sealKey: Buffer.alloc(32, 9) },
    post: { serves: () => true, sendProof: async () => undefined, sendCoupon: async () => undefined },
  });
const fed = (i: number, lagMs: number, client = 'old-tills') =>
  world.ledger.feed(client, [
    {
      ...{ what: 'redeemed', code: code(i), at: world.clock.now - lagMs, store: null, lane: null, basket: `sale-${i}` },
      ...{ total: null, discount: null },
    },
  ]);

test('each entry is counted once, however often and however many at once ask [C17]', async () => {
  await world.shop.redeem(code(0), 'cart-1');
  const [one, other] = await Promise.all([books.reconciliation(TODAY, TODAY), books.reconciliation(TODAY, TODAY)]);
  expect(one).toEqual(other);
  await world.shop.redeem(code(1), 'cart-2');
  expect(await books.reconciliation(TODAY, TODAY)).toMatchObject([
    { issued: { units: 10 }, redeemed: { units: 2 }, closing: { units: 8, value: 4000 } },
  ]);
});

test('a past day stays as it was when the face value changes, and the chains show the change [C17]', async () => {
  world.clock.now += DAY_MS;
  await world.ledger.changeCampaign('spring', worth(700));
  world.clock.now += DAY_MS;
  expect(await spring('2026-11-22')).toBeUndefined();
  expect(await spring(TODAY)).toMatchObject({ units: 10, value: 5000 });
  expect(await spring('2026-11-24')).toMatchObject({ units: 10, value: 7000 });
  const lines = await books.reconciliation(TODAY, '2026-11-25');
  expect(lines.map(({ revalued }) => revalued)).toEqual([0, 2000, 0]);
  expect(await verifyLedger(world.store)).toMatchObject({ ok: true });
});

test('a code with a value of its own counts for it from the moment it has it, made so or given it later [C17, P13]', async () => {
  const distribution = distributionOf(world);
  const discount = { type: 'amount', amount: 300, currency: 'USD' } as const;
  const customer = await somebody(distribution, 'C-1');
  const assigned = await distribution.assign({
    ...{ campaign: 'spring', customer, how: 'demand', channel: 'web', source: {}, personal: { discount } },
  });
  expect(assigned.ok).toBe(true);
  await world.shop.redeem(code(0), 'cart-1');
  await world.shop.reverse(code(0), 'cart-1');
  world.clock.now += DAY_MS;
  expect((await world.ledger.personalise('spring', code(0), { discount })).ok).toBe(true);
  await world.shop.redeem(code(0), 'cart-2');
  expect(await books.reconciliation(TODAY, '2026-11-24')).toMatchObject([
    {
      ...{ issued: { units: 11, value: 5300 }, redeemed: { value: 500 }, reversed: { value: 500 } },
      ...{ revalued: 0, closing: { units: 11, value: 5300 } },
    },
    { revalued: -200, redeemed: { units: 1, value: 300 }, closing: { units: 10, value: 4800 } },
  ]);
  expect((await world.ledger.exposure('spring'))?.open).toEqual({ units: 10, value: 4800 });
});

test('a change that is of no money is no entry of the chains [C17]', async () => {
  const entries = () => world.database.raw.prepare('SELECT count(*) FROM entries').pluck().get();
  const before = entries();
  await world.ledger.changeCampaign('spring', (campaign) => ({ ...campaign, terms: 'One each.' }));
  expect(entries()).toBe(before);
});

test('a campaign of before terms were recorded keeps its face value for all that was [C17]', async () => {
  const { raw } = world.database;
  raw.exec("DROP TRIGGER entries_never_go; DELETE FROM entries WHERE json_extract(body, '$.kind') = 'terms'");
  expect(await spring(TODAY)).toMatchObject({ units: 10, value: 5000 });
  world.clock.now += DAY_MS;
  await world.ledger.changeCampaign('spring', worth(100));
  expect(await spring(TODAY)).toMatchObject({ units: 10, value: 5000 });
  expect(await spring('2026-11-24')).toMatchObject({ units: 10, value: 1000 });
});

test('amounts of two currencies are summed up apart [C17]', async () => {
  const card = cardWith({
    offer: {
      ...cardWith().offer,
      campaign: 'herbst',
      discount: { type: 'item', title: 'Kaffee', maxAmount: 300, currency: 'EUR' },
    },
  });
  await world.ledger.createCampaign(campaignWith({ card }));
  await world.ledger.issueStack('herbst', 3);
  expect((await books.liability(TODAY)).totals.toSorted((one, other) => one.value - other.value)).toEqual([
    { currency: 'EUR', units: 3, value: 900 },
    { currency: 'USD', units: 10, value: 5000 },
  ]);
});

test('the lag of a feed is told by client and day: how many, the median, the worst [C15]', async () => {
  await world.shop.redeem(code(3), 'cart-1');
  for (const [i, minutes] of [1, 5, 60, 2].entries()) await fed(i, minutes * 60_000);
  await fed(4, 0, 'web');
  world.clock.now += DAY_MS;
  await fed(5, 2 * DAY_MS);
  expect(await books.feedLags(TODAY, '2026-11-24')).toEqual([
    { day: TODAY, door: 'feed:old-tills', count: 4, exceptions: 1, medianMs: 120_000, worstMs: 3_600_000 },
    { day: TODAY, door: 'feed:web', count: 1, exceptions: 0, medianMs: 0, worstMs: 0 },
    { day: '2026-11-24', door: 'feed:old-tills', count: 1, exceptions: 0, medianMs: 2 * DAY_MS, worstMs: 2 * DAY_MS },
  ]);
  expect(await books.feedLags(TODAY, TODAY)).toHaveLength(2);
});

describe('coupons that end before their campaign', () => {
  const END = '2026-11-25';
  let given = 0;
  const give = async (personal: PersonalOffer | null) => {
    const distribution = distributionOf(world);
    given += 1;
    const customer = await somebody(distribution, `C-${given}`);
    const assigned = await distribution.assign({
      ...{ campaign: 'spring', customer, how: 'demand', channel: 'web', source: {}, personal },
    });
    if (!assigned.ok) throw new Error(JSON.stringify(assigned.error));
  };
  const amount = { type: 'amount', amount: 300, currency: 'USD' } as const;
  const exposed = async () => (await world.ledger.exposure('spring'))?.open;

  test('are out of liability and exposure from their end on, to the cent, and on no day before [C17, P13]', async () => {
    await give({ endsAt: END });
    await give({ endsAt: `${END}T12:00:00Z`, discount: amount });
    await give({ discount: amount });
    world.clock.now += DAY_MS;
    expect((await world.ledger.personalise('spring', code(0), { endsAt: END, discount: amount })).ok).toBe(true);
    await world.shop.redeem(code(1), 'cart-1');
    expect(await exposed()).toEqual({ units: 12, value: 9 * 500 + 3 * 300 });
    world.clock.now = Date.parse(`${END}T12:00:00Z`);
    expect(await exposed()).toEqual({ units: 11, value: 9 * 500 + 2 * 300 });
    expect(await spring(END)).toMatchObject({ units: 11, value: 5100 });
    world.clock.now = Date.parse('2026-11-26T00:00:00Z');
    expect(await exposed()).toEqual({ units: 9, value: 8 * 500 + 300 });
    world.clock.now += 3 * DAY_MS;
    expect(await books.reconciliation(TODAY, '2026-11-26')).toMatchObject([
      { day: TODAY, issued: { units: 13, value: 11 * 500 + 2 * 300 }, closing: { units: 13, value: 6100 } },
      { revalued: -200, redeemed: { units: 1, value: 500 }, closing: { units: 12, value: 5400 } },
      // At its end a day is over, and so is what ends with it.
      { day: END, expired: { units: 3, value: 1100 }, closing: { units: 9, value: 4300 } },
      { expired: { units: 0, value: 0 }, closing: { units: 9, value: 4300 } },
    ]);
    expect(await spring('2026-11-24')).toMatchObject({ units: 12, value: 5400 });
    expect(await spring('2026-11-26')).toMatchObject({ units: 9, value: 4300 });
    expect(await verifyLedger(world.store)).toMatchObject({ ok: true });
  });

  test('of before entries told their ends are found by their assignments [C17, P13]', async () => {
    await give({ endsAt: END });
    await give({ endsAt: END, discount: amount });
    const { raw } = world.database;
    raw.exec(`DROP TRIGGER entries_never_change; UPDATE entries SET body = json_remove(body, '$.ownEnds');
      DROP INDEX codes_by_own_end; DROP TABLE books; CREATE TABLE books (campaign TEXT)`);
    raw.exec(readFileSync(join(import.meta.dirname, '../../cloud/ledger/schema/015-own-ends.sql'), 'utf8'));
    world.clock.now += 5 * DAY_MS;
    expect(await spring('2026-11-24')).toMatchObject({ units: 12, value: 11 * 500 + 300 });
    expect(await spring('2026-11-26')).toMatchObject({ units: 10, value: 5000 });
    expect(await books.reconciliation(TODAY, '2026-11-27')).toMatchObject([
      { day: TODAY, revalued: 0, issued: { units: 12, value: 5800 } },
      ...[{}, { expired: { units: 2, value: 800 } }, {}, {}],
    ]);
  });
});
