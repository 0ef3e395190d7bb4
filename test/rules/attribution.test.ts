import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { countsReport, leaksReport, redemptionChain } from '../../cloud/reports/attribution.ts';
import { cleanSource } from '../../cloud/reports/event-rules.ts';
import { followOnce } from '../../cloud/reports/follower.ts';
import { type By, performanceOf, settledTo, textOf } from '../../cloud/reports/report-rules.ts';
import { takeSpend } from '../../cloud/reports/spend.ts';
import { Traces } from '../../cloud/reports/traces.ts';
import { TraceWriter } from '../../cloud/reports/writer.ts';
import { type Attributed, dying, openAttributed } from './attribution-world.ts';
import { hashCustomer } from '../../protocol/code.ts';
import { dollars, NOW } from './ledger-rows.ts';
import { FLEET_KEY } from './ledger-world.ts';

/** What is reported of what happened, over the ledger as it runs. */

const MAIL = { utm_source: 'newsletter', utm_content: 'top' };
const SEARCH = { utm_source: 'search', utm_content: 'ad7' };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let town: Attributed;
beforeEach(async () => {
  town = await openAttributed();
});
afterEach(() => town.close());

const ALL = { campaign: 'spring', from: '2026-01-01', to: '2027-12-31' };
async function lines(by: By | null = null, span = ALL) {
  await town.settled();
  return (await countsReport(town.ports, { ...span, by })).lines;
}
const line = async (by: By, text: string) => (await lines(by)).find(({ key }) => textOf(key) === text)?.counts;
async function leaks(by: By | null = null) {
  await town.settled();
  return (await leaksReport(town.ports, { ...ALL, by })).lines;
}
const spend = (source: Record<string, string>, day: string, cost: number, impressions = 1000, clicks = 10) =>
  takeSpend(town.ports, 'spring', [{ day, channel: null, source, impressions, clicks, cost, currency: 'USD' }]);

describe('the funnel', () => {
  test('counts each step by its source: what was noted and what follows from the ledger [E2]', async () => {
    const { world } = town;
    town.note('click', MAIL);
    town.note('click', SEARCH);
    town.note('click', SEARCH);
    const one = await town.assign(MAIL, 'email');
    const other = await town.assign(SEARCH, 'web');
    await town.assign(SEARCH, 'web');
    town.note('delivered', MAIL, { assignment: one.assignment, channel: 'email' });
    await world.shop.validate(one.code, 'a');
    await world.shop.redeem(one.code, 'a', { total: dollars(30), discount: dollars(4) });
    await world.shop.redeem(other.code, 'b', { total: dollars(20) });
    expect(await line('site', 'newsletter')).toMatchObject({
      ...{ clicks: 1, assigned: 1, delivered: 1, scanned: 1, redeemed: 1, revenue: 3000, discount: 400 },
    });
    // What the shop does not tell is the amount of the offer.
    expect(await line('site', 'search')).toMatchObject({
      ...{ clicks: 2, claims: 2, assigned: 2, scanned: 1, redeemed: 1, revenue: 2000, discount: 500 },
    });
    expect(await line('ad', 'ad7')).toMatchObject({ assigned: 2 });
    expect(await line('source', 'utm_content=ad7&utm_source=search')).toMatchObject({ assigned: 2 });
    expect(await line('channel', 'email')).toMatchObject({ assigned: 1, delivered: 1, redeemed: 1 });
    expect(await lines()).toMatchObject([{ campaign: 'spring', key: null, currency: 'USD', counts: { assigned: 3 } }]);
  });

  test('counts a coupon once, however often it is looked at or scanned', async () => {
    const { code, assignment } = await town.assign(MAIL);
    for (let times = 0; times < 3; times += 1) {
      town.note('viewed', MAIL, { assignment });
      await town.world.shop.validate(code, `basket-${times}`);
      await town.world.shop.release(code, `basket-${times}`);
      await town.traces.flush();
    }
    expect(await line('site', 'newsletter')).toMatchObject({ viewed: 1, scanned: 1 });
  });

  test('takes a reversal off again, and counts the redemption after it', async () => {
    const { code } = await town.assign(MAIL);
    await town.world.shop.redeem(code, 'a', { total: dollars(30) });
    await town.world.shop.reverse(code, 'a');
    expect(await line('site', 'newsletter')).toMatchObject({ redeemed: 1, reversed: 1, revenue: 0, discount: 0 });
    await town.world.shop.redeem(code, 'b', { total: dollars(50) });
    expect(await line('site', 'newsletter')).toMatchObject({ redeemed: 2, reversed: 1, revenue: 5000, scanned: 1 });
  });

  test('puts what a store redeemed while cut off on the day of the sale, in that store [E2]', async () => {
    const { world } = town;
    const box = await world.box('0002');
    const { code } = await town.assign(MAIL);
    await box.want(code, 'a');
    box.redeem(code, 'a');
    world.clock.now += 2 * DAY;
    await box.settle();
    expect(await line('day', '2026-11-23')).toMatchObject({ redeemed: 1, revenue: 4200 });
    expect(await line('day', '2026-11-25')).toBeUndefined();
    expect(await line('store', '0002')).toMatchObject({ scanned: 1, redeemed: 1 });
    expect(await line('store', '')).toMatchObject({ assigned: 1, redeemed: 0 });
  });

  test('reckons days in the campaign’s time zone', async () => {
    await town.close();
    town = await openAttributed({ timeZone: 'Pacific/Auckland' });
    town.world.clock.now = Date.parse('2026-11-23T11:30:00Z');
    town.note('click', MAIL);
    await town.traces.flush();
    expect((await lines('day')).map(({ key }) => key)).toEqual(['2026-11-24']);
    expect(await lines('day', { ...ALL, to: '2026-11-23' })).toEqual([]);
    expect(await lines('day', { ...ALL, from: '2026-11-24', to: '2026-11-24' })).toHaveLength(1);
  });

  test('counts a code that nobody was assigned without a source [E2]', async () => {
    const stack = await town.world.ledger.issueStack('spring', 1);
    const chunks = stack.ok ? await town.world.ledger.stackCodes(stack.value.id) : null;
    for await (const [code = ''] of chunks ?? []) await town.world.shop.redeem(code, 'a');
    expect(await lines('source')).toMatchObject([{ key: null, counts: { scanned: 1, redeemed: 1, assigned: 0 } }]);
  });

  test('is followed once by three nodes at once [E1]', async () => {
    await town.assign(MAIL);
    await Promise.all([followOnce(town.ports), followOnce(town.ports), followOnce(town.ports)]);
    expect(await line('site', 'newsletter')).toMatchObject({ assigned: 1 });
  });
});

describe('what an ad costs', () => {
  test('is its spend by the redemptions that stand', async () => {
    for (const basket of ['a', 'b', 'c']) {
      const { code } = await town.assign(SEARCH);
      await town.world.shop.redeem(code, basket);
    }
    const last = await town.assign(SEARCH);
    await town.world.shop.redeem(last.code, 'd');
    await town.world.shop.reverse(last.code, 'd');
    expect((await spend(SEARCH, '2026-11-23', 1000)).ok).toBe(true);
    const counts = await line('ad', 'ad7');
    expect(counts).toMatchObject({ impressions: 1000, adClicks: 10, spend: 1000 });
    if (counts === undefined) throw new Error('no line');
    expect(performanceOf(counts)).toEqual({
      ...{ redeemed: 3, revenue: 12_600, discount: 1500, spend: 1000, costPerRedemption: 333, redemptionRate: 0.75 },
    });
  });

  test('is not known where nothing stands, and of no store', async () => {
    await spend(SEARCH, '2026-11-23', 1000);
    const counts = await line('ad', 'ad7');
    expect(counts && performanceOf(counts)).toMatchObject({ costPerRedemption: null, redemptionRate: null });
    expect(await line('store', '')).toMatchObject({ spend: 1000 });
  });

  test('is replaced where it is imported again, never added to [E4]', async () => {
    await spend(SEARCH, '2026-11-23', 1000);
    await spend(SEARCH, '2026-11-24', 50);
    // The same parameters in another order, and the number of a click beside them, are the same source.
    await spend({ utm_content: 'ad7', gclid: 'x1', utm_source: 'search' }, '2026-11-23', 700, 900, 9);
    expect(await line('ad', 'ad7')).toMatchObject({ spend: 750, impressions: 1900, adClicks: 19 });
  });

  test('is refused as a whole where a row is bad [E4]', async () => {
    const row = { channel: null, source: SEARCH, impressions: 0, clicks: 0, cost: 5, currency: 'USD' };
    const taken = await takeSpend(town.ports, 'spring', [
      { ...row, day: '2026-11-23' },
      { ...row, day: '2026-11-23', cost: 7 },
      { ...row, day: '2026-11-24', currency: 'EUR' },
    ]);
    expect(taken).toEqual({
      ok: false,
      error: {
        why: 'bad_lines',
        count: 2,
        errors: [
          { line: 2, why: 'it is of the same day, channel and source as line 1' },
          { line: 3, why: "currency: the campaign's is USD" },
        ],
      },
    });
    expect(await lines()).toEqual([]);
    expect(await takeSpend(town.ports, 'winter', [])).toMatchObject({ error: { why: 'unknown_campaign' } });
  });
});

describe('a leaked attempt [E3]', () => {
  test('at a cart is counted once a basket, with the source of the coupon', async () => {
    const { code } = await town.assign(MAIL);
    await town.world.shop.validate(code, 'a');
    for (let times = 0; times < 3; times += 1) await town.world.app.validate(code, 'b');
    await town.world.shop.redeem(code, 'a');
    await town.world.app.redeem(code, 'b');
    await town.world.app.redeem(code, 'c');
    // Its own basket, again, is no stranger's.
    await town.world.shop.redeem(code, 'a');
    expect(await leaks('site')).toEqual([
      {
        ...{ campaign: 'spring', key: 'newsletter', currency: 'USD' },
        counts: { second_basket: 1, used_elsewhere: 1, wrong_customer: 0 },
      },
    ]);
    expect(await line('site', 'newsletter')).toMatchObject({ leaked: 2, redeemed: 1 });
  });

  test('at a till is counted with its store: used already, in use at a cart, in use in another store', async () => {
    const { world } = town;
    const [box, other] = [await world.box('0001'), await world.box('0002')];
    await box.heartbeat();
    const [used, held, busy] = [await town.assign(MAIL), await town.assign(MAIL), await town.assign(SEARCH)];
    await world.shop.redeem(used.code, 'a');
    await world.shop.validate(held.code, 'b');
    await box.want(busy.code, 'c');
    await other.want(used.code, 'x');
    await other.want(held.code, 'y');
    await other.want(busy.code, 'z');
    const [reservation = ''] = box.held.keys();
    const inUse = { reservation, answer: 'in_use' as const, until: NOW + HOUR, lane: '1' };
    await box.send({ type: 'recalled', body: { reservations: [inUse] } });
    expect(await leaks('store')).toMatchObject([{ key: '0002', counts: { second_basket: 2, used_elsewhere: 1 } }]);
    expect(await leaks('site')).toMatchObject([
      { key: 'newsletter', counts: { second_basket: 1, used_elsewhere: 1 } },
      { key: 'search', counts: { second_basket: 1, used_elsewhere: 0 } },
    ]);
  });

  test('is a coupon in the hand of another customer than its own; it is used all the same', async () => {
    const { code, number } = await town.assign(MAIL);
    await town.world.shop.validate(code, 'a', { customer: number });
    expect(await leaks()).toEqual([]);
    const decided = await town.world.shop.redeem(code, 'a', { customer: 'somebody-else' });
    expect(decided.decision).toBe('approved');
    expect(await leaks('site')).toMatchObject([{ key: 'newsletter', counts: { wrong_customer: 1, second_basket: 0 } }]);
  });

  test('at a till too, where the sale names its customer', async () => {
    const { world } = town;
    const box = await world.box('0001');
    const [own, others] = [await town.assign(MAIL), await town.assign(MAIL)];
    const named = hashCustomer(FLEET_KEY, own.number);
    await box.want(own.code, 'a', 800, named);
    await box.want(others.code, 'b', 800, named);
    expect(await leaks('store')).toMatchObject([{ key: '0001', counts: { wrong_customer: 1 } }]);
  });

  test('is none where the coupon is expired, voided or unknown', async () => {
    const { code } = await town.assign(MAIL);
    await town.world.ledger.voidCode(code);
    await town.world.shop.redeem(code, 'a');
    await town.world.shop.redeem('7KQ29MXD4TRB8WNS', 'a');
    expect(await leaks()).toEqual([]);
  });
});

describe('the chain of a redemption', () => {
  test('tells what led to it, from the ad to the reversal', async () => {
    const { world, traces } = town;
    await spend(SEARCH, '2026-11-23', 1000, 5000, 40);
    town.note('click', SEARCH);
    town.note('click', MAIL);
    const box = await world.box();
    const { code, assignment } = await town.assign(SEARCH, 'sms');
    const step = (minutes: number) => {
      world.clock.now = NOW + minutes * 60_000;
    };
    step(1);
    town.note('delivered', SEARCH, { assignment, channel: 'sms' });
    step(2);
    town.note('viewed', SEARCH, { assignment, channel: 'sms' });
    step(3);
    await box.want(code, 'a');
    step(4);
    const entry = box.redeem(code, 'a');
    await box.settle();
    step(5);
    await world.app.validate(code, 'stranger');
    step(6);
    box.reverse(entry);
    await box.settle();
    await traces.flush();
    // The ledger itself is read: no follower is waited for.
    const chain = await redemptionChain(town.ports, entry.redemption);
    expect(chain).toMatchObject({
      redemption: { store: '0001', lane: '1', basket: 'a', total: dollars(42), reversed: true },
      ...{ campaign: 'spring', lastFour: code.slice(-4) },
      assignment: {
        ...{ id: assignment, how: 'demand', channel: 'sms', source: SEARCH },
        sourceDay: { day: '2026-11-23', impressions: 5000, adClicks: 40, clicks: 1, spend: 1000 },
      },
    });
    expect(chain?.steps.map(({ what }) => what)).toEqual([
      ...['claim', 'assigned', 'delivered', 'viewed', 'scanned', 'redeemed', 'leaked', 'reversed'],
    ]);
    expect(chain?.steps.find(({ what }) => what === 'leaked')).toMatchObject({
      why: 'used_elsewhere',
      door: 'cart:app',
    });
    expect(JSON.stringify(chain)).not.toContain(code);
  });

  test('of what is none is none', async () => {
    expect(await redemptionChain(town.ports, 'redemption-0')).toBeNull();
  });
});

describe('settled up to [E5]', () => {
  const box = { id: 'gw-1', store: '0001', state: 'active' as const, connected: true, backlog: 0, settledAt: null };

  test('is when every box was last heard, or now where there is none', () => {
    expect(settledTo([], null, NOW)).toEqual({ to: NOW, owing: [] });
    expect(settledTo([{ ...box, lastHeard: NOW - 5 }], null, NOW)).toEqual({ to: NOW - 5, owing: [] });
  });

  test('stands where a box was cut off, and names what it owes', () => {
    const cut = { ...box, connected: false, lastHeard: NOW - HOUR, backlog: 7 };
    expect(settledTo([cut, { ...box, lastHeard: NOW }], null, NOW)).toEqual({ to: NOW - HOUR, owing: [cut] });
    const settling = { ...box, lastHeard: NOW, backlog: 7, settledAt: NOW - 2 * HOUR };
    expect(settledTo([settling], null, NOW)).toEqual({ to: NOW - 2 * HOUR, owing: [settling] });
  });

  test('waits for no box that is revoked or was never heard', () => {
    const gone = { ...box, state: 'revoked' as const, connected: false, lastHeard: NOW - DAY };
    const fresh = { ...box, connected: false, lastHeard: null };
    expect(settledTo([gone, fresh], null, NOW)).toEqual({ to: NOW, owing: [] });
  });

  test('stands still where following meets a defect, and the node goes on', async () => {
    const { code } = await town.assign(MAIL);
    const broken = { ...town.ports.store, transaction: () => Promise.reject(new TypeError('a defect')) };
    const traces = new Traces({ ...town.ports, store: broken });
    await traces.tick();
    await traces.tick();
    expect(town.lines).toHaveLength(1);
    town.world.clock.now += HOUR;
    expect((await town.world.shop.redeem(code, 'a')).decision).toBe('approved');
    expect((await countsReport(town.ports, { ...ALL, by: null })).settled.to).toBe(NOW);
  });

  test('waits for what the ledger has and no event follows from yet', async () => {
    await town.assign(MAIL);
    town.world.clock.now += HOUR;
    const { settled } = await countsReport(town.ports, { ...ALL, by: null });
    expect(settled.to).toBe(NOW);
    await town.settled();
    expect((await countsReport(town.ports, { ...ALL, by: null })).settled.to).toBe(NOW + HOUR);
  });
});

describe('a source [E6]', () => {
  test('is its parameters in one order, without what numbers a click', () => {
    const given = { utm_source: ' search ', gclid: 'Cj0', fbclid: 'x', B: '1', 'a b': 'no', utm_term: '\u0007' };
    expect(JSON.stringify(cleanSource(given))).toBe('{"B":"1","utm_source":"search"}');
    expect(cleanSource({ utm_term: 'x'.repeat(500) })).toEqual({ utm_term: 'x'.repeat(200) });
  });

  test('beyond the limit is counted among the others, and leaves room for what is assigned', async () => {
    for (let n = 0; n < 10_003; n += 1) town.note('click', { utm_content: `junk ${n}` });
    await town.assign(SEARCH);
    expect(await line('ad', 'ad7')).toMatchObject({ assigned: 1 });
    expect(await line('ad', '(other)')).toMatchObject({ clicks: 3 });
    expect((await lines())[0]?.counts.clicks).toBe(10_003);
  });
});

describe('what is noted', () => {
  test('is kept while the database is away, and written once it is back', async () => {
    let isAway = true;
    const store = dying(town.ports.store, () => (isAway ? 'before' : 'no'));
    const writer = new TraceWriter({ ...town.ports, store });
    writer.note({ kind: 'click', at: NOW, campaign: 'spring', assignment: null, channel: 'web', source: MAIL });
    await writer.flush();
    expect(await lines()).toEqual([]);
    isAway = false;
    await writer.flush();
    await writer.flush();
    expect(await line('site', 'newsletter')).toMatchObject({ clicks: 1 });
  });

  test('is bounded while the database is away, and what is too much is told', async () => {
    let isAway = true;
    const store = dying(town.ports.store, () => (isAway ? 'before' : 'no'));
    const writer = new TraceWriter({ ...town.ports, store });
    for (let n = 0; n < 50_002; n += 1)
      writer.note({ kind: 'click', at: NOW, campaign: 'spring', assignment: null, channel: 'web', source: MAIL });
    await writer.flush();
    isAway = false;
    await writer.flush();
    expect(await line('site', 'newsletter')).toMatchObject({ clicks: 50_000 });
    expect(town.lines).toEqual(['more events came than could be kept: these are not counted']);
  });

  test('of a campaign that is none is left out', async () => {
    town.note('click', MAIL, { campaign: 'winter' });
    await town.traces.flush();
    expect(await lines()).toEqual([]);
    expect(town.lines).toEqual([]);
  });

  test('is never changed', async () => {
    town.note('click', MAIL);
    await town.traces.flush();
    expect(() => town.world.database.raw.exec('UPDATE events SET at = 0')).toThrow('append-only');
    expect(() => town.world.database.raw.exec('DELETE FROM events')).toThrow('append-only');
  });
});
