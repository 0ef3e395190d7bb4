import { Socket } from 'node:net';
import mqtt from 'mqtt';
import { mqttDial } from '../../gateway/cloud-link/mqtt.ts';
import { seal, type SigningKey } from '../../protocol/envelope.ts';
import { GENESIS_HASH } from '../../protocol/journal.ts';
import { downTopic, upTopic } from '../../protocol/topics.ts';

/** The box of the MQTT figure: who it is at both ends, and its two ways to connect. */
export const BENCH_BOX = { gateway: 'gw-00000001', shard: 0, keyId: 'bench-box', cloudKeyId: 'bench-cloud' } as const;

/** Sends a heartbeat and waits for what comes back. */
export type RoundTrip = { once(message: Buffer): Promise<void>; close(): Promise<void> };

/** As a gateway connects. */
export function connectAsGateway(url: string, password: string): Promise<RoundTrip> {
  const dial = mqttDial({ url, user: BENCH_BOX.gateway, password, ca: null });
  let answered = () => {};
  return new Promise((resolve, reject) => {
    const connection = dial(
      { subscribe: downTopic(BENCH_BOX), will: null },
      {
        opened: () =>
          resolve({
            once: (message) =>
              new Promise((done) => {
                answered = done;
                connection.publish(upTopic(BENCH_BOX), message);
              }),
            close: () => connection.close(),
          }),
        closed: (why) => reject(new Error(why)),
        received: async () => answered(),
      },
    );
  });
}

/** As the client library connects when it is left alone: with Nagle's delay. */
export async function connectWithDelay(url: string, password: string): Promise<RoundTrip> {
  const { gateway: username } = BENCH_BOX;
  const client = await mqtt.connectAsync(url, { protocolVersion: 4, clientId: username, username, password });
  if (client.stream instanceof Socket) client.stream.setNoDelay(false);
  await client.subscribeAsync(downTopic(BENCH_BOX), { qos: 1 });
  let answered = () => {};
  client.on('message', () => answered());
  return {
    once: (message) =>
      new Promise((done) => {
        answered = done;
        client.publish(upTopic(BENCH_BOX), message, { qos: 1 });
      }),
    close: () => client.endAsync(true),
  };
}

/** @param incarnation of the ledger @returns the signed message */
export function heartbeat(key: SigningKey): Buffer {
  const header = {
    id: 'bench-message',
    gateway: BENCH_BOX.gateway,
    incarnation: `1-${'0'.repeat(32)}`,
    epoch: 1,
    bootId: 1,
  };
  const body = {
    beat: 'bench-beat',
    head: { epoch: 1, n: 0, hash: GENESIS_HASH },
    acknowledged: 0,
    holding: 0,
    inUse: 0,
    backlog: 0,
    timeProven: false,
    version: '0',
  };
  return seal('up', header, { type: 'heartbeat', body }, key);
}
