import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, Socket } from 'node:net';
import { Aedes } from 'aedes';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Connection } from '../../gateway/cloud-link/connection.ts';
import { mqttDial } from '../../gateway/cloud-link/mqtt.ts';

let broker: Aedes;
let server: Server;
let sockets: Socket[];
let said: string[];
let events: string[];
let connection: Connection | null;

beforeEach(async () => {
  [sockets, said, events, connection] = [[], [], [], null];
  broker = await Aedes.createBroker({
    authenticate: (_client, _user, password, done) => done(null, password?.toString() === 'secret'),
    authorizePublish: (_client, packet, done) => {
      said.push(`${packet.topic} ${packet.payload}`);
      done(null);
    },
  });
  server = createServer({ noDelay: true }, (socket) => {
    sockets.push(socket);
    broker.handle(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
});

afterEach(async () => {
  await connection?.close();
  for (const socket of sockets) socket.destroy();
  server.close();
  await new Promise<void>((done) => broker.close(done));
});

const port = () => (server.address() as AddressInfo).port;

function dial(
  password = 'secret',
  at = port(),
  received: (message: Uint8Array) => Promise<void> = async () => undefined,
) {
  connection = mqttDial({ url: `mqtt://127.0.0.1:${at}`, user: 'gw-1', password, ca: null })(
    { subscribe: 'down', will: { topic: 'will', message: Buffer.from('gone') } },
    {
      opened: () => events.push('opened'),
      closed: (why) => events.push(`closed: ${why}`),
      received,
    },
  );
  return connection;
}

const happened = (event: string | RegExp) =>
  vi.waitFor(() => expect(events).toContainEqual(expect.stringMatching(event)));

test('opens once it is subscribed, without Nagle’s delay, and publishes at least once', async () => {
  const setNoDelay = vi.spyOn(Socket.prototype, 'setNoDelay');
  const made = dial();
  await happened('opened');
  expect(setNoDelay.mock.calls).toContainEqual([true]);
  made.publish('up', Buffer.from('hello'));
  await vi.waitFor(() => expect(said).toEqual(['up hello']));
  setNoDelay.mockRestore();
});

test('gives one message after the other, in order, however long each takes', async () => {
  const done: string[] = [];
  dial('secret', port(), async (message) => {
    const text = Buffer.from(message).toString();
    await new Promise((wait) => setTimeout(wait, text === 'first' ? 50 : 0));
    done.push(text);
  });
  await happened('opened');
  for (const text of ['first', 'second', 'third'])
    broker.publish(
      { cmd: 'publish', topic: 'down', payload: Buffer.from(text), qos: 1, retain: false, dup: false },
      () => undefined,
    );
  await vi.waitFor(() => expect(done).toEqual(['first', 'second', 'third']));
});

test('leaves its will to the broker when it is lost, closes once, and publishes nothing after that', async () => {
  const made = dial();
  await happened('opened');
  sockets[0]?.destroy();
  await happened('closed');
  made.publish('up', Buffer.from('too late'));
  await vi.waitFor(() => expect(said).toEqual(['will gone']));
  await made.close();
  expect(events.filter((event) => event.startsWith('closed'))).toHaveLength(1);
  expect(said).toEqual(['will gone']);
});

test('says goodbye in good order: what was published arrives, the will is not sent', async () => {
  const made = dial();
  await happened('opened');
  made.publish('up', Buffer.from('last word'));
  await made.close();
  await vi.waitFor(() => expect(broker.connectedClients).toBe(0));
  expect(said).toEqual(['up last word']);
});

test('closes with the reason where the password is wrong, or nobody listens', async () => {
  dial('wrong');
  await happened(/closed: .*[Aa]uthoriz/);
  const free = port();
  server.close();
  for (const socket of sockets) socket.destroy();
  dial('secret', free);
  await happened(/closed: .*ECONNREFUSED/);
  expect(events).not.toContain('opened');
});
