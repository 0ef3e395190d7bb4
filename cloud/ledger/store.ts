import type { CodeHash } from '../../protocol/code.ts';
import type { Entry } from '../../protocol/journal.ts';
import type { Down } from '../../protocol/messages.ts';
import type { PersonalOffer } from '../../protocol/offer.ts';
import type {
  CodeRow,
  CodeState,
  ExceptionRow,
  FedRow,
  GatewayRow,
  IssueRow,
  OldTermsRow,
  RedemptionRow,
  ReservationRow,
  ReversalRow,
  Sighting,
  UseRow,
  WaitRow,
} from './code-rules.ts';
import type { Campaign, CampaignVersion, Store } from './port.ts';
import type { Own, OwnByState, OwnMoves, UnitMoves } from './worth-rules.ts';

/**
 * What the ledger needs of a database. Every statement is keyed by code, gateway, basket or campaign and takes lists, so
 * that one round trip serves a whole group of commands. Rows loaded in a transaction are locked until its end.
 */
export interface LedgerStore {
  /** One transaction, durable when it resolves. Work that throws leaves nothing behind. @throws LedgerUnavailable */
  transaction<T>(work: (tx: LedgerTx) => Promise<T>): Promise<T>;
  /** Sees what is committed, each query the newest of it; writes nothing. @throws LedgerUnavailable */
  read<T>(work: (tx: LedgerReads) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface LedgerReads {
  incarnation(): Promise<string | null>;
  codes(hashes: readonly CodeHash[]): Promise<CodeRow[]>;
  reservations(ids: readonly string[]): Promise<ReservationRow[]>;
  redemptions(ids: readonly string[]): Promise<RedemptionRow[]>;
  redemptionsOfBasket(door: string, basket: string): Promise<RedemptionRow[]>;
  reversals(codes: readonly CodeHash[]): Promise<ReversalRow[]>;
  uses(door: string, basket: string): Promise<UseRow[]>;
  fed(codes: readonly CodeHash[]): Promise<FedRow[]>;
  /** In the order of asking. */
  waits(codes: readonly CodeHash[]): Promise<WaitRow[]>;
  /** What a basket was issued of a campaign at a door; null: nothing. */
  issueOf(sale: BasketSale): Promise<{ readonly assignment: string; readonly codeHash: CodeHash } | null>;
  /** Whom a till names, and what this customer has of a campaign, in the order of the ordinals; null: nobody is known so. */
  named(campaign: string, numberHash: string): Promise<NamedCustomer | null>;
  /** A blank's text as it goes to its box; null: it is none, or none any more. */
  blankText(code: CodeHash): Promise<string | null>;
  /** Reserved blanks of that box that are not recalled, by campaign. */
  blanksHeldBy(gateway: string): Promise<{ readonly campaign: string; readonly units: number }[]>;
  /** Some of these. */
  blanksIn(gateway: string, campaign: string, most: number): Promise<CodeHash[]>;
  gateways(ids: readonly string[]): Promise<GatewayRow[]>;
  allGateways(): Promise<GatewayRow[]>;
  /** In the order of their ids. */
  gatewaysOf(store: string): Promise<GatewayRow[]>;
  campaigns(ids: readonly string[]): Promise<Campaign[]>;
  allCampaigns(): Promise<Campaign[]>;
  /** A campaign's codes by state; of these, those with a value of their own, and their value. As of one moment. */
  counts(campaign: string): Promise<{ readonly units: Units; readonly own: OwnByState }>;
  /** Of the free and held codes whose own end is not after that instant, and some that end within a day of it: by their end. */
  ownEnds(campaign: string, until: number): Promise<OwnEnd[]>;
  /** The oldest first. */
  campaignVersions(campaign: string): Promise<CampaignVersion[]>;
  /** The newest first. */
  oldTerms(most: number): Promise<StoredOldTerms[]>;
  stores(): Promise<Store[]>;
  /** Hashes of the codes that a box holds: reserved, void_pending or in doubt. */
  codesHeldBy(gateway: string): Promise<CodeHash[]>;
  /** Does any open reservation of the box end before this instant? */
  anyHeldEndsBefore(gateway: string, instant: number): Promise<boolean>;
  /** Without the blanks, as long as they are believed to be that. */
  countHeldBy(gateways: readonly string[]): Promise<HoldingCount[]>;
  heads(partitions: readonly number[]): Promise<ChainHead[]>;
  entriesOfCode(code: CodeHash): Promise<StoredEntry[]>;
  /** In the order of partition and number, `most` after the place given. */
  entriesAfter(partition: number, n: number, most: number): Promise<StoredEntry[]>;
  journalAfter(gateway: string, epoch: number, n: number, most: number): Promise<StoredJournalEntry[]>;
  /** The hash at a number of a box's acknowledged journal; null where there is none. */
  journalHash(gateway: string, epoch: number, n: number): Promise<string | null>;
  /** Of these, those that exist, also as codes that are staged: `codes` does not know them yet. */
  taken(hashes: readonly CodeHash[]): Promise<CodeHash[]>;
  stack(id: string): Promise<StackRow | null>;
  stackChunk(stack: string, chunk: number): Promise<Uint8Array | null>;
  /** Those that are whole and not issued to their end. */
  unfinishedStacks(): Promise<string[]>;
  /** Imported ones that are not whole. */
  comingStacks(): Promise<string[]>;
  exceptions(most: number): Promise<StoredException[]>;
  outbox(gateway: string, after: number, most: number): Promise<OutboxRow[]>;
  outboxGateways(): Promise<string[]>;

  // what is due
  holdsEnded(now: number, most: number): Promise<CodeHash[]>;
  reservationsEnded(before: number, most: number): Promise<CodeHash[]>;
  recallsLapsed(now: number, most: number): Promise<CodeHash[]>;
  waitsEnded(now: number): Promise<CodeHash[]>;
  /** Free codes that are dealt in turn: those that are best in a certain store are not among them. */
  codesToDeal(campaign: string, now: number, most: number): Promise<CodeHash[]>;
}

export interface LedgerTx extends LedgerReads {
  /** Everything that a group of commands changed, at once. @throws LostRace where a code's version is not the one seen */
  write(batch: Batch): Promise<void>;
  /** New codes, issued as blanks of one box. @throws DuplicateCode */
  makeBlanks(blanks: MadeBlanks): Promise<void>;
  putIncarnation(incarnation: string): Promise<void>;
  putStore(store: Store): Promise<void>;
  putCampaign(campaign: Campaign): Promise<void>;
  /** An imported one is coming until `makeWhole`. */
  putStack(stack: {
    readonly id: string;
    readonly campaign: string;
    readonly count: number;
    readonly at: number;
    readonly isImported: boolean;
  }): Promise<void>;
  /** New codes of one chunk, or staged ones; @throws DuplicateCode where one exists: nothing of the chunk is kept */
  issue(chunk: IssuedChunk): Promise<void>;
  /** Codes of a coming stack; @throws DuplicateCode as `issue` does */
  stage(chunk: StagedChunk): Promise<void>;
  /** A chunk of a stack that is still coming. */
  unstage(chunk: Pick<StagedChunk, 'stack' | 'chunk'> & { readonly codes: readonly CodeHash[] }): Promise<void>;
  makeWhole(stack: string): Promise<void>;
  /** A coming one, of which no code is staged any more. */
  dropStack(stack: string): Promise<void>;
}

/** Another transaction was there first: load again and decide again. */
export class LostRace extends Error {}
/** A code that exists already. With 75 random bits: draw the chunk again. */
export class DuplicateCode extends Error {}

/** What a coupon is issued to: one of a campaign, for a basket at a door. */
export type BasketSale = { readonly door: string; readonly campaign: string; readonly basket: string };

export type NamedCustomer = { readonly customer: string; readonly coupons: readonly CustomersCoupon[] };
export type CustomersCoupon = {
  readonly codeHash: CodeHash;
  readonly ordinal: number;
  readonly replaced: boolean;
  /** Made for a sale at a till, and nobody has been told of it but, perhaps, that till. */
  readonly untold: boolean;
};

export type Units = Readonly<Record<CodeState, number>>;
export type HoldingCount = {
  readonly gateway: string;
  readonly campaign: string;
  readonly state: CodeState;
  readonly units: number;
  readonly own: Own;
};
/** `endsAt`: a date or an instant, as it was given. */
export type OwnEnd = { readonly endsAt: string; readonly units: number; readonly own: Own };
export type ChainHead = { readonly partition: number; readonly n: number; readonly hash: string };
export type StoredEntry = {
  readonly partition: number;
  readonly n: number;
  readonly codeHash: CodeHash | null;
  readonly at: number;
  /** Canonical text. */
  readonly body: string;
  readonly hash: string;
};
export type StoredJournalEntry = Entry & { readonly before: string; readonly evidence: boolean };
export type StoredException = ExceptionRow & {
  readonly id: string;
  readonly at: number;
  readonly lastFour: string | null;
  readonly campaign: string | null;
  /** The code's own; null: its campaign's, or no code is known. */
  readonly ownValue: number | null;
};
export type StoredOldTerms = OldTermsRow & {
  readonly sale: RedemptionRow;
  readonly code: Pick<CodeRow, 'lastFour' | 'campaign' | 'personal'>;
};
export type OutboxRow = { readonly seq: number; readonly epoch: number; readonly message: Down };

export type Batch = {
  readonly codes: readonly { readonly row: CodeRow; readonly seenVersion: number }[];
  readonly reservations: readonly ReservationRow[];
  readonly redemptions: readonly RedemptionRow[];
  readonly reversals: readonly ReversalRow[];
  readonly uses: readonly UseRow[];
  readonly issues: readonly IssueRow[];
  readonly fed: readonly FedRow[];
  readonly waits: readonly WaitRow[];
  readonly waitsEnded: readonly string[];
  readonly gateways: readonly GatewayRow[];
  readonly entries: readonly StoredEntry[];
  readonly journals: readonly (StoredJournalEntry & { readonly gateway: string })[];
  readonly messages: readonly { readonly gateway: string; readonly epoch: number; readonly message: Down }[];
  readonly exceptions: readonly (ExceptionRow & { readonly id: string; readonly at: number })[];
  /** The newest of a person counts; of codes that nobody owns nothing is kept. */
  readonly seen: readonly Sighting[];
  /** Campaigns whose terms changed: put, and kept as a version of their own. */
  readonly versions: readonly Campaign[];
  readonly oldTerms: readonly OldTermsRow[];
  readonly units: UnitMoves;
  readonly own: OwnMoves;
  /** Outbox rows that the broker has taken. */
  readonly published: readonly number[];
};

export const NOTHING: Batch = {
  codes: [],
  reservations: [],
  redemptions: [],
  reversals: [],
  uses: [],
  issues: [],
  fed: [],
  waits: [],
  waitsEnded: [],
  gateways: [],
  entries: [],
  journals: [],
  messages: [],
  exceptions: [],
  seen: [],
  versions: [],
  oldTerms: [],
  units: new Map(),
  own: new Map(),
  published: [],
};

export type IssuedChunk = {
  readonly stack: string;
  readonly chunk: number;
  readonly campaign: string;
  readonly dealt: boolean;
  /** Null: the chunk was staged. */
  readonly sealed: Uint8Array | null;
  readonly codes: readonly NewCode[];
  readonly entries: readonly StoredEntry[];
};

export type StagedChunk = {
  readonly stack: string;
  readonly chunk: number;
  readonly campaign: string;
  readonly sealed: Uint8Array;
  readonly codes: readonly Omit<NewCode, 'personal'>[];
};

export type MadeBlanks = {
  readonly campaign: string;
  readonly gateway: string;
  readonly blanks: readonly (NewCode & {
    readonly sealedForBox: string;
    /** What it will be when it is issued. */
    readonly assignment: string;
    readonly sealedCode: Uint8Array;
    readonly linkHash: string;
  })[];
  readonly entries: readonly StoredEntry[];
};

/** `personal`: what it has of its own from the beginning; the caps were taken for it [P13]. */
export type NewCode = { readonly hash: CodeHash; readonly lastFour: string; readonly personal?: PersonalOffer };

export type StackRow = {
  readonly campaign: string;
  readonly count: number;
  readonly issued: number;
  readonly isImported: boolean;
};
