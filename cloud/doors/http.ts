import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import { type Context, Hono } from 'hono';
import type { z } from 'zod';
import { BODY_BYTES_MAX } from '../../protocol/limits.ts';
import type { Operation } from '../../protocol/openapi.ts';
import { invalidRequest, type Problem, problem } from '../../protocol/problem.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { LedgerUnavailable } from '../ledger/port.ts';
import type { Log } from '../log.ts';
import type { Failures } from './failures.ts';
import { type IsProxy, remoteOf } from './proxies.ts';
import { type Caller, findCaller, includes, type Scope, type TokenStore } from './tokens.ts';

/** An operation of the cloud's doors. A scope of null asks for no token. */
export type DoorOperation = Operation & { readonly scope: Scope | null };

/** One request as a handler sees it: known to be allowed, its body parsed. */
export type Call<B> = {
  readonly body: B;
  /** The body as it came. */
  readonly bodyText: string;
  /** The name of the token's owner; empty where no token is asked for. */
  readonly client: string;
  /** The address that it came from. */
  readonly remote: string;
  param(name: string): string;
  header(name: string): string | undefined;
  /** Path and query, as they were asked for. */
  readonly target: string;
};

/** A value to be answered as JSON, a problem, or a response of another kind. */
export type Answer<T> = Result<T, Problem> | Response;

export type Endpoint = {
  readonly operation: DoorOperation;
  readonly serve: (call: Omit<Call<null>, 'body' | 'bodyText'>, request: Request) => Promise<Answer<unknown>>;
};

/** @param handle gets the body as the operation's schema has parsed it */
export function withBody<B extends z.ZodType, R extends z.ZodType>(
  operation: DoorOperation & { readonly body: B; readonly response: R },
  handle: (call: Call<z.output<B>>) => Promise<Answer<z.input<R>>>,
): Endpoint {
  return {
    operation,
    async serve(call, request) {
      const read = await readJson(request);
      if (!read.ok) return read;
      const parsed = operation.body.safeParse(read.value.json);
      if (!parsed.success) return err(invalidRequest(parsed.error));
      return handle({ ...call, body: parsed.data, bodyText: read.value.text });
    },
  };
}

export function withoutBody<R extends z.ZodType>(
  operation: DoorOperation & { readonly response: R },
  handle: (call: Call<null>) => Promise<Answer<z.input<R>>>,
): Endpoint {
  return { operation, serve: (call) => handle({ ...call, body: null, bodyText: '' }) };
}

/** A call that is asked by parameters behind the path, read as its schema says. */
export function withQuery<Q extends z.ZodObject, R extends z.ZodType>(
  operation: DoorOperation & { readonly query: Q; readonly response: R },
  handle: (call: Call<null> & { readonly query: z.output<Q> }) => Promise<Answer<z.input<R>>>,
): Endpoint {
  return {
    operation,
    async serve(call, request) {
      const asked = operation.query.safeParse(Object.fromEntries(new URL(request.url).searchParams));
      if (!asked.success) return err(invalidRequest(asked.error));
      return handle({ ...call, body: null, bodyText: '', query: asked.data });
    },
  };
}

/** One call that takes either of two bodies: JSON, or a file that is streamed to `take`, which bounds what it reads. */
export function withBodyOrUpload<B extends z.ZodType, R extends z.ZodType>(
  operation: DoorOperation & {
    readonly body: B;
    readonly response: R;
    readonly upload: NonNullable<DoorOperation['upload']>;
  },
  handle: (call: Call<z.output<B>>) => Promise<Answer<z.input<R>>>,
  take: (call: Call<null>, bytes: AsyncIterable<Uint8Array>) => Promise<Answer<z.input<R>>>,
): Endpoint {
  const json = withBody(operation, handle);
  return {
    operation,
    async serve(call, request) {
      if (!isOfType(request, operation.upload.type)) return json.serve(call, request);
      return take({ ...call, body: null, bodyText: '' }, request.body ?? nothing());
    },
  };
}

/** What would make the bytes of a file another text than they are taken for. */
export function unreadableHeader(header: (name: string) => string | undefined): string | null {
  const charset = /;\s*charset="?([^";\s]*)/i.exec(header('content-type') ?? '')?.[1] ?? 'utf-8';
  if (!/^(utf-8|us-ascii)$/i.test(charset)) return 'content-type';
  return header('content-encoding') === undefined ? null : 'content-encoding';
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

export type Plumbing = {
  readonly tokens: TokenStore;
  readonly failures: Failures;
  readonly isProxy: IsProxy;
  /** The host name by which the outside reaches this cloud. */
  readonly publicHost: string;
  readonly log: Log;
  /** Told of every answer, for the metrics. */
  readonly observe: (answer: { route: string; method: string; status: number; seconds: number }) => void;
};

/** All doors as one application. What is asked for at each: host, route, token, scope, content type, size, JSON, schema. */
export function createApp(endpoints: readonly Endpoint[], plumbing: Plumbing): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    setSecurityHeaders(c.res.headers);
  });
  app.use(async (c, next) => {
    if (!isServedHost(c.req.url, plumbing.publicHost)) return problemResponse(problem('host_not_allowed'));
    await next();
  });
  for (const endpoint of endpoints) {
    const { method, path } = endpoint.operation;
    app.on(method, honoPath(path), (c) => serve(endpoint, c, plumbing));
  }
  for (const [path, methods] of methodsByPath(endpoints))
    app.all(honoPath(path), () =>
      problemResponse(problem('method_not_allowed', { detail: `Served here: ${methods}.` }), { allow: methods }),
    );
  app.notFound(() => problemResponse(problem('not_found')));
  return app;
}

export function problemResponse(what: Problem, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(what), {
    status: what.status,
    headers: { 'content-type': 'application/problem+json', ...headers },
  });
}

/** One answer for all who are not let in; after too many of them from one address, another. */
export function refuseStranger(failures: Failures, remote: string, what: Problem): Response {
  const waitSeconds = failures.note(remote);
  if (waitSeconds !== null)
    return problemResponse(problem('too_many_failures'), { 'retry-after': String(waitSeconds) });
  return problemResponse(what, what.status === 401 ? { 'www-authenticate': 'Bearer' } : {});
}

async function serve(endpoint: Endpoint, c: Context, plumbing: Plumbing): Promise<Response> {
  const startedAt = performance.now();
  const { method, path, status = 200 } = endpoint.operation;
  let response: Response;
  try {
    const answer = await admit(endpoint, c, plumbing);
    response = answer instanceof Response ? answer : respond(answer, status);
  } catch (error) {
    response = failure(error, plumbing.log);
  }
  plumbing.observe({ route: path, method, status: response.status, seconds: (performance.now() - startedAt) / 1000 });
  return response;
}

async function admit(endpoint: Endpoint, c: Context, plumbing: Plumbing): Promise<Answer<unknown>> {
  const remote = remoteOf(peerOf(c), c.req.header('x-forwarded-for'), plumbing.isProxy);
  const { scope } = endpoint.operation;
  let caller: Caller | null = null;
  if (scope !== null) {
    const found = await authenticate(c.req.header('authorization'), remote, plumbing);
    if (found instanceof Response) return found;
    if (!includes(found.scope, scope)) return err(problem('forbidden', { detail: `It needs the scope ${scope}.` }));
    caller = found;
  }
  const call = {
    client: caller?.name ?? '',
    remote,
    param: (name: string) => c.req.param(name) ?? '',
    header: (name: string) => c.req.header(name),
    target: targetOf(c.req.url),
  };
  return endpoint.serve(call, c.req.raw);
}

async function authenticate(
  header: string | undefined,
  remote: string,
  plumbing: Plumbing,
): Promise<Caller | Response> {
  // No token at all is no guess: a wrongly configured client must not shut its neighbours out of clear answers.
  if (header === undefined) return problemResponse(problem('unauthorized'), { 'www-authenticate': 'Bearer' });
  const token = /^Bearer +(\S+)$/i.exec(header)?.[1] ?? '';
  const caller = await findCaller(plumbing.tokens, token);
  return caller ?? refuseStranger(plumbing.failures, remote, problem('unauthorized'));
}

function respond(answer: Result<unknown, Problem>, status: number): Response {
  return answer.ok ? Response.json(answer.value, { status }) : problemResponse(answer.error);
}

/** What was thrown, logged here and nowhere else. The request id joins the answer to the log. */
function failure(error: unknown, log: Log): Response {
  if (error instanceof LedgerUnavailable) {
    log.warn({ err: error }, 'the ledger is not available');
    return problemResponse(problem('unavailable'), { 'retry-after': '1' });
  }
  const requestId = randomUUID();
  log.error({ err: error, requestId }, 'a request met a defect');
  return problemResponse(problem('internal', { detail: `Request ${requestId}.` }));
}

async function readJson(request: Request): Promise<Result<{ readonly json: unknown; readonly text: string }, Problem>> {
  if (!isOfType(request, 'application/json')) return err(problem('unsupported_media_type'));
  try {
    const bytes = await readBytes(request);
    if (bytes === null) return err(problem('body_too_large'));
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return ok({ json: JSON.parse(text), text });
  } catch {
    // No JSON, no UTF-8, or a caller who left in the middle of it.
    return err(problem('malformed_json'));
  }
}

export function isOfType(request: Request, type: string): boolean {
  const [mediaType = ''] = (request.headers.get('content-type') ?? '').split(';');
  return mediaType.trim().toLowerCase() === type;
}

/** @returns null where the body is larger than any that is well-formed; no more than that is ever held */
export async function readBytes(request: Request): Promise<Uint8Array | null> {
  if (Number(request.headers.get('content-length') ?? 0) > BODY_BYTES_MAX) return null;
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A page of another site that made its name point here must not be served: names are only ours and localhost. */
function isServedHost(url: string, publicHost: string): boolean {
  const host = new URL(url).hostname;
  return host === 'localhost' || host === publicHost || isIP(host.replace(/^\[|\]$/g, '')) !== 0;
}

function targetOf(url: string): string {
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
}

function peerOf(c: Context): string {
  return c.env?.incoming?.socket?.remoteAddress ?? '';
}

const honoPath = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1');

function methodsByPath(endpoints: readonly Endpoint[]): Map<string, string> {
  const methods = new Map<string, string>();
  for (const { operation } of endpoints) {
    const before = methods.get(operation.path);
    methods.set(operation.path, before === undefined ? operation.method : `${before}, ${operation.method}`);
  }
  return methods;
}

/** A page that may load more says so itself. */
function setSecurityHeaders(headers: Headers): void {
  headers.set('x-content-type-options', 'nosniff');
  headers.set('referrer-policy', 'no-referrer');
  headers.set('cross-origin-resource-policy', 'same-origin');
  if (!headers.has('content-security-policy'))
    headers.set('content-security-policy', "default-src 'none'; frame-ancestors 'none'");
  if (!headers.has('cache-control')) headers.set('cache-control', 'no-store');
}
