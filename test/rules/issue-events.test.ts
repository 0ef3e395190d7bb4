import { afterEach, expect, test } from 'vitest';
import { sqliteDistributionStore } from '../../cloud/distribution/sqlite-distribution-store.ts';
import { countsReport } from '../../cloud/reports/attribution.ts';
import { followOnce } from '../../cloud/reports/follower.ts';
import type { By } from '../../cloud/reports/report-rules.ts';
import { sqliteTraceStore } from '../../cloud/reports/sqlite-trace-store.ts';
import { LedgerUnavailable } from '../../cloud/ledger/port.ts';
import { dying } from './attribution-world.ts';
import { asItTravels, cartIssues, issuer } from './issue-bench.ts';
import { openWorld, type World } from './ledger-world.ts';

/** Coupons that tills and carts give to baskets, as events. */

let world: World;
afterEach(() => world.close());

/** Two tills' baskets and a cart's, one of them twice; a customer's coupon that an e-mail brought is given out twice. */
async function played() {
  world = await openWorld({ count: 0, blanks: { perStore: 4 } });
  const [box, other] = [await world.box(), await world.box('0002')];
  const [till, second] = [issuer(world, box), issuer(world, other)];
  const carts = cartIssues(world);
  for (const one of [till, second]) {
    await one.tellKey();
    await one.tick();
  }
  const customer = await world.distribution.person(
    [{ identity: { kind: 'number', value: 'C-1', key: 'C-1' }, verified: false }],
    {},
  );
  const source = { utm_source: 'newsletter' };
  await world.distribution.assign({
    ...{ campaign: 'spring', customer, how: 'delivery', channel: 'email', source, personal: null },
  });
  till.issue('sale-1');
  till.issue('sale-2', { customer: asItTravels('C-2') });
  await second.ask('C-1');
  second.issueOwn('sale-1', 'C-1');
  for (const one of [box, other]) await one.settle();
  for (const basket of ['web-1', 'web-1']) await carts.issue({ basket });
  await carts.issue({ basket: 'web-2', customer: 'C-1' });
}

const now = () => world.clock.now;
const ports = () => ({
  ...{ store: sqliteTraceStore(world.database), distribution: sqliteDistributionStore(world.database), now },
});
const followed = async () => {
  while (await followOnce(ports())) {}
};
async function issuedBy(by: By | null) {
  const { lines } = await countsReport(ports(), { campaign: null, from: '0000-01-01', to: '9999-12-31', by });
  return lines.map(({ key, counts }) => [key, counts.issued, counts.assigned]);
}

test('each basket that was given a coupon is an issue, by the channel and store of its sale and the source of its coupon [E1]', async () => {
  await played();
  await followed();
  expect(await issuedBy(null)).toEqual([[null, 5, 4]]);
  expect(await issuedBy('channel')).toEqual([
    ['email', 0, 1],
    ['online', 2, 1],
    ['till', 3, 2],
  ]);
  expect(await issuedBy('store')).toEqual([
    [null, 2, 4],
    ['0001', 2, 0],
    ['0002', 1, 0],
  ]);
  expect(await issuedBy('site')).toEqual([
    [null, 3, 3],
    ['newsletter', 2, 1],
  ]);
  const baskets = world.database.raw.prepare("SELECT basket FROM events WHERE kind = 'issued' ORDER BY basket").all();
  expect(baskets).toEqual(['sale-1', 'sale-1', 'sale-2', 'web-1', 'web-2'].map((basket) => ({ basket })));
});

test('is an issue once, whatever dies while it is followed, and by three nodes at once [E1]', async () => {
  await played();
  const deaths = ['before', 'after', 'no', 'before', 'after'] as const;
  let at = 0;
  const store = dying(sqliteTraceStore(world.database), () => deaths[at++ % deaths.length] ?? 'no');
  for (let turn = 0; turn < 10; turn += 1)
    await followOnce({ ...ports(), store }, 2).catch((error) => {
      if (!(error instanceof LedgerUnavailable)) throw error;
    });
  await Promise.all([followed(), followed(), followed()]);
  expect(await issuedBy(null)).toEqual([[null, 5, 4]]);
});
