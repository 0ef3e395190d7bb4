import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { ASSET_TYPES, FONTS } from '../../protocol/pages/assets.ts';
import type { Inbox } from './inbox.ts';
import { mailFrame, page, parts } from './page.ts';
import { isNumber, type SmsProvider } from './sms-provider.ts';

/** A form of a page, or a request of the cloud. */
const BODY_BYTES_MAX = 64 * 1024;

const shared = new URL('../../protocol/pages/assets/', import.meta.url);
const files = new Map<string, URL>([
  ...['tokens.css', 'components.css', 'icon.svg'].map((name) => [name, new URL(name, shared)] as const),
  ...['phone.css', 'phone.js'].map((name) => [name, new URL(`./assets/${name}`, import.meta.url)] as const),
  ...Object.entries(FONTS).map(([name, from]) => [name, new URL(import.meta.resolve(from))] as const),
]);

const POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'";
/** A mail may show its pictures and its styles, and open links beside it: no script, nothing from elsewhere. */
const MAIL_POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox allow-popups allow-popups-to-escape-sandbox";

/** The pages and the provider's API, on this machine alone. @throws where the port cannot be had */
export async function startPages(
  port: number,
  inbox: Inbox,
  provider: SmsProvider,
): Promise<{ close(): Promise<void> }> {
  const server = createServer((request, response) => {
    serve(inbox, provider, request, response).catch(() => response.writeHead(500).end());
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function serve(inbox: Inbox, provider: SmsProvider, request: IncomingMessage, response: ServerResponse) {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  const key = `${request.method} ${pathname}`;
  if (key === `POST ${provider.path}`) {
    const { status, json } = provider.take(request.headers.authorization, await formOf(request));
    return send(response, status, 'application/json', JSON.stringify(json));
  }
  if (key === 'POST /texts') return text(provider, request, response);
  if (key === 'GET /') return html(response, page(inbox, provider.number));
  if (key === 'GET /healthz') return send(response, 200, 'application/json', '{"status":"ok"}');
  if (key === 'GET /parts') return send(response, 200, 'application/json', JSON.stringify(parts(inbox)));
  if (key === 'GET /inbox') return send(response, 200, 'application/json', JSON.stringify(inboxOf(inbox)));
  const mail = inbox.mails.find(({ id }) => key === `GET /mails/${id}`);
  if (mail !== undefined) return html(response, mailFrame(mail), MAIL_POLICY);
  const file = files.get(pathname.replace(/^\/assets\//, ''));
  if (request.method === 'GET' && file !== undefined) return send(response, 200, typeOf(pathname), readFileSync(file));
  return send(response, 404, 'text/plain', 'There is nothing here.');
}

/** For programs that try the demo. */
const inboxOf = ({ texts, mails }: Inbox) => ({ texts, mails });

async function text(provider: SmsProvider, request: IncomingMessage, response: ServerResponse) {
  const form = await formOf(request);
  const [phone, words] = [(form.get('phone') ?? '').replace(/[^+0-9]/g, ''), (form.get('text') ?? '').trim()];
  if (!isNumber(phone) || words === '')
    return send(response, 422, 'text/plain', 'A number as +1 202 555 0142, and a text.');
  await provider.textTo(phone, words);
  response.writeHead(303, { location: '/' }).end();
}

async function formOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Error('too large');
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

const html = (response: ServerResponse, body: string, policy = POLICY) =>
  send(response, 200, 'text/html; charset=utf-8', body, { 'content-security-policy': policy });

function send(response: ServerResponse, status: number, type: string, body: string | Buffer, more = {}): void {
  const headers = { 'content-type': type, 'x-content-type-options': 'nosniff', 'cache-control': 'no-store', ...more };
  response.writeHead(status, headers).end(body);
}

const typeOf = (path: string): string =>
  ASSET_TYPES.find(([end]) => path.endsWith(end))?.[1] ?? 'application/octet-stream';
