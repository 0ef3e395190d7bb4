import { z } from 'zod';
import { type Problem, problem } from '../../protocol/problem.ts';
import { personalOfferSchema } from '../../protocol/offer.ts';
import { campaignIdSchema } from '../../protocol/reservation.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { assignList, LIST_BYTES_MAX, LIST_LINES_MAX, type ListOutcome } from '../distribution/assign-list.ts';
import { channelSchema, personSchema, readPerson, sourceSchema } from '../distribution/person-entry.ts';
import type { AssignRefusal, Distribution, GivenCoupon } from '../distribution/port.ts';
import { csvFile, type CsvLine } from './csv.ts';
import { type Call, type Endpoint, withBody, withBodyOrUpload, withoutBody } from './http.ts';

/** How the outside reaches a coupon's face. */
export type FaceUrl = (link: string) => string;

/** Coupons for persons: a list ahead, or one on demand of an app. */
export function assignmentDoor(distribution: Distribution, country: string | null, faceUrl: FaceUrl): Endpoint[] {
  return [
    withBodyOrUpload(
      routes.assign,
      async ({ body, param }) => {
        if ((await distribution.left(param('id'))) === undefined) return err(problem('not_found'));
        const results = [];
        for (const [i, entry] of body.assignments.entries()) {
          const assigned = await assign(distribution, country, param('id'), 'ahead', entry);
          if (!assigned.ok && assigned.error.type === 'invalid_request')
            return err({ ...assigned.error, field: `assignments.${i}.${assigned.error.field}` });
          results.push(assigned.ok ? viewOf(assigned.value, faceUrl) : { refused: assigned.error.type });
        }
        return ok({ results });
      },
      async (call, bytes) => takeList(distribution, country, call, bytes),
    ),
    withoutBody(routes.list, async ({ param }) => {
      const campaign = param('id');
      if ((await distribution.left(campaign)) === undefined) return err(problem('not_found'));
      return csvFile(campaign, csvLines(distribution.couponsOfCampaign(campaign), faceUrl));
    }),
    withoutBody(routes.pool, async ({ param }) => {
      const given = await distribution.giveStack(param('id'));
      if (given.ok) return given;
      return err(
        given.error === 'unknown_stack'
          ? problem('not_found')
          : problem('conflict', { detail: 'It is not issued to its end.' }),
      );
    }),
    withBody(routes.claim, async ({ body: { campaign, ...entry } }) => {
      const assigned = await assign(distribution, country, campaign, 'demand', entry);
      if (!assigned.ok) return assigned;
      const coupon = await distribution.coupon(assigned.value.assignment);
      if (coupon === null) throw new Error('a coupon that was just assigned is missing');
      return ok({ ...viewOf(assigned.value, faceUrl), code: coupon.code() });
    }),
  ];
}

async function assign(
  distribution: Distribution,
  country: string | null,
  campaign: string,
  how: 'ahead' | 'demand',
  { channel, source, personal, ...told }: z.output<typeof entrySchema>,
) {
  const person = readPerson(told, country);
  if (!person.ok) return err(problem('invalid_request', { field: person.error.field, detail: person.error.why }));
  const request = { campaign, how, channel, source, personal: personal ?? null };
  const assigned = await distribution.assignTo(person.value, request);
  return assigned.ok ? assigned : err(refusalProblem(assigned.error));
}

export function refusalProblem(refusal: AssignRefusal): Problem {
  if (typeof refusal === 'object') {
    const { field, detail } = refusal.outOfBounds;
    return problem('invalid_request', { field: `personal.${field}`, detail });
  }
  switch (refusal) {
    case 'unknown_campaign':
      return problem('not_found');
    case 'none_left':
    case 'ended':
      return problem(refusal);
    case 'none_left_today':
      return problem('none_left', { detail: 'None is left for today.' });
  }
}

const viewOf = ({ link, isNew }: { link: string; isNew: boolean }, faceUrl: FaceUrl) => ({ url: faceUrl(link), isNew });

/** Told line by line where the caller asks for it: a million take a minute. */
async function takeList(
  distribution: Distribution,
  country: string | null,
  { param, header }: Call<null>,
  bytes: AsyncIterable<Uint8Array>,
): Promise<Result<z.input<typeof outcomeSchema>, Problem> | Response> {
  const discount = await distribution.discountOf(param('id'));
  if (discount === null) return err(problem('not_found'));
  const campaign = { id: param('id'), discount };
  if (!/\bapplication\/x-ndjson\b/.test(header('accept') ?? ''))
    return ok(viewOfList(await assignList(distribution, campaign, country, bytes, () => undefined)));
  const encoder = new TextEncoder();
  const stream = new ReadableStream<Uint8Array>({
    async start(controller) {
      const tell = (value: unknown) => controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
      tell(viewOfList(await assignList(distribution, campaign, country, bytes, tell)));
      controller.close();
    },
  });
  return new Response(stream, { headers: { 'content-type': 'application/x-ndjson' } });
}

async function* csvLines(
  chunks: AsyncIterable<readonly GivenCoupon[]>,
  faceUrl: FaceUrl,
): AsyncGenerator<readonly CsvLine[]> {
  yield [['customer', 'url', 'last_four', 'state', 'how', 'channel', 'assigned_at']];
  for await (const chunk of chunks)
    yield chunk.map(({ number, link, lastFour, state, how, channel, at }) => [
      number ?? '',
      faceUrl(link),
      lastFour,
      state,
      how,
      channel,
      new Date(at).toISOString(),
    ]);
}

const viewOfList = ({ errors, broken, ...counts }: ListOutcome) => ({ ...counts, errors: [...errors], broken });

/** Under 64 KiB. Who has more sends a file. */
const ASSIGNMENTS_PER_REQUEST_MAX = 200;

const assignedSchema = z.object({ url: z.string(), isNew: z.boolean() });
const outcomeSchema = z.object({
  rows: z.int(),
  assigned: z.int(),
  unchanged: z.int(),
  refused: z.int(),
  errorCount: z.int(),
  errors: z.array(z.object({ line: z.int(), why: z.string() })),
  broken: z.object({ line: z.int(), why: z.string() }).nullable(),
});
const entrySchema = personSchema.extend({
  personal: personalOfferSchema.optional(),
  channel: channelSchema.default('email'),
  source: sourceSchema.default({}),
});

const routes = {
  assign: {
    scope: 'admin',
    tag: 'Customers',
    method: 'POST',
    path: '/v1/campaigns/{id}/assignments',
    summary:
      'Give customers a coupon of this campaign, one each. Who has one keeps it: sent again, nothing changes. `url` is the ' +
      'personal link of the live coupon.',
    body: z.strictObject({ assignments: z.array(entrySchema).min(1).max(ASSIGNMENTS_PER_REQUEST_MAX) }),
    upload: {
      type: 'text/csv',
      description:
        'A list, UTF-8, RFC 4180, with a header line that names some of customer, phone, email, name, language, time_zone, ' +
        `home_store, and of the coupon itself value (minor units), percent, title, terms, starts_at, ends_at, minimum_basket. At most ${LIST_LINES_MAX} lines and ${LIST_BYTES_MAX} bytes. Good lines are taken as they arrive and ` +
        'stay; bad ones are told by number, at most a hundred; `broken` says where reading ended. With `Accept: ' +
        'application/x-ndjson` each line of the answer says how far it is, the last one is the outcome.',
    },
    response: z.union([
      z.object({ results: z.array(z.union([assignedSchema, z.object({ refused: z.string() })])) }),
      outcomeSchema,
    ]),
  },
  list: {
    scope: 'admin',
    tag: 'Customers',
    method: 'GET',
    path: '/v1/campaigns/{id}/assignments.csv',
    summary:
      'Who has which coupon, with the personal link of each, for messages of your own. Streamed. Guard the file: who has a ' +
      'link has the coupon.',
    response: z.string(),
    responseType: 'text/csv',
  },
  pool: {
    scope: 'admin',
    tag: 'Customers',
    method: 'POST',
    path: '/v1/stacks/{id}/pool',
    summary:
      'From now on customers of the campaign get the codes of this stack, in their order, and none are made for them. Only ' +
      'for a stack of which nobody has a code yet. `left` is of all its stacks that are given out.',
    response: z.object({ campaign: z.string(), left: z.int() }),
  },
  claim: {
    scope: 'cart',
    tag: 'Customers',
    method: 'POST',
    path: '/v1/claims',
    summary:
      'The coupon of a customer whom the caller has recognised, as an app does: the same one however often it is asked for. ' +
      'Show its face by `url`, or draw `code` yourself and ask for its state before.',
    body: entrySchema.extend({ campaign: campaignIdSchema, channel: channelSchema.default('app') }),
    response: assignedSchema.extend({ code: z.string() }),
  },
} as const;
