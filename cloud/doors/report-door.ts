import { z } from 'zod';
import { problem } from '../../protocol/problem.ts';
import { err, ok } from '../../protocol/result.ts';
import type { Books, CampaignLine } from '../reports/books.ts';
import type { FeedLag } from '../reports/books-store.ts';
import { csvFile, type CsvLine } from './csv.ts';
import { type Endpoint, withQuery } from './http.ts';

const report = { scope: 'admin', tag: 'Reports', method: 'GET' } as const;

/** A quarter: a year is asked for in four calls. */
const DAYS_MAX = 92;
const DAY_MS = 86_400_000;

/** Finance's reports. Days are UTC's, and both ends are included. */
export function reportDoor(books: Books, now: () => number): Endpoint[] {
  const within = async <T>(span: Span, answer: (span: Span) => Promise<T>) => {
    const refusal = spanProblem(span, now());
    return refusal === null ? answer(span) : err(refusal);
  };
  return [
    withQuery(routes.reconciliation, ({ query }) =>
      within(query, async ({ from, to }) => ok({ lines: await books.reconciliation(from, to) })),
    ),
    withQuery(routes.reconciliationCsv, ({ query }) =>
      within(query, async ({ from, to }) =>
        csvFile(`reconciliation-${from}-${to}`, csvLines(await books.reconciliation(from, to))),
      ),
    ),
    withQuery(routes.liability, async ({ query: { at } }) =>
      Date.parse(at) > now() ? err(notBegun('at')) : ok(await books.liability(at)),
    ),
    withQuery(routes.feeds, ({ query }) =>
      within(query, async ({ from, to }) => ok({ feeds: (await books.feedLags(from, to)).map(lagView) })),
    ),
  ];
}

const spanSchema = z.strictObject({ from: z.iso.date(), to: z.iso.date() });
type Span = z.output<typeof spanSchema>;

function spanProblem({ from, to }: Span, now: number) {
  const [start, end] = [Date.parse(from), Date.parse(to)];
  if (end > now) return notBegun('to');
  if (end < start) return problem('invalid_request', { field: 'from', detail: 'must not be after the end' });
  if (end - start >= DAYS_MAX * DAY_MS)
    return problem('invalid_request', { field: 'from', detail: `at most ${DAYS_MAX} days at once` });
  return null;
}

const notBegun = (field: string) => problem('invalid_request', { field, detail: 'that day has not begun (UTC)' });

const amountSchema = z.object({ units: z.int(), value: z.int() });
const currencySchema = z.string();

const routes = {
  reconciliation: {
    ...report,
    path: '/v1/reports/reconciliation',
    summary:
      'By campaign and day: closing = opening + issued + reversed - redeemed - voided - expired, in units; in minor units also + revalued.',
    query: spanSchema,
    response: z.object({
      lines: z.array(
        z.object({
          day: z.string(),
          campaign: z.string(),
          currency: currencySchema,
          opening: amountSchema,
          issued: amountSchema,
          reversed: amountSchema,
          redeemed: amountSchema,
          voided: amountSchema,
          expired: amountSchema,
          revalued: z.int(),
          closing: amountSchema,
        }),
      ),
    }),
  },
  reconciliationCsv: {
    ...report,
    path: '/v1/reports/reconciliation.csv',
    summary: 'The same as a file.',
    query: spanSchema,
    response: z.string(),
    responseType: 'text/csv',
  },
  liability: {
    ...report,
    path: '/v1/reports/liability',
    summary:
      'What could still be redeemed at the end of a day (UTC), or can be now; by campaign, and by currency in all.',
    query: z.strictObject({ at: z.iso.date() }),
    response: z.object({
      day: z.string(),
      campaigns: z
        .array(z.object({ campaign: z.string(), currency: currencySchema, units: z.int(), value: z.int() }))
        .readonly(),
      totals: z.array(z.object({ currency: currencySchema, units: z.int(), value: z.int() })).readonly(),
    }),
  },
  feeds: {
    ...report,
    path: '/v1/reports/feeds',
    summary:
      'By client and day of the feeding: how many redemptions and reversals were fed, and how long after they were done.',
    query: spanSchema,
    response: z.object({
      feeds: z.array(
        z.object({
          day: z.string(),
          client: z.string(),
          count: z.int(),
          exceptions: z.int(),
          medianSeconds: z.int(),
          worstSeconds: z.int(),
        }),
      ),
    }),
  },
} as const;

const lagView = ({ door, medianMs, worstMs, ...lag }: FeedLag) => ({
  ...lag,
  client: door.slice('feed:'.length),
  medianSeconds: Math.round(medianMs / 1000),
  worstSeconds: Math.round(worstMs / 1000),
});

const AMOUNTS = ['opening', 'issued', 'reversed', 'redeemed', 'voided', 'expired', 'closing'] as const;
const HEADER = [
  ...['day', 'campaign', 'currency'],
  ...AMOUNTS.flatMap((name) => [`${name}_units`, `${name}_value`]),
  'revalued_value',
];

async function* csvLines(lines: readonly CampaignLine[]): AsyncGenerator<CsvLine[]> {
  yield [HEADER];
  yield lines.map((line) => [
    ...[line.day, line.campaign, line.currency],
    ...AMOUNTS.flatMap((name) => [`${line[name].units}`, `${line[name].value}`]),
    `${line.revalued}`,
  ]);
}
