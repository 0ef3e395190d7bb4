import { z } from 'zod';
import { moneySchema } from '../../protocol/money.ts';
import { problem } from '../../protocol/problem.ts';
import { campaignIdSchema } from '../../protocol/reservation.ts';
import { err, ok } from '../../protocol/result.ts';
import {
  type Asked,
  type AttributionPorts,
  countsReport,
  leaksReport,
  type Report,
  redemptionChain,
} from '../reports/attribution.ts';
import type { Chain } from '../reports/chain.ts';
import { type By, type Counts, type LeakCounts, PARTED_BY, performanceOf, textOf } from '../reports/report-rules.ts';
import type { Settled } from '../reports/settled.ts';
import { type CsvLine, csvFile, plainCell, wantsCsv } from './csv.ts';
import { type Call, type Endpoint, withoutBody, withQuery } from './http.ts';

/** What each ad, site, channel, store and day brought, and what led to one redemption. */
export function attributionDoor(ports: AttributionPorts): Endpoint[] {
  return [
    withQuery(routes.funnel, async (call) => answer(FUNNEL, await countsReport(ports, asked(call.query)), call)),
    withQuery(routes.performance, async (call) =>
      answer(PERFORMANCE, await countsReport(ports, asked(call.query)), call),
    ),
    withQuery(routes.leaks, async (call) => answer(LEAKS, await leaksReport(ports, asked(call.query)), call)),
    withoutBody(routes.chain, async ({ param }) => {
      const chain = await redemptionChain(ports, param('id'));
      return chain === null ? err(problem('not_found')) : ok(chainView(chain));
    }),
  ];
}

const querySchema = z.strictObject({
  campaign: campaignIdSchema.optional(),
  from: z.iso.date().optional(),
  to: z.iso.date().optional(),
  by: z.enum(PARTED_BY).optional(),
});
type Query = z.output<typeof querySchema>;

const asked = ({ campaign, from, to, by }: Query): Asked => ({
  ...{ campaign: campaign ?? null, by: by ?? null },
  ...{ from: from ?? '0000-01-01', to: to ?? '9999-12-31' },
});

const time = z.iso.datetime();
const count = z.int();
const funnelShape = {
  ...{ impressions: count, adClicks: count, clicks: count, claims: count, assigned: count },
  ...{
    issued: count,
    delivered: count,
    viewed: count,
    scanned: count,
    redeemed: count,
    reversed: count,
    leaked: count,
    revenue: count,
  },
};
const performanceShape = {
  ...{ redeemed: count, revenue: count, discount: count, spend: count },
  ...{ costPerRedemption: count.nullable(), redemptionRate: z.number().nullable() },
};
const leaksShape = { second_basket: count, used_elsewhere: count, wrong_customer: count, attempts: count };

const reportOf = <S extends z.ZodRawShape>(shape: S) =>
  z.object({
    /** Complete up to here. */
    settledTo: time,
    /** Boxes that are cut off or still settling, with the entries that each had to settle when it was last heard. */
    owing: z.array(z.object({ gateway: z.string(), store: z.string(), lastHeard: time.nullable(), entries: z.int() })),
    by: z.enum(PARTED_BY).nullable(),
    lines: z.array(
      z.object({
        campaign: z.string(),
        /** The channel, ad, site, store or day; of a source its parameters. Null: none is known. */
        key: z.union([z.string(), z.record(z.string(), z.string())]).nullable(),
        currency: z.string(),
        ...shape,
      }),
    ),
  });

const report = { scope: 'admin', tag: 'Reports', method: 'GET', query: querySchema } as const;
const ASKED =
  'One line a campaign, or one for each `channel`, `source` (its parameters), `ad` (utm_content), `site` (utm_source), ' +
  "`store` or `day` in it. `from` and `to` are days in the campaign's time zone, both included. Money is minor units.";
const SOURCE =
  "The source and channel of a redemption are those of its coupon's assignment: the first touch. What was redeemed without " +
  'an assignment has neither.';

const routes = {
  funnel: {
    ...report,
    path: '/v1/reports/funnel',
    orElse: 'text/csv',
    summary:
      'From the ad to the redemption. Impressions and `adClicks` are as imported; `clicks` are those that arrived here; a claim ' +
      'is a request that was given a coupon; `issued` are baskets that a till or a cart gave one. ' +
      '`delivered`, `viewed` and `scanned` count coupons, each once. `revenue` is the total of the baskets, less what was ' +
      `reversed; a basket with two coupons counts for each. ${SOURCE} ${ASKED}`,
    response: reportOf(funnelShape),
  },
  performance: {
    ...report,
    path: '/v1/reports/performance',
    orElse: 'text/csv',
    summary:
      'Revenue, discount, spend and the cost of one redemption: spend by the redemptions that stand, null where there is ' +
      'none of either. `redemptionRate`: of the coupons assigned. Spend is of no store. A discount that the register does ' +
      `not tell is the amount of the offer, and of other offers unknown. ${SOURCE} ${ASKED}`,
    response: reportOf(performanceShape),
  },
  leaks: {
    ...report,
    path: '/v1/reports/leaks',
    orElse: 'text/csv',
    summary:
      'Attempts that were refused because another basket uses the coupon (`second_basket`) or has redeemed it ' +
      "(`used_elsewhere`), or because it is another customer's; each basket once, with the source of the coupon that was " +
      `tried. What a store refuses by itself is not told to the cloud. ${ASKED}`,
    response: reportOf(leaksShape),
  },
  chain: {
    scope: 'admin',
    tag: 'Reports',
    method: 'GET',
    path: '/v1/redemptions/{id}/chain',
    summary:
      'What led to one redemption: its source with what was shown and clicked of it that day, its assignment, and what ' +
      'happened to its coupon, in order.',
    response: z.object({
      redemption: z.object({
        ...{ id: z.string(), at: time, door: z.string(), store: z.string().nullable(), lane: z.string().nullable() },
        ...{
          basket: z.string(),
          total: moneySchema.nullable(),
          discount: moneySchema.nullable(),
          reversed: z.boolean(),
        },
      }),
      campaign: z.string(),
      lastFour: z.string(),
      assignment: z
        .object({
          ...{ id: z.string(), customer: z.string().nullable(), at: time, how: z.string(), channel: z.string() },
          source: z.record(z.string(), z.string()),
          sourceDay: z.object({ day: z.iso.date(), impressions: count, adClicks: count, clicks: count, spend: count }),
        })
        .nullable(),
      steps: z.array(
        z.object({
          ...{ at: time, what: z.string(), store: z.string().nullable(), door: z.string().nullable() },
          ...{ basket: z.string().nullable(), why: z.string().nullable() },
        }),
      ),
    }),
  },
} as const;

type Values = Readonly<Record<string, number | null>>;
/** A report's name, its columns, and what stands in them. */
type Kind<C, V extends Values> = Named & { readonly valuesOf: (counts: C) => V };
type Named = { readonly name: string; readonly shape: Readonly<Record<string, unknown>> };
const FUNNEL = {
  ...{ name: 'funnel', shape: funnelShape },
  valuesOf({ discount: _, spend: __, ...steps }: Counts) {
    return steps;
  },
};
const PERFORMANCE = { name: 'performance', shape: performanceShape, valuesOf: performanceOf };
const LEAKS = {
  ...{ name: 'leaks', shape: leaksShape },
  valuesOf(counts: LeakCounts) {
    return { ...counts, attempts: counts.second_basket + counts.used_elsewhere + counts.wrong_customer };
  },
};

/** As JSON, or as a file with the same columns. */
function answer<C, V extends Values>(
  kind: Kind<C, V>,
  { settled, lines }: Report<C>,
  { query, header }: Pick<Call<null>, 'header'> & { readonly query: Query },
) {
  const told = lines.map((line) => ({ ...line, values: kind.valuesOf(line.counts) }));
  const by = query.by ?? null;
  if (wantsCsv(header('accept'))) return fileOf(kind, told, by, settled);
  const view = told.map(({ campaign, key, currency, values }) => ({ campaign, key, currency, ...values }));
  return ok({ settledTo: timeText(settled.to), owing: settled.owing.map(owingView), by, lines: view });
}

type Told = Pick<Report<unknown>['lines'][number], 'campaign' | 'key' | 'currency'> & { readonly values: Values };

function fileOf({ name, shape }: Named, lines: readonly Told[], by: By | null, { to, owing }: Settled): Response {
  const columns = Object.keys(shape);
  const part = (text: string) => (by === null ? [] : [text]);
  const header = ['campaign', ...part(by ?? ''), 'currency', ...columns, 'settledTo', 'owingStores', 'owedEntries'];
  const owed = owing.reduce((sum, { backlog }) => sum + backlog, 0);
  const settled = [timeText(to), String(owing.length), String(owed)];
  const rows = lines.map(({ campaign, key, currency, values }) => [
    ...[campaign, ...part(plainCell(textOf(key))), currency],
    ...columns.map((column) => String(values[column] ?? '')),
    ...settled,
  ]);
  return csvFile(by === null ? name : `${name}-by-${by}`, inOne([header, ...rows]));
}

async function* inOne(lines: readonly CsvLine[]): AsyncGenerator<readonly CsvLine[]> {
  yield lines;
}

const timeText = (instant: number): string => new Date(instant).toISOString();

const owingView = ({ id, store, lastHeard, backlog }: Settled['owing'][number]) => ({
  ...{ gateway: id, store, lastHeard: lastHeard === null ? null : timeText(lastHeard), entries: backlog },
});

const chainView = ({ redemption, assignment, steps, ...chain }: Chain) => ({
  ...chain,
  redemption: { ...redemption, at: timeText(redemption.at) },
  assignment: assignment === null ? null : { ...assignment, at: timeText(assignment.at) },
  steps: steps.map((step) => ({ ...step, at: timeText(step.at) })),
});
