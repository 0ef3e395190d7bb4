import { z } from 'zod';
import type { MessageWithConsent, Progress } from '../distribution/post/deliveries.ts';
import type { Trouble } from '../distribution/post/dispatcher.ts';
import { MESSAGE_STATES } from '../distribution/post/message-rules.ts';
import { type DeliveryRow, POST_CHANNELS } from '../distribution/post/store.ts';
import { dateOf } from './message-fields.ts';

/** Deliveries and their messages as they are shown. */

/** How far it is. @param trouble what keeps its channel from sending @param page where people look at it */
export function progressView(progress: Progress, trouble: Trouble, page: string) {
  const { delivery, counts, reasons, acceptedPerSecond, remainingSeconds } = progress;
  return {
    ...plainView(delivery),
    counts: Object.fromEntries(MESSAGE_STATES.map((state) => [state, counts[state] ?? 0])),
    reasons: [...reasons],
    acceptedPerSecond: Math.round(acceptedPerSecond * 10) / 10,
    remainingSeconds,
    trouble: trouble === null ? null : { since: dateOf(trouble.since), reason: trouble.reason },
    page,
  };
}

export const plainView = ({ quiet, starts, at, pausedAt, place: _place, ...delivery }: DeliveryRow) => ({
  ...delivery,
  paused: pausedAt !== null,
  pausedAt: pausedAt === null ? null : dateOf(pausedAt),
  quietHours: quiet === null ? 'none' : `${clockOf(quiet.fromMinute)}-${clockOf(quiet.toMinute)}`,
  startsAt: 'at' in starts ? dateOf(starts.at) : null,
  daysBefore: 'daysBefore' in starts ? starts.daysBefore : null,
  at: dateOf(at),
});

const clockOf = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

export function messageView(message: MessageWithConsent) {
  const { id, customer, assignment, state, attempts, doubts, reason, agreed } = message;
  const instant = (at: number | null) => (at === null ? null : dateOf(at));
  return {
    ...{ id, customer, assignment, state, attempts, doubts, reason },
    notBefore: dateOf(message.notBefore),
    ...{ attemptedAt: instant(message.attemptedAt), acceptedAt: instant(message.acceptedAt) },
    endedAt: instant(message.endedAt),
    consent:
      agreed === null ? null : { givenAt: instant(agreed.givenAt), source: agreed.source, wording: agreed.wording },
  };
}

const instantSchema = z.string().nullable();
export const plainSchema = z.object({
  id: z.string(),
  campaign: z.string(),
  kind: z.enum(['coupon', 'reminder']),
  channel: z.enum(POST_CHANNELS),
  audience: z.enum(['list', 'assigned']),
  subject: z.string().nullable(),
  text: z.string().nullable(),
  quietHours: z.string(),
  onUnknown: z.enum(['leave', 'resend']),
  startsAt: instantSchema,
  daysBefore: z.int().nullable(),
  state: z.enum(['listing', 'queueing', 'running', 'done']),
  paused: z.boolean(),
  pausedAt: instantSchema,
  at: z.string(),
});
export const progressSchema = plainSchema.extend({
  counts: z.record(z.string(), z.int()),
  reasons: z.array(z.object({ state: z.enum(MESSAGE_STATES), reason: z.string(), messages: z.int() })),
  acceptedPerSecond: z.number(),
  remainingSeconds: z.int().nullable(),
  trouble: z.object({ since: z.string(), reason: z.string() }).nullable(),
  page: z.string(),
});
export const messageSchema = z.object({
  id: z.string(),
  customer: z.string().nullable(),
  assignment: z.string().nullable(),
  state: z.enum(MESSAGE_STATES),
  attempts: z.int(),
  doubts: z.int(),
  reason: z.string().nullable(),
  notBefore: z.string(),
  attemptedAt: instantSchema,
  acceptedAt: instantSchema,
  endedAt: instantSchema,
  consent: z.object({ givenAt: instantSchema, source: z.string(), wording: z.string() }).nullable(),
});
