import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { verifyLedger } from '../../cloud/ledger/audit.ts';
import { sqliteDistributionStore } from '../../cloud/distribution/sqlite-distribution-store.ts';
import { parseCustomerNumber, parseEmail } from '../../cloud/distribution/identity.ts';
import { asItTravels, cartIssues, FACES, issuer } from './issue-bench.ts';
import { type Box, hashOfCode, openWorld, type World } from './ledger-world.ts';

/** A till names its customer: what the cloud tells it, and whose a printed blank becomes. */

let world: World;
let box: Box;
let till: ReturnType<typeof issuer>;
let carts: ReturnType<typeof cartIssues>;
afterEach(() => world.close());

async function opened(options: Parameters<typeof openWorld>[0] = {}): Promise<void> {
  world = await openWorld({ count: 0, blanks: { perStore: 10 }, ...options });
  box = await world.box();
  till = issuer(world, box);
  carts = cartIssues(world);
  await till.tellKey();
  await till.tick();
}

const identity = (read: ReturnType<typeof parseCustomerNumber>) => {
  if (!read.ok) throw new Error(read.error);
  return { identity: read.value, verified: false };
};
/** As a list, the app or a claim would have it. */
const person = (number: string) => world.distribution.person([identity(parseCustomerNumber(number))], {});
const elsewhere = async (number: string) => {
  const customer = await person(number);
  const assigned = await world.distribution.assign({
    ...{ campaign: 'spring', customer, how: 'delivery', channel: 'email', source: {}, personal: null },
  });
  if (!assigned.ok) throw new Error('there is none');
  const coupon = await world.distribution.coupon(assigned.value.assignment);
  return { code: coupon?.code() ?? '', link: FACES + assigned.value.link, isNew: assigned.value.isNew };
};
const issued = async () => (await world.ledger.campaign('spring'))?.issuedUnits;
const exceptions = async () => (await world.ledger.exceptions()).map(({ what, value }) => ({ what, value }));
/** Null: whoever holds it. */
const ownerOf = async (code: string) => {
  const store = sqliteDistributionStore(world.database);
  return (await store.read((tx) => tx.assignmentByCode(hashOfCode(code))))?.customer ?? null;
};

describe('a till that names a customer', () => {
  test('is told the coupon that this customer has, however often, at each till, and the cart tells it too [I7]', async () => {
    await opened();
    const { code, link } = await elsewhere('C-1');
    expect(await till.ask('C-1')).toEqual({ code, link });
    expect(await till.ask('C-1')).toEqual({ code, link });
    const second = issuer(world, await world.box('0002'));
    await second.tellKey();
    expect(await second.ask('C-1')).toEqual({ code, link });
    expect((await carts.issue({ basket: 'web-1', customer: 'C-1' })).code?.replaceAll('-', '')).toBe(code);
  });

  test('is told a new one where there is none, which every other channel gives from then on [I7, D1]', async () => {
    await opened();
    const before = await issued();
    const told = await till.ask('C-1');
    expect(await elsewhere('C-1')).toMatchObject({ ...(told as object), isNew: false });
    expect(await issued()).toBe((before ?? 0) + 1);
    expect((await world.ledger.exposure('spring'))?.open.units).toBe(11);
  });

  test('of whom nobody knew knows the same person as who proves that number’s address later [I7, D3]', async () => {
    await opened();
    const told = await till.ask('C-1');
    const email = identity(parseEmail('ann@example.com'));
    const customer = await world.distribution.person([identity(parseCustomerNumber('C-1')), email], {});
    expect(await world.distribution.person([email], {})).toBe(customer);
    const [coupon] = await world.distribution.couponsOf(customer);
    expect(coupon?.code()).toBe((told as { code: string }).code);
  });

  test('asked at once with every other channel, tells the one coupon that there is [I7, D1]', async () => {
    await opened();
    const second = issuer(world, await world.box('0002'));
    await second.tellKey();
    const [cart, one, two, other] = await Promise.all([
      carts.issue({ basket: 'web-1', customer: 'C-1' }),
      till.ask('C-1'),
      second.ask('C-1'),
      elsewhere('C-1'),
    ]);
    const codes = [cart.code?.replaceAll('-', ''), ...[one, two, other].map((told) => (told as { code: string }).code)];
    expect(new Set(codes).size).toBe(1);
  });

  test('hears why there is none: used, withdrawn, over, none left, no such campaign, or not for this store [I7]', async () => {
    await opened({ blanks: null, capUnits: 3 });
    const used = await elsewhere('C-1');
    await world.shop.redeem(used.code, 'web-1');
    expect(await till.ask('C-1')).toBe('already_redeemed');
    expect(await carts.issue({ basket: 'web-2', customer: 'C-1' })).toMatchObject({
      ...{ decision: 'refused', reason: 'already_redeemed', text: 'No coupon: customer has used theirs', code: null },
    });
    await world.ledger.voidCode((await elsewhere('C-2')).code);
    expect(await till.ask('C-2')).toBe('voided');
    await elsewhere('C-3');
    expect(await till.ask('C-4')).toBe('none_left');
    expect(await till.ask('C-3', 'autumn')).toBe('unknown_campaign');
    await world.ledger.changeCampaign('spring', (now) => ({ ...now, card: { ...now.card, stores: ['0002'] } }));
    expect(await till.ask('C-3')).toBe('unknown_campaign');
    await world.ledger.changeCampaign('spring', (now) => ({ ...now, card: { ...now.card, stores: 'all' } }));
    world.clock.now = Date.parse('2028-01-01T00:00:00Z');
    expect(await till.ask('C-3')).toBe('expired');
    expect(await till.ask('C-5')).toBe('campaign_ended');
  });

  test('of a campaign that allows several is told the next when the one before is used [I7, D1]', async () => {
    await opened({ perCustomer: 2 });
    const first = await till.ask('C-1');
    const { code } = first as { code: string };
    await world.shop.redeem(code, 'web-1');
    const second = await till.ask('C-1');
    expect(second).not.toEqual(first);
    expect(await elsewhere('C-1')).toMatchObject({ ...(second as object) });
  });

  test('learns nothing but that coupon: neither name, number nor address travels [I7, T1]', async () => {
    await opened();
    const customer = await world.distribution.person(
      [identity(parseCustomerNumber('C-1')), identity(parseEmail('ann@example.com'))],
      { name: 'Ann Example', language: 'de' },
    );
    const told = await till.ask('C-1');
    expect(Object.keys(told).sort()).toEqual(['code', 'link']);
    const message = box.last('coupon');
    expect(Object.keys(message ?? {}).sort()).toEqual(['codeHash', 'offer', 'request', 'sealed', 'until']);
    const said = JSON.stringify([message, box.inbox]);
    for (const secret of ['C-1', 'ann@', 'Ann Example', customer, (told as { code: string }).code])
      expect(said.includes(secret)).toBe(false);
  });

  test('what a basket was given is journalled and kept, once, and moves no code [I7]', async () => {
    await opened();
    const { code } = await elsewhere('C-1');
    await till.ask('C-1');
    till.issueOwn('sale-1', 'C-1');
    till.issueOwn('sale-2', 'C-1');
    await box.settle();
    expect(await exceptions()).toEqual([]);
    const door = box.door;
    const of = (basket: string) => world.store.read((tx) => tx.issueOf({ door, campaign: 'spring', basket }));
    expect([(await of('sale-1'))?.codeHash, (await of('sale-2'))?.codeHash]).toEqual([
      hashOfCode(code),
      hashOfCode(code),
    ]);
    expect(await world.stateOf(code)).toBe('issued');
    await elsewhere('C-2');
    await till.ask('C-2');
    till.issueOwn('sale-1', 'C-2');
    till.issueOwn('sale-3', 'C-2', { campaign: 'autumn' });
    await box.settle();
    expect((await exceptions()).map(({ what }) => what).sort()).toEqual(['issued_twice', 'issued_unknown']);
    expect(await verifyLedger(world.store)).toMatchObject({ ok: true });
  });
});

describe('a blank that was printed for a customer while the line was cut', () => {
  const print = (basket: string, number: string) => till.issue(basket, { customer: asItTravels(number) });

  test('is this customer’s where there was none, over every channel, and known by its face [I8]', async () => {
    await opened();
    const { code, link } = print('sale-1', 'C-1');
    await box.settle();
    expect(await elsewhere('C-1')).toEqual({ code, link, isNew: false });
    expect(await ownerOf(code)).toBe(await person('C-1'));
    expect(await till.ask('C-1')).toEqual({ code, link });
    expect(await exceptions()).toEqual([]);
  });

  test('where the customer has one is nobody’s, good once, and an exception with its money [I8, C11]', async () => {
    await opened();
    const own = await elsewhere('C-1');
    const { code } = print('sale-1', 'C-1');
    await box.settle();
    expect(await exceptions()).toEqual([{ what: 'issued_beside', value: 500 }]);
    const [exception] = await world.ledger.exceptions();
    expect(JSON.stringify(exception)).not.toMatch(/C-1|[0-9a-f]{64}/);
    expect(await ownerOf(code)).toBeNull();
    expect((await world.ledger.exposure('spring'))?.open).toEqual({ units: 11, value: 5500 });
    box.giveBack(code, 'released');
    await box.settle();
    for (const good of [code, own.code]) {
      expect(await world.shop.redeem(good, `web-${good}`)).toMatchObject({ decision: 'approved' });
      expect(await world.shop.redeem(good, 'web-again')).toMatchObject({ reason: 'already_redeemed' });
    }
    expect(await verifyLedger(world.store)).toMatchObject({ ok: true });
  });

  test('twice in one outage: the first is the customer’s, the second an exception, told in one upload [I8]', async () => {
    await opened();
    const [first, second] = [print('sale-1', 'C-1'), print('sale-2', 'C-1')];
    await box.settle();
    expect(await ownerOf(first.code)).toBe(await person('C-1'));
    expect(await ownerOf(second.code)).toBeNull();
    expect(await exceptions()).toEqual([{ what: 'issued_beside', value: 500 }]);
  });

  test('is the next one of a customer who may have several [I8]', async () => {
    await opened({ perCustomer: 2 });
    const own = await elsewhere('C-1');
    const [second, third] = [print('sale-1', 'C-1'), print('sale-2', 'C-1')];
    await box.settle();
    expect(await ownerOf(second.code)).toBe(await person('C-1'));
    expect(await ownerOf(third.code)).toBeNull();
    const customer = await person('C-1');
    const coupons = await world.distribution.couponsOf(customer);
    expect(coupons.map(({ ordinal }) => ordinal)).toEqual([2, 1]);
    expect(coupons.map((coupon) => coupon.code())).toEqual([second.code, own.code]);
  });

  test('takes the place of what the cloud had made for that customer and no till had waited for [I8]', async () => {
    await opened();
    const missed = await till.ask('C-1');
    const { code, link } = print('sale-1', 'C-1');
    await box.settle();
    expect(await exceptions()).toEqual([]);
    expect(await elsewhere('C-1')).toEqual({ code, link, isNew: false });
    await world.distribution.tick();
    expect(await world.stateOf((missed as { code: string }).code)).toBe('voided');
    const face = await world.distribution.byLink((missed as { link: string }).link.slice(FACES.length));
    const now = face?.replacedBy == null ? null : await world.distribution.coupon(face.replacedBy);
    expect(now?.code()).toBe(code);
  });

  test('takes no place of what somebody was shown, or has used [I8]', async () => {
    await opened();
    await till.ask('C-1');
    till.issueOwn('sale-1', 'C-1');
    const shown = print('sale-2', 'C-1');
    await till.ask('C-3');
    await elsewhere('C-3');
    const known = print('sale-4', 'C-3');
    const missed = await till.ask('C-2');
    await world.shop.redeem((missed as { code: string }).code, 'web-1');
    const late = print('sale-3', 'C-2');
    await box.settle();
    expect((await exceptions()).map(({ what }) => what)).toEqual(Array(3).fill('issued_beside'));
    for (const { code } of [shown, known, late]) expect(await ownerOf(code)).toBeNull();
  });

  test('told again, or as evidence of a fenced box, is settled once [I8, C2]', async () => {
    await opened();
    const { code } = print('sale-1', 'C-1');
    await world.ledger.revoke(box.id);
    await box.take();
    await box.settle();
    await box.send({ type: 'journal', body: box.upload({ from: 1 }) });
    expect(await ownerOf(code)).toBe(await person('C-1'));
    expect((await exceptions()).map(({ what }) => what)).toEqual(['fenced_revoked']);
  });
});

test('over tills and carts, cut off or not, a customer has one coupon, and what is beside it is told [I7, I8, S10]', async () => {
  const step = fc.oneof(
    fc.record({ op: fc.constant('cart' as const), who: fc.nat(2) }),
    fc.record({ op: fc.constant('ask' as const), who: fc.nat(2), shows: fc.boolean() }),
    fc.record({ op: fc.constant('print' as const), who: fc.nat(2) }),
    fc.record({ op: fc.constant('settle' as const) }),
    fc.record({ op: fc.constant('elsewhere' as const), who: fc.nat(2) }),
    fc.record({ op: fc.constant('redeem' as const), who: fc.nat(2) }),
  );
  const met = { printed: 0, beside: 0, own: 0 };
  const property = fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
    await opened({ blanks: { perStore: 20 } });
    const printed: string[] = [];
    let sale = 0;
    for (const one of steps) {
      sale += 1;
      const number = 'who' in one ? `C-${one.who}` : '';
      if (one.op === 'cart') await carts.issue({ basket: `web-${sale}`, customer: number });
      else if (one.op === 'elsewhere') await elsewhere(number);
      else if (one.op === 'settle') await box.settle();
      else if (one.op === 'redeem') await world.shop.redeem((await elsewhere(number)).code, `web-${sale}`);
      else if (one.op === 'print') printed.push(till.issue(`sale-${sale}`, { customer: asItTravels(number) }).code);
      else if (typeof (await till.ask(number)) !== 'string' && one.shows) {
        till.issueOwn(`sale-${sale}`, number);
        met.own += 1;
      }
    }
    await box.settle();
    for (const number of ['C-0', 'C-1', 'C-2']) {
      const coupons = await world.distribution.couponsOf(await person(number));
      expect(coupons.filter(({ replacedBy }) => replacedBy === null).length).toBeLessThanOrEqual(1);
    }
    const owners = await Promise.all(printed.map(ownerOf));
    const beside = owners.filter((owner) => owner === null).length;
    expect((await exceptions()).map(({ what }) => what)).toEqual(Array(beside).fill('issued_beside'));
    // Whoever holds a printed coupon can use it once.
    for (const code of printed) expect(['reserved', 'redeemed']).toContain(await world.stateOf(code));
    const counted = Object.values((await world.ledger.exposure('spring'))?.units ?? {});
    expect(counted.reduce((sum, count) => sum + count, 0)).toBe(await issued());
    expect(await verifyLedger(world.store)).toMatchObject({ ok: true });
    met.printed += printed.length;
    met.beside += beside;
    await world.close();
  });
  await fc.assert(property, { numRuns: 30, seed: 20_261_123 });
  for (const count of Object.values(met)) expect(count).toBeGreaterThan(9);
  world = await openWorld({ count: 0 });
}, 60_000);
