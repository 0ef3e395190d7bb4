import { validityIn } from '../../protocol/card.ts';
import { faceValue } from '../../protocol/offer.ts';
import type { CampaignVersion } from './campaign-rules.ts';

/** What a campaign's terms are in money: an entry of the ledger's chains. `worth`: the face value, minor units. */
export type TermsEntry = {
  readonly kind: 'terms';
  readonly campaign: string;
  readonly version: number;
  readonly worth: number;
  /** The instant of the end, exclusive. */
  readonly endsAt: number;
};

/**
 * Face value and end are money: each change of them is an entry of the chains, so that what the books said of a past day
 * stays so, and nobody changes it unnoticed [C17].
 * @param before null: the campaign is new
 */
export function newTerms(before: CampaignVersion | null, after: CampaignVersion): TermsEntry[] {
  const is = termsEntry(after);
  if (before === null) return [is];
  const was = termsEntry(before);
  if (was.worth === is.worth && was.endsAt === is.endsAt) return [];
  // With those before: a ledger of old has campaigns of which there is no such entry yet.
  return [was, is];
}

const termsEntry = ({ id, card }: CampaignVersion): TermsEntry => ({
  kind: 'terms',
  campaign: id,
  version: card.version,
  worth: faceValue(card.offer.discount),
  endsAt: validityIn(card, card.timeZone).endsAt,
});
