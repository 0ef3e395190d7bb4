import { readFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import { createAdaptorServer, type ServerType } from '@hono/node-server';
import type { Hono } from 'hono';
import { EXIT, Stop } from '../stop.ts';
import { isErrno } from '../upkeep/durable-file.ts';

export type Listener = {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
};

/** A register sends a few kilobytes: what takes longer is a slow attack or a dead line. */
const REQUEST_MS = 15_000;
const HEADERS_MS = 5_000;
/** How soon the two above are noticed. */
const LOOK_MS = 1_000;
/** Registers, pages with their event streams, and room for a flood of slow ones until they are cut. */
const CONNECTIONS_MAX = 5_000;
/** After the last word to those who wait: what is still open then is cut. */
const CLOSE_MS = 1_000;

export type Listening = { readonly port: number; close(): Promise<void> };

/** @throws Stop 69 where the port is in use, 78 where the host or a certificate is not good */
export async function listen(app: Hono, listener: Listener): Promise<Listening> {
  const server = makeServer(app, listener.tls);
  await new Promise<void>((done, fail) => {
    server.once('error', (error) => fail(whyNot(error, listener)));
    server.listen(listener.port, listener.host, done);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : listener.port;
  return { port, close: () => close(server) };
}

function makeServer(app: Hono, tls: Listener['tls']): ServerType {
  const limits = { requestTimeout: REQUEST_MS, headersTimeout: HEADERS_MS, connectionsCheckingInterval: LOOK_MS };
  const server =
    tls === null ? createAdaptorServer({ fetch: app.fetch, serverOptions: limits }) : makeTlsServer(app, tls, limits);
  server.maxConnections = CONNECTIONS_MAX;
  return server;
}

function makeTlsServer(app: Hono, { certFile, keyFile }: NonNullable<Listener['tls']>, limits: object): ServerType {
  try {
    const serverOptions = { ...limits, cert: readFileSync(certFile), key: readFileSync(keyFile) };
    return createAdaptorServer({ fetch: app.fetch, createServer: createTlsServer, serverOptions });
  } catch (error) {
    throw new Stop(
      EXIT.config,
      `${certFile} and ${keyFile} are no certificate with its key: check TEARLINE_TLS_CERT_FILE and _KEY_FILE`,
      { cause: error },
    );
  }
}

function whyNot(error: Error, { host, port }: Listener): Stop {
  if (isErrno(error, 'EADDRINUSE'))
    return new Stop(
      EXIT.unavailable,
      `port ${port} on ${host} is in use: stop what runs there, or set TEARLINE_GATEWAY_PORT`,
      { cause: error },
    );
  return new Stop(EXIT.config, `cannot listen on ${host}, port ${port}: ${error.message}`, { cause: error });
}

/** Event streams never end of themselves: they are cut when the others had their moment. */
async function close(server: ServerType): Promise<void> {
  const closed = new Promise<void>((done) => server.close(() => done()));
  const cut = setTimeout(() => 'closeAllConnections' in server && server.closeAllConnections(), CLOSE_MS);
  await closed;
  clearTimeout(cut);
}
