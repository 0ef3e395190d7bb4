import { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { problem } from '../../protocol/problem.ts';
import { decisionSchema, laneSchema } from '../../protocol/redemption-api.ts';
import { err, ok } from '../../protocol/result.ts';
import type { ScanEvent } from '../lanes/scan-event.ts';
import type { Sales } from '../lanes/sales.ts';
import { type DoorOperation, type Endpoint, withoutBody } from './http.ts';

const common = { scan: z.int(), lane: z.string(), code: z.string() };
const eventsRoute = {
  method: 'GET',
  path: '/v1/lanes/{lane}/events',
  summary:
    'Each scan at this lane and its decision, as server-sent events `scan` and `decision`, from now on: for a register whose scanner hangs on the box. ' +
    '`code` is in full, as the register must send it to redeem it, with the `basket` of the decision. A decision of null: nothing is known. ' +
    'What happened while nobody listened is not told again. Who reads too slowly is cut off, and connects anew.',
  response: z.union([
    z.object({ ...common, at: z.iso.datetime(), origin: z.enum(['scanner', 'page']) }),
    z.object({ ...common, decision: decisionSchema.nullable() }),
  ]),
  responseType: 'text/event-stream',
  scope: 'register',
  tag: 'lane',
} as const satisfies DoorOperation;
const nextRoute = {
  method: 'POST',
  path: '/v1/lanes/{lane}/next',
  summary:
    'Ends the sale of this lane and opens the next one: what it held and did not redeem is free again. Answers with the new sale.',
  response: z.object({ basket: z.string(), number: z.string() }),
  scope: 'register',
  tag: 'lane',
} as const satisfies DoorOperation;

/** A connection that says nothing for longer is taken for dead by routers on the way. */
const HEARTBEAT_MS = 15_000;
/** Two for each scan: far more than a lane has in flight. A register that leaves as many unread has stopped reading. */
const EVENTS_UNREAD_MAX = 64;

/** A lane as an HTTP register follows it. */
export function laneEventsDoor(sales: Pick<Sales, 'follow' | 'next' | 'view'>): Endpoint[] {
  return [
    {
      operation: eventsRoute,
      async serve(call, c) {
        const lane = laneSchema.safeParse(call.param('lane'));
        const incoming: unknown = c.env?.incoming;
        const cut = () => void (incoming instanceof IncomingMessage && incoming.socket.destroy());
        return lane.success ? stream(lane.data, sales, cut) : err(problem('not_found'));
      },
    },
    withoutBody(nextRoute, async (call) => {
      const lane = laneSchema.safeParse(call.param('lane'));
      if (!lane.success) return err(problem('not_found'));
      await sales.next(lane.data);
      const { basket, number, answer } = sales.view(lane.data);
      // The lane is where it was: its box could not read or write its own store.
      return answer.kind === 'stuck' ? err(problem('unavailable')) : ok({ basket, number });
    }),
  ];
}

/** @param cut ends the connection: a reader that has stopped would never see a proper end */
function stream(lane: string, sales: Pick<Sales, 'follow'>, cut: () => void): Response {
  let end = () => {};
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const send = (text: string) => {
          if ((controller.desiredSize ?? 0) > 0) return controller.enqueue(new TextEncoder().encode(text));
          end();
          cut();
        };
        const unfollow = sales.follow(lane, (event) => send(eventText(lane, event)));
        const beating = setInterval(() => send(': still here\n\n'), HEARTBEAT_MS);
        end = () => {
          unfollow();
          clearInterval(beating);
        };
        send(': here\n\n');
      },
      cancel: () => end(),
    },
    { highWaterMark: EVENTS_UNREAD_MAX },
  );
  return new Response(body, { headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' } });
}

function eventText(lane: string, event: ScanEvent): string {
  const { kind, scan, code } = event;
  const rest =
    kind === 'scan' ? { at: new Date(event.at).toISOString(), origin: event.origin } : { decision: event.decision };
  return `event: ${kind}\ndata: ${JSON.stringify({ scan, lane, code, ...rest })}\n\n`;
}
