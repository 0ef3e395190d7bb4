import { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { type Context, Hono } from 'hono';
import type { z } from 'zod';
import { BODY_BYTES_MAX } from '../../protocol/limits.ts';
import type { Operation } from '../../protocol/openapi.ts';
import { invalidRequest, type Problem, problem } from '../../protocol/problem.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import type { Log } from '../log.ts';
import { TillUnavailable } from '../till/port.ts';
import type { Gatekeeper, Refusal } from './gatekeeper.ts';
import type { Caller, Scope } from './tokens.ts';

/** An operation of the gateway's doors. A scope of null asks for no token. */
export type DoorOperation = Operation & { readonly scope: Scope | null };

/** One request as a handler sees it: known to be allowed, its body parsed. */
export type Call<B> = {
  readonly body: B;
  /** Null where no token is asked for. */
  readonly caller: Caller | null;
  /** The operation's, as `/v1/codes/{code}`. */
  readonly path: string;
  readonly param: (name: string) => string;
  readonly header: (name: string) => string | undefined;
};

/** A value to be answered as JSON, a problem, or a response of another kind. */
export type Answer = Result<unknown, Problem> | Response;

export type Endpoint = {
  readonly operation: DoorOperation;
  readonly serve: (call: Omit<Call<null>, 'body'>, c: Context) => Promise<Answer>;
};

/** @param handle gets the body as the operation's schema has parsed it */
export function withBody<B extends z.ZodType>(
  operation: DoorOperation & { readonly body: B },
  handle: (call: Call<z.output<B>>) => Promise<Answer>,
): Endpoint {
  return {
    operation,
    async serve(call, c) {
      const json = await readJson(c);
      if (!json.ok) return json;
      const parsed = operation.body.safeParse(json.value);
      return parsed.success ? handle({ ...call, body: parsed.data }) : err(invalidRequest(parsed.error));
    },
  };
}

export function withoutBody(operation: DoorOperation, handle: (call: Call<null>) => Promise<Answer>): Endpoint {
  return { operation, serve: (call) => handle({ ...call, body: null }) };
}

export type Plumbing = {
  readonly gatekeeper: Gatekeeper;
  /** The host that was configured to listen on: besides localhost and addresses the one name that is served. */
  readonly host: string;
  readonly log: Log;
};

/**
 * All doors as one application. Asked for in this order: host, path, method, token, scope, content type, size, JSON, schema.
 * @param pages routes that are no API: they ask the gatekeeper themselves
 */
export function createApp(endpoints: readonly Endpoint[], pages: readonly Hono[], plumbing: Plumbing): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    if (!isServedHost(c.req.header('host') ?? '', plumbing.host)) return problemResponse(problem('host_not_allowed'));
    await next();
    setSecurityHeaders(c.res.headers);
  });
  for (const endpoint of endpoints)
    app.on(endpoint.operation.method, honoPath(endpoint.operation.path), (c) => serve(endpoint, c, plumbing));
  for (const page of pages) app.route('/', page);
  app.notFound((c) => notServed(app, c.req.path));
  app.onError((error) => failure(error, plumbing.log));
  return app;
}

export function problemResponse(what: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(what), {
    status: what.status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  });
}

function refusalResponse({ problem: what, retryAfterSeconds }: Refusal): Response {
  return problemResponse(what, {
    ...(what.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    ...(retryAfterSeconds === null ? {} : { 'retry-after': String(retryAfterSeconds) }),
  });
}

/** Empty where there is no socket, as in a test. */
export function remoteAddress(c: Context): string {
  return c.env?.incoming?.socket?.remoteAddress ?? '';
}

/** @returns the body as JSON values; at most 64 KiB of it are ever held */
async function readJson(c: Context): Promise<Result<unknown, Problem>> {
  if (!/^application\/json\s*(;|$)/i.test(c.req.header('content-type') ?? ''))
    return err(problem('unsupported_media_type'));
  try {
    const bytes = await readBytes(c);
    if (bytes === null) return err(problem('body_too_large'));
    return ok(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    // No JSON, no UTF-8, or a caller who left in the middle of it.
    return err(problem('malformed_json'));
  }
}

async function readBytes(c: Context): Promise<Uint8Array | null> {
  if (Number(c.req.header('content-length') ?? 0) > BODY_BYTES_MAX) return null;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of bodyOf(c)) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** From the socket itself where there is one: a web stream around it costs more than all else of a request. */
function bodyOf(c: Context): AsyncIterable<Uint8Array> | [] {
  const incoming: unknown = c.env?.incoming;
  // What is too large is left unread, not cut: its sender still gets the answer.
  if (incoming instanceof IncomingMessage) return incoming.iterator({ destroyOnReturn: false });
  return c.req.raw.body ?? [];
}

async function serve(endpoint: Endpoint, c: Context, plumbing: Plumbing): Promise<Response> {
  const admitted = admit(endpoint.operation.scope, c, plumbing.gatekeeper);
  if (!admitted.ok) return refusalResponse(admitted.error);
  const call = {
    caller: admitted.value,
    path: endpoint.operation.path,
    param: (name: string) => c.req.param(name) ?? '',
    header: (name: string) => c.req.header(name),
  };
  const answer = await endpoint.serve(call, c);
  if (answer instanceof Response) return answer;
  return answer.ok ? Response.json(answer.value) : problemResponse(answer.error);
}

function admit(scope: Scope | null, c: Context, gatekeeper: Gatekeeper): Result<Caller | null, Refusal> {
  if (scope === null) return ok(null);
  const header = c.req.header('authorization');
  const token = header === undefined ? null : (/^Bearer +(\S+)$/i.exec(header)?.[1] ?? '');
  return gatekeeper.admit(token, scope, remoteAddress(c));
}

/** Another method on a path that is served, or nothing at all. */
function notServed(app: Hono, path: string): Response {
  const methods = app.routes
    .filter((route) => route.method !== 'ALL' && pathForm(route.path).test(path))
    .map((route) => route.method);
  if (methods.length === 0) return problemResponse(problem('not_found'));
  const allow = [...new Set(methods)].join(', ');
  return problemResponse(problem('method_not_allowed', { detail: `Served here: ${allow}.` }), { allow });
}

const pathForm = (path: string): RegExp =>
  new RegExp(
    `^${path
      .replace(/[.+?^$()|[\]\\]/g, '\\$&')
      .replace(/:\w+(\\\{.*?\})?/g, '[^/]+')
      .replaceAll('*', '.*')}$`,
  );

/** What was thrown, logged here and nowhere else. */
function failure(error: Error, log: Log): Response {
  if (error instanceof TillUnavailable) {
    log.error({ err: error }, 'the till cannot read or write');
    return problemResponse(problem('unavailable'), { 'retry-after': '1' });
  }
  log.error({ err: error }, 'a request met a defect');
  return problemResponse(problem('internal'));
}

/** A page of another site that made its name point here must not be served: names are localhost and what is configured. */
function isServedHost(header: string, configured: string): boolean {
  const host = header.replace(/:[0-9]*$/, '').toLowerCase();
  return host === 'localhost' || host === configured.toLowerCase() || isIP(host.replace(/^\[|\]$/g, '')) !== 0;
}

const honoPath = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1');

/** A page that may load more says so itself. */
function setSecurityHeaders(headers: Headers): void {
  headers.set('x-content-type-options', 'nosniff');
  headers.set('referrer-policy', 'no-referrer');
  headers.set('cross-origin-resource-policy', 'same-origin');
  if (!headers.has('content-security-policy'))
    headers.set('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
}
