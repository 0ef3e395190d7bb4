import type { DistributionStore, Source } from '../distribution/store.ts';
import { type Chain, chainOf } from './chain.ts';
import { readPlaces } from './follower.ts';
import {
  type By,
  type Counts,
  type LeakCounts,
  type Line,
  leakLinesOf,
  linesOf,
  type PartKey,
  partOf,
} from './report-rules.ts';
import { type Settled, settledOf } from './settled.ts';
import type { Span, TraceReads, TraceStore } from './store.ts';

/** What was shown, clicked, claimed, delivered, redeemed and leaked, and what it cost: read from the days' sums. */

export type AttributionPorts = {
  readonly store: TraceStore;
  readonly distribution: Pick<DistributionStore, 'read'>;
  readonly now: () => number;
};

export type Asked = Span & { readonly by: By | null };
export type Report<C> = {
  readonly settled: Settled;
  readonly lines: readonly (Line<C> & { readonly currency: string })[];
};

/** What the funnel, the performance and the cost of a redemption are made of. */
export function countsReport(ports: AttributionPorts, asked: Asked): Promise<Report<Counts>> {
  return report(ports, async (tx) => {
    const part = partOf(asked.by);
    const sums = await tx.sums(asked, part);
    const spent = await tx.spent(asked, part);
    return linesOf(sums, spent, asked.by, await sourcesOf(tx, [...sums, ...spent]));
  });
}

export function leaksReport(ports: AttributionPorts, asked: Asked): Promise<Report<LeakCounts>> {
  return report(ports, async (tx) => {
    const leaks = await tx.leaks(asked, partOf(asked.by));
    return leakLinesOf(leaks, asked.by, await sourcesOf(tx, leaks));
  });
}

/** @returns null where there is no such redemption */
export function redemptionChain({ store, distribution }: AttributionPorts, id: string): Promise<Chain | null> {
  return distribution.read((tx) => store.read((traces) => chainOf(tx, traces, id)));
}

async function report<C>(
  { store, distribution, now }: AttributionPorts,
  read: (tx: TraceReads) => Promise<Line<C>[]>,
): Promise<Report<C>> {
  // Up to where it is settled is asked before the sums are: what comes in between makes them newer, never poorer.
  const places = await store.read(readPlaces);
  const { settled, currencies } = await distribution.read(async (tx) => ({
    settled: await settledOf(tx, places, now()),
    currencies: new Map((await tx.allCampaigns()).map(({ id, card }) => [id, card.offer.discount.currency])),
  }));
  const lines = await store.read(read);
  return { settled, lines: lines.map((line) => ({ ...line, currency: currencies.get(line.campaign) ?? '' })) };
}

async function sourcesOf(
  tx: TraceReads,
  rows: readonly { readonly key: PartKey }[],
): Promise<ReadonlyMap<number, Source>> {
  const ids = new Set(rows.flatMap(({ key }) => (typeof key === 'number' ? key : [])));
  return tx.sources([...ids]);
}
