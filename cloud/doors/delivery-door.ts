import { z } from 'zod';
import { invalidRequest, type Problem, problem } from '../../protocol/problem.ts';
import { err, ok } from '../../protocol/result.ts';
import type { Audience, DeliveryRefusal, NewDelivery } from '../distribution/post/deliveries.ts';
import { MESSAGE_STATES } from '../distribution/post/message-rules.ts';
import type { PostOffice } from '../distribution/post/post-office.ts';
import { QUIET_HOURS_DEFAULT } from '../distribution/post/quiet-rules.ts';
import { POST_CHANNELS } from '../distribution/post/store.ts';
import { type Endpoint, withBodyOrUpload, withoutBody, withQuery } from './http.ts';
import { deliveryPagePath } from './delivery-page-door.ts';
import { messageSchema, messageView, plainSchema, plainView, progressSchema, progressView } from './delivery-views.ts';
import { messageTextSchema, subjectSchema } from './message-fields.ts';

type Parts = { readonly postOffice: PostOffice; readonly publicUrl: () => string; readonly now: () => number };

/** Coupons and reminders sent to many: asked for, followed, paused, and looked into. */
export function deliveryDoor({ postOffice, publicUrl, now }: Parts): Endpoint[] {
  const view = async (id: string) => {
    const progress = await postOffice.progressOf(id);
    if (progress === null) return err(problem('not_found'));
    const page = `${publicUrl()}${deliveryPagePath(id)}`;
    return ok(progressView(progress, postOffice.troubleOf(progress.delivery.channel), page));
  };
  const create = async (campaign: string, settings: Settings, audience: Audience) => {
    if (settings.kind === 'reminder' && audience !== 'assigned')
      return err(
        problem('invalid_request', { field: 'audience', detail: 'A reminder is for who has a coupon: assigned.' }),
      );
    const made = await postOffice.createDelivery(newDelivery(campaign, settings, now()), audience);
    if (!made.ok) return err(refusalProblem(made.error));
    return view(made.value.id);
  };
  const pause = async (id: string, paused: boolean) =>
    (await postOffice.setPaused(id, paused)) ? view(id) : err(problem('not_found'));

  return [
    withBodyOrUpload(
      routes.create,
      async ({ body: { audience, ...settings }, param }) => create(param('id'), settings, audience),
      async ({ param, target }, csv) => {
        const settings = settingsSchema.safeParse(Object.fromEntries(new URL(target, 'http://localhost').searchParams));
        if (!settings.success) return err(invalidRequest(settings.error));
        return create(param('id'), settings.data, { csv });
      },
    ),
    withoutBody(routes.list, async ({ param }) => {
      const deliveries = await postOffice.deliveriesOf(param('id'));
      return ok({ deliveries: deliveries.map(plainView) });
    }),
    withoutBody(routes.one, ({ param }) => view(param('id'))),
    withQuery(routes.messages, async ({ param, query: { state = null, after } }) => {
      const messages = await postOffice.messagesOf(param('id'), state, after, MESSAGES_PER_ANSWER_MAX);
      if (messages === null) return err(problem('not_found'));
      const next = messages.length < MESSAGES_PER_ANSWER_MAX ? null : (messages.at(-1)?.seq ?? null);
      return ok({ messages: messages.map(messageView), next });
    }),
    withoutBody(routes.resend, async ({ param }) => {
      const resent = await postOffice.resendUnknown(param('id'));
      if (resent.ok) return ok({ queued: resent.value });
      return err(
        resent.error === 'unknown_delivery'
          ? problem('not_found')
          : problem('conflict', { detail: 'This delivery leaves what is unknown as it is (onUnknown).' }),
      );
    }),
    withoutBody(routes.pause, ({ param }) => pause(param('id'), true)),
    withoutBody(routes.resume, ({ param }) => pause(param('id'), false)),
  ];
}

/** One answer; who wants more asks for those after `next`. */
const MESSAGES_PER_ANSWER_MAX = 500;
/** Under 64 KiB. Who has more sends a file. */
const CUSTOMERS_PER_REQUEST_MAX = 1_000;
/** A campaign's reminder is sent in its last weeks. */
const DAYS_BEFORE_MAX = 90;

const clock = '([01][0-9]|2[0-3]):[0-5][0-9]';
const quietSchema = z.string().regex(new RegExp(`^(none|${clock}-${clock})$`), 'as 21:00-08:00, or none');

const settingsSchema = z
  .strictObject({
    kind: z.enum(['coupon', 'reminder']).default('coupon'),
    channel: z.enum(POST_CHANNELS),
    subject: subjectSchema.optional(),
    text: messageTextSchema.optional(),
    quietHours: quietSchema.optional(),
    onUnknown: z.enum(['leave', 'resend']).default('leave'),
    startsAt: z.iso.datetime({ offset: true }).optional(),
    daysBefore: z.coerce.number().int().min(0).max(DAYS_BEFORE_MAX).optional(),
  })
  .refine(({ startsAt, daysBefore }) => startsAt === undefined || daysBefore === undefined, {
    path: ['daysBefore'],
    message: 'either startsAt or daysBefore',
  });
type Settings = z.output<typeof settingsSchema>;

const createSchema = settingsSchema.safeExtend({
  audience: z.union([
    z.literal('assigned'),
    z.strictObject({ customers: z.array(z.string().max(64)).min(1).max(CUSTOMERS_PER_REQUEST_MAX) }),
  ]),
});

const messagesQuerySchema = z.strictObject({
  state: z.enum(MESSAGE_STATES).optional(),
  after: z.coerce.number().int().min(0).default(0),
});

function newDelivery(campaign: string, settings: Settings, now: number): NewDelivery {
  const { kind, channel, subject = null, text = null, quietHours, onUnknown, startsAt, daysBefore } = settings;
  return {
    ...{ campaign, kind, channel, subject, text, onUnknown },
    quiet: quietHours === undefined ? QUIET_HOURS_DEFAULT : quietOf(quietHours),
    starts: daysBefore === undefined ? { at: startsAt === undefined ? now : Date.parse(startsAt) } : { daysBefore },
  };
}

function quietOf(text: string): NewDelivery['quiet'] {
  if (text === 'none') return null;
  const [from = '', to = ''] = text.split('-');
  const minute = (time: string) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));
  return { fromMinute: minute(from), toMinute: minute(to) };
}

function refusalProblem(refusal: DeliveryRefusal): Problem {
  if (refusal === 'unknown_campaign') return problem('not_found');
  if (refusal === 'not_set_up') return problem('not_set_up');
  const { count, errors } = refusal.badList;
  return problem('import_refused', {
    detail: `${count === 1 ? 'One line is' : `${count} lines are`} bad. Nothing is sent to anybody.`,
    errors,
  });
}

const admin = { scope: 'admin', tag: 'Messages' } as const;

const routes = {
  create: {
    ...admin,
    method: 'POST',
    path: '/v1/campaigns/{id}/deliveries',
    status: 201,
    summary:
      'Send customers their coupon of this campaign. Who has none gets one. Who has not agreed to such messages is shown as ' +
      '`suppressed`. `text` may say where the personal link stands: `{link}`. A reminder is for who has not redeemed. ' +
      'What the provider may or may not have got is `unknown`; it is sent again only with `onUnknown: resend`.',
    body: createSchema,
    upload: {
      type: 'text/csv',
      description:
        'A list of customers as for assignments; the other fields stand in the query. A list with a bad line is sent to nobody.',
    },
    response: progressSchema,
  },
  list: {
    ...admin,
    method: 'GET',
    path: '/v1/campaigns/{id}/deliveries',
    summary: 'The deliveries of a campaign, newest first.',
    response: z.object({ deliveries: z.array(plainSchema) }),
  },
  one: {
    ...admin,
    method: 'GET',
    path: '/v1/deliveries/{id}',
    summary: 'How far a delivery is, and what keeps its channel from sending just now.',
    response: progressSchema,
  },
  messages: {
    ...admin,
    method: 'GET',
    path: '/v1/deliveries/{id}/messages',
    query: messagesQuerySchema,
    summary:
      'Its messages, of one `state` or all, after a place: at most five hundred, with what each customer agreed to.',
    response: z.object({ messages: z.array(messageSchema), next: z.int().nullable() }),
  },
  resend: {
    ...admin,
    method: 'POST',
    path: '/v1/deliveries/{id}/resend',
    summary: 'Send what is unknown again now, where the delivery is one of `onUnknown: resend`.',
    response: z.object({ queued: z.int() }),
  },
  pause: {
    ...admin,
    method: 'POST',
    path: '/v1/deliveries/{id}/pause',
    summary: 'Begin no more messages of it. Those being sent are sent.',
    response: progressSchema,
  },
  resume: {
    ...admin,
    method: 'POST',
    path: '/v1/deliveries/{id}/resume',
    summary: 'Go on with a paused delivery.',
    response: progressSchema,
  },
} as const;
