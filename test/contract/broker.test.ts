import { hash } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Broker, startBroker } from '../../cloud/broker/aedes-broker.ts';
import { MESSAGE_BYTES_MAX } from '../../protocol/limits.ts';
import { downTopic, presenceTopic, shardSubscriptions, upToNodeTopic, upTopic } from '../../protocol/topics.ts';
import { type LogLine, recordingLog } from './cloud-doors.ts';

const a = { gateway: 'gw-aaaaaaaa', shard: 7 };
const b = { gateway: 'gw-bbbbbbbb', shard: 7 };
const passwordOf = (gateway: string) => `password of ${gateway}`;

let broker: Broker;
let lines: LogLine[];
let presence: string[];
let clients: MqttClient[];

beforeEach(async () => {
  [lines, presence, clients] = [[], [], []];
  const boxes = [a, b];
  broker = await startBroker({
    host: '127.0.0.1',
    port: 0,
    tls: null,
    loginOf: (id) => {
      const box = boxes.find(({ gateway }) => gateway === id);
      return box === undefined ? null : { passwordHash: hash('sha256', passwordOf(id)), shard: box.shard };
    },
    cloudPassword: 'of the cloud',
    connected: (gateway) => presence.push(`connected ${gateway}`),
    gone: (gateway) => presence.push(`gone ${gateway}`),
    log: recordingLog(lines),
  });
});
afterEach(async () => {
  await broker.close();
  for (const client of clients) client.end(true);
});

function connect(user: string, own: IClientOptions = {}): MqttClient {
  const client = mqtt.connect(broker.ownUrl, {
    ...{ protocolVersion: 4, reconnectPeriod: 0, clean: true },
    ...{ clientId: user, username: user, password: user === 'cloud' ? 'of the cloud' : passwordOf(user) },
    ...own,
  });
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

async function connected(user: string, own: IClientOptions = {}): Promise<MqttClient> {
  const client = connect(user, own);
  await new Promise((resolve) => client.once('connect', resolve));
  return client;
}

/** Resolves once the broker has hung up. */
const dropped = (client: MqttClient) => new Promise<void>((resolve) => client.once('close', () => resolve()));
const nextMessage = (client: MqttClient) =>
  new Promise<[string, Buffer]>((resolve) => client.once('message', (topic, payload) => resolve([topic, payload])));
const audits = () => lines.filter((line) => line.level === 'warn').map((line) => line.fields.audit);
const inbox = (client: MqttClient): [string, string][] => {
  const messages: [string, string][] = [];
  client.on('message', (topic, payload) => messages.push([topic, payload.toString()]));
  return messages;
};
/** A message to and fro: whatever was sent before it has arrived. */
async function settled(cloud: MqttClient, box: MqttClient): Promise<void> {
  const arrived = nextMessage(cloud);
  await box.publishAsync(upTopic(a), 'last', { qos: 1 });
  await arrived;
}

describe('a gateway', () => {
  test('publishes to its own up, up/+ and presence, and the cloud reads it', async () => {
    const cloud = await connected('cloud');
    await cloud.subscribeAsync([...shardSubscriptions(7), 'tearline/v1/7/+/up/+'], { qos: 1 });
    const messages = inbox(cloud);
    const box = await connected(a.gateway);
    const topics = [upTopic(a), upToNodeTopic(a, 'node-1'), presenceTopic(a)];
    for (const topic of topics) await box.publishAsync(topic, topic, { qos: 1 });
    await settled(cloud, box);
    expect(messages.slice(0, 3)).toEqual(topics.map((topic) => [topic, topic]));
    expect(audits()).toEqual([]);
  });

  test('reads its own down, and nothing that is for another', async () => {
    const cloud = await connected('cloud');
    const [boxA, boxB] = [await connected(a.gateway), await connected(b.gateway)];
    await boxA.subscribeAsync(downTopic(a), { qos: 1 });
    await boxB.subscribeAsync(downTopic(b), { qos: 1 });
    const [messagesA, messagesB] = [inbox(boxA), inbox(boxB)];
    await cloud.publishAsync(downTopic(a), 'for a', { qos: 1 });
    const arrived = nextMessage(boxB);
    await cloud.publishAsync(downTopic(b), 'for b', { qos: 1 });
    await arrived;
    expect(messagesA).toEqual([[downTopic(a), 'for a']]);
    expect(messagesB).toEqual([[downTopic(b), 'for b']]);
  });

  test.each([
    ['up of another', upTopic(b)],
    ['presence of another', presenceTopic(b)],
    ['down of another', downTopic(b)],
    ['own down', downTopic(a)],
    ['own up in another shard', upTopic({ ...a, shard: 8 })],
    ['own up, two levels below', `${upTopic(a)}/x/y`],
    ['a topic of the broker', '$SYS/own/new/clients'],
    ['any other topic', 'news'],
  ])('is dropped, audited and not heard where it publishes to the %s', async (_what, topic) => {
    const cloud = await connected('cloud');
    await cloud.subscribeAsync(['#', '$SYS/own/#'], { qos: 1 });
    const messages = inbox(cloud);
    const box = await connected(a.gateway);
    const end = dropped(box);
    box.publish(topic, 'foreign', { qos: 0 });
    await end;
    expect(lines.filter((line) => line.level === 'warn').map((line) => line.fields)).toEqual([
      { audit: 'foreign_topic', client: a.gateway, topic },
    ]);
    await settled(cloud, await connected(a.gateway));
    expect(messages.map(([, payload]) => payload)).toEqual(['last']);
  });

  test.each([downTopic(b), 'tearline/v1/7/+/down', '#', '+/v1/7/gw-aaaaaaaa/down', '$SYS/#', upTopic(a), '$share/x/#'])(
    'is dropped and audited where it subscribes to %s',
    async (topic) => {
      const box = await connected(a.gateway);
      const end = dropped(box);
      box.subscribe(topic, { qos: 1 }, () => undefined);
      await end;
      expect(audits()).toEqual(['foreign_subscription']);
    },
  );

  test('may not retain, nor use quality of service 2 [T6]', async () => {
    for (const options of [{ retain: true, qos: 1 }, { qos: 2 }] as const) {
      const box = await connected(a.gateway);
      const end = dropped(box);
      box.publish(upTopic(a), 'x', options, () => undefined);
      await end;
    }
    expect(audits()).toEqual(['retained', 'quality_of_service']);
    const cloud = await connected('cloud');
    await cloud.subscribeAsync('#', { qos: 1 });
    const messages = inbox(cloud);
    await settled(cloud, await connected(a.gateway));
    expect(messages.map(([, payload]) => payload)).toEqual(['last']);
  });

  test('leaves its last will where its line breaks', async () => {
    const cloud = await connected('cloud');
    await cloud.subscribeAsync('#', { qos: 1 });
    const arrived = nextMessage(cloud);
    const box = await connected(a.gateway, {
      will: { topic: presenceTopic(a), payload: Buffer.from('gone'), qos: 1, retain: false },
    });
    box.stream.destroy();
    const [topic, payload] = await arrived;
    expect([topic, String(payload)]).toEqual([presenceTopic(a), 'gone']);
  });

  test('takes over from its own first connection', async () => {
    const first = await connected(a.gateway);
    const end = dropped(first);
    const second = await connected(a.gateway);
    await end;
    expect(second.connected).toBe(true);
    expect(presence).toEqual([`connected ${a.gateway}`, `gone ${a.gateway}`, `connected ${a.gateway}`]);
  });
});

describe('nobody comes in [T7]', () => {
  const will = { payload: Buffer.from('x'), qos: 1, retain: false } as const;
  test.each([
    ['with a wrong password', a.gateway, { password: 'guess' }, 'bad_login'],
    ['without a password', a.gateway, { password: undefined }, 'bad_login'],
    ['with the password of another', a.gateway, { password: passwordOf(b.gateway) }, 'bad_login'],
    ['as a gateway that is not there', 'gw-cccccccc', {}, 'bad_login'],
    ['as the cloud with a guess', 'cloud', { password: 'guess' }, 'bad_login'],
    ['under the name of another', a.gateway, { clientId: b.gateway }, 'foreign_client_id'],
    ['as the cloud with a box’s login', a.gateway, { clientId: 'cloud' }, 'foreign_client_id'],
    ['with a session that lasts', a.gateway, { clean: false }, 'lasting_session'],
    ['with a will for another', a.gateway, { will: { ...will, topic: presenceTopic(b) } }, 'foreign_topic'],
    [
      'with a will that is retained',
      a.gateway,
      { will: { ...will, topic: presenceTopic(a), retain: true } },
      'retained',
    ],
  ])('%s', async (_how, user, own, audit) => {
    const client = connect(user, own as IClientOptions);
    let isIn = false;
    client.on('connect', () => {
      isIn = true;
    });
    await dropped(client);
    expect(isIn).toBe(false);
    expect(audits()).toEqual([audit]);
    expect(presence).toEqual([]);
  });

  test('nor disturbs who is in', async () => {
    const box = await connected(a.gateway);
    await dropped(connect(a.gateway, { password: 'guess' }));
    await box.publishAsync(upTopic(a), 'still here', { qos: 1 });
    expect(box.connected).toBe(true);
  });
});

describe('a packet', () => {
  test('of the largest message passes', async () => {
    const cloud = await connected('cloud');
    await cloud.subscribeAsync('#', { qos: 1 });
    const arrived = nextMessage(cloud);
    const box = await connected(a.gateway);
    await box.publishAsync(upTopic(a), Buffer.alloc(MESSAGE_BYTES_MAX, 1), { qos: 1 });
    expect((await arrived)[1]).toHaveLength(MESSAGE_BYTES_MAX);
  });

  test('that announces more is the end of its connection, before it is there', async () => {
    const box = await connected(a.gateway);
    const end = dropped(box);
    // A PUBLISH of 64 MB: its header alone.
    box.stream.write(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x20]));
    await end;
    expect(audits()).toEqual(['packet_too_large']);
  });

  test('that announces more behind others is found, however the bytes are cut', async () => {
    const ping = [0xc0, 0];
    const bytes = Buffer.from([...ping, ...ping, 0x30, 0xff, 0xff, 0xff, 0x7f]);
    for (let cut = 1; cut < bytes.length; cut++) {
      lines.length = 0;
      const box = await connected(a.gateway);
      const end = dropped(box);
      box.stream.write(bytes.subarray(0, cut));
      await new Promise((resolve) => setTimeout(resolve, 5));
      box.stream.write(bytes.subarray(cut));
      await end;
      expect([cut, audits()]).toEqual([cut, ['packet_too_large']]);
    }
  });
});

test('a port in use is told as such', async () => {
  const parts = { host: '127.0.0.1', tls: null, loginOf: () => null, cloudPassword: 'x', log: recordingLog([]) };
  const again = startBroker({ ...parts, port: broker.port, connected: () => undefined, gone: () => undefined });
  await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('a stopped broker has hung up on all and freed its port', async () => {
  const box = await connected(a.gateway);
  const silent = connectSocket(broker.port, '127.0.0.1');
  await once(silent, 'connect');
  const ends = [dropped(box), once(silent, 'close')];
  silent.on('error', () => undefined);
  await broker.close();
  await Promise.all(ends);
  const socket = connectSocket(broker.port, '127.0.0.1');
  await expect(once(socket, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
