import type { Channel, Source } from './store.ts';

/**
 * What doors note on a coupon's way, for attribution. Claims, assignments, scans, redemptions, reversals and leaked attempts
 * follow from the ledger itself: nobody notes them.
 */
export type Trace = {
  readonly kind: 'impression' | 'click' | 'delivered' | 'viewed';
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
