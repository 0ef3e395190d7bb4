import { Socket } from 'node:net';
import mqtt from 'mqtt';
import type { Connection, ConnectionEvents, Dial } from './connection.ts';

/** A stopped broker is noticed within one and a half of these. */
const KEEPALIVE_SECONDS = 10;
const CONNECT_MS = 10_000;
const CLOSE_MS = 2_000;

export type BrokerLogin = {
  /** `mqtt(s)://…` or `ws(s)://…` */
  readonly url: string;
  /** Also the client's id: a second connection of this box ends the first. */
  readonly user: string;
  readonly password: string;
  /** A certificate authority besides the system's, PEM. */
  readonly ca: string | null;
};

/** Dials with MQTT 3.1.1, the one version that every broker speaks. Reconnecting is the link's business, not the client's. */
export function mqttDial(login: BrokerLogin): Dial {
  return (call, events) => {
    const client = mqtt.connect(login.url, {
      protocolVersion: 4,
      clean: true,
      clientId: login.user,
      username: login.user,
      password: login.password,
      keepalive: KEEPALIVE_SECONDS,
      connectTimeout: CONNECT_MS,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      ...(login.ca === null ? {} : { ca: login.ca }),
      ...(call.will === null
        ? {}
        : { will: { topic: call.will.topic, payload: Buffer.from(call.will.message), qos: 1, retain: false } }),
    });
    listen(client, call.subscribe, events);
    return asConnection(client);
  };
}

function listen(client: mqtt.MqttClient, topic: string, events: ConnectionEvents): void {
  let why = 'the broker closed it';
  // Without this listener an error would end the process.
  client.on('error', (error) => {
    why = error.message;
  });
  client.on('connect', () => {
    withoutDelay(client);
    client.subscribe(topic, { qos: 1 }, (error) => {
      if (error === null) return events.opened();
      why = error.message;
      client.end(true);
    });
  });
  client.once('close', () => {
    client.end(true);
    events.closed(why);
  });
  // Acknowledged to the broker when done; no other message is read before.
  client.handleMessage = (packet, done) => {
    void events.received(Buffer.from(packet.payload)).then(() => done());
  };
}

/** Nagle's delay would cost 40 ms on every acknowledged message. Web sockets are without it of themselves. */
function withoutDelay(client: mqtt.MqttClient): void {
  if (client.stream instanceof Socket) client.stream.setNoDelay(true);
}

function asConnection(client: mqtt.MqttClient): Connection {
  return {
    publish(topic, message) {
      // Its offline queue would send what is long out of date.
      if (client.connected) client.publish(topic, Buffer.from(message), { qos: 1 }, () => undefined);
    },
    async close() {
      if (client.connected) await ended(client);
      client.end(true);
    },
  };
}

/** In good order, or when the time is over: where the broker is gone too, the client's own end never comes. */
function ended(client: mqtt.MqttClient): Promise<void> {
  return new Promise((done) => {
    const late = setTimeout(done, CLOSE_MS);
    void client.endAsync().finally(() => {
      clearTimeout(late);
      done();
    });
  });
}
