import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes } from 'aedes';
import { MESSAGE_BYTES_MAX } from '../../protocol/limits.ts';
import type { Tls } from '../config.ts';
import type { Log } from '../log.ts';
import { CLOUD_USER, createGate } from './gate.ts';
import { limitPackets } from './packet-limit.ts';

export type BrokerParts = {
  readonly host: string;
  readonly port: number;
  readonly tls: Tls | null;
  /** Who may log in: password hash (SHA-256, hex) and shard of a gateway. */
  readonly loginOf: (gateway: string) => { readonly passwordHash: string; readonly shard: number } | null;
  /** The password of the cloud's own node, user `cloud`. */
  readonly cloudPassword: string;
  readonly connected: (gateway: string) => void;
  readonly gone: (gateway: string) => void;
  readonly log: Log;
};

export type Broker = {
  /** Where gateways connect. */
  readonly port: number;
  /** Where this cloud's own node connects: plain, on loopback. */
  readonly ownUrl: string;
  close(): Promise<void>;
};

/** A box that connects proves itself within this time; what it says later counts by its signature alone. */
const CONNECT_TIMEOUT_MS = 10_000;
/** A fleet of ten thousand, each with a connection that is dying while its next one is made. */
const CONNECTIONS_MAX = 20_000;
/** A frozen reader is cut off: what it missed is in its outbox. */
const DRAIN_TIMEOUT_MS = 30_000;
/** Packets that wait while a client is let in. */
const QUEUE_PACKETS_MAX = 100;
/** The largest message with its topic and header. */
const PACKET_BYTES_MAX = MESSAGE_BYTES_MAX + 1024;

/** The embedded broker: delivery, and nothing that is believed. @throws where the port cannot be had (`code`) */
export async function startBroker(parts: BrokerParts): Promise<Broker> {
  const { host, port, tls, log } = parts;
  const aedes = await Aedes.createBroker({
    connectTimeout: CONNECT_TIMEOUT_MS,
    drainTimeout: DRAIN_TIMEOUT_MS,
    queueLimit: QUEUE_PACKETS_MAX,
    ...createGate(parts),
  });
  tellPresence(aedes, parts);
  const sockets = new Set<Socket>();
  const accept = (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    limitPackets(socket, PACKET_BYTES_MAX, () =>
      log.warn({ audit: 'packet_too_large', remote: socket.remoteAddress }, 'the broker dropped a connection'),
    );
    aedes.handle(socket);
  };
  const servers: Server[] = [];
  const close = async () => {
    for (const server of servers) server.close();
    await new Promise<void>((done) => aedes.close(done));
    for (const socket of sockets) socket.destroy();
  };
  try {
    const server = await listen(accept, host, port, tls);
    servers.push(server);
    // The node's own way in is not through the certificate, which need not name this machine.
    const own = tls === null ? server : await listen(accept, '127.0.0.1', 0, null);
    servers.push(own);
    const ownHost = tls === null ? localName(host) : '127.0.0.1';
    return { port: portOf(server), ownUrl: `mqtt://${ownHost}:${portOf(own)}`, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A second connection of one box takes over: the first one is gone before the second one is connected. */
function tellPresence(aedes: Aedes, { connected, gone, log }: BrokerParts): void {
  aedes.on('client', ({ id }) => id !== CLOUD_USER && connected(id));
  aedes.on('clientDisconnect', ({ id }) => id !== CLOUD_USER && gone(id));
  aedes.on('clientError', ({ id }, error) => log.info({ client: id, err: error }, 'a connection to the broker broke'));
}

async function listen(accept: (socket: Socket) => void, host: string, port: number, tls: Tls | null): Promise<Server> {
  const server =
    tls === null
      ? createServer({ noDelay: true }, accept)
      : createTlsServer({ cert: tls.cert, key: tls.key, noDelay: true }, accept);
  server.maxConnections = CONNECTIONS_MAX;
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the broker does not listen on a port');
  return address.port;
}

/** Where a process on the same machine finds what listens on that host. */
function localName(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}
