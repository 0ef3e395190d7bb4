import { z } from 'zod';
import { printedCode } from './code.ts';
import { approvedText, TEXT_CHARACTERS_MAX } from './decision.ts';
import { RETRY_AFTER_SECONDS } from './limits.ts';
import { moneySchema } from './money.ts';
import { type Offer, offerSchema } from './offer.ts';
import type { Route } from './openapi.ts';
import { basketIdSchema, customerSchema, laneSchema } from './redemption-api.ts';
import { campaignIdSchema } from './reservation.ts';

/** A register or a cart gives a coupon to a basket: on the receipt, as a bounce-back, as a reward. One API, two doors. */

/** As the retailer writes it. */
const customerNumberSchema = customerSchema.trim().regex(/^[\x21-\x7e]+$/, 'letters, digits and signs');

const issueRequestSchema = z.strictObject({
  campaign: campaignIdSchema,
  basket: basketIdSchema,
  lane: laneSchema.optional(),
  total: moneySchema.optional(),
  customer: customerNumberSchema.optional(),
});
export type IssueRequest = z.infer<typeof issueRequestSchema>;

/** Why there is no coupon for this basket; `already_redeemed`, `expired` and `voided` are said of the customer's own. */
const issueReasonSchema = z.enum([
  'unknown_campaign',
  'campaign_ended',
  'none_left',
  'none_left_today',
  'already_redeemed',
  'expired',
  'voided',
  'no_blanks',
  'not_ready',
]);
export type IssueReason = z.infer<typeof issueReasonSchema>;

export const issueSchema = z.object({
  decision: z.enum(['issued', 'refused', 'undetermined']),
  reason: issueReasonSchema.nullable(),
  /** For the cashier's display. */
  text: z.string().max(TEXT_CHARACTERS_MAX),
  basket: z.string(),
  /** As it is printed. */
  code: z.string().nullable(),
  /** The live face; null: the cloud has not heard of this coupon yet. */
  link: z.url().nullable(),
  offer: offerSchema.nullable(),
  /** Exclusive: the first instant at which it is expired. */
  until: z.iso.datetime().nullable(),
  facts: z.object({ retryAfterSeconds: z.int().optional() }),
});
export type IssueView = z.infer<typeof issueSchema>;

export const issueRoute = {
  method: 'POST',
  path: '/v1/issues',
  summary:
    'A new coupon of a campaign for a basket. The same basket asked again gets the same coupon. With `customer`, the ' +
    "retailer's number, the coupon that this customer has of the campaign; where there is none, the new one is this " +
    "customer's from now on. `undetermined`: ask again.",
  body: issueRequestSchema,
  response: issueSchema,
} as const satisfies Route;

/** A coupon as a door tells it: its code in normal form, until when in milliseconds since 1970. */
export function issuedView(coupon: {
  readonly basket: string;
  readonly code: string;
  readonly link: string | null;
  readonly offer: Offer;
  readonly until: number;
}): IssueView {
  const { basket, code, link, offer, until } = coupon;
  return {
    decision: 'issued',
    reason: null,
    text: `COUPON ${approvedText(offer.discount).slice('OK '.length)}`.slice(0, TEXT_CHARACTERS_MAX),
    ...{ basket, code: printedCode(code), link, offer },
    until: new Date(until).toISOString(),
    facts: {},
  };
}

export function noCoupon(basket: string, reason: IssueReason): IssueView {
  const { decision, text } = REASONS[reason];
  const nothing = { code: null, link: null, offer: null, until: null };
  const facts = decision === 'undetermined' ? { retryAfterSeconds: RETRY_AFTER_SECONDS } : {};
  return { decision, reason, text, basket, ...nothing, facts };
}

const REASONS: Readonly<Record<IssueReason, { readonly decision: 'refused' | 'undetermined'; readonly text: string }>> =
  {
    unknown_campaign: { decision: 'refused', text: 'No coupon: campaign not known' },
    campaign_ended: { decision: 'refused', text: 'No coupon: campaign is over' },
    none_left: { decision: 'refused', text: 'No coupon: none left' },
    none_left_today: { decision: 'refused', text: 'No coupon: none left today' },
    already_redeemed: { decision: 'refused', text: 'No coupon: customer has used theirs' },
    expired: { decision: 'refused', text: "No coupon: the customer's has expired" },
    voided: { decision: 'refused', text: "No coupon: the customer's is withdrawn" },
    no_blanks: { decision: 'undetermined', text: 'No coupon here now. Try again later' },
    not_ready: { decision: 'undetermined', text: 'No coupon now. This box is not ready' },
  };
