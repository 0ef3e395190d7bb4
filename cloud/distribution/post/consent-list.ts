import { z } from 'zod';
import { err, ok, type Result } from '../../../protocol/result.ts';
import { type CsvEnd, readCsv } from '../../issuing/csv-rows.ts';
import { LineErrors } from '../../issuing/line-errors.ts';
import type { LineError } from '../../ledger/port.ts';
import { LIST_BYTES_MAX, LIST_LINES_MAX } from '../assign-list.ts';
import { parseAddress } from '../identity.ts';
import type { Consent, Consents } from './consents.ts';

/** Consents as a retailer tells of them: in a request, or in a line of a list. */

const SOURCE_CHARACTERS_MAX = 100;
/** The paragraph beside a tick box. */
const WORDING_CHARACTERS_MAX = 1_000;

export const consentSchema = z.strictObject({
  address: z.string().max(320),
  givenAt: z.iso.datetime({ offset: true }),
  source: z.string().trim().min(1).max(SOURCE_CHARACTERS_MAX),
  wording: z.string().trim().min(1).max(WORDING_CHARACTERS_MAX),
});

export type BadConsent = { readonly field: string; readonly why: string };

export function readConsent(
  { address, givenAt, source, wording }: z.infer<typeof consentSchema>,
  country: string | null,
): Result<Consent, BadConsent> {
  const read = parseAddress(address, country);
  if (!read.ok) return err({ field: 'address', why: read.error });
  return ok({ address: read.value, givenAt: Date.parse(givenAt), source, wording });
}

export type ConsentListOutcome = {
  readonly given: number;
  readonly withdrawnSince: number;
  readonly errorCount: number;
  readonly errors: LineError[];
  readonly broken: CsvEnd | null;
};

/** Good lines are taken as they arrive and stay: sent again, the list changes nothing. */
export async function takeConsentList(
  consents: Consents,
  country: string | null,
  bytes: AsyncIterable<Uint8Array>,
): Promise<ConsentListOutcome> {
  const errors = new LineErrors();
  const sum = { given: 0, withdrawnSince: 0 };
  const columns = ['address', 'given_at', 'source', 'wording'] as const;
  const shape = { columns, bytesMax: LIST_BYTES_MAX, rowsMax: LIST_LINES_MAX };
  const read = await readCsv(bytes, shape, async (rows) => {
    const good: Consent[] = [];
    for (const { line, cells } of rows) {
      const consent = readCells(cells, country);
      if (consent.ok) good.push(consent.value);
      else errors.add(line, `${consent.error.field}: ${consent.error.why}`);
    }
    if (good.length === 0) return;
    const { given, withdrawnSince } = await consents.give(good);
    sum.given += given;
    sum.withdrawnSince += withdrawnSince;
  });
  return { ...sum, errorCount: errors.count, errors: errors.inOrder(), broken: read.ok ? null : read.error };
}

function readCells(
  { given_at: givenAt, ...cells }: { readonly [column: string]: string | undefined },
  country: string | null,
): Result<Consent, BadConsent> {
  const entry = consentSchema.safeParse({ ...cells, givenAt });
  if (entry.success) return readConsent(entry.data, country);
  const issue = entry.error.issues[0];
  return err({ field: issue?.path.join('.') ?? '', why: issue?.message ?? 'not well-formed' });
}
