/**
 * The least that a cloud can be: a broker, and in the same process a node that answers each message after one durable
 * conditional update.
 *
 *   node cloud.ts DIRECTORY
 */
import { once } from 'node:events';
import { createServer, Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import mqtt from 'mqtt';
import { serveBench } from '../child.ts';
import { BareCodes } from './codes.ts';

/** The size of a signed grant. */
const GRANT_BYTES = 1_100;
/** More than are ever asked for. */
const CODES = 20_000;

const [directory = ''] = process.argv.slice(2);
const codes = new BareCodes(join(directory, 'bare-cloud.sqlite'));
const hashes = Array.from({ length: CODES }, () => randomBytes(32));
codes.insert(hashes);

const aedes = await Aedes.createBroker();
const server = createServer({ noDelay: true }, aedes.handle);
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
const port = typeof address === 'object' && address !== null ? address.port : 0;

const node = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4, clientId: 'bare-cloud' });
if (node.stream instanceof Socket) node.stream.setNoDelay(true);
await node.subscribeAsync('bare/up', { qos: 1 });
const grant = Buffer.alloc(GRANT_BYTES, 'g');
node.on('message', () => {
  codes.redeem(hashes.splice(-1));
  node.publish('bare/down', grant, { qos: 1 });
});
serveBench(port);
