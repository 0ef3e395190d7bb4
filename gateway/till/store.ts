import type { Card } from '../../protocol/card.ts';
import type { CodeHash } from '../../protocol/code.ts';
import type { CodeForm } from '../../protocol/code-form.ts';
import type { Entry } from '../../protocol/journal.ts';
import type { ToldScan } from '../../protocol/messages.ts';
import type { Answer, Box, CodeKnown, EntryPlace, Issue, Reservation } from './box-rules.ts';
import type { Change } from './draft-rules.ts';

/** The box's data cannot be opened: damaged, not ours, or of a newer Tearline. The message says which and what to do. */
export class TillDataBroken extends Error {}

/** What enrolment writes. */
export type NewBox = { readonly gateway: string; readonly incarnation: string; readonly epoch: number };

/** What may be over by now, by the moments that count for each. */
export type DueQuery = {
  readonly epoch: number;
  /** Idle reservations that end at or before this. */
  readonly endedAt: number;
  /** Uses that end at or before `usedUntil`, or after `usedBeyond`, which no use does. */
  readonly usedUntil: number;
  readonly usedBeyond: number;
  /** Recalls that lapse at or before this. */
  readonly lapsedAt: number;
  /** Idle ones that were fetched for a scan. */
  readonly fetchedToo: boolean;
  readonly most: number;
};

export type BasketKnown = {
  readonly answers: readonly Answer[];
  readonly uses: readonly { readonly codeHash: CodeHash; readonly lastFour: string; readonly isOpen: boolean }[];
};

/** `holding` and `holdsUntil`: without the blanks, which nobody can redeem. */
export type Holding = {
  readonly holding: number;
  readonly inUse: number;
  readonly holdsUntil: number | null;
  readonly blanks: number;
};

/** Scans that are kept to be told: those of a week's outage in a large store; under two megabytes. The oldest make room. */
export const SCANS_KEPT_MAX = 5_000;

/**
 * The till's data. One writer: `begin`, any reads and `apply`s, then `commit` or `rollback`; reads see what was applied.
 * Every method throws TillUnavailable where the data cannot be read or written.
 */
export interface TillStore {
  /** @throws TillUnavailable also where nobody has made a box here */
  box(): Box & { readonly gateway: string };
  code(codeHash: CodeHash): CodeKnown;
  /** Also a closed one. */
  reservation(id: string): Reservation | null;
  /** Active reservations of an epoch that grants up to this number installed. */
  installedUpTo(epoch: number, number: number): Reservation[];
  /** Active reservations of the epoch. */
  due(query: DueQuery): Reservation[];
  /** All versions, the oldest first. */
  cards(campaign: string): readonly Card[];
  /** Of imported codes, on the newest card of each campaign. */
  forms(): readonly CodeForm[];
  /** Ids of the active reservations of the epoch, in order. */
  holdings(epoch: number): string[];
  holding(epoch: number): Holding;
  /** The blanks by campaign: how many, and when the first of them ends. */
  blanks(): { readonly campaign: string; readonly units: number; readonly until: number }[];
  /** One of the active blanks of that campaign. */
  blank(campaign: string): Reservation | null;
  issue(campaign: string, basket: string): Issue | null;
  /** Of what that basket was issued: sealed for this box. @throws TillUnavailable where there is none */
  issuedText(campaign: string, basket: string): string;
  basket(door: string, basket: string): BasketKnown;

  /** Those that the cloud has not taken, the oldest first. */
  scans(most: number): ToldScan[];

  /** The chain's hash at that entry; at number 0 before the first one. Null: the journal does not reach there. */
  hashAt(place: EntryPlace): string | null;
  /** In order, at most so many. @throws TillUnavailable where one of them cannot be read */
  entries(epoch: number, from: number, most: number): Entry[];
  /** When the first entry after this one that says so was made; null: none of the epoch does. */
  oldestAt(after: EntryPlace): number | null;
  /** Of the journal, ascending, with the last number of each. */
  epochs(): EntryPlace[];
  /** Up to where the cloud has received an epoch's entries as evidence; 0: nothing. */
  evidence(epoch: number): number;

  begin(): void;
  /** @param entries the journal changes among them, numbered and chained */
  apply(changes: readonly Change[], entries: readonly Entry[]): void;
  /** On the disk when it returns. */
  commit(): void;
  rollback(): void;
  /** Spares the commits to come: moves what was committed to where it rests. For a moment in which nobody waits. */
  checkpoint(): void;

  /** The first state of a box, committed. @throws where there is one */
  make(box: NewBox): void;
  isMade(): boolean;
  close(): void;
}

/** Enrolling again refuses over these: entries that the cloud has neither applied nor received as evidence [C12]. */
export function hasUnsettled(store: TillStore): boolean {
  if (!store.isMade()) return false;
  const { epoch, acknowledged } = store.box();
  return store.epochs().some((last) => {
    const settled = last.epoch === epoch ? acknowledged : 0;
    return last.n > Math.max(settled, store.evidence(last.epoch));
  });
}
