/**
 * The least that a gateway can be: an HTTP call with JSON in and out, and two durable writes before the answer. With a
 * broker's port it first asks a bare cloud through the broker, as a gateway asks for a code that is not reserved here.
 *
 *   node gateway.ts DIRECTORY [BROKER_PORT]
 */
import { once } from 'node:events';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import mqtt from 'mqtt';
import { z } from 'zod';
import { serveBench } from '../child.ts';
import { durableFile } from './durable-file.ts';

/** A write-ahead log begins again after a thousand pages. */
const LOG_BLOCKS = 1_000;
/** The size of a signed want. */
const WANT_BYTES = 600;

const [directory = '', brokerPort] = process.argv.slice(2);
const ask = brokerPort === undefined ? null : await askThrough(Number(brokerPort));
const commit = durableFile(join(directory, 'commit'), LOG_BLOCKS);
const witness = durableFile(join(directory, 'witness'), 2);

const saleSchema = z.object({ code: z.string(), basket: z.string() });
const app = new Hono();
app.post('/v1/*', async (c) => {
  const { code, basket } = saleSchema.parse(await c.req.json());
  await ask?.();
  commit();
  witness();
  return c.json(decision(code, basket));
});

const server = createAdaptorServer({ fetch: app.fetch });
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
serveBench(typeof address === 'object' && address !== null ? address.port : 0);

/** As long as our own. */
function decision(code: string, basket: string) {
  const offer = {
    campaign: 'spring',
    title: '$5 off',
    discount: { type: 'amount', amount: 500, currency: 'USD' },
    promotionRef: 'PLU-7781',
  };
  const redemption = {
    id: 'redemption-0000000',
    at: '2026-11-23T10:00:00.000Z',
    door: 'gateway:gw-00000001',
    store: '0001',
    lane: '1',
    basket,
    settled: false,
  };
  return {
    decision: 'approved',
    mode: 'reserved',
    reason: null,
    text: 'OK $5.00 OFF',
    code,
    basket,
    offer,
    reservation: null,
    redemption,
    facts: {},
    backlog: 0,
  };
}

async function askThrough(port: number): Promise<() => Promise<void>> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 4, clientId: 'bare-gateway' });
  if (client.stream instanceof Socket) client.stream.setNoDelay(true);
  await client.subscribeAsync('bare/down', { qos: 1 });
  let answered = () => {};
  client.on('message', () => answered());
  const want = Buffer.alloc(WANT_BYTES, 'w');
  return () =>
    new Promise((resolve) => {
      answered = resolve;
      client.publish('bare/up', want, { qos: 1 });
    });
}
