import { type Context, Hono } from 'hono';
import { z } from 'zod';
import type { CodeForm } from '../../protocol/code-form.ts';
import { problem } from '../../protocol/problem.ts';
import { BASKET_ID_CHARACTERS_MAX, CODE_CHARACTERS_READ_MAX } from '../../protocol/limits.ts';
import { laneSchema } from '../../protocol/redemption-api.ts';
import { err, type Result } from '../../protocol/result.ts';
import type { Link } from '../cloud-link/link.ts';
import { readAmount } from '../lanes/amount.ts';
import type { Sales } from '../lanes/sales.ts';
import { isMistyped } from '../lanes/wedge.ts';
import type { TillStatus } from '../till/port.ts';
import { problemResponse } from './http.ts';
import { live } from './live.ts';
import type { LineView } from './pages/banners.ts';
import { laneEvent, lanePage, type Shown } from './pages/lane-page.ts';
import type { LaneState } from './pages/lane-state.ts';
import { localeOf, wordsByLanguage } from './pages/locale.ts';
import type { Words } from './pages/words/words.ts';
import { askForToken, callerOf, fields, ownForms, type PageDoor, pageResponse } from './session-door.ts';
import type { Refused, Supervisors } from './supervisors.ts';
import type { Caller } from './tokens.ts';

export type LaneDoorPorts = {
  readonly door: PageDoor;
  readonly sales: Sales;
  readonly supervisors: Supervisors;
  readonly status: () => TillStatus;
  readonly link: Pick<Link, 'status'>;
  /** Of the imported codes that this box knows of. @throws TillUnavailable */
  readonly forms: () => readonly CodeForm[];
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

  const page = (
    c: Context,
    lane: string,
    caller: Caller,
    shown: Shown,
    error: string | null,
    status: 200 | 403 = 200,
  ) => pageResponse(c, lanePage(stateOf(lane, caller, ports), shown, error, door.asset, door.look), status);

  app.get('/lane/:lane', (c) => {
    const lane = laneOf(c);
    if (lane === null) return problemResponse(problem('not_found'));
    const caller = callerOf(c, door, 'register');
    if (caller === null) return askForToken(c, door, 'register');
    return page(c, lane, caller, shownSchema.parse(c.req.query('show')), null);
  });

  app.get('/lane/:lane/events', (c) => {
    const lane = laneOf(c);
    if (lane === null) return problemResponse(problem('not_found'));
    const caller = callerOf(c, door, 'register');
    if (caller === null) return problemResponse(problem('unauthorized'));
    return live(
      c,
      () => JSON.stringify(laneEvent(stateOf(lane, caller, ports))),
      (changed) => sales.watch(lane, changed),
    );
  });

  /** With script the page hears of what it did by its events; without it the browser loads the page anew. */
  const post = (action: string, perform: (posted: Posted) => Promise<PostRefused | null> | PostRefused) =>
    app.post(`/lane/:lane/${action}`, ownForms, async (c) => {
      const lane = laneOf(c);
      if (lane === null) return problemResponse(problem('not_found'));
      const caller = callerOf(c, door, 'register');
      if (caller === null) return problemResponse(problem('unauthorized'));
      const refused = await perform({ lane, caller, form: await fields(c) });
      const isPage = (c.req.header('accept') ?? '').includes('text/html');
      if (refused === null) return isPage ? c.redirect(`/lane/${encodeURIComponent(lane)}`, 303) : c.body(null, 204);
      if ('field' in refused) return problemResponse(problem('invalid_request', refused));
      if (!isPage) return problemResponse(problem('forbidden', { detail: refused.error }));
      return page(c, lane, caller, refused.shown, refused.error, 403);
    });

  post('scan', ({ lane, form }) => {
    const scan = scanSchema.safeParse(form);
    if (!scan.success) return { field: 'code' };
    const { code, places, tried } = scan.data;
    return isMistyped(code, places, tried, ports.forms())
      ? done(sales.mistyped(lane))
      : done(sales.scan(lane, code, 'page'));
  });
  post('total', ({ lane, form }) => {
    const typed = amountSchema.safeParse(form.amount).data;
    if (typed === undefined) return { field: 'amount' };
    if (typed === '') return done(sales.setTotal(lane, null));
    const total = readAmount(typed, currency, door.look.language);
    return total === null ? { field: 'amount' } : done(sales.setTotal(lane, total));
  });
  post('redeem', ({ lane }) => done(sales.redeem(lane)));
  post('release', ({ lane }) => done(sales.giveBack(lane)));
  post('undo', ({ lane }) => done(sales.undo(lane)));
  post('next', ({ lane }) => done(sales.next(lane)));
  post('again', ({ lane }) => done(sales.again(lane)));
  post('suspend', ({ lane }) => done(sales.suspend(lane)));
  post('resume', ({ lane, form }) => {
    const basket = basketSchema.safeParse(form.value).data;
    return basket === undefined ? { field: 'value' } : done(sales.resume(lane, basket));
  });
  post('supervisor', async ({ lane, form }) => {
    const opened = await openWithPin(lane, form, ports);
    return opened.ok ? done(sales.supervise(lane, opened.value)) : { error: opened.error, shown: 'supervisor' };
  });
  post('choice', ({ lane, form }) => {
    const choice = choiceSchema.safeParse(form.value).data;
    return choice === undefined ? { field: 'value' } : done(sales.choose(lane, choice));
  });
  post('training', async ({ lane, caller, form }) => {
    if (caller.scope === 'box') return done(sales.beginTraining(lane, `box token ${caller.name}`));
    const opened = await openWithPin(lane, form, ports);
    return opened.ok ? done(sales.beginTraining(lane, opened.value)) : { error: opened.error, shown: 'settings' };
  });
  post('training/end', ({ lane }) => done(sales.endTraining(lane)));
  return app;
}

type Posted = { readonly lane: string; readonly caller: Caller; readonly form: Record<string, unknown> };
type PostRefused = { readonly field: string } | { readonly error: string; readonly shown: Shown };

/** A step of a lane was taken: what became of it the page hears by its events. */
async function done(step: Promise<unknown>): Promise<null> {
  await step;
  return null;
}

/** Whose PIN it is, or why it opens nothing, in the store's words. */
async function openWithPin(
  lane: string,
  form: Record<string, unknown>,
  { supervisors, sales, door }: LaneDoorPorts,
): Promise<Result<string, string>> {
  const opened = await supervisors.open(pinFieldSchema.parse(form.pin));
  if (opened.ok) return opened;
  // What comes while it is locked was not tried: whoever goes on must not fill the disk.
  if (opened.error.why === 'wrong') sales.noteWrongPin(lane);
  return err(refusedWord(opened.error, wordsByLanguage[door.look.language]));
}

function refusedWord(refused: Refused, { supervisor }: Words): string {
  return refused.why === 'locked' ? supervisor.locked(refused.minutes) : supervisor.wrong;
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

function stateOf(lane: string, caller: Caller, ports: LaneDoorPorts): LaneState {
  const { door, sales, status, link, currency, isPlain, now } = ports;
  const till = status();
  const at = now();
  return {
    store: till.store.name,
    lane: sales.view(lane),
    suspended: sales.suspended(),
    line: lineView(till, link, isPlain),
    currency,
    isBox: caller.scope === 'box',
    now: at,
    locale: localeOf(door.look.language, till.store.timeZone, at),
  };
}

const shownSchema = z.enum(['sale', 'supervisor', 'settings']).catch('sale');
const scanSchema = z.object({
  // Enter on an empty field does nothing: that is for the sales to know.
  code: z.string().trim().max(CODE_CHARACTERS_READ_MAX),
  /** Of a scanner that typed: see `isMistyped`. */
  places: z.string().trim().max(CODE_CHARACTERS_READ_MAX).nullable().catch(null),
  tried: z
    .literal('1')
    .transform(() => true)
    .catch(() => false),
});
const amountSchema = z.string().trim().max(20);
const basketSchema = z.string().min(1).max(BASKET_ID_CHARACTERS_MAX);
const choiceSchema = z.enum(['finish_without', 'try_again']);
const pinFieldSchema = z.string().trim().max(100).catch('');

function laneOf(c: Context): string | null {
  return laneSchema.safeParse(c.req.param('lane')).data ?? null;
}
