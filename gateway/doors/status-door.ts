import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { drillRequestSchema } from '../../protocol/redemption-api.ts';
import { invalidRequest, problem } from '../../protocol/problem.ts';
import type { Link } from '../cloud-link/link.ts';
import type { BlanksHeld } from '../till/blanks-held.ts';
import type { TillStatus } from '../till/port.ts';
import { problemResponse, remoteAddress } from './http.ts';
import { lineView } from './lane-door.ts';
import { live } from './live.ts';
import { type StatusState, statusEvent, statusPage } from './pages/status-page.ts';
import type { BoxFacts } from './pages/status-words.ts';
import { timesIn } from '../../protocol/pages/times.ts';
import { askForToken, callerOf, fields, ownForms, type PageDoor, pageResponse } from './session-door.ts';

export type StatusSource = {
  readonly till: () => TillStatus;
  readonly blanks: () => readonly BlanksHeld[];
  /** In the order in which they are to be shown. */
  readonly lanes: () => BoxFacts['lanes'];
  readonly disk: () => BoxFacts['disk'];
  /** When this process started, milliseconds. */
  readonly startedAt: number;
};

export type StatusDoorPorts = {
  readonly door: PageDoor;
  readonly source: StatusSource;
  readonly link: Pick<Link, 'status' | 'cut' | 'open'>;
  readonly isPlain: boolean;
  readonly now: () => number;
};

/** `GET /status` for store IT, its events, and the drill. On the box itself it is read without a token; no code is in it. */
export function statusDoor(ports: StatusDoorPorts): Hono {
  const { door, link } = ports;
  const app = new Hono();

  app.get('/status', (c) => {
    if (!mayRead(c, door)) return askForToken(c, door, 'box');
    return pageResponse(c, statusPage(stateOf(c, ports), door.asset, door.look.theme));
  });

  app.get('/status/events', (c) => {
    if (!mayRead(c, door)) return problemResponse(problem('unauthorized'));
    return live(
      c,
      () => JSON.stringify(statusEvent(stateOf(c, ports))),
      () => () => {},
    );
  });

  app.post('/status/drill', ownForms, async (c) => {
    const caller = callerOf(c, door, 'box');
    if (caller === null) return problemResponse(problem('unauthorized'));
    const asked = drillFormSchema.safeParse(await fields(c));
    if (!asked.success) return problemResponse(invalidRequest(asked.error));
    if (asked.data.line === 'cut') link.cut(asked.data.minutes, caller.name);
    else link.open();
    return c.redirect('/status', 303);
  });
  return app;
}

/** A form's fields are texts. */
const drillFormSchema = drillRequestSchema.extend({
  minutes: z.preprocess((text) => (text === undefined ? undefined : Number(text)), drillRequestSchema.shape.minutes),
});

function stateOf(c: Context, { door, source, link, isPlain, now }: StatusDoorPorts): StatusState {
  const till = source.till();
  const at = now();
  const facts = {
    till,
    blanks: source.blanks(),
    drill: link.status().drill,
    lanes: source.lanes(),
    disk: source.disk(),
    startedAt: source.startedAt,
  };
  return {
    facts,
    line: lineView(till, link, isPlain),
    mayDrill: callerOf(c, door, 'box') !== null,
    now: at,
    times: timesIn(till.store.timeZone, at, 'en'),
  };
}

function mayRead(c: Context, door: PageDoor): boolean {
  return isLoopback(remoteAddress(c)) || callerOf(c, door, 'box') !== null;
}

function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\./.test(address);
}
