import { z } from 'zod';
import type { Outcome } from './message-rules.ts';
import type { SmsSender } from './providers.ts';

export type HttpSmsSettings = {
  /** Where the provider's API is; `/2010-04-01/Accounts/…` follows. */
  readonly url: string;
  readonly account: string;
  readonly token: string;
  /** Our number or name. */
  readonly from: string;
  /** Where the provider reports what became of a message; its id follows. */
  readonly statusUrl: () => string;
  /** Who takes longer is stuck. */
  readonly answerMs?: number;
};

const ANSWER_MS = 15_000;
/** An answer is one message's description. */
const ANSWER_BYTES_MAX = 64 * 1024;

const acceptedSchema = z.object({ sid: z.string().min(1).max(64) });
const refusedSchema = z.object({ code: z.int() });

/** Text messages over a provider's HTTP API in Twilio's form. */
export function httpSmsSender(settings: HttpSmsSettings): SmsSender {
  const { account, token, from, answerMs = ANSWER_MS } = settings;
  const url = `${settings.url.replace(/\/+$/, '')}/2010-04-01/Accounts/${encodeURIComponent(account)}/Messages.json`;
  const authorization = `Basic ${Buffer.from(`${account}:${token}`).toString('base64')}`;
  return {
    async send({ id, to, text }) {
      const body = new URLSearchParams({
        ...{ To: to, From: from, Body: text },
        StatusCallback: `${settings.statusUrl()}?message=${id}`,
      });
      try {
        const signal = AbortSignal.timeout(answerMs);
        const answer = await fetch(url, {
          method: 'POST',
          headers: { authorization },
          body,
          signal,
          redirect: 'error',
        });
        return await outcomeOf(answer);
      } catch (error) {
        return isNeverConnected(error)
          ? { is: 'away', reason: 'sms_no_connection', retryAfterMs: null }
          : { is: 'unknown', reason: 'sms_no_answer' };
      }
    },
  };
}

async function outcomeOf(answer: Response): Promise<Outcome> {
  const { status, ok } = answer;
  const body = await bodyOf(answer);
  // Accepted is accepted, whatever else it says.
  if (ok) return { is: 'accepted', providerId: acceptedSchema.safeParse(body).data?.sid ?? null };
  const reason = `sms_${refusedSchema.safeParse(body).data?.code ?? status}`;
  switch (status) {
    case 401:
    case 403:
    case 404:
    case 429:
    case 503:
      return { is: 'away', reason, retryAfterMs: retryAfterMs(answer.headers.get('retry-after')) };
    default:
      // What went wrong inside of it may have gone wrong after the message had gone out.
      return status >= 500 ? { is: 'unknown', reason } : { is: 'refused', reason, bounced: false };
  }
}

async function bodyOf(answer: Response): Promise<unknown> {
  try {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for await (const chunk of answer.body ?? []) {
      bytes += chunk.length;
      if (bytes > ANSWER_BYTES_MAX) return null;
      chunks.push(chunk);
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    // The status has said what matters.
    return null;
  }
}

const retryAfterMs = (header: string | null): number | null =>
  header !== null && /^[0-9]{1,4}$/.test(header) ? Number(header) * 1_000 : null;

const NEVER_CONNECTED = [
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
];

function isNeverConnected(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && NEVER_CONNECTED.includes(String(cause.code));
}
