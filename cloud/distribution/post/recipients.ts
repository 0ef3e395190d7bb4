import { z } from 'zod';
import { IMPORT_BYTES_MAX } from '../../../protocol/limits.ts';
import { err, ok, type Result } from '../../../protocol/result.ts';
import { type CsvRow, readCsv } from '../../issuing/csv-rows.ts';
import { LineErrors } from '../../issuing/line-errors.ts';
import type { LineError } from '../../ledger/port.ts';
import { type Identity, parseCustomerNumber, parseEmail, parsePhone } from '../identity.ts';

/** Who is to get something: a person whom we know, or whoever has these identities. */
export type Recipient = { readonly customer: string } | { readonly identities: readonly [Identity, ...Identity[]] };

/** A list is read as it arrives; a million lines are a delivery to a small country. */
const RECIPIENTS_MAX = 1_000_000;

export type BadList = { readonly count: number; readonly errors: readonly LineError[] };

/**
 * Reads CSV under a header line of some of `customer` (the retailer's number), `email`, `phone`. Every line is judged.
 * @param take those of some lines, in their order; not called any more once a line was bad
 * @returns how many recipients there were, or what is wrong
 */
export async function readRecipients(
  bytes: AsyncIterable<Uint8Array>,
  take: (recipients: readonly Recipient[]) => Promise<void>,
): Promise<Result<number, BadList>> {
  const errors = new LineErrors();
  const shape = {
    columns: ['customer', 'email', 'phone'],
    bytesMax: IMPORT_BYTES_MAX,
    rowsMax: RECIPIENTS_MAX,
  } as const;
  const read = await readCsv(bytes, shape, async (rows) => {
    const recipients = rows.flatMap((row) => {
      const recipient = recipientOf(row);
      if (recipient.ok) return [recipient.value];
      errors.add(row.line, recipient.error);
      return [];
    });
    if (errors.count === 0 && recipients.length > 0) await take(recipients);
  });
  if (!read.ok) errors.add(read.error.line, read.error.why);
  if (read.ok && read.value === 0) errors.add(2, 'there is nobody in it');
  return errors.count > 0 || !read.ok ? err({ count: errors.count, errors: errors.inOrder() }) : read;
}

function recipientOf({ cells }: CsvRow<'customer' | 'email' | 'phone'>): Result<Recipient, string> {
  const identities: Identity[] = [];
  const parsers = [
    [cells.customer, parseCustomerNumber],
    [cells.email, parseEmail],
    [cells.phone, (text: string) => parsePhone(text, null)],
  ] as const;
  for (const [cell, parse] of parsers) {
    if (cell === undefined) continue;
    const parsed = parse(cell);
    if (!parsed.ok) return parsed;
    identities.push(parsed.value);
  }
  const [first, ...others] = identities;
  return first === undefined ? err('there is nobody in this line') : ok({ identities: [first, ...others] });
}

const identitySchema = z.strictObject({
  kind: z.enum(['phone', 'email', 'number']),
  value: z.string(),
  key: z.string(),
});

/** As a chunk of a list is kept, sealed. */
export const recipientsSchema: z.ZodType<readonly Recipient[]> = z.array(
  z.union([
    z.strictObject({ customer: z.string() }),
    z.strictObject({ identities: z.tuple([identitySchema], identitySchema) }),
  ]),
);
