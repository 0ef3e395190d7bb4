import { type Card, sameTerms } from '../../protocol/card.ts';
import type { EntryOf } from '../../protocol/journal.ts';
import type { PersonalOffer } from '../../protocol/offer.ts';
import { personalCard } from '../../protocol/personal-offer.ts';

/** A campaign and the versions of its terms: which were used, and which were in force by then [P8]. */

/** `qr`: a square with the code; `code128`: bars with it; `gs1`: a square with GS1's elements, for codes that are such. */
export const BARCODES = ['qr', 'code128', 'gs1'] as const;
export type Barcode = (typeof BARCODES)[number];

export type Campaign = {
  readonly id: string;
  readonly card: Card;
  readonly condition: string | null;
  readonly terms: string | null;
  readonly picture: string | null;
  readonly cap: { readonly units: number | null; readonly value: number | null };
  /** Of what is given out in one day of its time zone, lists aside. */
  readonly capPerDay: Campaign['cap'];
  readonly perCustomer: number;
  /** A reversal asked for so many days after the redemption still brings the code back to life [C16]. */
  readonly reversalDays: number;
  /** The most that a personal offer may be worth, minor units; null: what the campaign's own is worth [P13]. */
  readonly personalValueMax: number | null;
  readonly offline: 'decline' | Record<string, unknown>;
  /** How a face shows its code first. */
  readonly barcode: Barcode;
  /** How many codes each store holds ahead, to issue at its registers [I6]; null: none. */
  readonly blanks: { readonly perStore: number } | null;
  /** When its terms came to be as they are. */
  readonly changedAt: number;
  /** Units ever issued, and their face value in minor units. */
  readonly issuedUnits: number;
  readonly issuedValue: number;
};
/** Its terms under one version: the card's, since `changedAt`. */
export type CampaignVersion = Omit<Campaign, 'issuedUnits' | 'issuedValue'>;
export type NewCampaign = Omit<CampaignVersion, 'changedAt'>;

type Redeemed = Pick<EntryOf<'redeemed'>, 'at' | 'timeProven' | 'oldTerms' | 'cardVersion'>;

/** May a redemption have been under old terms? Where not, nobody need know the versions. */
export function mayBeOld({ cardVersion, oldTerms }: Redeemed, signed: number, present: number): boolean {
  return oldTerms || (cardVersion ?? signed) < present;
}

/**
 * Was a redemption under other terms than the campaign had by then?
 * @param signed the version that its reservation was granted under: what a box used that does not say
 * @param versions the oldest first
 * @returns both versions; null: no term of this coupon differs
 */
export function oldTermsOf(
  entry: Redeemed,
  signed: number,
  versions: readonly CampaignVersion[],
  personal: PersonalOffer | null,
): { readonly used: number; readonly inForce: number } | null {
  const used = versionUsed(versions, entry.cardVersion ?? signed);
  const inForce = used === null ? null : versionInForce(versions, used, entry);
  if (used === null || inForce === null || inForce.card.version <= used.card.version) return null;
  if (isSameOffer(used, inForce, personal)) return null;
  return { used: used.card.version, inForce: inForce.card.version };
}

/** Cards have versions of their own, for forms [F12]: the terms of such a one are those of the version before. */
function versionUsed(versions: readonly CampaignVersion[], card: number): CampaignVersion | null {
  return versions.findLast(({ card: { version } }) => version <= card) ?? null;
}

/** By the time of the sale; by what the box had heard by then; by the newest where its time is not proven. */
function versionInForce(
  versions: readonly CampaignVersion[],
  used: CampaignVersion,
  { at, timeProven, oldTerms }: Redeemed,
): CampaignVersion | null {
  const byTime = timeProven ? versions.findLast(({ changedAt }) => changedAt <= at) : versions.at(-1);
  const isAfter = byTime !== undefined && byTime.card.version > used.card.version;
  if (isAfter || !oldTerms) return byTime ?? null;
  return versions.find(({ card }) => card.version > used.card.version) ?? null;
}

/** What a customer is promised; not the picture, the caps, or what is done about silence. */
function isSameOffer(one: CampaignVersion, other: CampaignVersion, personal: PersonalOffer | null): boolean {
  return (
    sameTerms(personalCard(one.card, personal), personalCard(other.card, personal)) &&
    one.condition === other.condition &&
    (personal?.terms !== undefined || one.terms === other.terms)
  );
}
