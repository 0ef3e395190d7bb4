import { z } from 'zod';
import { problem } from '../../protocol/problem.ts';
import { err, ok } from '../../protocol/result.ts';
import { LIST_BYTES_MAX, LIST_LINES_MAX } from '../distribution/assign-list.ts';
import { parseAddress } from '../distribution/identity.ts';
import type { Distribution } from '../distribution/port.ts';
import { type BadConsent, consentSchema, readConsent, takeConsentList } from '../distribution/post/consent-list.ts';
import type { Consent } from '../distribution/post/consents.ts';
import type { PostOffice } from '../distribution/post/post-office.ts';
import type { ConsentRow } from '../distribution/post/store.ts';
import { type Endpoint, withBody, withBodyOrUpload, withoutBody } from './http.ts';
import { dateOf } from './message-fields.ts';

type Parts = { readonly postOffice: PostOffice; readonly distribution: Distribution; readonly country: string | null };

/** Who has agreed to messages, who has not, and who no longer does. */
export function consentDoor({ postOffice: { consents }, distribution, country }: Parts): Endpoint[] {
  return [
    withBodyOrUpload(
      routes.give,
      async ({ body }) => {
        const read: Consent[] = [];
        for (const [i, entry] of body.consents.entries()) {
          const consent = readConsent(entry, country);
          if (!consent.ok) return err(badConsent(consent.error, `consents.${i}.`));
          read.push(consent.value);
        }
        return ok({ ...(await consents.give(read)), errorCount: 0, errors: [], broken: null });
      },
      async (_call, bytes) => ok(await takeConsentList(consents, country, bytes)),
    ),
    withBody(routes.withdraw, async ({ body: { address, how } }) => {
      const read = parseAddress(address, country);
      if (!read.ok) return err(problem('invalid_request', { field: 'address', detail: read.error }));
      await consents.withdraw(read.value, how);
      return ok({ withdrawn: true as const });
    }),
    withoutBody(routes.of, async ({ param }) => {
      const person = await distribution.customer(param('id'));
      if (person === null) return err(problem('not_found'));
      const known = person.identities.flatMap(({ kind, value }) => (kind === 'number' ? [] : [value]));
      const views = known.map(async (value) => {
        const address = parseAddress(value, null);
        return address.ok ? { address: value, ...viewOf(await consents.of(address.value)) } : [];
      });
      return ok({ consents: (await Promise.all(views)).flat() });
    }),
  ];
}

const badConsent = ({ field, why }: BadConsent, before: string) =>
  problem('invalid_request', { field: `${before}${field}`, detail: why });

const instant = (at: number | null | undefined) => (at == null ? null : dateOf(at));

const viewOf = (row: ConsentRow | null) => ({
  stands: row !== null && row.withdrawn === null,
  givenAt: instant(row?.givenAt),
  source: row?.source ?? null,
  wording: row?.wording ?? null,
  withdrawnAt: instant(row?.withdrawn?.at),
  withdrawnHow: row?.withdrawn?.how ?? null,
});

const admin = { scope: 'admin', tag: 'Messages' } as const;
/** Under 64 KiB. Who has more sends a file. */
const CONSENTS_PER_REQUEST_MAX = 200;
const text = z.string().nullable();

const routes = {
  give: {
    ...admin,
    method: 'POST',
    path: '/v1/consents',
    summary:
      'Somebody has agreed to messages at an address: when, where (`source`), and to which words (`wording`). Who has said ' +
      'no after that instant stays as it is (`withdrawnSince`).',
    body: z.strictObject({ consents: z.array(consentSchema).min(1).max(CONSENTS_PER_REQUEST_MAX) }),
    upload: {
      type: 'text/csv',
      description:
        'A list, UTF-8, RFC 4180, with a header line that names address, given_at, source, wording. At most ' +
        `${LIST_LINES_MAX} lines and ${LIST_BYTES_MAX} bytes. Good lines are taken as they arrive and stay; bad ones are ` +
        'told by number.',
    },
    response: z.object({
      given: z.int(),
      withdrawnSince: z.int(),
      errorCount: z.int(),
      errors: z.array(z.object({ line: z.int(), why: z.string() })),
      broken: z.object({ line: z.int(), why: z.string() }).nullable(),
    }),
  },
  withdraw: {
    ...admin,
    method: 'POST',
    path: '/v1/consents/withdrawals',
    summary: 'Somebody wants no more messages at an address, and has said so elsewhere (`how`).',
    body: z.strictObject({ address: z.string().max(320), how: consentSchema.shape.source }),
    response: z.object({ withdrawn: z.literal(true) }),
  },
  of: {
    ...admin,
    method: 'GET',
    path: '/v1/customers/{id}/consents',
    summary: 'What is known of a customer’s consent, address by address.',
    response: z.object({
      consents: z.array(
        z.object({
          address: z.string(),
          stands: z.boolean(),
          givenAt: text,
          source: text,
          wording: text,
          withdrawnAt: text,
          withdrawnHow: text,
        }),
      ),
    }),
  },
} as const;
