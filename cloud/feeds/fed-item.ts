import { z } from 'zod';
import { CODE_CHARACTERS_READ_MAX } from '../../protocol/limits.ts';
import { moneySchema } from '../../protocol/money.ts';
import { basketIdSchema, laneSchema } from '../../protocol/redemption-api.ts';
import { storeIdSchema } from '../../protocol/reservation.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import type { FedItem } from '../ledger/port.ts';

/** What a till or a shop that redeems by itself tells of one code, as JSON and as a line of a file. */
export const fedItemSchema = z.strictObject({
  what: z.enum(['redeemed', 'reversed']).default('redeemed'),
  code: z.string().min(1).max(CODE_CHARACTERS_READ_MAX),
  /** When it was done at the till. */
  at: z.iso.datetime({ offset: true }),
  /** Left out: online. */
  store: storeIdSchema.optional(),
  lane: laneSchema.optional(),
  basket: basketIdSchema,
  total: moneySchema.optional(),
  discount: moneySchema.optional(),
});

export function fedItem({ at, store, lane, total, discount, ...told }: z.output<typeof fedItemSchema>): FedItem {
  return {
    ...told,
    at: Date.parse(at),
    store: store ?? null,
    lane: lane ?? null,
    total: total ?? null,
    discount: discount ?? null,
  };
}

/** Amounts are minor units of `currency`. */
export const FED_COLUMNS = ['what', 'code', 'at', 'store', 'lane', 'basket', 'total', 'discount', 'currency'] as const;
export type FedCells = Readonly<Partial<Record<(typeof FED_COLUMNS)[number], string>>>;

/** @returns why the line cannot be taken, for a person; the code itself is never repeated */
export function fedItemOfLine({ total, discount, currency, ...cells }: FedCells): Result<FedItem, string> {
  const money = (amount: string | undefined) =>
    amount === undefined ? {} : { amount: /^\d{1,15}$/.test(amount) ? Number(amount) : Number.NaN, currency };
  const read = fedItemSchema.safeParse({
    ...cells,
    ...(total === undefined ? {} : { total: money(total) }),
    ...(discount === undefined ? {} : { discount: money(discount) }),
  });
  if (read.success) return ok(fedItem(read.data));
  const issue = read.error.issues[0];
  const column = issue?.path.at(-1) === 'currency' ? 'currency' : String(issue?.path[0] ?? '');
  return err(`${column}: ${issue?.message ?? 'not well-formed'}`);
}
