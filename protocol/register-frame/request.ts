import { z } from 'zod';
import { moneySchema } from '../money.ts';
import { basketIdSchema, laneSchema } from '../redemption-api.ts';
import { err, ok, type Result } from '../result.ts';
import { joinFields, splitFields } from './fields.ts';

/** What a register asks: `letter|1|lane|txn|seq|…`. The basket of the other doors is `txn` here. */

/** A register counts its requests; the same number in the same basket is the same request. */
const SEQ_DIGITS_MAX = 9;
/** The longest names and code that are stored fit with room; the answer, which says most of it again, fits its frame. */
const REQUEST_CHARACTERS_MAX = 250;
/** What was validated can be redeemed: a later number may have more digits. */
const VALIDATION_CHARACTERS_MAX = REQUEST_CHARACTERS_MAX - SEQ_DIGITS_MAX;

const version = z.literal('1');
const seqSchema = z.string().regex(new RegExp(`^[0-9]{1,${SEQ_DIGITS_MAX}}$`), `1 to ${SEQ_DIGITS_MAX} digits`);
const codeSchema = z.string().min(1);
/** Minor units; empty where the total is not known yet. */
const amountSchema = z
  .string()
  .regex(/^[0-9]{0,11}$/, 'minor units, or nothing')
  .transform((digits) => (digits === '' ? null : Number(digits)))
  .pipe(moneySchema.shape.amount.nullable());

/** Why a sale is undone, as the card world numbers it. */
export const REVERSAL_CAUSES = {
  '4000': 'the customer does without',
  '4020': 'the answer could not be read',
  '4021': 'no answer came',
} as const;
const causeSchema = z.enum(['4000', '4020', '4021']);
export type ReversalCause = z.infer<typeof causeSchema>;

const head = [version, laneSchema, basketIdSchema, seqSchema] as const;

const validateFields = z.tuple([z.literal('V'), ...head, codeSchema, amountSchema]);
const redeemFields = z.tuple([z.literal('R'), ...head, codeSchema]);
/** The code is optional: needed where the gateway was restarted since and has forgotten the number. */
const reverseFields = z.tuple([z.literal('X'), ...head, seqSchema, causeSchema, codeSchema.optional()]);
const statusFields = z.tuple([z.literal('S'), ...head, seqSchema, codeSchema.optional()]);
const pingFields = z.tuple([z.literal('P'), version, laneSchema, z.literal(''), seqSchema]);
const fieldsSchema = z.union([validateFields, redeemFields, reverseFields, statusFields, pingFields]);

export type RegisterRequest = { readonly lane: string; readonly txn: string; readonly seq: string } & (
  | { readonly kind: 'validate'; readonly code: string; readonly amount: number | null }
  /** `ref` as the approval gave it. */
  | { readonly kind: 'redeem'; readonly ref: string }
  | {
      readonly kind: 'reverse';
      readonly origSeq: string;
      readonly cause: ReversalCause;
      readonly code: string | null;
    }
  | { readonly kind: 'status'; readonly origSeq: string; readonly code: string | null }
  /** Its `txn` is empty. */
  | { readonly kind: 'ping' }
);

/** Whom an answer is for. Fields that could not be read are empty. */
export type Addressee = { readonly lane: string; readonly txn: string; readonly seq: string };

export function parseRequest(payload: string): Result<RegisterRequest, Addressee> {
  const fields = splitFields(payload);
  if (!fields.ok) return err({ lane: '', txn: '', seq: '' });
  const read = fieldsSchema.safeParse(fields.value);
  const charactersMax = payload.startsWith('V') ? VALIDATION_CHARACTERS_MAX : REQUEST_CHARACTERS_MAX;
  return read.success && payload.length <= charactersMax ? ok(requestOf(read.data)) : err(addresseeOf(fields.value));
}

export function formatRequest(request: RegisterRequest): string {
  const { lane, txn, seq } = request;
  const rest = restOf(request);
  return joinFields([rest.letter, '1', lane, txn, seq, ...rest.fields]);
}

function requestOf(fields: z.output<typeof fieldsSchema>): RegisterRequest {
  const [letter, , lane, txn, seq] = fields;
  const to = { lane, txn, seq };
  switch (letter) {
    case 'V':
      return { kind: 'validate', ...to, code: fields[5], amount: fields[6] };
    case 'R':
      return { kind: 'redeem', ...to, ref: fields[5] };
    case 'X':
      return { kind: 'reverse', ...to, origSeq: fields[5], cause: fields[6], code: fields[7] ?? null };
    case 'S':
      return { kind: 'status', ...to, origSeq: fields[5], code: fields[6] ?? null };
    case 'P':
      return { kind: 'ping', ...to };
  }
}

/** So that the register finds out which of its requests was not understood. */
function addresseeOf([, , lane = '', txn = '', seq = '']: readonly string[]): Addressee {
  const orNothing = (schema: z.ZodType<string>, text: string) => schema.safeParse(text).data ?? '';
  return { lane: orNothing(laneSchema, lane), txn: orNothing(basketIdSchema, txn), seq: orNothing(seqSchema, seq) };
}

function restOf(request: RegisterRequest): { readonly letter: string; readonly fields: readonly string[] } {
  switch (request.kind) {
    case 'validate':
      return { letter: 'V', fields: [request.code, request.amount === null ? '' : String(request.amount)] };
    case 'redeem':
      return { letter: 'R', fields: [request.ref] };
    case 'reverse':
      return { letter: 'X', fields: [request.origSeq, request.cause, ...given(request.code)] };
    case 'status':
      return { letter: 'S', fields: [request.origSeq, ...given(request.code)] };
    case 'ping':
      return { letter: 'P', fields: [] };
  }
}

const given = (code: string | null): readonly string[] => (code === null ? [] : [code]);
