import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { getCookie, setCookie } from 'hono/cookie';
import { z } from 'zod';
import { BODY_BYTES_MAX } from '../../protocol/limits.ts';
import { problem } from '../../protocol/problem.ts';
import type { Gatekeeper } from './gatekeeper.ts';
import { problemResponse, remoteAddress } from './http.ts';
import type { AssetPath, Look } from './pages/document.ts';
import { wordsByLanguage } from './pages/locale.ts';
import { sessionPage, tokenWord, type Wanted } from './pages/session-page.ts';
import { SESSION_DAYS, type Sessions } from './sessions.ts';
import { type Caller, includes, type Scope } from './tokens.ts';

export type PageDoor = {
  readonly gatekeeper: Gatekeeper;
  readonly sessions: Sessions;
  /** This box: the cookies of two boxes behind one name are told apart by it. */
  readonly gateway: string;
  /** Cookies travel over TLS alone. */
  readonly secure: boolean;
  readonly asset: AssetPath;
  readonly look: Look;
};

/** Whose device this is; null: it has no session, or one that opens less than `scope`. */
export function callerOf(c: Context, { sessions, gateway }: PageDoor, scope: Scope): Caller | null {
  const id = getCookie(c, cookieName(gateway));
  const caller = id === undefined ? null : sessions.find(id);
  return caller !== null && includes(caller.scope, scope) ? caller : null;
}

/** The one-time form in the place of a page. */
export function askForToken(c: Context, door: PageDoor, wanted: Wanted): Response | Promise<Response> {
  return pageResponse(c, sessionPage({ wanted, next: c.req.path, error: null }, door.asset, door.look), 401);
}

/** A page as it is sent: strict, and never kept. */
export function pageResponse(c: Context, page: Parameters<Context['html']>[0], status: 200 | 401 | 403 | 429 = 200) {
  return c.html(page, status, { 'content-security-policy': pagePolicy, 'cache-control': 'no-store' });
}

const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "style-src-attr 'unsafe-inline'",
  "font-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** `POST /lane/session`: a token once, then a cookie. */
export function sessionDoor(door: PageDoor): Hono {
  const { gatekeeper, sessions, gateway, secure, asset, look } = door;
  return new Hono().post('/lane/session', ownForms, async (c) => {
    const { token, next } = formSchema.parse(await fields(c));
    const wanted = next === '/status' ? 'box' : 'register';
    const admitted = gatekeeper.admit(token.trim(), wanted, remoteAddress(c));
    if (!admitted.ok) {
      const { status } = admitted.error.problem;
      const error = errorWord(wanted, status, look);
      return pageResponse(c, sessionPage({ wanted, next, error }, asset, look), refused(status));
    }
    setCookie(c, cookieName(gateway), sessions.begin(token.trim()), {
      path: '/',
      httpOnly: true,
      sameSite: 'Strict',
      secure,
      maxAge: SESSION_DAYS * 86_400,
    });
    return c.redirect(next, 303);
  });
}

/** Forms of these pages alone, and no larger than any of them: browsers name the page that sent one. */
export async function ownForms(c: Context, next: () => Promise<void>): Promise<Response | undefined> {
  if (!isFromHere(c)) return problemResponse(problem('forbidden', { detail: 'The form was not sent by this page.' }));
  return limited(c, next).then((response) => response ?? undefined);
}

const limited = bodyLimit({ maxSize: BODY_BYTES_MAX, onError: () => problemResponse(problem('body_too_large')) });

/** The fields of a form, or of a JSON body with the same names. What is neither has no fields. */
export async function fields(c: Context): Promise<Record<string, unknown>> {
  const body = await c.req.text();
  if (!/^application\/json\b/i.test(c.req.header('content-type') ?? ''))
    return Object.fromEntries(new URLSearchParams(body));
  try {
    return z.record(z.string(), z.unknown()).catch({}).parse(JSON.parse(body));
  } catch {
    return {};
  }
}

function isFromHere(c: Context): boolean {
  const origin = c.req.header('origin') ?? '';
  return URL.canParse(origin) && new URL(origin).host === c.req.header('host');
}

const cookieName = (gateway: string): string => `tearline-${gateway}`;

const formSchema = z.object({
  token: z.string().max(200).catch(''),
  // Only to pages of this box: a form must not send anyone elsewhere.
  next: z
    .string()
    .regex(/^\/(lane\/[^/?#\\]{1,200}|status)$/)
    .catch('/status'),
});

const refused = (status: number) => (status === 403 || status === 429 ? status : 401);

function errorWord(wanted: Wanted, status: number, { language }: Look): string {
  const { session } = wordsByLanguage[language];
  if (status === 429) return session.tooMany;
  const token = tokenWord(wanted, session);
  return status === 403 ? session.otherScope(token) : session.unknown(token);
}
