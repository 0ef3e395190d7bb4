import { z } from 'zod';
import { problem } from '../../protocol/problem.ts';
import { err, ok } from '../../protocol/result.ts';
import type { ExceptionView, GatewayView, Ledger } from '../ledger/port.ts';
import { type Endpoint, withoutBody } from './http.ts';

const admin = { scope: 'admin', tag: 'Fleet' } as const;

/** The fleet seen from the cloud: who is cut off, holding what, owing what; and what did not fit. */
export function fleetDoor(ledger: Ledger): Endpoint[] {
  return [
    withoutBody(routes.gateways, async () => ok({ gateways: (await ledger.gateways()).map(gatewayView) })),
    withoutBody(routes.revoke, async ({ param }) =>
      (await ledger.revoke(param('id'))) === 'revoked' ? ok({ revoked: true } as const) : err(problem('not_found')),
    ),
    withoutBody(routes.exceptions, async () => ok({ exceptions: (await ledger.exceptions()).map(exceptionView) })),
  ];
}

const time = z.iso.datetime();
const amountSchema = z.object({ units: z.int(), value: z.int() });

const routes = {
  gateways: {
    ...admin,
    method: 'GET',
    path: '/v1/gateways',
    summary: 'All gateways: last heard, version, backlog, what they hold in units and minor units, drills.',
    response: z.object({
      gateways: z.array(
        z.object({
          id: z.string(),
          store: z.string(),
          state: z.enum(['active', 'fenced', 'revoked']),
          connected: z.boolean(),
          lastHeard: time.nullable(),
          version: z.string().nullable(),
          epoch: z.int(),
          backlog: z.int(),
          holds: amountSchema,
          /** Codes that its registers may still issue. */
          blanks: amountSchema,
          inDoubt: amountSchema,
          drillUntil: time.nullable(),
        }),
      ),
    }),
  },
  revoke: {
    ...admin,
    method: 'POST',
    path: '/v1/gateways/{id}/revocation',
    summary:
      'Revoke a gateway: its open reservations are in doubt, it may only upload its journal. There is no way back.',
    response: z.object({ revoked: z.literal(true) }),
  },
  exceptions: {
    ...admin,
    method: 'GET',
    path: '/v1/exceptions',
    summary: 'What did not fit the ledger, with both sides and the money.',
    response: z.object({
      exceptions: z.array(
        z.object({
          id: z.string(),
          at: time,
          what: z.string(),
          gateway: z.string().nullable(),
          lastFour: z.string().nullable(),
          value: z.int().nullable(),
          ours: z.string(),
          theirs: z.string(),
        }),
      ),
    }),
  },
} as const;

const timeText = (instant: number | null): string | null => (instant === null ? null : new Date(instant).toISOString());

const gatewayView = (gateway: GatewayView) => ({
  ...gateway,
  lastHeard: timeText(gateway.lastHeard),
  drillUntil: timeText(gateway.drillUntil),
});

const exceptionView = (exception: ExceptionView) => ({ ...exception, at: new Date(exception.at).toISOString() });
