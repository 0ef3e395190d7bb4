import type { Money } from '../../protocol/money.ts';
import type { AssignmentRow, DistributionReads, Source } from '../distribution/store.ts';
import { Coupons } from './coupons.ts';
import { dayIn } from './days.ts';
import { eventsOf } from './entry-events.ts';
import { cleanSource, type EventKind, given } from './event-rules.ts';
import type { StoredEvent } from './events.ts';
import { type Counts, linesOf } from './report-rules.ts';
import type { TraceReads } from './store.ts';

/** One redemption and all that led to it, in the order in which it happened. */
export type Chain = {
  readonly redemption: {
    readonly id: string;
    readonly at: number;
    readonly door: string;
    readonly store: string | null;
    readonly lane: string | null;
    readonly basket: string;
    readonly total: Money | null;
    readonly discount: Money | null;
    readonly reversed: boolean;
  };
  readonly campaign: string;
  readonly lastFour: string;
  /** Null: nobody was assigned this code, as one that was printed from a stack. */
  readonly assignment: (Pick<AssignmentRow, 'id' | 'customer' | 'how' | 'channel' | 'at'> & SourceDay) | null;
  readonly steps: readonly Step[];
};
/** Whom an ad reached is not known, nobody is followed by cookies: how often it was shown and clicked on the day of the assignment is. */
type SourceDay = {
  readonly source: Source;
  readonly sourceDay: { readonly day: string } & Pick<Counts, 'impressions' | 'adClicks' | 'clicks' | 'spend'>;
};
export type Step = Pick<StoredEvent, 'at' | 'store' | 'door' | 'basket' | 'why'> & { readonly what: EventKind };

/** What is read from the ledger itself, and so never waits for its follower. */
const FOLLOWED: readonly EventKind[] = ['claim', 'assigned', 'scanned', 'redeemed', 'reversed'];

/** @returns null where there is no such redemption */
export async function chainOf(tx: DistributionReads, traces: TraceReads, id: string): Promise<Chain | null> {
  const row = (await tx.redemptions([id]))[0];
  if (row === undefined) return null;
  const coupons = new Coupons(tx);
  const code = (await tx.codes([row.codeHash]))[0];
  const campaign = code === undefined ? null : await coupons.campaign(code.campaign);
  if (code === undefined || campaign === null) throw new Error(`the redemption ${id} is of no code`);
  const assigned = await tx.assignmentByCode(row.codeHash);
  const moves = (await tx.entriesOfCode(row.codeHash)).map((entry) => eventsOf(tx, coupons, entry));
  const followed = (await Promise.all(moves)).flat().map(({ kind, ...event }): Step => stepOf(kind, event));
  const noted = assigned === null ? [] : await notedSteps(traces, assigned, followed);
  const { at, door, lane, basket, total, discount, reversed } = row;
  return {
    redemption: {
      id,
      at,
      door,
      store: row.fedStore ?? (await coupons.storeOf(door)),
      lane,
      basket,
      total,
      discount,
      reversed,
    },
    campaign: campaign.id,
    lastFour: code.lastFour,
    assignment: assigned === null ? null : await assignmentOf(traces, assigned, campaign.card.timeZone),
    steps: [...noted, ...followed].sort((one, other) => one.at - other.at),
  };
}

async function notedSteps(
  traces: TraceReads,
  { id, at, how }: AssignmentRow,
  followed: readonly Step[],
): Promise<Step[]> {
  const events = (await traces.eventsOf(id)).filter(
    (event) => !FOLLOWED.includes(event.kind) || isOfBox(event, followed),
  );
  const first = given(how).map((what): Step => ({ what, at, store: null, door: null, basket: null, why: null }));
  return [...first, ...events.map(({ kind, ...event }) => stepOf(kind, event))];
}

/** A scan of which the ledger knows nothing: a box told it afterwards [E7]. */
const isOfBox = ({ kind, at, door, basket }: StoredEvent, followed: readonly Step[]): boolean =>
  kind === 'scanned' &&
  !followed.some((step) => step.what === kind && step.at === at && step.door === door && step.basket === basket);

const stepOf = (what: EventKind, { at, store, door, basket, why }: Omit<Step, 'what'>): Step => ({
  ...{ what, at, store, door, basket, why },
});

async function assignmentOf(traces: TraceReads, row: AssignmentRow, timeZone: string) {
  const { id, campaign, customer, how, channel, at, source } = row;
  const day = dayIn(at, timeZone);
  const { impressions, adClicks, clicks, spend } = await countsOn(traces, campaign, source, day);
  return { id, customer, how, channel, at, source, sourceDay: { day, impressions, adClicks, clicks, spend } };
}

async function countsOn(traces: TraceReads, campaign: string, source: Source, day: string) {
  const id = await traces.sourceId(campaign, cleanSource(source));
  const span = { campaign, from: day, to: day };
  const ofSource = <T extends { readonly key: unknown }>(rows: readonly T[]) => rows.filter(({ key }) => key === id);
  const sums = ofSource(await traces.sums(span, 'source'));
  const spent = ofSource(await traces.spent(span, 'source'));
  const line = linesOf(sums, spent, null, new Map())[0];
  return line?.counts ?? { impressions: 0, adClicks: 0, clicks: 0, spend: 0 };
}
