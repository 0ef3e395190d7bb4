import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDistribution } from '../../cloud/distribution/distribution.ts';
import { createFaces, type Face, type Faces } from '../../cloud/distribution/faces.ts';
import { parseEmail } from '../../cloud/distribution/identity.ts';
import type { Distribution } from '../../cloud/distribution/port.ts';
import { sqliteDistributionStore } from '../../cloud/distribution/sqlite-distribution-store.ts';
import { campaignOf, newCampaignSchema } from '../../cloud/issuing/campaign.ts';
import { sqlitePlacesStore } from '../../cloud/fleet/sqlite-places-store.ts';
import { createLedger } from '../../cloud/ledger/ledger.ts';
import type { Ledger } from '../../cloud/ledger/port.ts';
import { type Database, openDatabase } from '../../cloud/ledger/sqlite-database.ts';
import { sqliteLedgerStore } from '../../cloud/ledger/sqlite-store.ts';

/** Faces over the real ledger, real distribution and a real database. */

const keys = {
  fleetKey: Buffer.alloc(32, 1),
  sealKey: Buffer.alloc(32, 2),
  publicKey: { id: 'cloudkey', publicKey: 'x' },
};
let database: Database;
let ledger: Ledger;
let distribution: Distribution;
let faces: Faces;
let clock: number;
let link: string;
let code: string;

beforeEach(async () => {
  database = openDatabase(':memory:');
  clock = Date.parse('2026-06-01T12:00:00Z');
  const now = () => clock;
  const store = sqliteLedgerStore(database);
  const outgoing = { wake: () => undefined };
  const stockMax = { units: 500, value: 500_000 };
  const places = sqlitePlacesStore(database);
  ledger = await createLedger({ store, keys, now, randomBytes, stockMax, places, faceUrl: (link) => link, outgoing });
  distribution = createDistribution({
    ...{ store: sqliteDistributionStore(database), ledger, keys, randomBytes, now },
    post: { serves: () => true, sendProof: async () => undefined, sendCoupon: async () => undefined },
  });
  faces = createFaces({ distribution, ledger, now });
  await ledger.createStore({ id: '0001', name: 'Main Street', timeZone: 'America/New_York', address: null });
  const terms = newCampaignSchema.parse({
    ...{ title: '$5 off', discount: { type: 'amount', amount: 500, currency: 'USD' }, timeZone: 'UTC' },
    ...{ startsAt: '2026-01-01', endsAt: '2026-12-31' },
  });
  await ledger.createCampaign(campaignOf('spring', 1, terms));
  const given = await assigned('ada@example.com', 'Ada Okafor');
  link = given.link;
  code = given.code;
});
afterEach(async () => {
  await ledger.close();
  database.close();
});

async function assigned(address: string, name: string): Promise<{ link: string; code: string; id: string }> {
  const identity = parseEmail(address);
  if (!identity.ok) throw new Error(identity.error);
  const customer = await distribution.person([{ identity: identity.value, verified: true }], { name, language: 'de' });
  const request = { campaign: 'spring', customer, how: 'demand', channel: 'web', source: {}, personal: null } as const;
  const given = await distribution.assign(request);
  if (!given.ok) throw new Error(JSON.stringify(given.error));
  const coupon = await distribution.byLink(given.value.link);
  return { link: given.value.link, code: coupon?.code() ?? '', id: given.value.assignment };
}

async function seen(at = link): Promise<Face> {
  const face = await faces.face(at);
  if (face === null) throw new Error('the link opens nothing');
  return face;
}
const stateNow = async () => (await seen()).state;

const sale = () => ({
  ...{ client: 'shop', codes: [code], allOrNone: false, basket: 'b-1', lane: null, customer: null, discount: null },
  total: { amount: 4200, currency: 'USD' },
});

/** Told of what its face shows, once per commit at most. */
async function watched(work: () => Promise<unknown>): Promise<number> {
  let told = 0;
  const stop = faces.watch(await seen(), () => {
    told += 1;
  });
  await work();
  stop();
  return told;
}

describe('a face', () => {
  test('follows its code: held, redeemed, undone, withdrawn; each is told to who watches', async () => {
    expect(await stateNow()).toEqual({ kind: 'usable', onlyAt: null });
    expect(await watched(() => ledger.validate(sale()))).toBeGreaterThan(0);
    expect(await stateNow()).toMatchObject({ kind: 'held', store: null, since: clock, until: clock + 900_000 });
    expect(await watched(() => ledger.redeem(sale()))).toBeGreaterThan(0);
    const saved = { amount: 500, currency: 'USD' };
    expect(await stateNow()).toEqual({ kind: 'redeemed', at: clock, store: null, isOnline: true, lane: null, saved });
    await ledger.reverse({ client: 'shop', code, basket: 'b-1', reason: 'returned', door: null });
    expect(await stateNow()).toEqual({ kind: 'usable', onlyAt: null });
    expect(await watched(() => ledger.voidCode(code))).toBeGreaterThan(0);
    expect(await stateNow()).toEqual({ kind: 'voided' });
  });

  test('shows changed terms, since when, and is told of them', async () => {
    expect((await seen()).terms.changedAt).toBeNull();
    clock += 1_000;
    const change = () => ledger.changeCampaign('spring', (now) => ({ ...now, terms: 'Not for wine.' }));
    expect(await watched(change)).toBeGreaterThan(0);
    expect((await seen()).terms).toMatchObject({ terms: 'Not for wine.', changedAt: clock });
    clock += 1_000;
    const later = await assigned('ben@example.com', 'Ben Ito');
    expect((await seen(later.link)).terms.changedAt).toBeNull();
  });

  test('shows what its coupon has of its own', async () => {
    const own = { title: '$7 off', terms: 'For you.', minimumBasket: { amount: 900, currency: 'USD' } };
    await ledger.changeCampaign('spring', (now) => ({ ...now, condition: 'From $25' }));
    expect(await watched(() => ledger.personalise('spring', code, own))).toBeGreaterThan(0);
    const { terms } = await seen();
    expect([terms.card.offer.title, terms.terms, terms.condition]).toEqual(['$7 off', 'For you.', null]);
    expect(terms.card.minimumBasket).toEqual(own.minimumBasket);
  });

  test('does not say what was saved where the terms were changed after it was used', async () => {
    await ledger.redeem(sale());
    clock += 1_000;
    const { discount } = (await seen()).terms.card.offer;
    expect(discount).toMatchObject({ amount: 500 });
    await ledger.changeCampaign('spring', (now) => {
      const offer = { ...now.card.offer, discount: { type: 'amount', amount: 400, currency: 'USD' } as const };
      return { ...now, card: { ...now.card, offer } };
    });
    expect(await stateNow()).toMatchObject({ kind: 'redeemed', saved: null });
  });

  test('leads to the coupon that took its place, and is withdrawn', async () => {
    const other = await assigned('ben@example.com', 'Ben Ito');
    const { id } = (await seen()).coupon;
    await sqliteDistributionStore(database).transaction(async (tx) => {
      const [row] = await tx.assignments([id]);
      await tx.changeAssignment(id, { customer: row?.customer ?? null, replacedBy: other.id });
    });
    expect(await seen()).toMatchObject({ state: { kind: 'replaced' }, newLink: other.link });
  });

  test('is its person’s: name and language, where it works', async () => {
    expect(await seen()).toMatchObject({
      person: { name: 'Ada Okafor', language: 'de' },
      stores: [{ name: 'Main Street' }],
      keptAt: null,
    });
  });
});

test('a link opens one coupon alone, and none that was never given', async () => {
  expect(await faces.face('A'.repeat(22))).toBeNull();
  expect((await seen()).coupon.code()).toBe(code);
});
