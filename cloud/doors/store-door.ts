import { z } from 'zod';
import { CODE_CHARACTERS_READ_MAX, GRANT_RESERVATIONS_MAX } from '../../protocol/limits.ts';
import { problem } from '../../protocol/problem.ts';
import { storeIdSchema } from '../../protocol/reservation.ts';
import { err, ok } from '../../protocol/result.ts';
import { createEnrolment } from '../fleet/enrolment.ts';
import type { EnrolmentStore } from '../fleet/enrolment-store.ts';
import { timeZoneSchema } from '../issuing/campaign.ts';
import type { Ledger } from '../ledger/port.ts';
import { type Endpoint, withBody, withoutBody } from './http.ts';

const admin = { scope: 'admin', tag: 'Stores' } as const;

/** Stores, the enrolment codes of their boxes, and what is reserved in them ahead. */
export function storeDoor(ledger: Ledger, enrolments: EnrolmentStore, now: () => number): Endpoint[] {
  return [
    withBody(routes.create, async ({ body }) => {
      const created = await ledger.createStore(body);
      return created.ok ? created : err(problem('conflict', { field: 'id', detail: 'There is a store of this id.' }));
    }),
    withoutBody(routes.list, async () => ok({ stores: await ledger.stores() })),
    withoutBody(routes.enrol, async ({ param }) => {
      const enrolment = await createEnrolment(enrolments, param('id'), now());
      if (enrolment === null) return err(problem('not_found'));
      return ok({ code: enrolment.code, expiresAt: new Date(enrolment.expiresAt).toISOString() });
    }),
    withBody(routes.stock, async ({ body, param }) => {
      const stocked = await ledger.stock(param('id'), body.codes);
      return stocked.ok ? stocked : err(problem('not_found'));
    }),
  ];
}

const storeSchema = z.strictObject({
  id: storeIdSchema,
  name: z
    .string()
    .trim()
    .min(1)
    .max(200)
    .regex(/^[^\p{Cc}]*$/u, 'no control characters'),
  timeZone: timeZoneSchema,
  address: z.string().max(500).nullable().default(null),
});

const routes = {
  create: {
    ...admin,
    method: 'POST',
    path: '/v1/stores',
    status: 201,
    summary: 'A new store.',
    body: storeSchema,
    response: storeSchema,
  },
  list: {
    ...admin,
    method: 'GET',
    path: '/v1/stores',
    summary: 'All stores.',
    response: z.object({ stores: z.array(storeSchema) }),
  },
  enrol: {
    ...admin,
    method: 'POST',
    path: '/v1/stores/{id}/enrolments',
    status: 201,
    summary: 'A one-time code with which one gateway of this store enrols, within two hours. Shown once.',
    response: z.object({ code: z.string(), expiresAt: z.iso.datetime() }),
  },
  stock: {
    ...admin,
    method: 'POST',
    path: '/v1/stores/{id}/stock',
    summary: 'Reserve these codes in that store ahead.',
    body: z.strictObject({
      codes: z.array(z.string().min(1).max(CODE_CHARACTERS_READ_MAX)).min(1).max(GRANT_RESERVATIONS_MAX),
    }),
    response: z.object({
      granted: z.int(),
      refused: z.array(z.object({ code: z.string(), reason: z.string() })).readonly(),
    }),
  },
} as const;
