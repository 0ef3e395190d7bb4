import { enrolmentRequestSchema, enrolmentResponseSchema } from '../../protocol/enrolment.ts';
import { problem } from '../../protocol/problem.ts';
import { ok } from '../../protocol/result.ts';
import { enrol, type FleetFacts } from '../fleet/enrolment.ts';
import type { EnrolmentStore } from '../fleet/enrolment-store.ts';
import type { Ledger } from '../ledger/port.ts';
import type { Log } from '../log.ts';
import type { Failures } from './failures.ts';
import { type Endpoint, refuseStranger, withBody } from './http.ts';

type Parts = {
  readonly ledger: Ledger;
  readonly enrolments: EnrolmentStore;
  readonly facts: FleetFacts;
  readonly failures: Failures;
  readonly log: Log;
  readonly now: () => number;
};

/** How a box joins. The one-time code is the credential. */
export function enrolmentDoor({ ledger, enrolments, facts, failures, log, now }: Parts): Endpoint[] {
  return [
    withBody(route, async ({ body, remote }) => {
      const enrolled = await enrol(body, { ledger, enrolments, facts, now: now() });
      if (!enrolled.ok) {
        log.warn({ remote }, 'an enrolment was refused');
        return refuseStranger(failures, remote, problem('enrolment_refused', { field: 'code' }));
      }
      const { gateway, store } = enrolled.value;
      log.info({ gateway, store: store.id, version: body.version, remote }, 'a gateway enrolled');
      return ok(enrolled.value);
    }),
  ];
}

const route = {
  scope: null,
  tag: 'Gateways',
  method: 'POST',
  path: '/v1/enrolments',
  summary:
    'A gateway joins with its one-time code. The same code and key again give the same gateway, with a new broker password.',
  body: enrolmentRequestSchema,
  response: enrolmentResponseSchema,
} as const;
