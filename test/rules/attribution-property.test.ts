import fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { dayIn } from '../../cloud/reports/days.ts';
import { followOnce } from '../../cloud/reports/follower.ts';
import { type Attributed, dying, openAttributed } from './attribution-world.ts';
import type { Box } from './ledger-world.ts';

/**
 * Customers are given coupons and use them at a cart and in a store, while the process that follows the ledger dies now and
 * then, before its commit or just after. Then what is reported is what happened, each thing once.
 */

const HOUR = 3_600_000;
const ZONE = 'Asia/Kathmandu';
const SOURCES = [{}, { utm_source: 'search' }, { utm_source: 'search', utm_content: 'ad7' }];

const source = fc.nat(SOURCES.length - 1);
const coupon = fc.nat(2);
const basket = fc.constantFrom('a', 'b');
const does = <N extends string, F>(name: N, fields: { [K in keyof F]: fc.Arbitrary<F[K]> }) =>
  fc.record(fields).map((given) => ({ ...given, do: name }));
const command = fc.oneof(
  does('assign', { source }),
  does('note', { source, kind: fc.constantFrom('click' as const, 'impression' as const) }),
  does('view', { coupon }),
  does('cart', { call: fc.constantFrom('validate' as const, 'redeem' as const), coupon, basket }),
  does('cart_reverses', { coupon, basket }),
  does('box_reverses', {}),
  does('want', { coupon, basket }),
  does('box_redeems', { coupon, basket }),
  does('settle', {}),
  does('wait', { hours: fc.integer({ min: 1, max: 20 }) }),
  does('follow', { most: fc.integer({ min: 1, max: 4 }), dies: fc.constantFrom('no', 'before', 'after') }),
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

let town: Attributed;
afterEach(() => town?.close());

test('whatever dies in between, each thing that happened is an event once, and the days add up [E1, E2]', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 20, maxLength: 80, size: 'max' }), async (commands) => {
      await town?.close();
      town = await openAttributed({ timeZone: ZONE });
      const box = await town.world.box();
      const coupons: { code: string; assignment: string; source: number }[] = [];
      let noted = 0;
      for (const source of [0, 1, 2]) coupons.push({ ...(await town.assign(SOURCES[source])), source });
      for (const one of commands) noted += await play(one, box, coupons);
      await box.settle();
      await town.settled();
      const counted = counts();
      const { redemptions, reversed } = told();
      expect(counted).toMatchObject({
        claim: coupons.length,
        assigned: coupons.length,
        redeemed: redemptions,
        reversed,
      });
      expect(counted.click + counted.impression + counted.viewed).toBe(noted);
      expect(counted.scanned).toBeGreaterThanOrEqual(counted.redeemed);
      expect(daysAsKept()).toEqual(daysCounted());
      expect(sourcesOfRedemptions()).toEqual(sourcesOfAssignments(coupons));
    }),
    { numRuns: 40 },
  );
});

/** @returns how many events were noted by it */
async function play(one: Command, box: Box, coupons: { code: string; assignment: string; source: number }[]) {
  const { world } = town;
  switch (one.do) {
    case 'assign':
      coupons.push({ ...(await town.assign(SOURCES[one.source])), source: one.source });
      return 0;
    case 'note':
      town.note(one.kind, SOURCES[one.source]);
      return 1;
    case 'wait':
      world.clock.now += one.hours * HOUR;
      await world.ledger.tick();
      return 0;
    case 'settle':
      await box.settle();
      return 0;
    case 'box_reverses': {
      const last = box.entries.at(-1)?.body;
      if (last?.kind === 'redeemed') box.reverse(last);
      return 0;
    }
    case 'follow': {
      const { most, dies } = one;
      const store = dying(town.ports.store, () => dies as 'no');
      await followOnce({ ...town.ports, store }, most).catch(() => undefined);
      return 0;
    }
  }
  const mine = coupons[one.coupon];
  if (mine === undefined) return 0;
  const { code, assignment } = mine;
  switch (one.do) {
    case 'view':
      town.note('viewed', SOURCES[mine.source], { assignment });
      return 1;
    case 'cart':
      // A cart would wait, in real time, for a store that does not answer here.
      if (box.heldFor(code) === null) await world.shop[one.call](code, one.basket);
      return 0;
    case 'cart_reverses':
      await world.shop.reverse(code, one.basket);
      return 0;
    case 'want':
      await box.want(code, one.basket);
      return 0;
    case 'box_redeems':
      if (box.mayRedeem(code, one.basket)) box.redeem(code, one.basket);
      return 0;
  }
}

/** By kind, as a person would count the events. */
function counts(): Record<string, number> & {
  [K in 'click' | 'claim' | 'impression' | 'viewed' | 'scanned' | 'redeemed']: number;
} {
  const none = { click: 0, claim: 0, impression: 0, viewed: 0, scanned: 0, redeemed: 0, reversed: 0, assigned: 0 };
  for (const { kind, n } of town.rows('SELECT kind, count(*) AS n FROM events GROUP BY kind'))
    none[kind as keyof typeof none] = Number(n);
  return none;
}

/** What the ledger itself has. */
function told() {
  const [row] = town.rows('SELECT count(*) AS redemptions, total(reversed) AS reversed FROM redemptions');
  return { redemptions: Number(row?.redemptions), reversed: Number(row?.reversed) };
}

const daysAsKept = () => ({
  sources: town
    .rows('SELECT * FROM rollups')
    .map((row) => ({ ...row }))
    .sort(byText),
  stores: town
    .rows('SELECT * FROM store_rollups')
    .map((row) => ({ ...row }))
    .sort(byText),
});

type Days = Map<string, Record<string, string | number>>;

/** Counted anew, event by event. */
function daysCounted() {
  const [sources, stores]: [Days, Days] = [new Map(), new Map()];
  const seen = new Set<string>();
  for (const event of town.rows('SELECT * FROM events ORDER BY seq')) {
    const { campaign, kind, assignment, source } = event;
    const place = { campaign: String(campaign), day: dayIn(Number(event.at), ZONE), kind: String(kind) };
    const isFirst = assignment === null || !seen.has(`${kind} ${assignment}`);
    if (assignment !== null) seen.add(`${kind} ${assignment}`);
    const counted = (days: Days, of: Record<string, string | number>) => {
      const sums = days.get(JSON.stringify(of)) ?? { ...of, count: 0, firsts: 0, revenue: 0, discount: 0 };
      days.set(JSON.stringify(of), {
        ...sums,
        count: Number(sums.count) + 1,
        firsts: Number(sums.firsts) + Number(isFirst),
        revenue: Number(sums.revenue) + Number(event.total),
        discount: Number(sums.discount) + Number(event.discount),
      });
    };
    counted(sources, { ...place, channel: event.channel ?? '', source: Number(source) });
    counted(stores, { ...place, store: event.store ?? '' });
  }
  return { sources: [...sources.values()].sort(byText), stores: [...stores.values()].sort(byText) };
}

const byText = (one: object, other: object) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1);

const sourcesOfRedemptions = () =>
  town
    .rows(`SELECT e.assignment, s.parameters FROM events e JOIN sources s ON s.id = e.source WHERE e.kind = 'redeemed'`)
    .map(({ assignment, parameters }) => `${assignment} ${parameters}`)
    .sort();

function sourcesOfAssignments(coupons: readonly { assignment: string; source: number }[]) {
  const redeemed = town.rows('SELECT a.id FROM redemptions r JOIN assignments a ON a.code_hash = r.code_hash');
  return redeemed
    .map(({ id }) => {
      const of = SOURCES[coupons.find(({ assignment }) => assignment === id)?.source ?? -1];
      return `${id} ${JSON.stringify(Object.fromEntries(Object.entries(of ?? {}).sort()))}`;
    })
    .sort();
}
