import { LEDGER_PARTITIONS } from '../../protocol/limits.ts';
import type { AssignmentRow, DistributionReads, DistributionStore, StoredIssue } from '../distribution/store.ts';
import { Coupons } from './coupons.ts';
import { dayIn } from './days.ts';
import { eventsOf } from './entry-events.ts';
import { cleanSource, given } from './event-rules.ts';
import type { NewEvent } from './events.ts';
import { OWN_SOURCES } from './sources.ts';
import type { TraceStore } from './store.ts';

/**
 * Assignments, issues at sales, scans, redemptions and reversals follow from what is durable: each feed is read from where it was followed
 * to, and its events and the new place are one transaction. So none is missing from a report and none is in it twice,
 * whatever dies in between.
 */
type FollowPorts = { readonly store: TraceStore; readonly distribution: Pick<DistributionStore, 'read'> };

/** One transaction of some ten milliseconds: a register's redemption may wait for it. */
const ITEMS_PER_BATCH = 500;

/** @returns whether there may be more */
export async function followOnce({ store, distribution }: FollowPorts, most = ITEMS_PER_BATCH): Promise<boolean> {
  const places = await store.read(readPlaces);
  const { steps, events, isFull } = await distribution.read((tx) => nextOf(tx, places, most));
  if (steps.length === 0) return false;
  try {
    await store.transaction(async (tx) => {
      for (const { feed, from, to } of steps) if (!(await tx.follow(feed, from, to))) throw new FollowedElsewhere(feed);
      await tx.add(events, OWN_SOURCES);
    });
  } catch (error) {
    // Another node was first: what is next is read anew.
    if (!(error instanceof FollowedElsewhere)) throw error;
    return true;
  }
  return isFull;
}

class FollowedElsewhere extends Error {}

export const ASSIGNMENTS = 'assignments';
export const ISSUES = 'issues';
export const feedOf = (partition: number): string => `entries of partition ${partition}`;
const FEEDS: readonly string[] = [
  ASSIGNMENTS,
  ISSUES,
  ...Array.from({ length: LEDGER_PARTITIONS }, (_, i) => feedOf(i)),
];

export type Places = ReadonlyMap<string, number>;
type Step = { readonly feed: string; readonly from: number; readonly to: number };
type Next = { readonly steps: readonly Step[]; readonly events: readonly NewEvent[]; readonly isFull: boolean };

export async function readPlaces(tx: { place(feed: string): Promise<number> }): Promise<Places> {
  const places = new Map<string, number>();
  for (const feed of FEEDS) places.set(feed, await tx.place(feed));
  return places;
}

/** The next items of all feeds, so many together. */
async function nextOf(tx: DistributionReads, places: Places, most: number): Promise<Next> {
  const coupons = new Coupons(tx);
  const steps: Step[] = [];
  const events: NewEvent[] = [];
  let left = most;
  const take = (feed: string, from: number, count: number, to: number | undefined) => {
    left -= count;
    if (to !== undefined) steps.push({ feed, from, to });
  };
  const from = places.get(ASSIGNMENTS) ?? 0;
  const assignments = await tx.assignmentsAfter(from, left);
  take(ASSIGNMENTS, from, assignments.length, assignments.at(-1)?.seq);
  for (const row of assignments) events.push(...(await assigned(coupons, row)));
  const issuedTo = places.get(ISSUES) ?? 0;
  const issues = left > 0 ? await tx.issuesAfter(issuedTo, left) : [];
  take(ISSUES, issuedTo, issues.length, issues.at(-1)?.seq);
  for (const issue of issues) events.push(...(await issued(tx, coupons, issue)));
  for (let partition = 0; partition < LEDGER_PARTITIONS && left > 0; partition += 1) {
    const after = places.get(feedOf(partition)) ?? 0;
    const entries = await tx.entriesAfter(partition, after, left);
    take(feedOf(partition), after, entries.length, entries.at(-1)?.n);
    for (const entry of entries) events.push(...(await eventsOf(tx, coupons, entry)));
  }
  return { steps, events, isFull: left <= 0 };
}

async function assigned(coupons: Coupons, row: AssignmentRow): Promise<NewEvent[]> {
  const campaign = await coupons.campaign(row.campaign);
  if (campaign === null) return [];
  const { id, at, channel, source } = row;
  const day = dayIn(at, campaign.card.timeZone);
  return given(row.how).map((kind) => ({
    ...{ kind, at, day, campaign: campaign.id, assignment: id, channel, source: cleanSource(source) },
    ...{ store: null, door: null, basket: null, money: null, why: null },
  }));
}

/** A coupon that a till or a cart gave to a basket, be it new or its customer's already: by the channel of the sale. */
async function issued(
  tx: DistributionReads,
  coupons: Coupons,
  { campaign: id, assignment, at, door, basket }: StoredIssue,
): Promise<NewEvent[]> {
  const campaign = await coupons.campaign(id);
  const row = (await tx.assignments([assignment]))[0];
  if (campaign === null || row === undefined) return [];
  const store = await coupons.storeOf(door);
  return [
    {
      ...{ kind: 'issued', at, day: dayIn(at, campaign.card.timeZone), campaign: id, assignment },
      ...{ channel: door.startsWith('gateway:') ? 'till' : 'online', source: cleanSource(row.source) },
      ...{ store, door, basket, money: null, why: null },
    },
  ];
}
