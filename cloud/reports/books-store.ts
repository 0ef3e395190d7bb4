import type { Campaign } from '../ledger/port.ts';
import type { Flow, Terms } from './books-rules.ts';

/** What the books need of the ledger's database: its entries in order, what is counted of them, and what was fed. */
export interface BooksStore {
  /** One transaction. @throws LedgerUnavailable */
  transaction<T>(work: (tx: BooksTx) => Promise<T>): Promise<T>;
  /** Sees what is committed. @throws LedgerUnavailable */
  read<T>(work: (tx: BooksReads) => Promise<T>): Promise<T>;
}

export interface BooksReads {
  /** How far each partition's chain goes, and how far it is counted; only those that are not counted to their end. */
  uncounted(): Promise<{ readonly partition: number; readonly counted: number }[]>;
  counted(partition: number): Promise<number>;
  /** In their order, after a number. `campaign`: of the code; null: the entry is of no code. */
  entriesOf(partition: number, after: number, most: number): Promise<BookEntry[]>;
  /** Of every campaign, in their order. */
  terms(): Promise<CampaignTerms[]>;
  /** Flows up to a day; those before the first are summed up, under the day '' and version 0. */
  flows(from: string, to: string): Promise<CampaignFlow[]>;
  allCampaigns(): Promise<Campaign[]>;
  /** By client and day (UTC) of the feeding. */
  feedLags(from: number, to: number): Promise<FeedLag[]>;
}

export interface BooksTx extends BooksReads {
  /** Adds to what is counted, up to a number of the partition's chain. */
  count(flows: readonly CampaignFlow[], partition: number, upTo: number): Promise<void>;
}

/** `body`: canonical text. `ownValue`: of the code at that entry; null: it is worth what its campaign's face value is. */
export type BookEntry = {
  readonly n: number;
  readonly at: number;
  readonly body: string;
  readonly campaign: string | null;
  readonly ownValue: number | null;
  /** Of the code at that entry, a date or an instant; null: it ends with its campaign. */
  readonly ownEnd: string | null;
};
export type CampaignTerms = Terms & { readonly campaign: string };
/** `endsAt`: of these codes' own, as it was written; a date is of the campaign's calendar. */
export type CampaignFlow = Omit<Flow, 'ends'> & { readonly campaign: string; readonly endsAt: string | null };

/** How long after it was done something was fed, in milliseconds. */
export type FeedLag = {
  readonly day: string;
  readonly door: string;
  readonly count: number;
  readonly exceptions: number;
  readonly medianMs: number;
  readonly worstMs: number;
};
