import { LEDGER_PARTITIONS } from '../../protocol/limits.ts';
import type { DistributionReads } from '../distribution/store.ts';
import type { GatewayRow } from '../ledger/code-rules.ts';
import type { LedgerReads } from '../ledger/store.ts';
import { ASSIGNMENTS, feedOf, ISSUES, type Places } from './follower.ts';
import { type Box, settledTo } from './report-rules.ts';

/** Up to when a report is complete, and who still owes. Stands in every report: what is missing is never silently so. */
export type Settled = {
  /** Milliseconds since 1970. */
  readonly to: number;
  readonly owing: readonly Box[];
};

export async function settledOf(tx: DistributionReads, places: Places, now: number): Promise<Settled> {
  const boxes: Box[] = [];
  for (const row of await tx.allGateways()) boxes.push(await boxOf(tx, row));
  return settledTo(boxes, await unfollowedSince(tx, places), now);
}

async function boxOf(tx: LedgerReads, row: GatewayRow): Promise<Box> {
  const { id, store, state, connected, lastHeard, backlog } = row;
  return { id, store, state, connected, lastHeard, backlog, settledAt: backlog > 0 ? await settledAt(tx, row) : null };
}

/** Not every entry tells a time; among so many some do. */
const ENTRIES_LOOKED_AT = 50;

async function settledAt(tx: LedgerReads, { id, epoch, acknowledged: { n } }: GatewayRow): Promise<number | null> {
  const from = Math.max(0, n - ENTRIES_LOOKED_AT);
  const entries = await tx.journalAfter(id, epoch, from, ENTRIES_LOOKED_AT);
  return entries.flatMap(({ body }) => ('at' in body ? body.at : [])).at(-1) ?? null;
}

async function unfollowedSince(tx: DistributionReads, places: Places): Promise<number | null> {
  const next = await tx.assignmentsAfter(places.get(ASSIGNMENTS) ?? 0, 1);
  const issues = await tx.issuesAfter(places.get(ISSUES) ?? 0, 1);
  const times = [...next, ...issues].map(({ at }) => at);
  for (let partition = 0; partition < LEDGER_PARTITIONS; partition += 1) {
    const entries = await tx.entriesAfter(partition, places.get(feedOf(partition)) ?? 0, 1);
    times.push(...entries.map(({ at }) => at));
  }
  return times.length === 0 ? null : Math.min(...times);
}
