import { z } from 'zod';
import { reasonSchema } from './decision.ts';
import {
  BASKET_ID_CHARACTERS_MAX,
  CODE_CHARACTERS_READ_MAX,
  CODES_PER_BASKET_MAX,
  CUSTOMER_CHARACTERS_MAX,
  DRILL_MINUTES_DEFAULT,
  DRILL_MINUTES_MAX,
  LANE_CHARACTERS_MAX,
  LINES_PER_BASKET_MAX,
  REVERSAL_REASON_CHARACTERS_MAX,
} from './limits.ts';
import { type Money, moneySchema } from './money.ts';
import { discountSchema } from './offer.ts';
import type { Route } from './openapi.ts';
import { doorSchema } from './reservation.ts';

/** One redemption API, two doors: registers at the gateway, carts in the cloud. */

const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    // a control character in a basket id ends up in logs and on displays
    .regex(/^[^\p{Cc}]*$/u, 'no control characters');

const codeText = z.string().min(1).max(CODE_CHARACTERS_READ_MAX);
export const basketIdSchema = text(BASKET_ID_CHARACTERS_MAX);
export const laneSchema = text(LANE_CHARACTERS_MAX);
/** The retailer's customer number. */
export const customerSchema = text(CUSTOMER_CHARACTERS_MAX);

const saleShape = {
  code: codeText.optional(),
  codes: z.array(codeText).min(1).max(CODES_PER_BASKET_MAX).optional(),
  allOrNone: z.boolean().optional(),
  basket: basketIdSchema,
  lane: laneSchema.optional(),
  total: moneySchema.optional(),
  customer: customerSchema.optional(),
  lines: z
    .array(z.strictObject({ sku: text(64), quantity: z.int().min(1).max(100_000), amount: z.int() }))
    .max(LINES_PER_BASKET_MAX)
    .optional(),
};

const oneOfCodeAndCodes = (body: { code?: unknown; codes?: unknown }) =>
  (body.code === undefined) !== (body.codes === undefined);
const oneOf = { message: 'give either code or codes', path: ['code'] };

export const validationRequestSchema = z.strictObject(saleShape).refine(oneOfCodeAndCodes, oneOf);
export const redemptionRequestSchema = z
  .strictObject({ ...saleShape, discount: moneySchema.optional() })
  .refine(oneOfCodeAndCodes, oneOf);
const reversalRequestSchema = z.strictObject({
  code: codeText,
  basket: basketIdSchema,
  reason: text(REVERSAL_REASON_CHARACTERS_MAX),
  door: doorSchema.optional(),
});
const releaseRequestSchema = z.strictObject({ code: codeText, basket: basketIdSchema });
export const drillRequestSchema = z.strictObject({
  line: z.enum(['cut', 'open']),
  minutes: z.int().min(1).max(DRILL_MINUTES_MAX).default(DRILL_MINUTES_DEFAULT),
});

export type ValidationRequest = z.infer<typeof validationRequestSchema>;
export type RedemptionRequest = z.infer<typeof redemptionRequestSchema>;

/** A basket's request as a till or the ledger decides it: what was left out is null. */
export type SaleRequest = {
  /** As read or typed: whoever decides reads the form. */
  readonly codes: readonly string[];
  readonly allOrNone: boolean;
  readonly basket: string;
  readonly lane: string | null;
  readonly total: Money | null;
  readonly customer: string | null;
  /** Taken off, as the register or the cart says; redemptions only. */
  readonly discount: Money | null;
};

/** A request that is refused as such: problem details of the same name. */
export type Conflict = 'basket_conflict' | 'duplicate_code';

export function saleOf(body: ValidationRequest | RedemptionRequest): SaleRequest {
  return {
    // The schema lets through exactly one of the two.
    codes: body.codes ?? (body.code === undefined ? [] : [body.code]),
    allOrNone: body.allOrNone ?? false,
    basket: body.basket,
    lane: body.lane ?? null,
    total: body.total ?? null,
    customer: body.customer ?? null,
    discount: ('discount' in body ? body.discount : null) ?? null,
  };
}

const time = z.iso.datetime();

export const redemptionSchema = z.object({
  id: z.string(),
  at: time,
  door: z.string(),
  store: z.string().nullable(),
  lane: z.string().nullable(),
  basket: z.string(),
  /** The cloud's ledger has it. */
  settled: z.boolean(),
});
export type RedemptionView = z.infer<typeof redemptionSchema>;

export const decisionSchema = z.object({
  decision: z.enum(['approved', 'refused', 'undetermined']),
  mode: z.enum(['online', 'reserved', 'stand_in']).nullable(),
  reason: reasonSchema.nullable(),
  text: z.string().max(40),
  /** In its normal form, whatever kind of code it is; what is no code as it was given. */
  code: z.string(),
  basket: z.string(),
  offer: z
    .object({
      campaign: z.string(),
      title: z.string(),
      discount: discountSchema,
      promotionRef: z.string().nullable(),
    })
    .nullable(),
  reservation: z.object({ holder: z.string(), until: time }).nullable(),
  redemption: redemptionSchema.nullable(),
  facts: z.record(z.string(), z.unknown()),
  backlog: z.int(),
});
/** The answer to a validation or a redemption, as registers and carts see it. Always with status 200. */
export type Decision = z.infer<typeof decisionSchema>;

const decisionOrResultsSchema = z.union([decisionSchema, z.object({ results: z.array(decisionSchema) })]);

export const reversalSchema = z.object({
  reversed: z.union([z.literal(true), z.literal('pending')]),
  redemption: redemptionSchema.nullable(),
});
export type ReversalView = z.infer<typeof reversalSchema>;

export const basketViewSchema = z.object({
  basket: z.string(),
  codes: z.array(
    z.object({
      code: z.string(),
      state: z.enum(['in_use', 'redeemed', 'reversed', 'released']),
      redemption: redemptionSchema.nullable(),
    }),
  ),
});
export type BasketView = z.infer<typeof basketViewSchema>;

export const redemptionRoutes = {
  validate: {
    method: 'POST',
    path: '/v1/validations',
    summary: 'May this code be used in this basket, here, now? An approval reserves it for the basket.',
    body: validationRequestSchema,
    response: decisionOrResultsSchema,
  },
  redeem: {
    method: 'POST',
    path: '/v1/redemptions',
    summary: 'Spend the code. The same call again gives the same answer.',
    body: redemptionRequestSchema,
    response: decisionOrResultsSchema,
  },
  reverse: {
    method: 'POST',
    path: '/v1/reversals',
    summary: 'Undo a redemption, or make sure that this basket never redeems. Send it until it is answered.',
    body: reversalRequestSchema,
    response: reversalSchema,
  },
  release: {
    method: 'POST',
    path: '/v1/releases',
    summary: 'End the use of a code by a basket that will not redeem it.',
    body: releaseRequestSchema,
    response: z.object({ released: z.literal(true) }),
  },
  basket: {
    method: 'GET',
    path: '/v1/baskets/{basket}',
    summary: 'What became of a basket: the question to ask after a lost answer.',
    response: basketViewSchema,
  },
} as const satisfies Record<string, Route>;
