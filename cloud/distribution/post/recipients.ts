import { z } from 'zod';
import { err, type Result } from '../../../protocol/result.ts';
import { readCsv } from '../../issuing/csv-rows.ts';
import { LineErrors } from '../../issuing/line-errors.ts';
import type { LineError } from '../../ledger/port.ts';
import { LIST_BYTES_MAX, LIST_LINES_MAX } from '../assign-list.ts';
import { PERSON_COLUMNS, readPersonRow } from '../person-row.ts';

const identitySchema = z.strictObject({
  identity: z.strictObject({ kind: z.enum(['phone', 'email', 'number']), value: z.string(), key: z.string() }),
  verified: z.boolean(),
});
const factsSchema = z.strictObject({
  language: z.string().exactOptional(),
  timeZone: z.string().exactOptional(),
  name: z.string().exactOptional(),
  homeStore: z.string().exactOptional(),
});

/** As a part of a list is kept, sealed. */
export const recipientsSchema = z.array(
  z.union([
    z.strictObject({ customer: z.string() }),
    z.strictObject({ identities: z.tuple([identitySchema], identitySchema), facts: factsSchema }),
  ]),
);
/** Who is to get something: a person whom we know, or as a line of a list tells of one. */
export type Recipient = z.infer<typeof recipientsSchema>[number];

export type BadList = { readonly count: number; readonly errors: readonly LineError[] };

/**
 * Reads a list of people, CSV under a header line. Every line is judged: a list with a bad line is sent to nobody.
 * @param country of numbers without a country code
 * @param take some of them at a time, in their order; not called any more once a line was bad
 * @returns how many there were, or what is wrong
 */
export async function readRecipients(
  bytes: AsyncIterable<Uint8Array>,
  country: string | null,
  take: (recipients: readonly Recipient[]) => Promise<void>,
): Promise<Result<number, BadList>> {
  const errors = new LineErrors();
  const shape = { columns: PERSON_COLUMNS, bytesMax: LIST_BYTES_MAX, rowsMax: LIST_LINES_MAX };
  const read = await readCsv(bytes, shape, async (rows) => {
    const recipients: Recipient[] = [];
    for (const { line, cells } of rows) {
      const person = readPersonRow(cells, country);
      if (!person.ok) errors.add(line, person.error);
      else recipients.push({ identities: [...person.value.identities], facts: person.value.facts });
    }
    if (errors.count === 0 && recipients.length > 0) await take(recipients);
  });
  if (!read.ok) errors.add(read.error.line, read.error.why);
  else if (read.value === 0) errors.add(2, 'there is nobody in it');
  return read.ok && errors.count === 0 ? read : err({ count: errors.count, errors: errors.inOrder() });
}
