import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { countsReport, leaksReport, redemptionChain } from '../../cloud/reports/attribution.ts';
import { takeScans } from '../../cloud/reports/box-scans.ts';
import { type By, textOf } from '../../cloud/reports/report-rules.ts';
import { hashCustomer } from '../../protocol/code.ts';
import type { ToldScan } from '../../protocol/messages.ts';
import { type Attributed, dying, openAttributed } from './attribution-world.ts';
import { NOW } from './ledger-rows.ts';
import { type Box, FLEET_KEY, hashOfCode } from './ledger-world.ts';

/** What boxes tell of scans that they answered by themselves, in the reports. */

const MAIL = { utm_source: 'newsletter', utm_content: 'top' };
const DAY = 24 * 3_600_000;

let town: Attributed;
let box: Box;
beforeEach(async () => {
  town = await openAttributed();
  box = await town.world.box('0002');
});
afterEach(() => town.close());

const ALL = { campaign: 'spring', from: '2026-01-01', to: '2027-12-31' };
async function leaks(by: By) {
  await town.settled();
  const { lines } = await leaksReport(town.ports, { ...ALL, by });
  return Object.fromEntries(lines.map(({ key, counts }) => [textOf(key), counts]));
}
async function counts(by: By, text: string) {
  await town.settled();
  const { lines } = await countsReport(town.ports, { ...ALL, by });
  return lines.find(({ key }) => textOf(key) === text)?.counts;
}

const scanOf = (n: number, code: string, what: ToldScan['what'], changes: Partial<ToldScan> = {}): ToldScan => ({
  ...{ n, codeHash: hashOfCode(code), basket: `sale-${n}`, lane: '3', customer: null, at: NOW, what },
  ...changes,
});
const tell = async (...scans: ToldScan[]) => {
  await box.send({ type: 'scans', body: { scans } });
  return box.last('scans_taken')?.n ?? null;
};

describe('an attempt that a box refused by itself [E7, E3]', () => {
  test('is a leak of its coupon’s source, in that store, on the day on which it was', async () => {
    const [used, busy] = [await town.assign(MAIL), await town.assign(MAIL)];
    town.world.clock.now += 2 * DAY;
    expect(await tell(scanOf(1, used.code, 'already_redeemed'), scanOf(2, busy.code, 'in_use'))).toBe(2);
    const both = { used_elsewhere: 1, second_basket: 1, wrong_customer: 0 };
    expect(await leaks('site')).toEqual({ newsletter: both });
    expect(await leaks('store')).toEqual({ '0002': both });
    expect(await leaks('day')).toEqual({ '2026-11-23': both });
    expect(await leaks('channel')).toEqual({ web: both });
    expect(await counts('site', 'newsletter')).toMatchObject({ leaked: 2, scanned: 0 });
  });

  test('is counted once, told again, told twice at once, or seen by the ledger as well', async () => {
    const { code } = await town.assign(MAIL);
    const scans = [scanOf(1, code, 'already_redeemed', { basket: 'x' }), scanOf(2, code, 'scanned')];
    await Promise.all([tell(...scans), tell(...scans)]);
    await tell(...scans, scanOf(3, code, 'already_redeemed', { basket: 'x' }));
    await town.world.shop.redeem(code, 'a');
    await box.want(code, 'x');
    expect(await leaks('site')).toMatchObject({ newsletter: { used_elsewhere: 1 } });
    const told = town.rows("SELECT kind FROM events WHERE basket IN ('x', 'sale-2') ORDER BY kind");
    expect(told).toEqual([{ kind: 'leaked' }, { kind: 'scanned' }]);
  });

  test('while it was cut off is one where another basket had redeemed the coupon by then', async () => {
    const [before, after, free] = [await town.assign(MAIL), await town.assign(MAIL), await town.assign(MAIL)];
    await town.world.shop.redeem(before.code, 'a');
    town.world.clock.now += DAY;
    await town.world.shop.redeem(after.code, 'b');
    const at = NOW + DAY / 2;
    await tell(
      scanOf(1, before.code, 'cannot_verify', { at }),
      scanOf(2, after.code, 'cannot_verify', { at }),
      scanOf(3, free.code, 'cannot_verify', { at }),
    );
    expect(await leaks('site')).toMatchObject({ newsletter: { used_elsewhere: 1, wrong_customer: 0 } });
  });

  test('is one where the sale named another customer than the coupon’s own', async () => {
    const [own, others, unseen] = [await town.assign(MAIL), await town.assign(MAIL), await town.assign(MAIL)];
    const customer = hashCustomer(FLEET_KEY, own.number);
    await tell(
      scanOf(1, own.code, 'named', { customer }),
      scanOf(2, others.code, 'named', { customer }),
      scanOf(3, unseen.code, 'cannot_verify', { customer }),
    );
    expect(await leaks('site')).toEqual({ newsletter: { wrong_customer: 2, second_basket: 0, used_elsewhere: 0 } });
  });

  test('of a code that is none, or from a clock that is ahead, breaks nothing', async () => {
    const { code } = await town.assign(MAIL);
    await tell(scanOf(1, '7KQ29MXD4TRB8WNS', 'in_use'), scanOf(2, code, 'in_use', { at: NOW + 400 * DAY }));
    expect(await leaks('day')).toMatchObject({ '2026-11-23': { second_basket: 1 } });
  });
});

describe('a scan that a box approved from its stock [E7, E2]', () => {
  test('is in the funnel though it led to nothing, and once where it led to a redemption', async () => {
    const [left, bought] = [await town.assign(MAIL), await town.assign(MAIL)];
    await town.world.ledger.stock('0002', [left.code, bought.code]);
    await box.take();
    await tell(scanOf(1, left.code, 'scanned'));
    expect(await counts('store', '0002')).toMatchObject({ scanned: 1, redeemed: 0 });
    box.redeem(bought.code, 'z');
    await box.settle();
    expect(await counts('site', 'newsletter')).toMatchObject({ scanned: 2, redeemed: 1 });
  });

  test('is a step of the chain of a redemption that came later', async () => {
    const { code } = await town.assign(MAIL);
    await tell(scanOf(1, code, 'scanned'), scanOf(2, code, 'in_use'));
    town.world.clock.now += DAY;
    await town.world.shop.redeem(code, 'a');
    const redeemed = (await town.world.ledger.history(code))?.redemption?.id ?? '';
    const chain = await redemptionChain(town.ports, redeemed);
    expect(chain?.steps.map(({ what, basket }) => `${what} ${basket}`)).toEqual([
      ...['claim null', 'assigned null', 'scanned sale-1', 'leaked sale-2', 'scanned a', 'redeemed a'],
    ]);
  });
});

describe('what boxes tell [E7]', () => {
  test('is told how much of it was dropped', async () => {
    const { code } = await town.assign(MAIL);
    await tell(scanOf(1, code, 'scanned'));
    await tell(scanOf(5, code, 'scanned'), scanOf(6, code, 'scanned'));
    expect(town.lines).toEqual(['a box had more scans to tell than it could keep']);
  });

  test('is each box’s own count', async () => {
    const { code } = await town.assign(MAIL);
    const other = await town.world.box('0001');
    await tell(scanOf(1, code, 'in_use', { basket: 'a' }));
    await other.send({ type: 'scans', body: { scans: [scanOf(1, code, 'in_use', { basket: 'a' })] } });
    expect(await leaks('store')).toMatchObject({ '0001': { second_basket: 1 }, '0002': { second_basket: 1 } });
  });

  test('stays untold where the cloud dies over it, and is counted once when it is told again', async () => {
    const { code } = await town.assign(MAIL);
    const scans = [scanOf(1, code, 'scanned'), scanOf(2, code, 'in_use')];
    for (const when of ['before', 'after'] as const) {
      const store = dying(town.ports.store, () => when);
      await expect(takeScans({ ...town.ports, store }, box.id, scans)).rejects.toThrow('killed');
    }
    expect(await tell(...scans)).toBe(2);
    expect(await counts('store', '0002')).toMatchObject({ scanned: 1, leaked: 1 });
  });

  test('is not heard from a box that was not welcomed', async () => {
    const { code } = await town.assign(MAIL);
    await box.send({ type: 'scans', body: { scans: [scanOf(1, code, 'in_use')] } }, { epoch: box.epoch + 1 });
    expect(await leaks('site')).toEqual({});
    expect(box.last('scans_taken')).toBeNull();
  });
});
