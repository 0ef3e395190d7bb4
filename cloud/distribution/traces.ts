import type { Channel, Source } from './store.ts';

/** What happened to a coupon or on the way to one, for attribution. Redemptions and reversals follow from the ledger itself. */

export const TRACE_KINDS = [
  'impression',
  'click',
  'claim',
  'assigned',
  'delivered',
  'viewed',
  'scanned',
  'leaked',
] as const;
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
  /** Why it is a leak, as `second_basket`. */
  readonly why?: string;
};

/** Noted soon after, a handful at a time: nobody waits for it, and what a crash takes was never money. */
export type NoteTrace = (trace: Trace) => void;
