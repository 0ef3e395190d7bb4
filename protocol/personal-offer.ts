import { type Card, validityIn } from './card.ts';
import { faceValue, type Personal, type PersonalOffer } from './offer.ts';

/**
 * Personal offers [P13]: one coupon may have a title, a value, dates and a minimum basket of its own, within its
 * campaign's bounds. Everything that is asked of a card is then asked of the coupon's own.
 */

/**
 * The card as it is for one coupon. Its dates stay inside the campaign's, also where these were changed since; a date
 * and an instant are compared by the campaign's calendar.
 * @param personal null: the campaign's card as it stands
 */
export function personalCard(card: Card, personal: Personal | null): Card {
  if (personal === null) return card;
  const { title = card.offer.title, discount = card.offer.discount, minimumBasket = card.minimumBasket } = personal;
  return { ...card, ...datesWithin(card, personal), offer: { ...card.offer, title, discount }, minimumBasket };
}

function datesWithin(card: Card, personal: Personal): Pick<Card, 'startsAt' | 'endsAt'> {
  const { startsAt = card.startsAt, endsAt = card.endsAt } = personal;
  const own = validityIn({ startsAt, endsAt }, card.timeZone);
  const campaign = validityIn(card, card.timeZone);
  return {
    startsAt: own.startsAt > campaign.startsAt ? startsAt : card.startsAt,
    endsAt: own.endsAt < campaign.endsAt ? endsAt : card.endsAt,
  };
}

export type OutOfBounds = { readonly field: keyof PersonalOffer; readonly detail: string };

/**
 * Is a personal offer within its campaign's bounds?
 * @param valueMax the most that one coupon may be worth, minor units; null: what the campaign's own is worth
 * @returns null: it is
 */
export function outOfBounds(card: Card, personal: Personal, valueMax: number | null): OutOfBounds | null {
  const { discount, minimumBasket } = personal;
  const theirs = card.offer.discount;
  if (discount !== undefined) {
    if (discount.type !== theirs.type) return out('discount', `the campaign's is of the type ${theirs.type}`);
    if (discount.currency !== theirs.currency) return out('discount', `the campaign's currency is ${theirs.currency}`);
    const most = valueMax ?? faceValue(theirs);
    if (faceValue(discount) > most) return out('discount', `worth more than ${most}, the most in this campaign`);
  }
  if (minimumBasket != null && minimumBasket.currency !== theirs.currency)
    return out('minimumBasket', `the campaign's currency is ${theirs.currency}`);
  return datesOutOfBounds(card, personal);
}

function datesOutOfBounds(card: Card, { startsAt, endsAt }: Personal): OutOfBounds | null {
  const campaign = validityIn(card, card.timeZone);
  const dates = { startsAt: startsAt ?? card.startsAt, endsAt: endsAt ?? card.endsAt };
  const own = validityIn(dates, card.timeZone);
  if (own.startsAt < campaign.startsAt) return out('startsAt', 'before the campaign starts');
  if (own.endsAt > campaign.endsAt) return out('endsAt', 'after the campaign ends');
  if (own.endsAt <= own.startsAt) return out(endsAt === undefined ? 'startsAt' : 'endsAt', 'it would never be valid');
  return null;
}

const out = (field: OutOfBounds['field'], detail: string): OutOfBounds => ({ field, detail });

/** What a coupon with a value of its own can cost at most, minor units; null: what the campaign's costs. */
export function ownValue(personal: Personal | null): number | null {
  return personal?.discount === undefined ? null : faceValue(personal.discount);
}

/** What the ledger's chains keep of it: what is money, and no words, which may name somebody and could never be erased. */
export function inChain(offer: PersonalOffer): Omit<Personal, 'title'> {
  const { terms: _terms, title: _title, ...money } = offer;
  return money;
}

/** What its box is told; null: nothing that concerns a sale. */
export function forBoxes(offer: PersonalOffer | null): Personal | null {
  if (offer === null) return null;
  const { terms: _terms, ...personal } = offer;
  return Object.keys(personal).length === 0 ? null : personal;
}
