import { z } from 'zod';
import { problem } from '../../protocol/problem.ts';
import { err, ok } from '../../protocol/result.ts';
import { personSchema, readPerson } from '../distribution/person-entry.ts';
import type { Distribution } from '../distribution/port.ts';
import { type Endpoint, withBody, withoutBody } from './http.ts';

const admin = { scope: 'admin', tag: 'Customers' } as const;

/** Customers: told by the retailer, looked at, forgotten. */
export function customerDoor(distribution: Distribution, country: string | null): Endpoint[] {
  return [
    withBody(routes.tell, async ({ body }) => {
      const person = readPerson(body, country);
      if (!person.ok) return err(problem('invalid_request', { field: person.error.field, detail: person.error.why }));
      const id = await distribution.person(person.value.identities, person.value.facts);
      return answerOf(await distribution.customer(id));
    }),
    withoutBody(routes.one, async ({ param }) => answerOf(await distribution.customer(param('id')))),
    withoutBody(routes.erase, async ({ param }) =>
      (await distribution.erase(param('id'))) ? ok({ erased: true as const }) : err(problem('not_found')),
    ),
  ];
}

const answerOf = (view: Awaited<ReturnType<Distribution['customer']>>) =>
  view === null ? err(problem('not_found')) : ok({ ...view, identities: [...view.identities] });

const customerSchema = z.object({
  id: z.string(),
  language: z.string(),
  timeZone: z.string().nullable(),
  name: z.string().nullable(),
  homeStore: z.string().nullable(),
  identities: z.array(
    z.object({ kind: z.enum(['phone', 'email', 'number']), value: z.string(), verified: z.boolean() }),
  ),
});

const routes = {
  tell: {
    ...admin,
    method: 'POST',
    path: '/v1/customers',
    summary:
      'What is known of a customer: found by number, phone or e-mail, or made. What is left out stays as it is. A phone or ' +
      'an address that belongs to a customer of another number stays with that one.',
    body: personSchema,
    response: customerSchema,
  },
  one: { ...admin, method: 'GET', path: '/v1/customers/{id}', summary: 'One customer.', response: customerSchema },
  erase: {
    ...admin,
    method: 'DELETE',
    path: '/v1/customers/{id}',
    summary:
      'Forget name and addresses. Coupons and money stay counted. Keyed hashes stay until every campaign has ended in ' +
      'which the customer had a coupon, so that nobody gets a second one.',
    response: z.object({ erased: z.literal(true) }),
  },
} as const;
