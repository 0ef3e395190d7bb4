import type { Card } from '../../protocol/card.ts';
import type { CodeHash } from '../../protocol/code.ts';
import type { Reason } from '../../protocol/decision.ts';
import type { Down, Header, ToldScan, Up } from '../../protocol/messages.ts';
import type { Money } from '../../protocol/money.ts';
import type { PersonalOffer } from '../../protocol/offer.ts';
import type { BasketView, Conflict, Decision, ReversalView, SaleRequest } from '../../protocol/redemption-api.ts';
import type { Result } from '../../protocol/result.ts';
import type { Standing } from './code-rules.ts';
import type { Barcode, Campaign, CampaignVersion, NewCampaign } from './campaign-rules.ts';
import type { PersonalRefusal } from './personal-rules.ts';
import type { FedReason } from './code-rules.ts';

/** What the cloud's doors, its issuing and its fleet ask of the ledger. Types alone. */

/** `client`: the token's name; the holder is `cart:CLIENT`. */
export type CartSale = SaleRequest & { readonly client: string };
export type { Conflict, Standing };

/** The database cannot be read or written: the door answers 503. */
export class LedgerUnavailable extends Error {}

export type Store = {
  readonly id: string;
  readonly name: string;
  readonly timeZone: string;
  readonly address: string | null;
};

export type { Barcode, Campaign, CampaignVersion, NewCampaign };

/**
 * `stocked`: that store has it, also without its line. `let_go`: no store keeps it. `in_use`: at a till or in a cart at
 * this moment. `held_elsewhere`: another store has it and is asked for it. `not_usable`: over, used up, or not for there.
 */
export type Placed =
  | 'stocked'
  | 'let_go'
  | 'in_use'
  | 'held_elsewhere'
  | 'store_not_connected'
  | 'store_full'
  | 'not_usable';

export type Exposure = {
  readonly campaign: string;
  /** Codes by state. */
  readonly units: Record<CodeState, number>;
  /** What can still be redeemed: units and minor units of the currency. */
  readonly open: { readonly units: number; readonly value: number };
  readonly redeemed: { readonly units: number; readonly value: number };
  readonly cap: { readonly units: number | null; readonly value: number | null };
  readonly currency: string;
};

/** What a till or a shop that redeems by itself tells of one code. Times in milliseconds since 1970. */
export type FedItem = {
  readonly what: 'redeemed' | 'reversed';
  readonly code: string;
  readonly at: number;
  /** Null: online. */
  readonly store: string | null;
  readonly lane: string | null;
  readonly basket: string;
  readonly total: Money | null;
  readonly discount: Money | null;
};
export const FEED_REFUSALS = [
  'not_a_coupon',
  'malformed_code',
  'not_single_use',
  'unknown_code',
  'unknown_store',
  'in_the_future',
  'basket_conflict',
] as const;
export type FedAnswer =
  /** `taken`: the ledger has it; `exception`: money that does not fit, kept with both sides. `again`: told before, nothing changed. */
  | {
      readonly outcome: 'taken' | 'exception';
      readonly reason: FedReason | null;
      readonly redemption: string | null;
      readonly again: boolean;
    }
  /** Nothing is kept of it. */
  | { readonly outcome: 'refused'; readonly reason: (typeof FEED_REFUSALS)[number] };

export type CodeState = 'issued' | 'held' | 'reserved' | 'void_pending' | 'in_doubt' | 'redeemed' | 'voided';

export type CodeHistory = {
  readonly state: CodeState | 'expired';
  readonly campaign: string;
  readonly holder: string | null;
  readonly redemption: Decision['redemption'];
  readonly history: readonly {
    readonly at: string;
    readonly what: string;
    readonly where: string | null;
    readonly basket: string | null;
  }[];
};

export type GatewayView = {
  readonly id: string;
  readonly store: string;
  readonly state: 'active' | 'fenced' | 'revoked';
  readonly connected: boolean;
  readonly lastHeard: number | null;
  readonly version: string | null;
  readonly epoch: number;
  /** Journal entries that the box says are not settled. */
  readonly backlog: number;
  readonly holds: { readonly units: number; readonly value: number };
  /** What its registers may still issue. */
  readonly blanks: { readonly units: number; readonly value: number };
  readonly inDoubt: { readonly units: number; readonly value: number };
  readonly drillUntil: number | null;
};

export type ExceptionView = {
  readonly id: string;
  readonly at: number;
  readonly what: string;
  readonly gateway: string | null;
  readonly lastFour: string | null;
  /** Face value at stake in minor units, where a code is known. */
  readonly value: number | null;
  readonly ours: string;
  readonly theirs: string;
};

/** A redemption under other terms than the campaign had by then [P8]. */
export type OldTermsView = {
  readonly campaign: string;
  readonly lastFour: string;
  readonly store: string;
  readonly at: number;
  readonly basket: string;
  readonly reversed: boolean;
  /** As they were for this coupon. */
  readonly used: TermsView;
  readonly inForce: TermsView;
  /** How much more the coupon was worth than by the terms in force; less than zero: the customer had less. */
  readonly difference: Money;
};
export type TermsView = Pick<Card, 'version' | 'startsAt' | 'endsAt' | 'minimumBasket'> &
  Pick<Card['offer'], 'title' | 'discount'> &
  Pick<Campaign, 'condition' | 'terms'>;

export type { PersonalRefusal };
export type IssueRefusal =
  | { readonly why: 'cap_exceeded'; readonly unitsLeft: number | null }
  | { readonly why: 'unknown_campaign' };
export type ImportRefusal =
  | IssueRefusal
  | { readonly why: 'bad_lines'; readonly count: number; readonly errors: readonly LineError[] }
  /** `broken_off`: its sender left in the middle of it. */
  | { readonly why: 'no_codes' | 'too_large' | 'broken_off' | 'too_many_forms' };
/** What is wrong with one line of a file, for the person who made it. The code itself is never repeated. */
export type LineError = { readonly line: number; readonly why: string };
export type VoidOutcome = 'voided' | 'void_pending' | 'already_redeemed' | 'unknown_code';
export type NewGateway = {
  readonly id: string;
  readonly store: string;
  readonly shard: number;
  readonly publicKey: string;
  readonly keyId: string;
  /** SHA-256, hex, of the broker password. */
  readonly passwordHash: string;
};

export type OutgoingMessage = { readonly seq: number; readonly epoch: number; readonly message: Down };

export interface Ledger {
  // carts
  validate(sale: CartSale): Promise<Result<Decision[], Conflict>>;
  redeem(sale: CartSale): Promise<Result<Decision[], Conflict>>;
  reverse(request: {
    client: string;
    code: string;
    basket: string;
    reason: string;
    door: string | null;
  }): Promise<ReversalView>;
  release(request: { client: string; code: string; basket: string }): Promise<void>;
  basket(client: string, basket: string): Promise<BasketView>;
  /** Null: unknown, whatever the reason. */
  history(code: string): Promise<CodeHistory | null>;
  /** Null: there is no such code. */
  standing(code: CodeHash): Promise<Standing | null>;

  /** Evidence of a till or a shop that redeems by itself [C15]; answered in the order of the items, at most 200. */
  feed(client: string, items: readonly FedItem[]): Promise<FedAnswer[]>;

  // issuing
  createCampaign(campaign: NewCampaign): Promise<Result<Campaign, 'exists'>>;
  /** A new version of the card, kept beside the old ones; all boxes are told. Nothing where nothing differs. */
  changeCampaign(id: string, change: (now: Campaign) => Campaign): Promise<Result<Campaign, 'unknown_campaign'>>;
  campaigns(): Promise<Campaign[]>;
  campaign(id: string): Promise<Campaign | null>;
  /** Its terms under every version, the oldest first; null: no such campaign. */
  campaignVersions(id: string): Promise<readonly CampaignVersion[] | null>;
  /** Gives a free code terms of its own, once and for good. @returns the card as it is for this code */
  personalise(campaign: string, code: string, offer: PersonalOffer): Promise<Result<Card, PersonalRefusal>>;
  /** Redemptions under old terms, the newest first. */
  oldTerms(): Promise<readonly OldTermsView[]>;
  /** Told after each change of its terms that this node commits, until stopped. @returns stops it */
  watchCampaign(id: string, changed: () => void): () => void;
  /** Told after each move of the code that this node commits, until stopped. @returns stops it */
  watchCode(hash: CodeHash, moved: () => void): () => void;
  exposure(campaign: string): Promise<Exposure | null>;
  createStore(store: Store): Promise<Result<Store, 'exists'>>;
  stores(): Promise<Store[]>;
  /** Issues new codes; all or none under the caps. Streams: a million is written in chunks of one transaction each,
   *  under a cap that is taken first. */
  issueStack(
    campaign: string,
    count: number,
  ): Promise<Result<{ readonly id: string; readonly count: number }, IssueRefusal>>;
  /** Issues a stack made elsewhere: all of its codes, or none of them. */
  importStack(
    campaign: string,
    csv: AsyncIterable<Uint8Array>,
  ): Promise<Result<{ readonly id: string; readonly count: number }, ImportRefusal>>;
  /** The codes of a stack in their order, as printed or as given, decrypted chunk by chunk; null: no such stack. */
  stackCodes(stack: string): Promise<AsyncIterable<readonly string[]> | null>;
  voidCode(code: string): Promise<VoidOutcome>;
  voidHash(code: CodeHash): Promise<VoidOutcome>;
  /** Reserves these codes ahead in that store. */
  stock(
    store: string,
    codes: readonly string[],
  ): Promise<
    Result<
      { readonly granted: number; readonly refused: readonly { readonly code: string; readonly reason: string }[] },
      'unknown_store'
    >
  >;
  /** The owner's word on where a coupon is used: reserved there at once, or let go of (null). */
  place(choice: {
    readonly assignment: string;
    readonly codeHash: CodeHash;
    readonly store: string | null;
  }): Promise<Placed>;

  // fleet
  addGateway(gateway: NewGateway): Promise<{ readonly epoch: number; readonly incarnation: string }>;
  gateways(): Promise<GatewayView[]>;
  gatewayKey(id: string): { readonly keyId: string; readonly publicKey: string } | null;
  /** For the broker: who may log in, with which password hash. */
  brokerLogin(id: string): { readonly passwordHash: string; readonly shard: number } | null;
  revoke(gateway: string): Promise<'revoked' | 'unknown_gateway'>;
  exceptions(): Promise<ExceptionView[]>;
  /** A verified message of a box. */
  receive(header: Header, message: Up): Promise<void>;
  /** The connection of a box ended (last will, or the broker says so). */
  gatewayGone(id: string): Promise<void>;

  /** Messages of a box that the broker has not taken, in their order, after a place; at most a hundred. */
  outbox(gateway: string, after: number): Promise<readonly OutgoingMessage[]>;
  /** The broker has taken these. */
  published(seqs: readonly number[]): void;
  /** The incarnation that every message carries [C8]. */
  readonly incarnation: string;

  /** True where the database answers and the ledger can decide. */
  ready(): Promise<boolean>;
  /** Ends holds, recalls and reservations that are due; deals stock. Call once a second. */
  tick(): Promise<void>;
  close(): Promise<void>;
}

/** An attempt that was refused, by a known code: told after its decision is durable, never in its way. */
export type RefusedAttempt = {
  readonly codeHash: CodeHash;
  readonly door: string;
  readonly basket: string;
  readonly reason: Reason;
  /** Whom the sale named, hashed as a customer number travels: it is an attempt where the coupon is another's. */
  readonly customer?: string;
  /** Milliseconds since 1970. */
  readonly at: number;
};

/**
 * A box tells what it answered by itself: counted when it resolves, and once, however often it is told [E7].
 * @returns the number up to which it is @throws LedgerUnavailable
 */
export type TakeScans = (gateway: string, scans: readonly ToldScan[]) => Promise<number>;

/** What the ledger asks of the link: messages leave in the order of the outbox, after their commit. */
export interface Outgoing {
  /** There is something in the outbox of this gateway. */
  wake(gateway: string): void;
}

export type { CodeHash };
