import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { sqliteDistributionStore } from '../../cloud/distribution/sqlite-distribution-store.ts';
import { verifyLedger } from '../../cloud/ledger/audit.ts';
import { cartIssues, FACES } from './issue-bench.ts';
import { openWorld, type World } from './ledger-world.ts';

/** A cart gives a coupon to its basket. */

let world: World;
const open = async (options: Parameters<typeof openWorld>[0] = {}) => {
  world = await openWorld({ count: 0, ...options });
  return cartIssues(world);
};
afterEach(() => world.close());

test('a basket gets a coupon with a face, which the next basket redeems [I1]', async () => {
  const carts = await open();
  const issued = await carts.issue({ basket: 'web-1', total: { amount: 4200, currency: 'USD' } });
  expect(issued).toMatchObject({
    decision: 'issued',
    reason: null,
    text: 'COUPON $5.00 OFF',
    basket: 'web-1',
    code: expect.stringMatching(/^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/),
    offer: { campaign: 'spring', title: '$5 off' },
    until: '2027-12-01T00:00:00.000Z',
    facts: {},
  });
  const link = issued.link?.slice(FACES.length) ?? '';
  expect(await carts.distribution.byLink(link)).toMatchObject({ how: 'basket', channel: 'online', customer: null });
  expect(await world.shop.redeem(issued.code ?? '', 'web-2')).toMatchObject({ decision: 'approved' });
  expect(await verifyLedger(world.store)).toMatchObject({ ok: true });
});

test('the same basket at the same door has one coupon, also asked at once, with another customer, or after the end [I1]', async () => {
  const carts = await open();
  const asked = Array.from({ length: 30 }, (_, i) =>
    carts.issue({ basket: 'web-1', ...(i % 2 === 0 ? {} : { customer: `C-${i}` }) }),
  );
  const codes = new Set((await Promise.all(asked)).map(({ code }) => code));
  expect(codes.size).toBe(1);
  expect((await carts.issue({ basket: 'web-1' }, 'app')).code).not.toBe([...codes][0]);
  world.clock.now = Date.parse('2028-01-01T00:00:00Z');
  expect(codes).toContain((await cartIssues(world).issue({ basket: 'web-1' })).code);
  expect(await carts.issue({ basket: 'web-2' })).toMatchObject({ decision: 'refused', reason: 'campaign_ended' });
  expect((await world.ledger.campaign('spring'))?.issuedUnits).toBe(2);
});

test('a customer who has one of the campaign is given that one, over all baskets [I1]', async () => {
  const carts = await open();
  const [first, again, other] = await Promise.all([
    carts.issue({ basket: 'web-1', customer: 'C-1' }),
    carts.issue({ basket: 'web-2', customer: 'C-1' }),
    carts.issue({ basket: 'web-3', customer: 'C-2' }),
  ]);
  expect(again).toMatchObject({ code: first.code, link: first.link, basket: 'web-2' });
  expect(other.code).not.toBe(first.code);
  expect((await world.ledger.exposure('spring'))?.open).toEqual({ units: 2, value: 1000 });
});

test('a customer whose coupon has an offer of its own is told that one [I1]', async () => {
  const carts = await open();
  const customer = await carts.distribution.person(
    [{ identity: { kind: 'number', value: 'C-1', key: 'C-1' }, verified: false }],
    {},
  );
  const discount = { type: 'amount', amount: 300, currency: 'USD' } as const;
  await carts.distribution.assign({
    ...{ campaign: 'spring', customer, how: 'ahead', channel: 'email', source: {} },
    personal: { title: 'Hello', discount },
  });
  expect(await carts.issue({ basket: 'web-1', customer: 'C-1' })).toMatchObject({
    ...{ text: 'COUPON $3.00 OFF', offer: { title: 'Hello', discount } },
  });
});

test('what cannot be had is said with its reason, and nothing is made [I1]', async () => {
  const carts = await open({ capUnits: 1 });
  await carts.issue({ basket: 'web-1' });
  expect(await carts.issue({ basket: 'web-2' })).toMatchObject({
    ...{ decision: 'refused', reason: 'none_left', text: 'No coupon: none left' },
    ...{ code: null, link: null, offer: null, until: null },
  });
  expect(await carts.issue({ basket: 'web-2', campaign: 'autumn' })).toMatchObject({ reason: 'unknown_campaign' });
  expect(await carts.refused({ campaign: 'spring', basket: 'web-2', customer: 'Zoë' })).toMatchObject({
    ...{ type: 'invalid_request', field: 'customer' },
  });
  expect(await carts.refused({ campaign: 'spring' })).toMatchObject({ type: 'invalid_request', field: 'basket' });
});

test('a basket cannot have two: the database says so [I1]', async () => {
  const carts = await open();
  await carts.issue({ basket: 'web-1' });
  const sale = { door: 'cart:shop', campaign: 'spring', basket: 'web-1' };
  const store = sqliteDistributionStore(world.database);
  const issued = await store.read((tx) => tx.issueOf(sale));
  await expect(store.transaction((tx) => tx.putIssue(sale, issued?.assignment ?? '', 0))).rejects.toThrow('UNIQUE');
});

test('whatever carts ask at once, the cap is never exceeded and a basket has one coupon [I1]', async () => {
  const asked = fc.record({
    basket: fc.nat(9).map((n) => `web-${n}`),
    customer: fc.option(
      fc.nat(3).map((n) => `C-${n}`),
      { nil: undefined },
    ),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(asked, { minLength: 1, maxLength: 40 }), fc.nat(6), async (requests, capUnits) => {
      const carts = await open({ capUnits: capUnits + 1 });
      const answers = await Promise.all(requests.map((request) => carts.issue(request)));
      const codesByBasket = new Map<string, Set<string>>();
      for (const { basket, code } of answers)
        if (code !== null) codesByBasket.set(basket, (codesByBasket.get(basket) ?? new Set()).add(code));
      expect([...codesByBasket.values()].every(({ size }) => size === 1)).toBe(true);
      const codes = new Set([...codesByBasket.values()].flatMap((one) => [...one]));
      expect(codes.size).toBeLessThanOrEqual(capUnits + 1);
      expect((await world.ledger.campaign('spring'))?.issuedUnits).toBe(codes.size);
      await world.close();
    }),
    { numRuns: 60, seed: 20_261_123 },
  );
  world = await openWorld({ count: 0 });
});
