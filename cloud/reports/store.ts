import type { Channel, Source } from '../distribution/store.ts';
import type { Leak, NewEvent, StoredEvent } from './events.ts';
import type { LeakCount, Part, Spent, Sum } from './report-rules.ts';

/** What reports need of a database: events, kept whole and added up by day in the same transaction. */
export interface TraceStore {
  /** One transaction, durable when it resolves. @throws LedgerUnavailable */
  transaction<T>(work: (tx: TraceTx) => Promise<T>): Promise<T>;
  /** Sees what is committed. @throws LedgerUnavailable */
  read<T>(work: (tx: TraceReads) => Promise<T>): Promise<T>;
}

export interface TraceReads {
  /** How far a feed has been followed; 0 where it has not. */
  place(feed: string): Promise<number>;
  /** The sums of all that falls into the span, by campaign, kind and one more. */
  sums(span: Span, by: Part | null): Promise<Sum[]>;
  spent(span: Span, by: Part | null): Promise<Spent[]>;
  leaks(span: Span, by: Part | null): Promise<LeakCount[]>;
  /** In the order in which they were added. */
  eventsOf(assignment: string): Promise<StoredEvent[]>;
  sources(ids: readonly number[]): Promise<Map<number, Source>>;
  sourceId(campaign: string, source: Source): Promise<number | null>;
}

export interface TraceTx extends TraceReads {
  /** Events, and the days' sums with them. */
  add(events: readonly NewEvent[], limit: SourceLimit): Promise<void>;
  /** Leaks are events too; one that is known already is nothing new. */
  addLeaks(leaks: readonly Leak[], limit: SourceLimit): Promise<void>;
  /** @returns false where somebody else has followed it meanwhile: nothing of this transaction may stay */
  follow(feed: string, from: number, to: number): Promise<boolean>;
  /** Each row takes the place of the one for the same day, channel and source. @returns false where there are too many sources */
  putSpend(campaign: string, rows: readonly SpendRow[], limit: SourceLimit): Promise<boolean>;
}

/** So many distinct sources of one campaign; what comes beyond them is counted under `OTHER_SOURCE`. */
export type SourceLimit = { readonly sourcesMax: number };

/** Days of the campaigns' time zones, as `2026-11-23`, both included. A campaign of null: all of them. */
export type Span = { readonly campaign: string | null; readonly from: string; readonly to: string };
export type SpendRow = {
  readonly day: string;
  readonly channel: Channel | null;
  readonly source: Source;
  readonly impressions: number;
  readonly clicks: number;
  /** Minor units of the campaign's currency. */
  readonly cost: number;
};
