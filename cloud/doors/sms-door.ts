import { z } from 'zod';
import { problem } from '../../protocol/problem.ts';
import { err } from '../../protocol/result.ts';
import type { MessageEvent } from '../distribution/post/message-rules.ts';
import type { PostOffice } from '../distribution/post/post-office.ts';
import { isSignedBy } from '../distribution/post/sms-signature.ts';
import type { Failures } from './failures.ts';
import { type Call, type DoorOperation, type Endpoint, isOfType, readBytes, refuseStranger } from './http.ts';

type Parts = {
  readonly postOffice: PostOffice;
  /** What the provider signs with; null: there is none. */
  readonly smsToken: string | null;
  /** How the outside reaches this cloud: the provider signs the address that it knows. */
  readonly publicUrl: () => string;
  readonly failures: Failures;
};

/** What the provider of text messages tells us: how a message fared, and what somebody wrote. */
export function smsDoor(parts: Parts): Endpoint[] {
  const { postOffice } = parts;
  return [
    withSignedForm(parts, routes.status, async ({ body, target }) => {
      const status = statusSchema.safeParse(Object.fromEntries(body));
      const event = status.success ? eventOf(status.data) : null;
      if (event !== null) await postOffice.report(messageIn(target), event);
      return new Response(null, { status: 204 });
    }),
    withSignedForm(parts, routes.inbound, async ({ body }) => {
      const text = inboundSchema.safeParse(Object.fromEntries(body));
      // What is no text of a person is answered all the same: the provider would only send it again.
      if (text.success)
        await postOffice.inbound({ id: text.data.MessageSid, from: text.data.From, text: text.data.Body });
      return new Response('<Response/>', { headers: { 'content-type': 'text/xml' } });
    }),
  ];
}

/** Which message a report is of: it stands in the address that we gave with it. */
const messageIn = (target: string): string => new URL(target, 'http://localhost').searchParams.get('message') ?? '';

/** The signature is over all that was posted, and over the address as the provider knows it. */
function withSignedForm(
  { smsToken, publicUrl, failures }: Parts,
  operation: DoorOperation,
  handle: (call: Call<URLSearchParams>) => Promise<Response>,
): Endpoint {
  return {
    operation,
    async serve(call, request) {
      if (!isOfType(request, FORM)) return err(problem('unsupported_media_type'));
      const bytes = await readBytes(request);
      if (bytes === null) return err(problem('body_too_large'));
      const bodyText = Buffer.from(bytes).toString('utf8');
      const body = new URLSearchParams(bodyText);
      const signature = call.header('x-twilio-signature') ?? '';
      if (smsToken === null || !isSignedBy(smsToken, `${publicUrl()}${call.target}`, body, signature))
        return refuseStranger(
          failures,
          call.remote,
          problem('forbidden', { detail: 'It is not signed by the provider.' }),
        );
      return handle({ ...call, body, bodyText });
    },
  };
}

const statusSchema = z.object({
  MessageStatus: z.string(),
  ErrorCode: z
    .string()
    .regex(/^[0-9]{1,6}$/)
    .optional(),
});

const inboundSchema = z.object({
  MessageSid: z.string().regex(/^[A-Za-z0-9]{1,64}$/),
  From: z.string().max(40),
  Body: z.string().max(1_600),
});

/** Null: it is on its way, which we know. */
function eventOf({ MessageStatus: status, ErrorCode: code }: z.infer<typeof statusSchema>) {
  const reported = (how: 'delivered' | 'failed', reason: string | null): Extract<MessageEvent, { is: 'reported' }> => ({
    ...{ is: 'reported', how, reason },
  });
  if (status === 'delivered') return reported('delivered', null);
  if (status === 'undelivered' || status === 'failed') return reported('failed', `sms_${code ?? status}`);
  return null;
}

const FORM = 'application/x-www-form-urlencoded';
const provider = { scope: null, tag: 'Messages', method: 'POST', bodyType: FORM } as const;

const routes = {
  status: {
    ...provider,
    path: '/sms/status',
    summary: 'How a text message fared, told by its provider and signed (`X-Twilio-Signature`).',
    body: z.object({ MessageSid: z.string(), MessageStatus: z.string(), ErrorCode: z.string().optional() }),
  },
  inbound: {
    ...provider,
    path: '/sms/inbound',
    summary:
      'A text that somebody sent to our number, told by its provider and signed (`X-Twilio-Signature`): a keyword, STOP, ' +
      'HELP or START.',
    body: inboundSchema,
    responseType: 'text/xml',
    response: z.string(),
  },
} as const;
