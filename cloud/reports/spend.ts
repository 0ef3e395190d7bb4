import { z } from 'zod';
import { err, ok, type Result } from '../../protocol/result.ts';
import { channelSchema, sourceSchema } from '../distribution/person-entry.ts';
import type { DistributionStore } from '../distribution/store.ts';
import { readCsv } from '../issuing/csv-rows.ts';
import { LineErrors } from '../issuing/line-errors.ts';
import type { LineError } from '../ledger/port.ts';
import { cleanSource } from './event-rules.ts';
import { OWN_SOURCES } from './sources.ts';
import type { SpendRow, TraceStore } from './store.ts';

/** What ads were shown, clicked and cost, by source and day, as the ad systems count it. All rows of a call, or none. */

export type SpendRefusal =
  | { readonly why: 'unknown_campaign' | 'too_many_sources' }
  | { readonly why: 'bad_lines'; readonly count: number; readonly errors: readonly LineError[] };
type Ports = { readonly store: TraceStore; readonly distribution: Pick<DistributionStore, 'read'> };

/** A year of some thirty ads; one transaction of some ten milliseconds. */
export const SPEND_LINES_MAX = 10_000;
const SPEND_BYTES_MAX = 4 * 1024 * 1024;
/** Impressions and clicks of one ad and day, and its cost in minor units: exact numbers, and more than any. */
const MOST = 1_000_000_000_000;

const countSchema = z.int().min(0).max(MOST);

export const spendRowSchema = z.strictObject({
  /** In the campaign's time zone. */
  day: z.iso.date(),
  channel: channelSchema.nullable().default(null),
  /** As in the ad's link. */
  source: sourceSchema.default({}),
  impressions: countSchema.default(0),
  clicks: countSchema.default(0),
  /** Minor units of the currency, which is the campaign's. */
  cost: countSchema.default(0),
  currency: z.string().max(3).optional(),
});
type Told = z.output<typeof spendRowSchema>;

/** @param rows numbered from 1 in errors */
export async function takeSpend(ports: Ports, campaign: string, rows: readonly Told[]): Promise<Taken> {
  const errors = new LineErrors();
  return put(
    ports,
    campaign,
    rows.map((told, i) => ({ line: i + 1, told })),
    errors,
  );
}
type Taken = Result<{ readonly rows: number }, SpendRefusal>;

const PARAMETERS = ['utm_id', 'utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content'] as const;
export const SPEND_COLUMNS = ['day', 'channel', ...PARAMETERS, 'impressions', 'clicks', 'cost', 'currency'] as const;
type Cells = Readonly<Partial<Record<(typeof SPEND_COLUMNS)[number], string>>>;

export async function takeSpendFile(ports: Ports, campaign: string, bytes: AsyncIterable<Uint8Array>): Promise<Taken> {
  const errors = new LineErrors();
  const lines: SpendLine[] = [];
  const shape = { columns: SPEND_COLUMNS, bytesMax: SPEND_BYTES_MAX, rowsMax: SPEND_LINES_MAX };
  const read = await readCsv(bytes, shape, async (rows) => {
    for (const { line, cells } of rows) {
      const told = spendRowSchema.safeParse(rowOf(cells));
      if (told.success) lines.push({ line, told: told.data });
      else errors.add(line, whyNot(told.error));
    }
  });
  if (!read.ok) errors.add(read.error.line, read.error.why);
  return put(ports, campaign, lines, errors);
}
type SpendLine = { readonly line: number; readonly told: Told };

function rowOf({ day, channel, impressions, clicks, cost, currency, ...source }: Cells) {
  const whole = (cell: string | undefined) => (cell === undefined || !/^\d{1,15}$/.test(cell) ? cell : Number(cell));
  return {
    ...{ day, channel, source, currency },
    ...{ impressions: whole(impressions), clicks: whole(clicks), cost: whole(cost) },
  };
}

function whyNot(error: z.ZodError): string {
  const issue = error.issues[0];
  const column = String(issue?.path.at(-1) ?? '');
  if (column === 'cost') return 'cost: a whole number of minor units, as 1250 for 12.50';
  return `${column}: ${issue?.message ?? 'not well-formed'}`;
}

async function put(
  { store, distribution }: Ports,
  id: string,
  lines: readonly SpendLine[],
  errors: LineErrors,
): Promise<Taken> {
  const campaign = (await distribution.read((tx) => tx.campaigns([id])))[0];
  if (campaign === undefined) return err({ why: 'unknown_campaign' });
  const rows = rowsOf(lines, campaign.card.offer.discount.currency, errors);
  if (errors.count > 0) return err({ why: 'bad_lines', count: errors.count, errors: errors.inOrder() });
  try {
    await store.transaction(async (tx) => {
      if (!(await tx.putSpend(id, rows, OWN_SOURCES))) throw new TooManySources();
    });
    return ok({ rows: rows.length });
  } catch (error) {
    if (error instanceof TooManySources) return err({ why: 'too_many_sources' });
    throw error;
  }
}

class TooManySources extends Error {}

function rowsOf(lines: readonly SpendLine[], own: string, errors: LineErrors): SpendRow[] {
  const linesByKey = new Map<string, number>();
  const rows: SpendRow[] = [];
  for (const { line, told } of lines) {
    const { currency, ...row } = { ...told, source: cleanSource(told.source) };
    const key = JSON.stringify([row.day, row.channel, row.source]);
    const before = linesByKey.get(key);
    if (before !== undefined) errors.add(line, `it is of the same day, channel and source as line ${before}`);
    else if ((currency ?? (row.cost === 0 ? own : null)) !== own)
      errors.add(line, `currency: the campaign's is ${own}`);
    linesByKey.set(key, line);
    rows.push(row);
  }
  return rows;
}
