import type { ToldScan } from '../../protocol/messages.ts';
import type { DistributionReads } from '../distribution/store.ts';
import type { RefusedAttempt } from '../ledger/port.ts';
import { Coupons } from './coupons.ts';
import { dayIn } from './days.ts';
import type { NewEvent } from './events.ts';
import { leaksOf } from './leaks.ts';
import { OWN_SOURCES } from './sources.ts';
import type { WriterPorts } from './writer.ts';

/**
 * What boxes answered by themselves becomes events and leaks [E7]. Up to which number a box was heard moves in the
 * transaction that adds them: what is told again changes nothing, and what was dropped leaves a gap.
 */
export type BoxScanPorts = WriterPorts & { readonly now: () => number };

/** @returns up to which number they are taken @throws LedgerUnavailable */
export async function takeScans(ports: BoxScanPorts, gateway: string, scans: readonly ToldScan[]): Promise<number> {
  const feed = `scans of ${gateway}`;
  const from = await ports.store.read((tx) => tx.place(feed));
  const fresh = scans.filter(({ n }) => n > from);
  const to = Math.max(from, ...fresh.map(({ n }) => n));
  if (fresh.length === 0) return from;
  const told = fresh.map((scan) => ({ ...scan, at: Math.min(scan.at, ports.now()), door: `gateway:${gateway}` }));
  const { events, attempts } = await ports.distribution.read((tx) => judged(tx, told));
  const leaks = await leaksOf(ports, attempts);
  const isTaken = await ports.store.transaction(async (tx) => {
    if (!(await tx.follow(feed, from, to))) return false;
    await tx.add(events, OWN_SOURCES);
    await tx.addLeaks(leaks, OWN_SOURCES);
    return true;
  });
  // The same, told twice at once: the other has taken it.
  if (!isTaken) return takeScans(ports, gateway, scans);
  const dropped = to - from - fresh.length;
  if (dropped > 0) ports.log.warn({ gateway, scans: dropped }, 'a box had more scans to tell than it could keep');
  return to;
}

type Scan = Omit<ToldScan, 'n'> & { readonly door: string };
type Judged = { readonly events: readonly NewEvent[]; readonly attempts: readonly RefusedAttempt[] };

async function judged(tx: DistributionReads, scans: readonly Scan[]): Promise<Judged> {
  const coupons = new Coupons(tx);
  const events: NewEvent[] = [];
  const attempts: RefusedAttempt[] = [];
  for (const scan of scans) {
    if (scan.what === 'scanned') events.push(...(await scanned(coupons, scan)));
    else attempts.push(...(await attempted(tx, scan)));
  }
  return { events, attempts };
}

async function scanned(coupons: Coupons, { codeHash, at, door, basket }: Scan): Promise<NewEvent[]> {
  const coupon = await coupons.of(codeHash);
  if (coupon === null) return [];
  const store = await coupons.storeOf(door);
  const day = dayIn(at, coupon.timeZone);
  return [{ ...coupon.about, kind: 'scanned', at, day, store, door, basket, money: null, why: null }];
}

async function attempted(tx: DistributionReads, scan: Scan): Promise<RefusedAttempt[]> {
  const { codeHash, door, basket, customer, at, what } = scan;
  const attempt = { codeHash, door, basket, at };
  const named: RefusedAttempt[] = customer === null ? [] : [{ ...attempt, reason: 'wrong_customer', customer }];
  switch (what) {
    case 'scanned':
      return [];
    case 'named':
      return named;
    case 'in_use':
    case 'already_redeemed':
      return [{ ...attempt, reason: what }];
    case 'cannot_verify':
      return (await wasUsed(tx, scan)) ? [{ ...attempt, reason: 'already_redeemed' }] : named;
  }
}

/** A box that was cut off could not know it: another basket had redeemed the code by then. */
async function wasUsed(tx: DistributionReads, { codeHash, door, basket, at }: Scan): Promise<boolean> {
  const id = (await tx.codes([codeHash]))[0]?.redemption ?? null;
  const redemption = id === null ? undefined : (await tx.redemptions([id]))[0];
  return redemption !== undefined && redemption.at <= at && (redemption.door !== door || redemption.basket !== basket);
}
