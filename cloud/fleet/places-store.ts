import type { CodeHash } from '../../protocol/code.ts';
import type { Places, Weight } from './stocking-rules.ts';

/** What stocking needs of the database about people: where they use their coupons. */
export interface PlacesStore {
  /** One transaction, durable when it resolves. @throws LedgerUnavailable */
  transaction<T>(work: (tx: PlacesTx) => Promise<T>): Promise<T>;
  /** Sees what is committed. @throws LedgerUnavailable */
  read<T>(work: (tx: PlacesReads) => Promise<T>): Promise<T>;
}

export interface PlacesReads {
  /** The number of the newest assignment; 0: there is none. */
  newestAssignment(): Promise<number>;
  /**
   * What is known of the next assignments in their order, after a place.
   * @returns those whose code may still be stocked, and the last place looked at; null: there was nothing after it
   */
  assigned(after: number, most: number): Promise<{ readonly upTo: number | null; readonly codes: AssignedCode[] }>;
  /** Null: unknown, or its code is none that may still be stocked. */
  assignedCode(assignment: string): Promise<AssignedCode | null>;
  /** Free codes of a campaign that are best reserved in that store and score enough, best first. */
  toStock(of: ToStock, now: number, most: number): Promise<Candidate[]>;
  /** People's coupons that were dealt to that box and score less than this, the weakest first. */
  dealtTo(gateway: string, below: number, most: number): Promise<CodeHash[]>;
}

export interface PlacesTx extends PlacesReads {
  /** Null: let go of. The newest choice counts. */
  choose(assignment: string, store: string | null, at: number): Promise<void>;
  /** Null: nowhere. */
  putWeights(weights: readonly { readonly hash: CodeHash; readonly weight: Weight | null }[]): Promise<void>;
}

export type AssignedCode = {
  readonly hash: CodeHash;
  readonly places: Places;
  /** As it was weighed last. */
  readonly weight: Weight | null;
};

export type ToStock = { readonly store: string; readonly campaign: string; readonly scoreMin: number };
export type Candidate = { readonly hash: CodeHash; readonly score: number };
