import mqtt from 'mqtt';
import type { SigningKey } from '../../protocol/envelope.ts';
import { MESSAGE_BYTES_MAX, SHARDS } from '../../protocol/limits.ts';
import { shardSubscriptions } from '../../protocol/topics.ts';
import type { Ledger } from '../ledger/port.ts';
import { type Carrier, CloudLink, type LinkPorts } from './link.ts';

/** The cloud at the broker: MQTT 3.1.1, clean session, QoS 1; any broker serves. */
export type FleetLink = {
  /** There is something in the outbox of this box. */
  wake(gateway: string): void;
  connected(): boolean;
  close(): Promise<void>;
};

const RECONNECT_MS = 500;

/** Connects and goes on connecting; resolves at once. */
export async function connectFleet(given: {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  /** The authority that the broker's certificate is checked against; null: the system's. */
  readonly ca?: Buffer | null;
  readonly ledger: Ledger;
  readonly signingKey: SigningKey;
  /** What is put around the real carrier; left out: nothing. */
  readonly around?: (carrier: Carrier) => Carrier;
  readonly log: LinkPorts['log'];
}): Promise<FleetLink> {
  const { url, username, password, ca, ledger, signingKey, around = (it) => it, log } = given;
  const client = mqtt.connect(url, {
    protocolVersion: 4,
    clean: true,
    clientId: username,
    username,
    password,
    ...(ca == null ? {} : { ca }),
    keepalive: 30,
    reconnectPeriod: RECONNECT_MS,
    // What is not sent waits in the ledger's outbox, never in the client.
    queueQoSZero: false,
    resubscribe: false,
  });
  const carrier = {
    publish: (topic: string, bytes: Buffer) =>
      new Promise<void>((resolve, reject) => {
        if (!client.connected) reject(new Error('the line to the broker is down'));
        else client.publish(topic, bytes, { qos: 1 }, (error) => (error ? reject(error) : resolve()));
      }),
  };
  const link = new CloudLink({ ledger, signingKey, carrier: around(carrier), now: Date.now, log });
  client.on('connect', () => {
    // Without it each QoS 1 hop waits 40 ms for a delayed acknowledgement.
    if ('setNoDelay' in client.stream && typeof client.stream.setNoDelay === 'function') client.stream.setNoDelay(true);
    const topics = Array.from({ length: SHARDS }, (_, shard) => shardSubscriptions(shard)).flat();
    client.subscribe(topics, { qos: 1 }, (error) => {
      if (error) log.error({ why: error.message }, 'the broker refuses the subscriptions');
      else link.reconnected();
    });
  });
  client.on('message', (topic, bytes) => {
    if (bytes.length <= MESSAGE_BYTES_MAX) link.received(topic, bytes);
  });
  client.on('error', (error) => log.warn({ why: error.message }, 'the broker cannot be reached'));
  return {
    wake: (gateway) => link.wake(gateway),
    connected: () => client.connected,
    close: () => client.endAsync(true),
  };
}
