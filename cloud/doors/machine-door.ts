import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { html } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import { z } from 'zod';
import { openApiDocument } from '../../protocol/openapi.ts';
import { problem } from '../../protocol/problem.ts';
import { err, ok } from '../../protocol/result.ts';
import { type DoorOperation, type Endpoint, withoutBody } from './http.ts';
import type { Metrics } from './metrics.ts';

type Parts = {
  readonly version: string;
  /** Of all other doors. */
  readonly operations: readonly DoorOperation[];
  /** Can this node decide? */
  readonly ready: () => Promise<boolean>;
  readonly metrics: Metrics;
  /** Every page says it where tokens and codes cross the network in the clear. */
  readonly insecureLan: boolean;
};

/** For machines: health, readiness, metrics, the OpenAPI document. For people: what this is, and the document to read. */
export function machineDoor({ version, operations, ready, metrics, insecureLan }: Parts): Endpoint[] {
  const document = openApiDocument({ title: 'Tearline cloud', version, description: ABOUT_API }, [
    ...operations,
    routes.health,
    routes.ready,
    routes.metrics,
  ]);
  return [
    withoutBody(routes.health, async () => ok({ status: 'ok' } as const)),
    withoutBody(routes.ready, async () =>
      (await ready()) ? ok({ status: 'ready' } as const) : err(problem('unavailable')),
    ),
    withoutBody(routes.metrics, async () => {
      const text = await metrics.text();
      return new Response(text, { headers: { 'content-type': metrics.contentType } });
    }),
    withoutBody(routes.document, async () => ok(document)),
    withoutBody(routes.docs, async () => page(docsPage(insecureLan), DOCS_POLICY)),
    withoutBody(routes.asset, async ({ param }) => asset(param('file'))),
    withoutBody(routes.front, async () => page(frontPage(version, insecureLan), PAGE_POLICY)),
  ];
}

const machine = { scope: null, tag: 'Machines', method: 'GET' } as const;
const text = z.string();

const routes = {
  health: {
    ...machine,
    path: '/healthz',
    summary: 'The process is alive.',
    response: z.object({ status: z.literal('ok') }),
  },
  ready: {
    ...machine,
    path: '/readyz',
    summary: 'The ledger answers: this node can decide.',
    response: z.object({ status: z.literal('ready') }),
  },
  metrics: { ...machine, path: '/metrics', summary: 'For Prometheus.', response: text, responseType: 'text/plain' },
  document: { ...machine, path: '/openapi.json', summary: 'This document.', response: z.unknown() },
  docs: { ...machine, path: '/docs', summary: 'This document, to read.', response: text, responseType: 'text/html' },
  asset: { ...machine, path: '/docs/{file}', summary: 'What the page above loads.', response: text },
  front: { ...machine, path: '/', summary: 'What this is.', response: text, responseType: 'text/html' },
} as const;

const ABOUT_API =
  'Single-use coupons: validate, redeem, and all that leads there. Amounts are integers in minor units with an ISO 4217 currency. Times are RFC 3339 in UTC. A decision is always status 200, and the same call again gives the same answer; `Idempotency-Key` is accepted besides. Errors are problem details (RFC 9457).';

/** Nothing from another host, nothing inline. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/** The reader of the document draws its icons from data addresses, fetches the document and tries its calls. */
const DOCS_POLICY = `${PAGE_POLICY}; script-src 'self'; connect-src 'self'`;

type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

async function page(body: Html, policy: string): Promise<Response> {
  return new Response(String(await body), {
    headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy },
  });
}

const warning = (insecureLan: boolean): Html | '' =>
  insecureLan
    ? html`<p role="alert">TEARLINE_INSECURE_LAN is set: tokens and codes may cross the network unencrypted.</p>`
    : '';

const frontPage = (version: string, insecureLan: boolean): Html => html`<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,"><title>Tearline cloud</title></head>
  <body>
    <main>
      <h1>Tearline cloud</h1>
      ${warning(insecureLan)}
      <p>The ledger of single-use coupons: each one is spent once, in one store or in one online cart. Version ${version}.</p>
      <ul>
        <li><a href="/docs">The API, to read and to try</a></li>
        <li><a href="/openapi.json">The OpenAPI document</a></li>
        <li><a href="/readyz">Readiness</a> and <a href="/metrics">metrics</a></li>
      </ul>
    </main>
  </body>
</html>`;

const docsPage = (insecureLan: boolean): Html => html`<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,"><title>Tearline cloud: API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css"></head>
  <body>${warning(insecureLan)}<div id="document"></div>
    <script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/docs.js"></script></body>
</html>`;

const assets: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  'swagger-ui.css': { file: import.meta.resolve('swagger-ui-dist/swagger-ui.css'), type: 'text/css' },
  'swagger-ui-bundle.js': {
    file: import.meta.resolve('swagger-ui-dist/swagger-ui-bundle.js'),
    type: 'text/javascript',
  },
  'docs.js': { file: import.meta.resolve('./assets/docs.js'), type: 'text/javascript' },
};

async function asset(name: string) {
  const known = Object.hasOwn(assets, name) ? assets[name] : undefined;
  if (known === undefined) return err(problem('not_found'));
  return new Response(await readFile(fileURLToPath(known.file)), {
    headers: { 'content-type': `${known.type}; charset=utf-8`, 'cache-control': 'max-age=3600' },
  });
}
