import { z } from 'zod';
import { cardSchema } from '../../protocol/card.ts';
import { entryBodySchema } from '../../protocol/journal.ts';
import { moneySchema } from '../../protocol/money.ts';
import { offerSchema, personalSchema } from '../../protocol/offer.ts';
import { codeHashSchema } from '../../protocol/reservation.ts';
import type { Answer, Reservation } from './box-rules.ts';
import { TillUnavailable } from './port.ts';

/** The till's rows, parsed: what a flipped bit has made of them is noticed here and not in a rule. */

const flag = z.union([z.literal(0), z.literal(1)]).transform((bit) => bit === 1);

/** A column that holds JSON. */
function json<S extends z.ZodType>(schema: S) {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch {
        context.addIssue({ code: 'custom', message: 'not JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);
}

/** @throws TillUnavailable where the row is not what was written */
export function parsed<S extends z.ZodType>(schema: S, row: unknown): z.infer<S> {
  const result = schema.safeParse(row);
  if (result.success) return result.data;
  throw new TillUnavailable(`the box's data are damaged: ${result.error.issues[0]?.path.join('.') ?? 'a row'}`);
}

export const placeSchema = z.object({ epoch: z.int(), n: z.int() });
const fenceSchema = z.object({ epoch: z.int(), why: z.string(), witness: placeSchema.nullable() });
export const boxSchema = z.object({
  gateway: z.string(),
  incarnation: z.string(),
  epoch: z.int(),
  bootId: z.int(),
  n: z.int(),
  hash: z.string(),
  acknowledged: z.int(),
  floor: z.int(),
  highWater: z.int(),
  stoppedClean: flag,
  fence: json(fenceSchema).nullable(),
});
export const cardRowSchema = z.object({ card: json(cardSchema) });
export const idRowSchema = z.object({ reservation: z.string() });
export const atRowSchema = z.object({ at: z.int() });
export const hashRowSchema = z.object({ hash: z.string() });
export const holdingSchema = z.object({
  holding: z.int(),
  inUse: z.int(),
  holdsUntil: z.int().nullable(),
  blanks: z.int(),
});
export const blanksSchema = z.object({ campaign: z.string(), units: z.int(), until: z.int() });
export const issueSchema = z.object({
  campaign: z.string(),
  basket: z.string(),
  reservation: z.string().nullable(),
  codeHash: codeHashSchema,
  epoch: z.int(),
  n: z.int(),
  offer: json(offerSchema),
  until: z.int(),
});
export const sealedRowSchema = z.object({ sealed: z.string() });
export const basketUseSchema = z.object({ codeHash: codeHashSchema, lastFour: z.string(), isOpen: flag });
export const entrySchema = z.object({ epoch: z.int(), n: z.int(), hash: z.string(), body: json(entryBodySchema) });

const modeSchema = z.enum(['online', 'reserved']);
const reservationSchema = z.object({
  reservation: z.string(),
  codeHash: codeHashSchema,
  lastFour: z.string(),
  generation: z.int(),
  campaign: z.string(),
  cardVersion: z.int(),
  personal: json(personalSchema).nullable(),
  epoch: z.int(),
  number: z.int(),
  notAfter: z.int(),
  state: z.enum(['active', 'redeemed', 'returned']),
  origin: z.enum(['scan', 'stock']),
  isBlank: flag,
  isMarked: flag,
  deadline: z.int().nullable(),
  useBasket: z.string().nullable(),
  useLane: z.string().nullable(),
  useMode: modeSchema.nullable(),
  useUntil: z.int().nullable(),
  useCardVersion: z.int().nullable(),
});

export function toReservation(row: unknown): Reservation {
  const { isBlank, origin, isMarked, deadline, useBasket, useLane, useMode, useUntil, useCardVersion, ...reservation } =
    parsed(reservationSchema, row);
  const isInUse = useBasket !== null && useMode !== null && useUntil !== null && useCardVersion !== null;
  return {
    ...reservation,
    origin: isBlank ? 'blank' : origin,
    mark: isMarked ? { deadline } : null,
    use: isInUse
      ? { basket: useBasket, lane: useLane, mode: useMode, until: useUntil, cardVersion: useCardVersion }
      : null,
  };
}

type Installed = Omit<Reservation, 'use' | 'mark'>;

/** That it is a blank says the row beside it. */
export function fromReservation({ personal, origin, ...reservation }: Installed) {
  return {
    ...reservation,
    origin: origin === 'blank' ? 'stock' : origin,
    personal: personal === null ? null : JSON.stringify(personal),
  };
}

const redemptionSchema = z.object({
  id: z.string(),
  reservation: z.string(),
  generation: z.int(),
  entry: placeSchema,
  at: z.int(),
  lane: z.string().nullable(),
  total: moneySchema.nullable(),
  mode: modeSchema,
  offer: offerSchema,
});
const answerSchema = z.object({
  door: z.string(),
  codeHash: codeHashSchema,
  basket: z.string(),
  lastFour: z.string().nullable(),
  redemption: json(redemptionSchema).nullable(),
  reversal: json(z.object({ at: z.int(), pending: z.boolean() })).nullable(),
});
export const toAnswer = (row: unknown): Answer => parsed(answerSchema, row);

export function fromAnswer({ redemption, reversal, ...answer }: Answer) {
  return {
    ...answer,
    reservation: redemption?.reservation ?? null,
    redemption: redemption === null ? null : JSON.stringify(redemption),
    reversal: reversal === null ? null : JSON.stringify(reversal),
  };
}
