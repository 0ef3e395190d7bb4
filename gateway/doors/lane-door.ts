import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { CODE_CHARACTERS_READ_MAX } from '../../protocol/limits.ts';
import { problem } from '../../protocol/problem.ts';
import { laneSchema } from '../../protocol/redemption-api.ts';
import type { Link } from '../cloud-link/link.ts';
import { readAmount } from '../lanes/amount.ts';
import type { Sales } from '../lanes/sales.ts';
import type { TillStatus } from '../till/port.ts';
import { problemResponse } from './http.ts';
import { live } from './live.ts';
import type { LineView } from './pages/banners.ts';
import { type LaneState, laneEvent, lanePage } from './pages/lane-page.ts';
import { timesIn } from './pages/times.ts';
import { askForToken, callerOf, fields, ownForms, type PageDoor, pageResponse } from './session-door.ts';

export type LaneDoorPorts = {
  readonly door: PageDoor;
  readonly sales: Sales;
  readonly status: () => TillStatus;
  readonly link: Pick<Link, 'status'>;
  /** Of typed totals, ISO 4217. */
  readonly currency: string;
  /** Off loopback without TLS: the pages say so. */
  readonly isPlain: boolean;
  readonly now: () => number;
};

/** The lane page: `GET /lane/{lane}`, its events, and what its forms post. */
export function laneDoor(ports: LaneDoorPorts): Hono {
  const { door, sales, currency } = ports;
  const app = new Hono();

  app.get('/lane/:lane', (c) => {
    const lane = laneOf(c);
    if (lane === null) return problemResponse(problem('not_found'));
    if (callerOf(c, door, 'register') === null) return askForToken(c, door, 'register');
    return pageResponse(c, lanePage(stateOf(lane, ports), door.asset));
  });

  app.get('/lane/:lane/events', (c) => {
    const lane = laneOf(c);
    if (lane === null) return problemResponse(problem('not_found'));
    if (callerOf(c, door, 'register') === null) return problemResponse(problem('unauthorized'));
    return live(
      c,
      () => JSON.stringify(laneEvent(stateOf(lane, ports))),
      (changed) => sales.watch(lane, changed),
    );
  });

  /** With script the page hears of what it did by its events; without it the browser loads the page anew. */
  const post = (action: string, perform: (lane: string, form: Record<string, unknown>) => Promise<void> | Malformed) =>
    app.post(`/lane/:lane/${action}`, ownForms, async (c) => {
      const lane = laneOf(c);
      if (lane === null) return problemResponse(problem('not_found'));
      if (callerOf(c, door, 'register') === null) return problemResponse(problem('unauthorized'));
      const done = await perform(lane, await fields(c));
      if (done !== undefined) return problemResponse(problem('invalid_request', done));
      const isPage = (c.req.header('accept') ?? '').includes('text/html');
      return isPage ? c.redirect(`/lane/${encodeURIComponent(lane)}`, 303) : c.body(null, 204);
    });

  post('scan', (lane, form) => {
    const code = codeSchema.safeParse(form.code).data;
    return code === undefined ? { field: 'code' } : sales.scan(lane, code).then(() => undefined);
  });
  post('total', (lane, form) => {
    const typed = amountSchema.safeParse(form.amount).data;
    if (typed === undefined) return { field: 'amount' };
    if (typed === '') return sales.setTotal(lane, null);
    const total = readAmount(typed, currency);
    return total === null ? { field: 'amount' } : sales.setTotal(lane, total);
  });
  post('redeem', (lane) => sales.redeem(lane));
  post('release', (lane) => sales.giveBack(lane));
  post('undo', (lane) => sales.undo(lane));
  post('next', (lane) => sales.next(lane));
  post('again', (lane) => sales.again(lane));
  return app;
}

export function lineView(status: TillStatus, link: Pick<Link, 'status'>, isPlain: boolean): LineView {
  return {
    ...status.line,
    drillUntil: link.status().drill?.until ?? null,
    holding: status.holding,
    holdsUntil: status.holdsUntil,
    box: status.state,
    isPlain,
  };
}

function stateOf(lane: string, { sales, status, link, currency, isPlain, now }: LaneDoorPorts): LaneState {
  const till = status();
  const at = now();
  return {
    store: till.store.name,
    lane: sales.view(lane),
    line: lineView(till, link, isPlain),
    currency,
    now: at,
    times: timesIn(till.store.timeZone, at),
  };
}

type Malformed = { readonly field: string };
// Enter on an empty field does nothing: that is for the sales to know.
const codeSchema = z.string().trim().max(CODE_CHARACTERS_READ_MAX);
const amountSchema = z.string().trim().max(20);

function laneOf(c: Context): string | null {
  return laneSchema.safeParse(c.req.param('lane')).data ?? null;
}
