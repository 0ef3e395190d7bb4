import { z } from 'zod';
import type { ApiFacts, Reason } from '../../../protocol/decision.ts';
import { formatMoney, moneySchema } from '../../../protocol/money.ts';
import type { Times } from './times.ts';

/** The answer at one metre, then why, then what to do. */
type Words = { readonly word: string; readonly why: string; readonly next: string };

const WITHOUT = 'Finish the sale without it.';

/** What a cashier reads of each refusal. The shorter texts of the decision are for registers' displays. */
export const refusalWords: Readonly<Record<Reason, (facts: KnownFacts, times: Times) => Words>> = {
  not_a_coupon: fixed('Not a coupon', 'It is not one of our coupon codes.', 'Ring it up at the register.'),
  not_single_use: fixed('Ordinary coupon', 'It is not a single-use coupon.', 'Take it at the register.'),
  malformed_code: fixed('Code incomplete', 'A part is missing or mistyped.', 'Scan it again, or type it.'),
  unknown_code: fixed('Not known here', 'No coupon of ours has this code.', WITHOUT),
  not_yet_valid: ({ startsAt }, times) => ({
    word: 'Not yet good',
    why: startsAt === undefined ? 'It has not started.' : `It starts on ${times.date(startsAt)}.`,
    next: 'Finish the sale without it. The customer keeps it.',
  }),
  expired: ({ endsAt }, times) => ({
    word: 'Expired',
    // The end is exclusive: what ends at midnight was last good the day before.
    why: endsAt === undefined ? 'It has ended.' : `It ended on ${times.date(endsAt - 1)}.`,
    next: WITHOUT,
  }),
  wrong_channel: fixed(
    'Online only',
    'It works in the online shop.',
    'Finish the sale without it. The customer keeps it.',
  ),
  wrong_store: fixed(
    'Other store',
    'It does not work in this store.',
    'Finish the sale without it. The customer’s phone lists the stores.',
  ),
  wrong_customer: fixed('Other customer', 'It belongs to another customer.', WITHOUT),
  wrong_currency: fixed('Other currency', 'It is for another currency than this sale.', WITHOUT),
  basket_too_small: ({ needs, short: lacks }) => ({
    word: lacks === undefined ? 'Sale too small' : `${formatMoney(lacks)} to go`,
    why: needs === undefined ? 'The sale is too small for it.' : `It needs a sale of ${formatMoney(needs)}.`,
    next: 'Add something and scan it again, or finish without it.',
  }),
  basket_incomplete: fixed('None used', 'Not all coupons of this sale are good.', 'Scan the good ones again.'),
  already_redeemed: ({ redeemedAt, redeemedWhere, lane }, times) => {
    const when = redeemedAt === undefined ? null : times.full(redeemedAt);
    const where = redeemedWhere ?? null;
    const known = [when, where, where === 'online' ? null : laneWord(lane)].filter((part) => part !== null);
    return {
      word: 'Already used',
      why: known.length === 0 ? 'It was redeemed before.' : known.join(', '),
      next: 'Finish the sale without it. The customer’s phone shows the same.',
    };
  },
  voided: fixed(
    'Withdrawn',
    'This coupon was withdrawn.',
    'Finish the sale without it. The customer’s phone says if there is a new one.',
  ),
  in_use: ({ heldBy, lane, freeAt }, times) => ({
    word: 'In use',
    why: `In another sale${heldBy === undefined ? '' : `, ${heldBy}`}${lane === undefined ? '' : `, ${laneWord(lane)}`}.`,
    next:
      freeAt === undefined
        ? 'Finish that sale first.'
        : `If that sale is not finished, it is free again at ${times.short(freeAt)}.`,
  }),
  held_elsewhere: ({ heldBy, retryAfterSeconds }) => ({
    word: 'Held elsewhere',
    why: heldWord(heldBy),
    next: `It is safe. Try again ${retryAfterSeconds === undefined ? 'later' : `in ${Math.max(1, Math.ceil(retryAfterSeconds / 60))} min`}.`,
  }),
  reversed_first: fixed(
    'Sale was undone',
    'This coupon was taken back in this sale.',
    'Press Next sale and scan it again.',
  ),
  limit_reached: fixed('Limit reached', 'This offer has reached its limit.', WITHOUT),
  cannot_verify: fixed('Cannot verify', 'It cannot be checked just now.', WITHOUT),
  stand_in_limit: fixed('Cannot verify', 'It cannot be checked just now.', WITHOUT),
};

/** What a reason is about, as the API tells it. */
export function readFacts(facts: Readonly<Record<string, unknown>>): KnownFacts {
  return factsSchema.parse(facts);
}

const instant = z.iso
  .datetime()
  .transform((time) => Date.parse(time))
  .optional()
  .catch(undefined);
const name = z.string().min(1).optional().catch(undefined);
const money = moneySchema.optional().catch(undefined);
/** What a reason is about, as the API tells it. What is not there, or not as it should be, is not said. */
const factsSchema = z.object({
  redeemedAt: instant,
  redeemedWhere: name,
  lane: name,
  freeAt: instant,
  heldBy: name,
  retryAfterSeconds: z.int().min(0).optional().catch(undefined),
  startsAt: instant,
  endsAt: instant,
  needs: money,
  short: money,
} satisfies Partial<Record<keyof ApiFacts, z.ZodType>>);
type KnownFacts = z.infer<typeof factsSchema>;

function fixed(word: string, why: string, next: string): () => Words {
  return () => ({ word, why, next });
}

function laneWord(lane: string | undefined): string | null {
  return lane === undefined ? null : `lane ${lane}`;
}

function heldWord(heldBy: string | undefined): string {
  if (heldBy === undefined) return 'Another store has it and cannot be reached.';
  return heldBy === 'online' ? 'An online cart has it.' : `Held at ${heldBy}, which cannot be reached.`;
}
