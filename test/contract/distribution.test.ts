import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { assignList } from '../../cloud/distribution/assign-list.ts';
import { createDistribution } from '../../cloud/distribution/distribution.ts';
import type { Address } from '../../cloud/distribution/identity.ts';
import { createSecrets } from '../../cloud/distribution/secrets.ts';
import { parseCustomerNumber, parseEmail, parsePhone } from '../../cloud/distribution/identity.ts';
import type { Distribution, KnownIdentity } from '../../cloud/distribution/port.ts';
import { sqliteDistributionStore } from '../../cloud/distribution/sqlite-distribution-store.ts';
import { sqlitePlacesStore } from '../../cloud/fleet/sqlite-places-store.ts';
import { campaignOf, newCampaignSchema } from '../../cloud/issuing/campaign.ts';
import { verifyLedger } from '../../cloud/ledger/audit.ts';
import { createLedger } from '../../cloud/ledger/ledger.ts';
import type { Ledger } from '../../cloud/ledger/port.ts';
import { type Database, openDatabase } from '../../cloud/ledger/sqlite-database.ts';
import { hashCustomer } from '../../protocol/code.ts';
import type { PersonalOffer } from '../../protocol/offer.ts';
import { sqliteLedgerStore } from '../../cloud/ledger/sqlite-store.ts';

/** Distribution over the real ledger and a real database. */

const keys = {
  fleetKey: Buffer.alloc(32, 1),
  sealKey: Buffer.alloc(32, 2),
  publicKey: { id: 'cloudkey', publicKey: 'x' },
};
let database: Database;
let ledger: Ledger;
let distribution: Distribution;
let proofs: { claim: string; proof: string; address: Address }[];
let coupons: string[];
let served: Set<Address['kind']>;
let clock: number;

beforeEach(async () => {
  database = openDatabase(':memory:');
  clock = Date.parse('2026-06-01T12:00:00Z');
  proofs = [];
  coupons = [];
  served = new Set(['phone', 'email']);
  const now = () => clock;
  const store = sqliteLedgerStore(database);
  ledger = await createLedger({
    store,
    keys,
    now,
    randomBytes,
    stockMax: { units: 500, value: 500_000 },
    places: sqlitePlacesStore(database),
    outgoing: { wake: () => undefined },
    faceUrl: (link) => link,
  });
  distribution = createDistribution({
    ...{ store: sqliteDistributionStore(database), ledger, keys, randomBytes, now },
    post: {
      serves: (kind) => served.has(kind),
      async sendCoupon({ claim, address }) {
        coupons.push(`${claim} to ${address.value}`);
      },
      async sendProof({ claim, proof, address }) {
        proofs.push({ claim, proof, address });
      },
    },
  });
  await campaign('spring');
  return () => database.close();
});

async function campaign(id: string, own: Record<string, unknown> = {}): Promise<void> {
  const terms = newCampaignSchema.parse({
    title: '$5 off',
    discount: { type: 'amount', amount: 500, currency: 'USD' },
    timeZone: 'UTC',
    startsAt: '2026-01-01',
    endsAt: '2026-12-31',
    ...own,
  });
  await ledger.createCampaign(campaignOf(id, 1, terms));
}

const phone = (digits: string, verified = true): KnownIdentity => known(parsePhone(digits, null), verified);
const email = (text: string, verified = true): KnownIdentity => known(parseEmail(text), verified);
const number = (text: string): KnownIdentity => known(parseCustomerNumber(text), false);

function known(read: ReturnType<typeof parseCustomerNumber>, verified: boolean): KnownIdentity {
  if (!read.ok) throw new Error(read.error);
  return { identity: read.value, verified };
}

const ANN = '+12025550142';
const person = (...identities: [KnownIdentity, ...KnownIdentity[]]) => distribution.person(identities, {});
const assign = (customer: string, id = 'spring', personal: PersonalOffer | null = null) =>
  distribution.assign({ campaign: id, customer, how: 'demand', channel: 'web', source: {}, personal });
const given = async (customer: string, id = 'spring', personal: PersonalOffer | null = null) => {
  const assigned = await assign(customer, id, personal);
  if (!assigned.ok) throw new Error(JSON.stringify(assigned.error));
  return assigned.value;
};
async function* inPieces(text: string) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += 1_000) yield bytes.subarray(at, at + 1_000);
}

const codeOf = async (link: string) => (await distribution.byLink(link))?.code();
const redeem = (code: string, basket = 'b-1') =>
  ledger.redeem({
    client: 'shop',
    codes: [code],
    allOrNone: false,
    basket,
    lane: null,
    total: { amount: 4200, currency: 'USD' },
    customer: null,
    discount: null,
  });

describe('one coupon a customer and campaign [D1]', () => {
  test('a hundred requests at once get one code, the same one', async () => {
    const asked = Array.from({ length: 100 }, async (_, i) => {
      const customer = await person(i % 2 === 0 ? phone(ANN) : phone('+1 (202) 555-0142'));
      return given(customer);
    });
    const links = new Set((await Promise.all(asked)).map(({ link }) => link));
    expect(links.size).toBe(1);
    expect((await ledger.exposure('spring'))?.units.issued).toBe(1);
    const [link = ''] = links;
    expect(await codeOf(link)).toMatch(/^[0-9A-Z]{16}$/);
    expect(await given(await person(phone(ANN)))).toMatchObject({ link, isNew: false });
  });

  test('the database itself refuses a second one', async () => {
    const customer = await person(phone(ANN));
    await given(customer);
    const copy = `INSERT INTO assignments (id, campaign, customer, ordinal, code_hash, sealed_code, link_hash, how, channel, source, at)
      SELECT 'x', campaign, customer, ordinal, zeroblob(32), sealed_code, zeroblob(32), how, channel, source, at FROM assignments`;
    expect(() => database.raw.exec(copy)).toThrow(/UNIQUE/);
  });

  test('it is a coupon as any other: redeemed once, and then still the same one', async () => {
    const customer = await person(phone(ANN));
    const { link } = await given(customer);
    const code = (await codeOf(link)) ?? '';
    expect(await redeem(code)).toMatchObject({ value: [{ decision: 'approved' }] });
    expect(await redeem(code, 'b-2')).toMatchObject({ value: [{ reason: 'already_redeemed' }] });
    expect(await given(customer)).toMatchObject({ link, isNew: false });
  });

  test('of several allowed ones the next comes when the one before is redeemed', async () => {
    await campaign('weekly', { perCustomer: 2 });
    const customer = await person(phone(ANN));
    const first = await given(customer, 'weekly');
    expect((await given(customer, 'weekly')).link).toBe(first.link);
    await redeem((await codeOf(first.link)) ?? '');
    const second = await given(customer, 'weekly');
    expect(second.link).not.toBe(first.link);
    await redeem((await codeOf(second.link)) ?? '', 'b-2');
    expect((await given(customer, 'weekly')).link).toBe(second.link);
  });

  test('a link is found by its hash alone, and what is no link is not found [D5]', async () => {
    const { link } = await given(await person(phone(ANN)));
    expect(Buffer.from(link, 'base64url')).toHaveLength(16);
    expect(database.raw.serialize().includes(link)).toBe(false);
    for (const stranger of [
      link.slice(0, -1),
      `${link}A`,
      link.toLowerCase(),
      randomBytes(16).toString('base64url'),
      '',
    ])
      if (stranger !== link) expect(await distribution.byLink(stranger)).toBeNull();
  });

  test('ids of customers and assignments are in the order in which they were made', async () => {
    const customers: string[] = [];
    for (let i = 0; i < 40; i += 1) {
      customers.push(await person(number(`c-${i}`)));
      await given(customers.at(-1) ?? '');
      clock += i % 3;
    }
    expect(customers).toEqual(customers.toSorted());
    const assignments = database.raw.prepare('SELECT id FROM assignments ORDER BY seq').pluck().all().map(String);
    expect(assignments).toEqual(assignments.toSorted());
    for (const id of [...customers, ...assignments]) expect(id).toMatch(/^[0-9a-f]{32}$/);
  });

  test('links of neighbouring ids have nothing in common, and under another key they are others [D5]', async () => {
    const links: string[] = [];
    const strangers = createSecrets(Buffer.alloc(32, 3), randomBytes);
    for (let i = 0; i < 200; i += 1) {
      const { assignment, link } = await given(await person(number(`c-${i}`)));
      expect(link).not.toBe(strangers.linkOf(assignment));
      links.push(link);
    }
    expect(new Set(links.map((link) => link.slice(0, 8))).size).toBe(200);
    const set = links.map((link) => Buffer.from(link, 'base64url'));
    for (let bit = 0; bit < 128; bit += 1) {
      const ones = set.filter((bytes) => ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1).length;
      // Seven standard deviations.
      expect(Math.abs(ones - 100)).toBeLessThan(50);
    }
  });

  test('the books verify', async () => {
    for (let i = 0; i < 40; i += 1) await given(await person(number(`c-${i}`)));
    expect(await verifyLedger(sqliteLedgerStore(database))).toMatchObject({ ok: true });
  });
});

describe('caps [D2]', () => {
  test.each([
    ['units', { cap: { units: 7, value: null } }],
    ['value', { cap: { units: null, value: 3_600 } }],
  ])('of %s are never exceeded, whoever asks at once', async (_what, cap) => {
    await campaign('few', cap);
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => assign(await person(number(`c-${i}`)), 'few')),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(7);
    expect(answers.filter((answer) => !answer.ok && answer.error === 'none_left')).toHaveLength(43);
    expect(await distribution.left('few')).toBe(0);
    expect((await ledger.exposure('few'))?.open).toEqual({ units: 7, value: 3_500 });
  });

  test('who has a coupon gets it again when none is left, and when the campaign has ended', async () => {
    await campaign('one', { cap: { units: 1, value: null } });
    const customer = await person(phone(ANN));
    const { link } = await given(customer, 'one');
    clock = Date.parse('2027-01-02T00:00:00Z');
    expect((await given(customer, 'one')).link).toBe(link);
    expect(await assign(await person(number('late')), 'one')).toEqual({ ok: false, error: 'ended' });
    expect(await assign(customer, 'no-such')).toEqual({ ok: false, error: 'unknown_campaign' });
  });
});

describe('a day’s cap [D2]', () => {
  test('bounds what customers ask for that day by the campaign’s calendar, and no list', async () => {
    await campaign('daily', { capPerDay: { units: 3, value: null }, timeZone: 'America/New_York' });
    clock = Date.parse('2026-06-02T03:59:00Z'); // 1 June there
    const answers = await Promise.all(
      Array.from({ length: 10 }, async (_, i) => assign(await person(number(`c-${i}`)), 'daily')),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(3);
    expect(answers).toContainEqual({ ok: false, error: 'none_left_today' });
    const ahead = { campaign: 'daily', how: 'ahead', channel: 'email', source: {}, personal: null } as const;
    expect(await distribution.assign({ ...ahead, customer: await person(number('listed')) })).toMatchObject({
      ok: true,
    });
    clock = Date.parse('2026-06-02T04:00:00Z');
    expect(await assign(await person(number('tomorrow')), 'daily')).toMatchObject({ ok: true });
  });

  test('of value counts what each coupon is worth', async () => {
    await campaign('daily', { capPerDay: { units: null, value: 1_200 }, personalValueMax: 700 });
    const seven = { title: '$7 off', discount: { type: 'amount', amount: 700, currency: 'USD' } } as const;
    expect(await assign(await person(number('a')), 'daily', seven)).toMatchObject({ ok: true });
    expect(await assign(await person(number('b')), 'daily')).toMatchObject({ ok: true });
    expect(await assign(await person(number('c')), 'daily')).toEqual({ ok: false, error: 'none_left_today' });
  });
});

describe('an offer of one’s own [P13]', () => {
  const seven = { title: '$7 off', discount: { type: 'amount', amount: 700, currency: 'USD' } } as const;

  test('is what the coupon gives, and what the caps count', async () => {
    await campaign('own', { personalValueMax: 700, cap: { units: null, value: 1_300 } });
    const { link } = await given(await person(number('a')), 'own', seven);
    expect((await ledger.exposure('own'))?.open).toEqual({ units: 1, value: 700 });
    expect(await redeem((await codeOf(link)) ?? '')).toMatchObject({
      value: [{ decision: 'approved', text: 'OK $7.00 OFF', offer: { title: '$7 off' } }],
    });
    expect(await assign(await person(number('b')), 'own', seven)).toEqual({ ok: false, error: 'none_left' });
    expect(await assign(await person(number('b')), 'own')).toMatchObject({ ok: true });
  });

  test('beyond the campaign’s bounds is refused by its field, and nothing is given', async () => {
    expect(await assign(await person(number('a')), 'spring', seven)).toMatchObject({
      error: { outOfBounds: { field: 'discount' } },
    });
    expect((await ledger.exposure('spring'))?.units.issued).toBe(0);
  });

  test('can be had with a code made elsewhere', async () => {
    await campaign('shop', { personalValueMax: 700 });
    const stack = await ledger.importStack('shop', inPieces('SHOP-0001\nSHOP-0002'));
    if (!stack.ok) throw new Error(stack.error.why);
    await distribution.giveStack(stack.value.id);
    const { link } = await given(await person(number('a')), 'shop', seven);
    expect(await codeOf(link)).toBe('SHOP-0001');
    expect((await ledger.exposure('shop'))?.open).toEqual({ units: 2, value: 1_200 });
    expect(await verifyLedger(sqliteLedgerStore(database))).toMatchObject({ ok: true });
  });
});

describe('a stack made elsewhere [D2]', () => {
  const codes = Array.from({ length: 30 }, (_, i) => `SHOP-${String(i).padStart(4, '0')}`);

  test('is given out code by code, each to one customer, and none is made beside it', async () => {
    await campaign('shop', { cap: { units: 30, value: null } });
    const stack = await ledger.importStack('shop', inPieces(codes.join('\n')));
    if (!stack.ok) throw new Error(stack.error.why);
    await ledger.voidCode('SHOP-0003');
    expect(await distribution.giveStack(stack.value.id)).toEqual({ ok: true, value: { campaign: 'shop', left: 30 } });
    expect(await distribution.giveStack(stack.value.id)).toMatchObject({ ok: true });
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, i) => assign(await person(number(`c-${i}`)), 'shop')),
    );
    const links = answers.flatMap((answer) => (answer.ok ? answer.value.link : []));
    const given = (await Promise.all(links.map(codeOf))).sort();
    expect(given).toEqual(codes.filter((code) => code !== 'SHOP-0003'));
    expect(answers.filter(({ ok }) => !ok)).toHaveLength(11);
    expect(await distribution.left('shop')).toBe(0);
    expect(await redeem('SHOP-0007')).toMatchObject({ value: [{ decision: 'approved' }] });
  });
});

describe('a person', () => {
  test('is found by any address, and becomes one with whom the same person was before [D3]', async () => {
    const byPhone = await person(phone(ANN));
    const byEmail = await person(email('ann@example.com'));
    expect(byPhone).not.toBe(byEmail);
    const [one, other] = [await given(byPhone), await given(byEmail)];
    clock += 1_000;
    const both = await person(phone(ANN), email('ann@example.com'));
    expect(both).toBe(byPhone);
    expect((await given(await person(email('ann@example.com')))).link).toBe(one.link);
    expect(await distribution.byLink(other.link)).toMatchObject({ customer: null, replacedBy: one.assignment });
    await distribution.tick();
    expect(await redeem((await codeOf(other.link)) ?? '')).toMatchObject({ value: [{ reason: 'voided' }] });
    expect(await redeem((await codeOf(one.link)) ?? '')).toMatchObject({ value: [{ decision: 'approved' }] });
    expect((await distribution.customer(both))?.identities.map(({ value }) => value)).toEqual(['ann@example.com', ANN]);
  });

  test('keeps the coupon that was redeemed, whichever came first [D3]', async () => {
    const older = await given(await person(phone(ANN)));
    const redeemed = await given(await person(email('ann@example.com')));
    await redeem((await codeOf(redeemed.link)) ?? '');
    const both = await person(phone(ANN), email('ann@example.com'));
    expect((await given(both)).link).toBe(redeemed.link);
    await distribution.tick();
    expect(await redeem((await codeOf(older.link)) ?? '', 'b-2')).toMatchObject({ value: [{ reason: 'voided' }] });
  });

  test('is not made one with another of the retailer’s numbers over a shared telephone [D3]', async () => {
    const one = await person(number('1'), phone(ANN, false));
    const other = await person(number('2'), phone(ANN, false));
    expect(other).not.toBe(one);
    expect(await person(phone(ANN))).toBe(one);
  });

  test('who is forgotten leaves no address behind, keeps the totals, and gets no second coupon [D4]', async () => {
    const customer = await distribution.person([phone(ANN)], { name: 'Ann Okafor' });
    const { link } = await given(customer);
    expect(await distribution.erase(customer)).toBe(true);
    expect(await distribution.customer(customer)).toBeNull();
    const rests = database.raw.prepare('SELECT sealed FROM identities').all();
    expect(rests).toEqual([{ sealed: null }]);
    expect((await ledger.exposure('spring'))?.open.units).toBe(1);
    expect((await given(await person(phone(ANN)))).link).toBe(link);

    await distribution.erase(customer);
    clock = Date.parse('2027-02-01T00:00:00Z');
    await distribution.tick();
    expect(database.raw.prepare('SELECT count(*) AS n FROM identities').get()).toEqual({ n: 0 });
  });

  test('no address and no name stands in the database as it is [D4]', async () => {
    await distribution.person([phone(ANN), email('ann.okafor@example.com')], { name: 'Ann Okafor' });
    const bytes = database.raw.serialize();
    for (const secret of [ANN, ANN.slice(1), 'ann.okafor', 'Okafor']) expect(bytes.includes(secret)).toBe(false);
  });
});

describe('somebody whom a till names by the retailer’s number', () => {
  const named = (text: string) => distribution.personNamed(hashCustomer(keys.fleetKey, text));

  test('is who has this number, and who gives it later [I7, D3]', async () => {
    const ann = await person(number('0017'), phone(ANN));
    expect(await named('0017')).toBe(ann);
    const unknown = await named('0018');
    expect(await named('0018')).toBe(unknown);
    expect(unknown).not.toBe(ann);
    expect(await distribution.customer(unknown)).toMatchObject({ name: null, identities: [] });
    expect(await person(number('0018'), email('bob@example.com'))).toBe(unknown);
    expect((await distribution.customer(unknown))?.identities).toMatchObject([{ kind: 'email' }, { value: '0018' }]);
  });

  test('at twenty tills at once is one person [I7]', async () => {
    expect(new Set(await Promise.all(Array.from({ length: 20 }, () => named('0019')))).size).toBe(1);
  });

  test('who was forgotten keeps the coupon and has no number stored again [I7, D4]', async () => {
    const ann = await person(number('0017'));
    await given(ann);
    await distribution.erase(ann);
    expect(await named('0017')).toBe(ann);
    expect(await distribution.customer(ann)).toBeNull();
  });

  test('is found in data of before, once they are opened [I7]', async () => {
    const ann = await person(number('0017'));
    const secrets = createSecrets(keys.sealKey, randomBytes);
    const before = secrets.hashIdentity({ kind: 'number', key: '0017' });
    const hash = Buffer.from(before, 'hex');
    database.raw
      .prepare("UPDATE identities SET hash = ?, sealed = ? WHERE kind = 'number'")
      .run(hash, secrets.seal('0017', `number ${before}`));
    database.raw.prepare('INSERT INTO numbers_to_renew VALUES (?)').run(hash);
    await distribution.open();
    expect(await named('0017')).toBe(ann);
    expect(await person(number('0017'))).toBe(ann);
    expect((await distribution.customer(ann))?.identities).toMatchObject([{ value: '0017' }]);
    await distribution.open();
  });
});

describe('a claim [D6]', () => {
  const claim = (text = ANN, own: Record<string, unknown> = {}) => {
    const address = text.includes('@') ? parseEmail(text) : parsePhone(text, null);
    if (!address.ok) throw new Error(address.error);
    const request = { campaign: 'spring', address: address.value, language: 'en', source: {}, network: '192.0.2.0/24' };
    return distribution.claim({ ...request, proved: null, consent: null, ...own });
  };
  const claimed = async (text?: string, own?: Record<string, unknown>) => {
    const answer = await claim(text, own);
    if (!answer.ok) throw new Error(JSON.stringify(answer.error));
    return { id: answer.value.claim, proof: proofs.at(-1)?.proof ?? '' };
  };

  const seen = () => database.raw.prepare('SELECT place FROM customer_sightings').pluck().all();

  test('tells in which store its person is, where its poster names one that there is [K3]', async () => {
    await ledger.createStore({ id: '0001', name: 'Main Street', timeZone: 'UTC', address: null });
    for (const store of ['9999', '0001']) {
      const { id, proof } = await claimed(ANN, { source: { store } });
      await distribution.prove(id, proof);
    }
    expect(seen()).toEqual(['0001']);
  });

  test('nobody was seen by a claim alone, and in a cart who is given a coupon by it [K3]', async () => {
    const { id, proof } = await claimed();
    await distribution.prove(id, proof);
    expect(seen()).toEqual([]);
    const inCart = (basket: string) =>
      ({ campaign: 'spring', channel: 'online', sale: { door: 'cart:shop', basket } }) as const;
    await distribution.issue({ ...inCart('cart-1'), customer: null });
    expect(seen()).toEqual([]);
    await distribution.issue({ ...inCart('cart-2'), customer: await person(phone(ANN)) });
    expect(seen()).toEqual(['']);
  });

  test('gives the coupon to who proves the address, and the same one to who proves it again', async () => {
    const { id, proof } = await claimed();
    expect(proof).toMatch(/^[0-9]{6}$/);
    const first = await distribution.prove(id, proof);
    expect(first).toMatchObject({ ok: true, value: { isNew: true } });
    const again = await claimed('+1 (202) 555 0142');
    const second = await distribution.prove(again.id, again.proof);
    expect(second.ok && first.ok && second.value.link).toBe(first.ok && first.value.link);
    expect(await distribution.prove(id, proof)).toMatchObject({ ok: true, value: { isNew: false } });
    // Noted under the claim, so that a message is sent once for each.
    expect(new Set(coupons)).toEqual(new Set([`${id} to ${ANN}`, `${again.id} to ${ANN}`]));
  });

  test('is not proved by guessing: five tries, then not by the right code either', async () => {
    const { id, proof } = await claimed();
    const wrong = proof === '000000' ? '000001' : '000000';
    for (let i = 0; i < 5; i += 1)
      expect(await distribution.prove(id, wrong)).toEqual({ ok: false, error: 'not_proved' });
    expect(await distribution.prove(id, proof)).toEqual({ ok: false, error: 'not_proved' });
    expect(await distribution.prove('no-such-claim', proof)).toEqual({ ok: false, error: 'not_proved' });
  });

  test('is refused where nothing can be sent to such an address', async () => {
    served = new Set(['email']);
    expect(await claim()).toEqual({ ok: false, error: 'not_set_up' });
    expect(await claim('ann@example.com')).toMatchObject({ ok: true });
  });

  test('is over after ten minutes', async () => {
    const { id, proof } = await claimed();
    clock += 10 * 60_000;
    expect(await distribution.prove(id, proof)).toEqual({ ok: false, error: 'not_proved' });
  });

  test('a hundred right proofs at once are one coupon', async () => {
    const claims = await Promise.all(Array.from({ length: 5 }, () => claimed()));
    const latest = proofs.map(({ claim: id, proof }) => ({ id, proof }));
    expect(claims).toHaveLength(5);
    const answers = await Promise.all(
      latest.flatMap(({ id, proof }) => [1, 2, 3].map(() => distribution.prove(id, proof))),
    );
    expect(new Set(answers.map((answer) => answer.ok && answer.value.link)).size).toBe(1);
    expect((await ledger.exposure('spring'))?.units.issued).toBe(1);
  });

  test('is limited by address, by network and in an hour', async () => {
    for (let i = 0; i < 5; i += 1) await claimed();
    expect(await claim()).toMatchObject({ error: { tooMany: 'address' } });
    for (let i = 0; i < 54; i += 1) await claimed(`c${i}@example.com`);
    expect(await claim('more@example.com')).toMatchObject({ error: { tooMany: 'network', retryAfterSeconds: 3_600 } });
    expect(await claim('more@example.com', { network: '198.51.100.0/24' })).toMatchObject({ ok: true });
    clock += 3_600_000;
    expect(await claim()).toMatchObject({ ok: true });
  });

  test('ten thousand posts of one form cost a bounded number of messages', async () => {
    for (let i = 0; i < 10_000; i += 1) await claim(`c${i}@example.com`);
    expect(proofs.length).toBe(60);
  });

  test('right after another the two addresses are one person; a link or an old claim proves nothing', async () => {
    const byPhone = await claimed();
    const first = await distribution.prove(byPhone.id, byPhone.proof);
    const second = await claimed('ann@example.com', { proved: byPhone.id });
    expect((await distribution.prove(second.id, second.proof)).ok).toBe(true);
    const customer = await person(phone(ANN));
    expect((await distribution.customer(customer))?.identities).toHaveLength(2);
    clock += 11 * 60_000;
    const late = await claimed('other@example.com', { proved: byPhone.id });
    const other = await distribution.prove(late.id, late.proof);
    expect(other.ok && first.ok && other.value.link !== first.value.link).toBe(true);
  });
});

describe('a list [D7]', () => {
  const list = (text: string) =>
    assignList(
      distribution,
      { id: 'spring', discount: { type: 'amount', amount: 500, currency: 'USD' } },
      null,
      inPieces(text),
      () => undefined,
    );
  test('gives each line a coupon, and sent again changes nothing', async () => {
    const rows = Array.from({ length: 1_500 }, (_, i) => `c-${i},c${i}@example.com,Ann ${i}`);
    const text = `customer,email,name\n${rows.join('\n')}\n`;
    expect(await list(text)).toMatchObject({ rows: 1_500, assigned: 1_500, unchanged: 0, errorCount: 0, broken: null });
    expect(await list(text)).toMatchObject({ rows: 1_500, assigned: 0, unchanged: 1_500 });
    expect((await ledger.exposure('spring'))?.units.issued).toBe(1_500);
  });

  test('that tells at its end that two of its customers are one leaves that one a single coupon', async () => {
    const outcome = await list(
      'phone,email\n+12025550142,\n,ann@example.com\n+12025550142,ann@example.com\n+12025550143,\n',
    );
    expect(outcome).toMatchObject({ assigned: 3, unchanged: 1, errorCount: 0 });
    await distribution.tick();
    expect((await ledger.exposure('spring'))?.units).toMatchObject({ issued: 2, voided: 1 });
    expect(await given(await person(phone(ANN)))).toMatchObject({ isNew: false });
    expect(await verifyLedger(sqliteLedgerStore(database))).toMatchObject({ ok: true });
  });

  test('of who has which coupon tells number, link and state, in the order in which they were given', async () => {
    await list(`customer\n${Array.from({ length: 600 }, (_, i) => `c-${i}`).join('\n')}\n`);
    const lines = [];
    for await (const chunk of distribution.couponsOfCampaign('spring')) lines.push(...chunk);
    expect(lines.map(({ number }) => number)).toEqual(Array.from({ length: 600 }, (_, i) => `c-${i}`));
    expect(await distribution.byLink(lines[7]?.link ?? '')).not.toBeNull();
    expect(lines[7]).toMatchObject({ state: 'issued', how: 'ahead' });
  });

  test('tells what is bad by its line, and takes the rest', async () => {
    const outcome = await list('customer,phone\r\n1,+12025550142\r\n2,12\r\n\r\n,\r\n3,+12025550143\r\n');
    expect(outcome).toMatchObject({ rows: 4, assigned: 2, broken: null });
    expect(outcome.errors.map(({ line }) => line)).toEqual([3, 5]);
    expect(JSON.stringify(outcome)).not.toContain('2025550142');
  });

  test('may give each line an offer of its own; a bad one is told by its line', async () => {
    await ledger.changeCampaign('spring', (now) => ({ ...now, personalValueMax: 900 }));
    const outcome = await list(
      'customer,value,title,ends_at\na,700,$7 off,2026-06-30\nb,,,\nc,1000,,\nd,seven,,\ne,,,2030-01-01\n',
    );
    expect(outcome).toMatchObject({ assigned: 2, refused: 2, errorCount: 3 });
    expect(outcome.errors.map(({ line }) => line)).toEqual([4, 5, 6]);
    expect((await ledger.exposure('spring'))?.open).toEqual({ units: 2, value: 1_200 });
  });

  test('with a quote missing says where, and what stood before stays', async () => {
    const rows = Array.from({ length: 700 }, (_, i) => `c-${i}`);
    const outcome = await list(`customer\n${rows.join('\n')}\n"c-700\n${'x\n'.repeat(20_000)}`);
    expect(outcome).toMatchObject({ assigned: 700, broken: { line: 702 } });
    expect(outcome.broken?.why).toContain('quote');
  });

  test('without a header it knows is refused whole', async () => {
    expect(await list('c-1\nc-2\n')).toMatchObject({ rows: 0, broken: { line: 1 } });
    expect(await list('')).toMatchObject({ rows: 0, broken: { line: 1, why: 'the file is empty' } });
  });

  test('stops at the cap and says so by line', async () => {
    await ledger.changeCampaign('spring', (now) => ({ ...now, cap: { units: 2, value: null } }));
    const outcome = await list('customer\na\nb\nc\n');
    expect(outcome).toMatchObject({ assigned: 2, refused: 1, errors: [{ line: 4, why: 'no coupon is left for it' }] });
  });
});
