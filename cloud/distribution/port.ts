import type { Discount, PersonalOffer } from '../../protocol/offer.ts';
import type { OutOfBounds } from '../../protocol/personal-offer.ts';
import type { Result } from '../../protocol/result.ts';
import type { CodeHash, CodeState, Placed } from '../ledger/port.ts';
import type { Address, Identity } from './identity.ts';
import type { Spent } from './assign-rules.ts';
import type { AssignmentRow, Channel, Source } from './store.ts';

/** What doors, deliveries and faces ask of distribution. Types alone. */

export interface Distribution {
  /** Brings what was stored before to its present form. Call once, before anything is asked. */
  open(): Promise<void>;

  // customers
  /**
   * The person who has these identities: found, or made. Where they belonged to two, these become one.
   * @param facts what is known besides; what is left out stays as it is
   */
  person(identities: readonly [KnownIdentity, ...KnownIdentity[]], facts: PersonFacts): Promise<string>;
  /** The person whom a till names: found, or made. @param number the retailer's, hashed as it travels [F3] */
  personNamed(number: string): Promise<string>;
  /** Null: there is no such person, or none any more. */
  customer(id: string): Promise<CustomerView | null>;
  /** Forgets name and addresses; coupons and money stay counted. @returns whether there was such a person */
  erase(id: string): Promise<boolean>;

  // assignments
  /** One coupon a customer and campaign: the same one however often and wherever it is asked for. */
  assign(request: AssignRequest): Promise<Result<Assigned, AssignRefusal>>;
  /** The same for a sale, where nobody is given what cannot be used any more [I7]. */
  issue(request: IssueRequest): Promise<Result<Assigned, IssueRefusal>>;
  /** The same for who has these identities, found or made as by `person`: in the one transaction. */
  assignTo(
    person: { readonly identities: readonly [KnownIdentity, ...KnownIdentity[]]; readonly facts: PersonFacts },
    request: Omit<AssignRequest, 'customer'>,
  ): Promise<Result<Assigned, AssignRefusal>>;
  /** Null: unknown, whatever the reason. */
  byLink(link: string): Promise<Coupon | null>;
  coupon(assignment: string): Promise<Coupon | null>;
  /** Of this person, newest first. */
  couponsOf(customer: string): Promise<Coupon[]>;
  /**
   * From now on customers of its campaign get the codes of this stack, in their order, and no new ones are made. Said again,
   * nothing changes.
   */
  giveStack(
    stack: string,
  ): Promise<Result<{ readonly campaign: string; readonly left: number }, 'unknown_stack' | 'unfinished'>>;
  /** All coupons of a campaign that are somebody's, in the order in which they were given. */
  couponsOfCampaign(campaign: string): AsyncIterable<readonly GivenCoupon[]>;
  /** The number of whose coupon this is, hashed as it travels; null: nobody's, or the retailer has no number for them. */
  ownerOf(code: CodeHash): Promise<string | null>;
  /** Null: no such campaign. */
  discountOf(campaign: string): Promise<Discount | null>;
  /** How many coupons can still be had; null: as many as are asked for. Undefined: no such campaign. */
  left(campaign: string): Promise<number | null | undefined>;

  // claims
  /** Sends a one-time code to an address, so that it can be proved. */
  claim(request: ClaimRequest): Promise<Result<{ readonly claim: string; readonly expiresAt: number }, ClaimRefusal>>;
  /** The coupon of who proves the address. */
  prove(claim: string, proof: string): Promise<Result<Assigned, ClaimRefusal>>;

  /**
   * 'Use it in this store': reserved there at once, or let go of (null). The choice is kept: where the store is not
   * connected, the coupon is reserved there when it is. Chosen again, it is answered the same.
   */
  choosePlace(assignment: string, store: string | null): Promise<PlaceChosen>;

  /** Ends what is due. Call once a second. */
  tick(): Promise<void>;
}

/** `verified`: the person has proved it; else the retailer says so. */
export type KnownIdentity = { readonly identity: Identity; readonly verified: boolean };
export type PersonFacts = {
  readonly language?: string;
  readonly timeZone?: string;
  readonly name?: string;
  readonly homeStore?: string;
};

export type CustomerView = {
  readonly id: string;
  readonly language: string;
  readonly timeZone: string | null;
  readonly name: string | null;
  readonly homeStore: string | null;
  readonly identities: readonly {
    readonly kind: Identity['kind'];
    readonly value: string;
    readonly verified: boolean;
  }[];
};

export type AssignRequest = {
  readonly campaign: string;
  readonly customer: string;
  readonly how: Exclude<AssignmentRow['how'], 'basket'>;
  readonly channel: Channel;
  readonly source: Source;
  /** Its own, within the campaign's bounds; null: the campaign's. Who has a coupon keeps it as it is. */
  readonly personal: PersonalOffer | null;
};
export type IssueRequest = {
  readonly campaign: string;
  /** Null: whoever holds this coupon. */
  readonly customer: string | null;
  readonly channel: 'till' | 'online';
  /** Asked again for the same sale, the answer is the same coupon [I1]. Null: a box's journal will tell it. */
  readonly sale: { readonly door: string; readonly basket: string } | null;
};
/** As `Placed`, or `too_often`: not within this hour again. `unknown_coupon`: there is none, or another took its place. */
export type PlaceChosen = Placed | 'too_often' | 'unknown_coupon';

export type AssignRefusal =
  | 'none_left'
  | 'none_left_today'
  | 'ended'
  | 'unknown_campaign'
  | { readonly outOfBounds: OutOfBounds };

export type IssueRefusal = Exclude<AssignRefusal, object> | Spent;

export type Assigned = { readonly assignment: string; readonly link: string; readonly isNew: boolean };

/** One person's coupon. */
export type Coupon = AssignmentRow & {
  readonly link: string;
  /** Opens the code's text, for its face and its message alone: ours in its normal form, one made elsewhere as given. */
  readonly code: () => string;
};

/** One line of the list of who has which coupon. */
export type GivenCoupon = Pick<Coupon, 'link' | 'at' | 'how' | 'channel'> & {
  /** The retailer's number; null: it has none, or nobody is behind it. */
  readonly number: string | null;
  readonly state: CodeState;
  readonly lastFour: string;
};

export type ClaimRequest = {
  readonly campaign: string;
  readonly address: Address;
  readonly language: string;
  readonly source: Source;
  /** The network it comes from: an address's /24 or /56. */
  readonly network: string;
  /** A claim that was just proved: its person proves a second address with this one. Null: whoever has the address. */
  readonly proved: string | null;
  /** What the person agreed to; null: nothing was said. */
  readonly consent: Consent | null;
};
/** Word for word, milliseconds since 1970, and by which way it came. */
export type Consent = { readonly wording: string; readonly at: number; readonly source: 'web' | 'app' };

export type ClaimRefusal =
  | AssignRefusal
  /** Wrong, used up, too late, or no such claim: one answer for all. */
  | 'not_proved'
  /** Nothing can be sent to an address of this kind: no provider is set up. */
  | 'not_set_up'
  | { readonly tooMany: 'address' | 'network' | 'campaign'; readonly retryAfterSeconds: number };

/** How a one-time code, and later a coupon, gets to an address. Resolves when it is noted durably, not when it has arrived. */
export interface Post {
  /** Is there a provider for such addresses? */
  serves(kind: Address['kind']): boolean;
  sendProof(message: {
    readonly claim: string;
    readonly campaign: string;
    readonly address: Address;
    readonly language: string;
    readonly proof: string;
    readonly expiresAt: number;
    readonly consent: Consent | null;
  }): Promise<void>;
  /** To who has just proved the address. Asked again for the same claim, nothing more is sent. */
  sendCoupon(message: {
    readonly claim: string;
    readonly campaign: string;
    readonly address: Address;
    readonly customer: string;
    readonly assignment: string;
    readonly language: string;
  }): Promise<void>;
}
