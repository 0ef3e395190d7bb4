import { z } from 'zod';
import { problem } from '../../protocol/problem.ts';
import { err, ok } from '../../protocol/result.ts';
import { languageSchema } from '../distribution/person-entry.ts';
import { isKeyword } from '../distribution/post/inbound-rules.ts';
import { MESSAGE_STATES } from '../distribution/post/message-rules.ts';
import type { PostOffice } from '../distribution/post/post-office.ts';
import { POST_CHANNELS } from '../distribution/post/store.ts';
import { parseAddress } from '../distribution/identity.ts';
import { type Endpoint, withBody, withoutBody } from './http.ts';
import { dateOf, messageTextSchema, subjectSchema } from './message-fields.ts';

/** Single messages: a test, what became of one, and what mail servers tell later. And the word that people text for a coupon. */
export function messageDoor(postOffice: PostOffice, country: string | null): Endpoint[] {
  return [
    withBody(routes.test, async ({ body: { to, channel, ...about }, param }) => {
      const address = parseAddress(to, country);
      if (!address.ok) return err(problem('invalid_request', { field: 'to', detail: address.error }));
      if ((address.value.kind === 'email') !== (channel === 'email'))
        return err(problem('invalid_request', { field: 'to', detail: 'It is an address of the other channel.' }));
      const sent = await postOffice.sendTest({ campaign: param('id'), channel, address: address.value, ...about });
      if (sent.ok) return sent;
      return err(problem(sent.error === 'unknown_campaign' ? 'not_found' : 'not_set_up'));
    }),
    withoutBody(routes.one, async ({ param }) => {
      const message = await postOffice.message(param('id'));
      if (message === null) return err(problem('not_found'));
      const { id, kind, channel, campaign, customer, state, attempts, doubts, reason, acceptedAt, askedWith } = message;
      return ok({
        ...{ id, kind, channel, campaign, customer, state, attempts, doubts, reason },
        acceptedAt: acceptedAt === null ? null : dateOf(acceptedAt),
        askedWith: askedWith === null ? null : { ...askedWith, at: dateOf(askedWith.at) },
      });
    }),
    withBody(routes.bounce, async ({ body: { message, reason } }) => {
      // As it stands in the mail's head, or as we name it.
      const id = message.replace(/^<|>$/g, '').split('@')[0] ?? '';
      const isKnown = await postOffice.report(id, { is: 'reported', how: 'bounced', reason: reason ?? 'bounced' });
      return isKnown ? ok({ noted: true as const }) : err(problem('not_found'));
    }),
    withBody(routes.keyword, async ({ body: { keyword }, param }) => {
      const set = await postOffice.setKeyword(param('id'), keyword);
      if (set.ok) return ok({ keyword });
      return err(
        set.error === 'unknown_campaign'
          ? problem('not_found')
          : problem('conflict', { field: 'keyword', detail: 'Another open campaign has this word.' }),
      );
    }),
  ];
}

const admin = { scope: 'admin', tag: 'Messages' } as const;
const keywordSchema = z
  .string()
  .toUpperCase()
  .refine(isKeyword, '2 to 20 letters of A to Z and digits, and no word that ends or begins messages');

const routes = {
  test: {
    ...admin,
    method: 'POST',
    path: '/v1/campaigns/{id}/test-messages',
    status: 201,
    summary:
      'Send somebody the message of this campaign with a test coupon. Nothing is given out. `segments` of a text.',
    body: z.strictObject({
      channel: z.enum(POST_CHANNELS),
      to: z.string().max(320),
      subject: subjectSchema.optional(),
      text: messageTextSchema.optional(),
      language: languageSchema.default('en'),
    }),
    response: z.object({ message: z.string(), segments: z.int().nullable() }),
  },
  one: {
    ...admin,
    method: 'GET',
    path: '/v1/messages/{id}',
    summary: 'What became of a message.',
    response: z.object({
      id: z.string(),
      kind: z.string(),
      channel: z.enum(POST_CHANNELS),
      campaign: z.string().nullable(),
      customer: z.string().nullable(),
      state: z.enum(MESSAGE_STATES),
      attempts: z.int(),
      doubts: z.int(),
      reason: z.string().nullable(),
      acceptedAt: z.string().nullable(),
      askedWith: z.object({ wording: z.string(), at: z.string(), source: z.string() }).nullable(),
    }),
  },
  bounce: {
    ...admin,
    method: 'POST',
    path: '/v1/post/bounces',
    summary: 'A mail came back after it had been accepted. `message` is its Message-ID.',
    body: z.strictObject({
      message: z.string().min(1).max(320),
      reason: z
        .string()
        .regex(/^[a-z0-9_. ]{1,64}$/, 'lower-case letters, digits and points, at most 64')
        .optional(),
    }),
    response: z.object({ noted: z.literal(true) }),
  },
  keyword: {
    ...admin,
    method: 'POST',
    path: '/v1/campaigns/{id}/keyword',
    summary:
      'The word that people text to our number for a coupon of this campaign: no other open campaign may have it.',
    body: z.strictObject({ keyword: keywordSchema.nullable() }),
    response: z.object({ keyword: z.string().nullable() }),
  },
} as const;
