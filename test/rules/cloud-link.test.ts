import { describe, expect, test } from 'vitest';
import { CloudLink } from '../../cloud/fleet/link.ts';
import { type Ledger, LedgerUnavailable } from '../../cloud/ledger/port.ts';
import { makeKeyPair, openDown, readPrivateKey, readPublicKey, seal } from '../../protocol/envelope.ts';
import type { Down, Header, Up } from '../../protocol/messages.ts';
import { upTopic } from '../../protocol/topics.ts';

const INCARNATION = `1-${'a'.repeat(32)}`;
const BOX = 'gw-00000001';
const ADDRESS = { shard: 3, gateway: BOX };
const hello: Up = { type: 'hello', body: { nonce: 'nonce-0001', version: '1.0.0' } };
const offline: Up = { type: 'presence', body: { online: false, drillUntil: null } };

describe('the cloud’s end of the link', () => {
  test('gives a box’s signed message to the ledger', () => {
    const { link, received, say } = world();
    link.received(upTopic(ADDRESS), say(hello));
    expect(received).toMatchObject([{ header: { gateway: BOX }, message: hello }]);
  });

  test('drops and audits what another key signed', () => {
    const { link, received, audited, say } = world();
    link.received(upTopic(ADDRESS), say(hello, { key: makeKeyPair().privatePem }));
    expect(received).toEqual([]);
    expect(audited).toEqual(['bad_signature']);
  });

  test('drops and audits a box that speaks for another on its own topic [T3]', () => {
    const { link, received, audited, say } = world();
    link.received(upTopic(ADDRESS), say(hello, { gateway: 'gw-00000002' }));
    expect(received).toEqual([]);
    expect(audited).toEqual(['another_gateway']);
  });

  test('drops and audits a message of the cloud that is played back as a box’s', () => {
    const { link, received, audited, say } = world();
    link.received(upTopic(ADDRESS), say(hello, { direction: 'down' }));
    expect(received).toEqual([]);
    expect(audited).toEqual(['bad_signature']);
  });

  test('drops and audits one flipped byte, noise, and a box that was never enrolled', () => {
    const { link, received, audited, say } = world();
    const flipped = Buffer.from(say(hello));
    const last = flipped.length - 3;
    flipped[last] = (flipped[last] ?? 0) ^ 1;
    link.received(upTopic(ADDRESS), flipped);
    link.received(upTopic(ADDRESS), Buffer.from([0, 255, 10, 13]));
    link.received(upTopic({ shard: 3, gateway: 'gw-99999999' }), say(hello, { gateway: 'gw-99999999' }));
    expect(received).toEqual([]);
    expect(audited).toEqual(['bad_signature', 'not_an_envelope', 'unknown_key']);
  });

  test('publishes the outbox in its order, each under the epoch in which it was queued, and only then lets go of it [T5, T6]', async () => {
    const { link, outbox, taken, published, say, cloudKey } = world();
    outbox.push({ seq: 1, epoch: 1, message: beat('first-0001') }, { seq: 2, epoch: 2, message: beat('second-0001') });
    link.received(upTopic(ADDRESS), say(hello));
    await settled();
    const opened = published.map((bytes) => openDown(bytes, () => cloudKey));
    expect(opened.map((o) => o.ok && [o.value.header.epoch, o.value.message.body])).toEqual([
      [1, { beat: 'first-0001', now: 5 }],
      [2, { beat: 'second-0001', now: 5 }],
    ]);
    expect(taken).toEqual([1, 2]);
  });

  test('keeps what a box that is gone would not hear', async () => {
    const { link, outbox, taken, say } = world();
    link.received(upTopic(ADDRESS), say(hello));
    await settled();
    link.received(upTopic(ADDRESS), say(offline));
    await settled();
    outbox.push({ seq: 1, epoch: 1, message: beat('first-0001') });
    link.wake(BOX);
    await settled();
    expect(taken).toEqual([]);
  });

  test('keeps what the broker did not take, and sends it again once the line is back', async () => {
    const { link, outbox, taken, say, carrier } = world();
    carrier.isUp = false;
    outbox.push({ seq: 1, epoch: 1, message: beat('first-0001') });
    link.received(upTopic(ADDRESS), say(hello));
    await settled();
    expect(taken).toEqual([]);
    carrier.isUp = true;
    link.reconnected();
    await settled();
    expect(taken).toEqual([1]);
  });

  test('does not send a recall whose deadline is past [T6]', async () => {
    const { link, outbox, published, taken, say } = world();
    const reservations = [{ reservation: 'reservation-1', epoch: 1, codeHash: '0'.repeat(64), generation: 0 }];
    const recall = { type: 'recall', body: { reservations, why: 'wanted', deadline: 4 } } as unknown as Down;
    outbox.push({ seq: 1, epoch: 1, message: recall });
    link.received(upTopic(ADDRESS), say(hello));
    await settled();
    expect(published).toEqual([]);
    expect(taken).toEqual([1]);
  });

  test('says that a message could not be taken where the database is away, and lives on', async () => {
    const { link, errors, say, ledger } = world();
    ledger.receive = () => Promise.reject(new LedgerUnavailable('SQLITE_FULL'));
    link.received(upTopic(ADDRESS), say(hello));
    await settled();
    expect(errors).toEqual(['SQLITE_FULL']);
  });
});

const beat = (id: string): Down => ({ type: 'beat', body: { beat: id, now: 5 } });
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

function world() {
  const box = makeKeyPair();
  const cloud = makeKeyPair();
  const received: { header: Header; message: Up }[] = [];
  const outbox: { seq: number; epoch: number; message: Down }[] = [];
  const taken: number[] = [];
  const published: Buffer[] = [];
  const audited: unknown[] = [];
  const errors: unknown[] = [];
  const ledger: Pick<Ledger, 'receive' | 'gatewayKey' | 'brokerLogin' | 'outbox' | 'published' | 'incarnation'> & {
    receive: Ledger['receive'];
  } = {
    incarnation: INCARNATION,
    gatewayKey: (id) => (id === BOX || id === 'gw-00000002' ? { keyId: 'box-key-1', publicKey: box.publicKey } : null),
    brokerLogin: () => ({ passwordHash: '', shard: 3 }),
    receive: async (header, message) => {
      received.push({ header, message });
    },
    outbox: async (_gateway, after) => outbox.filter(({ seq }) => seq > after),
    published: (seqs) => taken.push(...seqs),
  };
  const carrier = {
    isUp: true,
    publish: async (_topic: string, bytes: Buffer) => {
      if (!carrier.isUp) throw new Error('down');
      published.push(bytes);
    },
  };
  const link = new CloudLink({
    ledger: ledger as Ledger,
    signingKey: { id: 'cloud-key-1', key: readPrivateKey(cloud.privatePem) },
    carrier,
    now: () => 5,
    log: {
      info: () => undefined,
      warn: (facts) => audited.push('why' in facts ? facts.why : facts),
      error: (facts) => errors.push('why' in facts ? facts.why : facts),
    },
  });
  const say = (message: Up, as: { gateway?: string; key?: string; direction?: 'up' | 'down' } = {}): Buffer =>
    seal(
      as.direction ?? 'up',
      { id: 'message-1', gateway: as.gateway ?? BOX, incarnation: INCARNATION, epoch: 1, bootId: 1 },
      message,
      { id: 'box-key-1', key: readPrivateKey(as.key ?? box.privatePem) },
    );
  return {
    link,
    ledger,
    received,
    outbox,
    taken,
    published,
    audited,
    errors,
    carrier,
    say,
    cloudKey: readPublicKey(cloud.publicKey),
  };
}
