import type { Channel, Source } from './store.ts';

/**
 * What doors note on a coupon's way, for attribution. Assignments, scans, redemptions, reversals and leaked attempts follow
 * from the ledger itself: nobody notes them.
 */

export const TRACE_KINDS = ['impression', 'click', 'claim', 'delivered', 'viewed'] as const;
export type TraceKind = (typeof TRACE_KINDS)[number];

export type Trace = {
  readonly kind: TraceKind;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly campaign: string;
  /** Null: nobody has one yet. */
  readonly assignment: string | null;
  readonly channel: Channel;
  readonly source: Source;
  readonly store?: string;
  readonly basket?: string;
};

/** Noted soon after, a handful at a time: nobody waits for it, and what a crash takes was never money. */
export type NoteTrace = (trace: Trace) => void;
