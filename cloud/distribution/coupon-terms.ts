import type { Card } from '../../protocol/card.ts';
import type { PersonalOffer } from '../../protocol/offer.ts';
import { personalCard } from '../../protocol/personal-offer.ts';
import type { Barcode, Campaign } from '../ledger/port.ts';

/** What one coupon gives, as it stands now. */
export type CouponTerms = {
  readonly card: Card;
  readonly condition: string | null;
  readonly terms: string | null;
  readonly picture: string | null;
  readonly barcode: Barcode;
  /** When the campaign was changed after its person had got it; null: never. Milliseconds since 1970. */
  readonly changedAt: number | null;
};

/** @param personal its own; null: the campaign's @param givenAt when its person got it, milliseconds since 1970 */
export function couponTerms(campaign: Campaign, personal: PersonalOffer | null, givenAt: number): CouponTerms {
  const { card, condition, terms, picture, barcode, changedAt } = campaign;
  return {
    card: personalCard(card, personal),
    terms: personal?.terms ?? terms,
    // The campaign's words are about the campaign's own minimum.
    condition: personal?.minimumBasket === undefined ? condition : null,
    changedAt: changedAt > givenAt ? changedAt : null,
    ...{ picture, barcode },
  };
}
