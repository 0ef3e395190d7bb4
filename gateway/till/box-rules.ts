import { type Card, type Clock, type Validity, validityIn } from '../../protocol/card.ts';
import type { CodeHash } from '../../protocol/code.ts';
import type { Facts, Reason } from '../../protocol/decision.ts';
import type { IssueReason } from '../../protocol/issue-api.ts';
import type { Head } from '../../protocol/journal.ts';
import type { ToldScan } from '../../protocol/messages.ts';
import type { Money } from '../../protocol/money.ts';
import type { Offer, Personal } from '../../protocol/offer.ts';
import { personalCard } from '../../protocol/personal-offer.ts';

/** What the rules of the till know: values alone, loaded for one command. Times are milliseconds since 1970 UTC. */

/** Who this box is: from its identity and its settings, never from its data. */
export type Self = {
  readonly gateway: string;
  /** `gateway:<id>`: where this box's redemptions are made. */
  readonly door: string;
  readonly store: string;
  readonly storeName: string;
  /** By its calendar the dates of a card begin and end here. */
  readonly timeZone: string;
  readonly keyId: string;
  /** Tell the cloud of an unclean start [C5]. */
  readonly strict: boolean;
};

/** What the data say of the box as a whole. */
export type Box = {
  readonly incarnation: string;
  readonly epoch: number;
  readonly bootId: number;
  readonly head: Head;
  /** The highest number of this epoch that the cloud has acknowledged. */
  readonly acknowledged: number;
  /** Grants at or below this number are not installed any more [G1]. */
  readonly floor: number;
  /** The time is never before this. */
  readonly highWater: number;
  readonly stoppedClean: boolean;
  readonly fence: Fence | null;
};

/** Stands until a readmission. `witness`: what disagreed, where that is why. */
export type Fence = { readonly epoch: number; readonly why: string; readonly witness: WitnessPlace | null };
export type WitnessPlace = { readonly epoch: number; readonly n: number };

/** What this run of the process knows and a restart forgets. */
export type Session = {
  readonly standing: Standing;
  /** What the witness said, where it does not agree. */
  readonly disagreement: WitnessPlace | null;
  readonly cleanStart: boolean;
  readonly line: 'up' | 'down';
  /** The nonce of the latest hello of this boot. */
  readonly hello: string | null;
  /** The challenge that was attested last. */
  readonly challenge: string | null;
  readonly beat: string | null;
  /** The cloud has told the time since this boot. */
  readonly anchored: boolean;
  readonly wants: ReadonlyMap<string, Want>;
};

export type Standing = 'starting' | 'validated' | 'disagreement' | 'fenced';

/** A scan that waits for the cloud. It is open as long as it stands here. */
export type Want = {
  readonly want: string;
  readonly codeHash: CodeHash;
  readonly basket: string;
  readonly lane: string | null;
  readonly total: Money | null;
  readonly customer: string | null;
  readonly waitMs: number;
  /** Ask again once the cloud has acknowledged the journal up to this number [G2]. */
  readonly againAfter: number | null;
};

export type Reservation = {
  readonly reservation: string;
  readonly codeHash: CodeHash;
  readonly lastFour: string;
  readonly generation: number;
  readonly campaign: string;
  readonly cardVersion: number;
  /** What this coupon has of its own [P13]. */
  readonly personal: Personal | null;
  readonly epoch: number;
  /** Of the grant that installed it. */
  readonly number: number;
  readonly notAfter: number;
  readonly state: 'active' | 'redeemed' | 'returned';
  /**
   * `scan`: fetched for a basket, and returned when that basket does not redeem. `stock`: kept. `blank`: kept to be
   * issued, and redeemed by nobody until then; from then on it is as one that was fetched [I4].
   */
  readonly origin: 'scan' | 'stock' | 'blank';
  readonly use: Use | null;
  readonly mark: RecallMark | null;
};

/** An approved code is in use by one basket until it is redeemed, released or timed out. */
export type Use = {
  readonly basket: string;
  readonly lane: string | null;
  readonly mode: 'online' | 'reserved';
  readonly until: number;
  /** The terms that the basket was told. */
  readonly cardVersion: number;
};

/** Recalled while in use [G5]: at the use's end it goes back. A null deadline never lapses. */
export type RecallMark = { readonly deadline: number | null };

/** What a basket was issued of a campaign: stored and repeated. */
export type Issue = {
  readonly campaign: string;
  readonly basket: string;
  /** Of the blank; null: it is its customer's own, and nothing is reserved for it. */
  readonly reservation: string | null;
  readonly codeHash: CodeHash;
  /** Where its entry stands in the journal. */
  readonly epoch: number;
  readonly n: number;
  readonly offer: Offer;
  /** Milliseconds since 1970. */
  readonly until: number;
};

/** A customer's own coupon, as the cloud tells it: its text sealed for this box. */
export type OwnCoupon = Pick<Issue, 'codeHash' | 'offer' | 'until'> & { readonly sealed: string };
/** What the cloud has said to a register that asked for a coupon. */
export type IssueTold =
  | { readonly kind: 'own'; readonly coupon: OwnCoupon }
  | { readonly kind: 'none'; readonly reason: IssueReason };

/** What is stored and repeated for a door, a code and a basket [G9]. */
export type Answer = {
  readonly door: string;
  readonly codeHash: CodeHash;
  readonly basket: string;
  /** Null where only the hash was ever known here. */
  readonly lastFour: string | null;
  readonly redemption: Redemption | null;
  readonly reversal: Reversal | null;
};

export type Redemption = {
  readonly id: string;
  readonly reservation: string;
  readonly generation: number;
  readonly entry: EntryPlace;
  readonly at: number;
  readonly lane: string | null;
  readonly total: Money | null;
  readonly mode: 'online' | 'reserved';
  readonly offer: Offer;
};

/** `pending`: another door's, and the cloud has not reported the outcome. */
export type Reversal = { readonly at: number; readonly pending: boolean };

/** What this box answered by itself and its journal does not tell: no money, and so told as long as there is room [E7]. */
export type Scan = Omit<ToldScan, 'n'>;

export type EntryPlace = { readonly epoch: number; readonly n: number };

/** A campaign's card with its dates as this store's calendar reads them. */
export type Terms = { readonly card: Card; readonly validity: Validity };
/** By campaign, the oldest version first. */
export type TermsBook = ReadonlyMap<string, readonly Terms[]>;

/** The best knowledge of the present, and what is certain of it. */
export type Now = { readonly at: number; readonly clock: Clock };

export type Told = { readonly reason: Reason; readonly facts: Facts };

export type Known = { readonly self: Self; readonly box: Box; readonly session: Session };
/** `open`: every reservation of the code that is not closed here, of whatever epoch. */
export type CodeKnown = { readonly open: readonly Reservation[]; readonly answers: readonly Answer[] };
export type KnownCodes = Known & { readonly codes: ReadonlyMap<CodeHash, CodeKnown>; readonly terms: TermsBook };

/** Only a validated box redeems, returns, reverses and installs [G6]. */
export const isValidated = ({ box, session }: Known): boolean => session.standing === 'validated' && box.fence === null;

export function answerOf(known: KnownCodes, door: string, codeHash: CodeHash, basket: string): Answer | null {
  const answers = known.codes.get(codeHash)?.answers ?? [];
  return answers.find((answer) => answer.door === door && answer.basket === basket) ?? null;
}

export function newestTerms(book: TermsBook, campaign: string): Terms | null {
  return book.get(campaign)?.at(-1) ?? null;
}

type Coupon = Pick<Reservation, 'campaign' | 'personal'>;

/** The newest that are known here, as they are for this coupon. */
export function newestTermsFor({ self, terms }: KnownCodes, coupon: Coupon): Terms | null {
  return asOwn(newestTerms(terms, coupon.campaign), coupon, self);
}

/** Those of one version of the card, as they are for this coupon. */
export function termsFor({ self, terms }: KnownCodes, coupon: Coupon, version: number): Terms | null {
  const campaigns = terms.get(coupon.campaign)?.find(({ card }) => card.version === version) ?? null;
  return asOwn(campaigns, coupon, self);
}

/** [P13] */
function asOwn(campaigns: Terms | null, { personal }: Coupon, { timeZone }: Self): Terms | null {
  if (campaigns === null || personal === null) return campaigns;
  const card = personalCard(campaigns.card, personal);
  return { card, validity: validityIn(card, timeZone) };
}
