import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import type { Tls } from '../config.ts';

export type Listening = {
  readonly port: number;
  /** Lets what is under way end, for a while. */
  close(): Promise<void>;
};

/** A request whose head takes longer to arrive is no till and no shop. */
const HEAD_TIMEOUT_MS = 30_000;
/** The largest file of codes arrives in this time over two megabits a second. */
const REQUEST_TIMEOUT_MS = 300_000;
/** Answers under way at a stop: a decision takes milliseconds, a file of codes may be cut. */
const CLOSE_PATIENCE_MS = 3_000;

/** @throws where the port cannot be had (`code`) */
export async function listen(app: Hono, host: string, port: number, tls: Tls | null): Promise<Listening> {
  const serverOptions = { noDelay: true, headersTimeout: HEAD_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS };
  const server =
    tls === null
      ? createAdaptorServer({ fetch: app.fetch, createServer, serverOptions })
      : createAdaptorServer({
          fetch: app.fetch,
          createServer: createTlsServer,
          serverOptions: { ...serverOptions, cert: tls.cert, key: tls.key },
        });
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server does not listen on a port');
  return {
    port: address.port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      if ('closeIdleConnections' in server) server.closeIdleConnections();
      const patience = setTimeout(
        () => 'closeAllConnections' in server && server.closeAllConnections(),
        CLOSE_PATIENCE_MS,
      );
      await closed;
      clearTimeout(patience);
    },
  };
}
