import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { openApiDocument } from '../../protocol/openapi.ts';
import { ok } from '../../protocol/result.ts';
import type { TillStatus } from '../till/port.ts';
import { type DoorOperation, type Endpoint, withoutBody } from './http.ts';
import type { Metrics } from './metrics.ts';

export type MachinePorts = {
  readonly status: () => TillStatus;
  readonly metrics: Metrics;
  readonly version: string;
  /** Of all other doors, for the OpenAPI document. */
  readonly operations: readonly DoorOperation[];
};

const open = { method: 'GET', scope: null, tag: 'machine' } as const;
const healthRoute = {
  ...open,
  path: '/healthz',
  summary: 'The process answers.',
  response: z.object({ ok: z.literal(true), version: z.string() }),
} satisfies DoorOperation;
const readyRoute = {
  ...open,
  path: '/readyz',
  summary: 'This box can decide; 503 while it cannot.',
  response: z.object({ ready: z.boolean(), state: z.string(), line: z.enum(['up', 'down']) }),
} satisfies DoorOperation;
const metricsRoute = {
  ...open,
  path: '/metrics',
  summary: 'Figures in Prometheus’ text format.',
  response: z.string(),
  responseType: 'text/plain',
} satisfies DoorOperation;

/** What machines ask, and the API's own description. No token is needed: there is no code and no key in any of it. */
export function machineDoor({ status, metrics, version, operations }: MachinePorts): Endpoint[] {
  const described = [...operations, healthRoute, readyRoute, metricsRoute];
  const document = openApiDocument(
    {
      title: 'Tearline gateway',
      version,
      description: 'One redemption API, two doors: this is the one of a store’s registers.',
    },
    described,
  );
  return [
    withoutBody(healthRoute, async () => ok({ ok: true, version })),
    withoutBody(readyRoute, async () => ready(status())),
    withoutBody(metricsRoute, async () => text(await metrics.text(), 'text/plain; version=0.0.4; charset=utf-8')),
    page('/openapi.json', 'This document.', () => Response.json(document)),
    page('/docs', 'The API, readable.', () => text(docsPage, 'text/html; charset=utf-8', docsPolicy)),
    page('/docs/start.js', 'Starts the page.', () => text(docsStart, 'text/javascript; charset=utf-8')),
    asset('swagger-ui.css', 'text/css; charset=utf-8'),
    asset('swagger-ui-bundle.js', 'text/javascript; charset=utf-8'),
  ];
}

function ready({ state, line }: TillStatus): Response {
  const isReady = state === 'validated';
  return Response.json({ ready: isReady, state, line: line.state }, { status: isReady ? 200 : 503 });
}

function page(path: string, summary: string, answer: () => Response): Endpoint {
  return withoutBody({ ...open, path, summary }, async () => answer());
}

/** A file of the API page, from this box: a store's network reaches no other host. */
function asset(name: string, type: string): Endpoint {
  return page(`/docs/${name}`, 'A part of the page.', () =>
    text(readFileSync(new URL(import.meta.resolve(`swagger-ui-dist/${name}`)), 'utf8'), type),
  );
}

function text(body: string, type: string, policy?: string): Response {
  return new Response(body, {
    headers: { 'content-type': type, ...(policy === undefined ? {} : { 'content-security-policy': policy }) },
  });
}

/** Its styles and small pictures stand in the page itself; nothing comes from another host. */
const docsPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

const docsPage = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Tearline gateway: API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
  </head>
  <body>
    <div id="docs"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

const docsStart =
  "SwaggerUIBundle({ url: '/openapi.json', dom_id: '#docs', validatorUrl: null, deepLinking: true });\n";
