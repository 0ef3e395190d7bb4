import { z } from 'zod';
import { dateOrInstantSchema } from './dates.ts';
import { currencySchema, moneySchema } from './money.ts';

/** Fits the head of a printed coupon and a phone's screen; the cashier's display cuts it anyway. */
const TITLE_CHARACTERS_MAX = 120;
/** A promotion's number in the register; the longest that registers keep are item numbers of this length. */
const PROMOTION_REF_CHARACTERS_MAX = 64;
/** Terms of a coupon are a paragraph or a page of small print, not a book. */
const TERMS_CHARACTERS_MAX = 10_000;

/** A coupon is worth something: a discount of nothing would be redeemed for nothing. Minor units. */
const worthSchema = moneySchema.shape.amount.min(1);
const titleSchema = z.string().trim().min(1).max(TITLE_CHARACTERS_MAX);

/** Amounts in minor units. `maxAmount` bounds what a percentage or an item may cost: liability is known beforehand. */
export const discountSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('amount'), amount: worthSchema, currency: currencySchema }),
  z.strictObject({
    type: z.literal('percent'),
    percent: z.int().min(1).max(100),
    maxAmount: worthSchema,
    currency: currencySchema,
  }),
  z.strictObject({ type: z.literal('item'), title: titleSchema, maxAmount: worthSchema, currency: currencySchema }),
]);
export type Discount = Readonly<z.infer<typeof discountSchema>>;

/** What one coupon of this offer can cost at most, in minor units of the discount's currency. */
export function faceValue(discount: Discount): number {
  switch (discount.type) {
    case 'amount':
      return discount.amount;
    case 'percent':
    case 'item':
      return discount.maxAmount;
  }
}

/** What a door is told about an approved coupon. `promotionRef` names the promotion in the register's own engine. */
export const offerSchema = z.strictObject({
  campaign: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'lower-case letters, digits and hyphens, at most 40'),
  title: titleSchema,
  discount: discountSchema,
  promotionRef: z.string().min(1).max(PROMOTION_REF_CHARACTERS_MAX).nullable(),
});
export type Offer = Readonly<z.infer<typeof offerSchema>>;

/** The small print. */
export const termsSchema = z.string().max(TERMS_CHARACTERS_MAX);

/** What one coupon has of its own, as far as a box must know it; what it does not say is the campaign's [P13]. */
export const personalSchema = z.strictObject({
  title: titleSchema.exactOptional(),
  discount: discountSchema.exactOptional(),
  startsAt: dateOrInstantSchema.exactOptional(),
  endsAt: dateOrInstantSchema.exactOptional(),
  /** Null: none, whatever the campaign asks for. */
  minimumBasket: moneySchema.nullable().exactOptional(),
});
export type Personal = Readonly<z.infer<typeof personalSchema>>;

/** The same with its small print, which is for its face alone. */
export const personalOfferSchema = z.strictObject({
  ...personalSchema.shape,
  terms: termsSchema.exactOptional(),
});
export type PersonalOffer = Readonly<z.infer<typeof personalOfferSchema>>;
