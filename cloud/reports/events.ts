import type { CodeHash } from '../../protocol/code.ts';
import type { Channel, Source } from '../distribution/store.ts';
import type { EventKind, LeakWhy } from './event-rules.ts';

/** What is reported: noted by a door, or followed from the ledger. Types alone. */

export type NewEvent = {
  readonly kind: EventKind;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The calendar day of it in the campaign's time zone, as `2026-11-23`. */
  readonly day: string;
  readonly campaign: string;
  readonly assignment: string | null;
  /** Of its coupon: how it was asked for. Null: a code that nobody was assigned. */
  readonly channel: Channel | null;
  /** As `cleanSource` leaves it: the same parameters are the same text. */
  readonly source: Source;
  readonly store: string | null;
  readonly door: string | null;
  readonly basket: string | null;
  /** Of the basket, and taken off it; minor units of the campaign's currency. */
  readonly money: { readonly total: number | null; readonly discount: number | null; readonly currency: string } | null;
  readonly why: LeakWhy | null;
};

/** An attempt with somebody else's coupon, or with one that is used. */
export type Leak = NewEvent & {
  readonly kind: 'leaked';
  readonly codeHash: CodeHash;
  readonly door: string;
  readonly basket: string;
  readonly why: LeakWhy;
};

export type StoredEvent = Pick<NewEvent, 'kind' | 'at' | 'store' | 'door' | 'basket' | 'why'> & {
  readonly seq: number;
  readonly channel: string | null;
};
