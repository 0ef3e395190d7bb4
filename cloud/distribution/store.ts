import type { CodeHash } from '../../protocol/code.ts';
import type { Campaign } from '../ledger/port.ts';
import type { BasketSale, LedgerReads, LedgerTx, NewCode, StoredEntry } from '../ledger/store.ts';
import type { IdentityKind } from './identity.ts';

/**
 * What distribution needs of the database. It shares the ledger's transactions: a coupon is issued and assigned in one.
 * Hashes are hexadecimal, times milliseconds since 1970.
 */
export interface DistributionStore {
  /** One transaction, durable when it resolves. @throws LedgerUnavailable */
  transaction<T>(work: (tx: DistributionTx) => Promise<T>): Promise<T>;
  /** Sees what is committed. @throws LedgerUnavailable */
  read<T>(work: (tx: DistributionReads) => Promise<T>): Promise<T>;
}

export interface DistributionReads extends LedgerReads {
  customers(ids: readonly string[]): Promise<CustomerRow[]>;
  identities(keys: readonly IdentityKey[]): Promise<IdentityRow[]>;
  identitiesOf(customer: string): Promise<IdentityRow[]>;
  assignments(ids: readonly string[]): Promise<AssignmentRow[]>;
  assignmentByLink(linkHash: string): Promise<AssignmentRow | null>;
  assignmentByCode(code: CodeHash): Promise<AssignmentRow | null>;
  /** In the order of their ordinals. */
  assignmentsOf(campaign: string, customer: string): Promise<AssignmentRow[]>;
  /** Of all campaigns, newest first. */
  assignmentsOfCustomer(customer: string): Promise<AssignmentRow[]>;
  /** In the order in which they were made, after a place. */
  assignmentsAfter(seq: number, most: number): Promise<AssignmentRow[]>;
  /** Of one campaign, in the order in which they were made, after a place. */
  assignmentsOfCampaign(campaign: string, after: number, most: number): Promise<AssignmentRow[]>;
  /** Codes of coupons that another has replaced and that could still be redeemed. */
  replacedButGood(most: number): Promise<CodeHash[]>;
  /** Customer numbers that are still found by the hash of before. */
  numbersToRenew(most: number): Promise<{ readonly hash: string; readonly sealed: Uint8Array }[]>;
  /** Issues at sales, in the order in which they became known, after a place. */
  issuesAfter(seq: number, most: number): Promise<StoredIssue[]>;
  /** Of erased persons, whose identities are still known by their hashes. */
  erasedCustomers(): Promise<string[]>;
  /** Does this campaign give out codes of stacks? Those that are left; null: it makes its codes. */
  poolLeft(campaign: string): Promise<number | null>;
  claim(id: string): Promise<ClaimRow | null>;
}

export interface DistributionTx extends LedgerTx, DistributionReads {
  /** One who became another has that one's sightings from now on; who is erased has none. */
  putCustomer(row: CustomerRow): Promise<void>;
  /** Somebody was there on that day: said again, nothing changes. `store` null: online. */
  putSighting(customer: string, seen: { readonly store: string | null; readonly at: number }): Promise<void>;
  /** A new one, or another customer, sealed value or proof of one that is there. */
  putIdentity(row: IdentityRow): Promise<void>;
  /** From now on it is found by another hash. */
  renewNumber(before: string, now: { readonly hash: string; readonly sealed: Uint8Array }): Promise<void>;
  /** @throws where the customer has one of that ordinal, or somebody has the code: the database's own constraint */
  putAssignment(row: Omit<AssignmentRow, 'seq'>): Promise<void>;
  /** To another customer (a merge), or replaced by another coupon. */
  changeAssignment(id: string, change: Pick<AssignmentRow, 'customer' | 'replacedBy'>): Promise<void>;
  /** Somebody else than the till that it was made for is told of it. */
  told(assignment: string): Promise<void>;
  /** A new code outside of stacks, issued; told to the chains by `noteIssued` of the same transaction. @throws DuplicateCode */
  putCode(campaign: string, code: NewCode): Promise<void>;
  /** What was put is counted, and the chains have it. */
  noteIssued(codes: IssuedCodes): Promise<void>;
  putPool(pool: { readonly stack: string; readonly campaign: string; readonly count: number }): Promise<void>;
  /** The place of the next code of the campaign's stacks, which is nobody else's from now on; null: none is left. */
  takeFromPool(campaign: string): Promise<{ readonly stack: string; readonly place: number } | null>;
  /** @throws where the basket has one of this campaign at that door: the database's own constraint */
  putIssue(sale: BasketSale, assignment: string, at: number): Promise<void>;
  /** One more coupon of this value given out that day, where the caps of a day allow it. @returns whether they do */
  countGiven(campaign: string, day: string, value: number, cap: Campaign['capPerDay']): Promise<boolean>;
  putClaim(row: ClaimRow): Promise<void>;
  /** One try fewer, where one was left. @returns whether this try counts */
  takeTry(claim: string): Promise<boolean>;
  /** Once: @returns false where it was proved before */
  proveClaim(claim: string, assignment: string): Promise<boolean>;
  /** One more of this key in this span, where fewer than `most` are counted. @returns whether it is within the limit */
  countTry(key: string, span: { readonly startsAt: number; readonly endsAt: number }, most: number): Promise<boolean>;
  forgetEnded(now: number): Promise<void>;
  /** Those of days before this instant's. */
  forgetSightings(before: number): Promise<void>;
  /** Of an erased person, for good. */
  dropIdentities(customer: string): Promise<void>;
}

export type CustomerRow = {
  readonly id: string;
  readonly language: string;
  readonly timeZone: string | null;
  readonly sealedName: Uint8Array | null;
  readonly homeStore: string | null;
  readonly createdAt: number;
  readonly mergedInto: string | null;
  readonly erasedAt: number | null;
};

export type StoredIssue = BasketSale & { readonly seq: number; readonly assignment: string; readonly at: number };

export type IdentityKey = { readonly kind: IdentityKind; readonly hash: string };
export type IdentityRow = IdentityKey & {
  readonly customer: string;
  readonly sealed: Uint8Array | null;
  readonly verifiedAt: number | null;
};

export type AssignmentRow = {
  readonly seq: number;
  readonly id: string;
  readonly campaign: string;
  readonly customer: string | null;
  readonly ordinal: number;
  readonly codeHash: CodeHash;
  readonly sealedCode: Uint8Array;
  readonly linkHash: string;
  readonly how: 'ahead' | 'delivery' | 'demand' | 'basket';
  readonly channel: Channel;
  readonly source: Source;
  readonly at: number;
  readonly replacedBy: string | null;
  /** Made for a sale at a till, and nobody has been told of it but, perhaps, that till [I8]. */
  readonly untold: boolean;
};

export const CHANNELS = ['web', 'sms', 'email', 'app', 'print', 'till', 'online'] as const;
export type Channel = (typeof CHANNELS)[number];

/** Where somebody came from: parameters of the link or QR code that brought them. Names and values are the marketer's. */
export type Source = Readonly<Record<string, string>>;

export type ClaimRow = {
  readonly id: string;
  readonly campaign: string;
  readonly kind: 'phone' | 'email';
  readonly addressHash: string;
  readonly sealedAddress: Uint8Array;
  readonly language: string;
  readonly source: Source;
  readonly proofHash: string;
  readonly triesLeft: number;
  readonly expiresAt: number;
  readonly person: string | null;
  readonly assignment: string | null;
  readonly at: number;
};

export type IssuedCodes = {
  readonly campaign: string;
  readonly codes: readonly NewCode[];
  readonly entries: readonly StoredEntry[];
};
