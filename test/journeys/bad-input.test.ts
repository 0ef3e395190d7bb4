import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { makeKeyPair, readPrivateKey, seal } from '../../protocol/envelope.ts';
import { entryBodySchema, GENESIS_HASH } from '../../protocol/journal.ts';
import type { Up } from '../../protocol/messages.ts';
import { downTopic, upTopic } from '../../protocol/topics.ts';
import { brief, type Request, request } from './calls.ts';
import { type Store, Town } from './harness.ts';
import { until } from './processes.ts';

let town: Town;
let one: Store;
let two: Store;
let code: string;

beforeAll(async () => {
  town = await Town.start();
  [one, two] = town.stores;
  [code = ''] = await town.newCodes(1);
});
afterAll(async () => town?.end());

const usd = (amount: number) => ({ amount, currency: 'USD' });
const sale = (other: object = {}) => ({ code, basket: 'bad', lane: '1', total: usd(4200), ...other });
const problemSchema = z.object({ type: z.string(), title: z.string(), status: z.int(), field: z.string().optional() });

describe.each(['the gateway', 'the cloud'])('at %s', (which) => {
  const door = () => (which === 'the cloud' ? town.cart : one);
  /** The answer's status, its problem and the field; the answer must be problem details. */
  async function refused(path: string, asked: Request) {
    const answer = await door().ask(path, asked);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    const { type, status, field } = problemSchema.parse(answer.json);
    expect(status).toBe(answer.status);
    return field === undefined ? [status, type] : [status, type, field];
  }
  const redeem = (asked: Request) => refused('/v1/redemptions', asked);

  test('a wrong token, none, or one of another scope is turned away', async () => {
    expect(await redeem({ body: sale(), token: 'tl_cart_wrong' })).toEqual([401, 'unauthorized']);
    expect(await request(`${door().url}/v1/redemptions`, { body: sale() })).toMatchObject({ status: 401 });
    const { deskToken, gateways } = town.demo();
    if (which === 'the cloud') expect(await redeem({ body: sale(), token: deskToken })).toEqual([403, 'forbidden']);
    else {
      expect(await refused('/v1/drill', { body: { line: 'cut' } })).toEqual([403, 'forbidden']);
      expect(await redeem({ body: sale(), token: gateways[1]?.registerToken ?? '' })).toEqual([401, 'unauthorized']);
    }
  });

  test('a body that is no JSON, of another type, or over 64 KiB is refused', async () => {
    expect(await redeem({ body: '{"code": ' })).toEqual([400, 'malformed_json']);
    expect(await redeem({ body: '' })).toEqual([400, 'malformed_json']);
    expect(await redeem({ body: JSON.stringify(sale()), headers: { 'content-type': 'text/plain' } })).toEqual([
      415,
      'unsupported_media_type',
    ]);
    expect(await redeem({ body: sale({ lane: 'x'.repeat(70_000) }) })).toEqual([413, 'body_too_large']);
  });

  test.each([
    ['a basket too long', { basket: 'b'.repeat(65) }, 'basket'],
    ['a basket with a control character', { basket: 'b\n1' }, 'basket'],
    ['a code too long', { code: '7'.repeat(513) }, 'code'],
    ['a lane too long', { lane: '1'.repeat(17) }, 'lane'],
    ['a customer too long', { customer: 'c'.repeat(65) }, 'customer'],
    ['a negative amount', { total: usd(-1) }, 'total.amount'],
    ['a fractional amount', { total: usd(42.5) }, 'total.amount'],
    ['an amount as text', { total: { amount: '4200', currency: 'USD' } }, 'total.amount'],
    ['a currency that is none', { total: { amount: 4200, currency: 'dollars' } }, 'total.currency'],
    ['a negative discount', { discount: usd(-500) }, 'discount.amount'],
    ['an unknown key', { coupon: 'X' }, 'coupon'],
    ['code and codes', { codes: ['TEST-APPROVED'] }, 'code'],
    ['neither code nor codes', { code: undefined }, 'code'],
    ['more than twenty codes', { code: undefined, codes: Array.from({ length: 21 }, (_, i) => `TEST-${i}`) }, 'codes'],
  ])('%s is refused, and the field named', async (_what, other, field) => {
    expect(await redeem({ body: sale(other) })).toEqual([422, 'invalid_request', field]);
  });

  test('the same code twice is refused, however it is spelled', async () => {
    const twice = { code: undefined, codes: [code, code.toLowerCase().replaceAll('-', '')] };
    expect((await redeem({ body: sale(twice) })).slice(0, 2)).toEqual([422, 'duplicate_code']);
  });

  test('what is not there is not found, and another method not allowed', async () => {
    expect(await refused('/v1/nothing', {})).toEqual([404, 'not_found']);
    expect(await refused('/v1/redemptions', {})).toEqual([405, 'method_not_allowed']);
    expect((await refused('/v1/reversals', { body: { code, basket: 'bad' } })).slice(0, 2)).toEqual([
      422,
      'invalid_request',
    ]);
    expect(await refused('/v1/reversals', { body: { code, basket: 'bad', reason: 'x', door: 'nobody' } })).toEqual([
      422,
      'invalid_request',
      'door',
    ]);
  });

  test('another currency than the campaign’s is refused as a decision', async () => {
    const other = { total: { amount: 4200, currency: 'EUR' } };
    expect(brief(await door().redeem(code, town.basket(), other))).toBe('refused: wrong_currency');
  });
});

test('a drill that is too long is refused', async () => {
  const [box] = town.demo().gateways;
  expect(await one.ask('/v1/drill', { token: box?.boxToken ?? '', body: { line: 'cut', minutes: 61 } })).toMatchObject({
    status: 422,
    json: { field: 'minutes' },
  });
  expect((await one.readiness()).line).toBe('up');
});

describe('a message that is not the box’s own', () => {
  const identityOf = ({ dataDir }: Store) =>
    z
      .object({
        gateway: z.string(),
        shard: z.int(),
        keyId: z.string(),
        brokerUrl: z.string(),
        incarnation: z.string(),
      })
      .parse(JSON.parse(readFileSync(join(dataDir, 'identity.json'), 'utf8')));

  /** A thief at the broker with store 2's login; the box itself comes back when the thief is gone. */
  async function asThief(
    work: (client: mqtt.MqttClient, box: ReturnType<typeof identityOf>) => Promise<void>,
  ): Promise<void> {
    const box = identityOf(two);
    const password = readFileSync(join(two.dataDir, 'broker-password'), 'utf8').trim();
    await two.drill('cut');
    await two.lineIs('down');
    const client = await mqtt.connectAsync(box.brokerUrl, {
      protocolVersion: 4,
      clientId: box.gateway,
      username: box.gateway,
      password,
      reconnectPeriod: 0,
    });
    try {
      await work(client, box);
    } finally {
      await client.endAsync(true);
      await two.drill('open');
    }
  }
  const cloudSays = (words: string) => until(`the cloud logs ${words}`, async () => town.log('cloud').includes(words));

  test('is dropped and audited where its signature is forged: the reservation stays', async () => {
    await town.stock(two, [code]);
    await asThief(async (client, box) => {
      const { privatePem } = makeKeyPair();
      const header = {
        id: 'forged-message-1',
        gateway: box.gateway,
        incarnation: box.incarnation,
        epoch: 1,
        bootId: 1,
      };
      const forged = seal(
        'up',
        header,
        { type: 'presence', body: { online: true, drillUntil: null } },
        { id: box.keyId, key: readPrivateKey(privatePem) },
      );
      await client.publishAsync(upTopic(box), Buffer.from(forged), { qos: 1 });
      await cloudSays('message dropped');
      await client.publishAsync(upTopic(box), 'no message at all', { qos: 1 });
    });
    await town.linesAreUp();
    expect((await town.look(code)).holder).toBe('store:0002');
  });

  test('is turned away at the broker where it goes to another box’s topic', async () => {
    await asThief(async (client) => {
      const other = identityOf(one);
      client.on('error', () => undefined);
      client.publish(downTopic(other), 'foreign', { qos: 0 });
      await cloudSays('foreign_topic');
    });
    await town.linesAreUp();
  });

  test('changes nothing where it is the box’s own of before, said again', async () => {
    const [sold = '', returned = ''] = await town.newCodes(2);
    expect(brief(await two.redeem(sold, town.basket()))).toBe('approved');
    await two.validate(returned, 'b-returned');
    await two.release(returned, 'b-returned');
    await town.settled();
    expect(brief(await town.cart.validate(returned, 'b-cart'))).toBe('approved');
    const stands = async () => {
      const looks = await Promise.all([sold, returned, code].map(town.look));
      const exceptions = await town.admin('/v1/exceptions', z.unknown());
      return { codes: looks.map(({ state, holder, redemption }) => ({ state, holder, redemption })), exceptions };
    };
    const before = await stands();

    await asThief(async (client, box) => {
      for (const message of saidBefore(box)) await client.publishAsync(upTopic(box), message, { qos: 1 });
    });
    await town.settled();
    expect(await stands()).toEqual(before);
    expect(brief(await town.cart.redeem(returned, 'b-cart'))).toBe('approved');
  });

  /** What the box has said since its enrolment, word for word: its key and its journal are in its data directory. */
  function saidBefore(box: ReturnType<typeof identityOf>): Buffer[] {
    const key = { id: box.keyId, key: readPrivateKey(readFileSync(join(two.dataDir, 'private-key.pem'), 'utf8')) };
    const database = new Sqlite(join(two.dataDir, 'till.db'), { readonly: true });
    const journal = z
      .array(z.object({ n: z.int(), body: z.string(), hash: z.string() }))
      .parse(database.prepare('SELECT n, body, hash FROM journal ORDER BY n').all());
    const bootId = z.int().parse(database.prepare('SELECT bootId FROM box').pluck().get());
    database.close();
    const entries = journal.map(({ body }) => entryBodySchema.parse(JSON.parse(body)));
    const last = journal.at(-1);
    if (last === undefined) throw new Error('the journal is empty');
    const header = { id: 'a-message-of-before', gateway: box.gateway, incarnation: box.incarnation, epoch: 1, bootId };
    const start = { epoch: 1, n: 0, hash: GENESIS_HASH };
    const messages: Up[] = [
      {
        type: 'journal',
        body: {
          epoch: 1,
          from: 1,
          entries,
          before: GENESIS_HASH,
          head: { epoch: 1, n: last.n, hash: last.hash },
          evidence: false,
        },
      },
      {
        type: 'journal',
        body: {
          epoch: 1,
          from: 1,
          entries,
          before: GENESIS_HASH,
          head: { epoch: 1, n: last.n, hash: last.hash },
          evidence: true,
        },
      },
      { type: 'hello', body: { nonce: 'a-nonce-of-before', version: '0' } },
      { type: 'sync', body: { sync: 'a-sync-of-before', part: 0, parts: 1, floor: 0, head: start, holdings: [] } },
    ];
    return messages.map((message) => Buffer.from(seal('up', header, message, key)));
  }
});

test('nothing of all this changed anything: the code is as good as before', async () => {
  expect((await town.look(code)).state).toBe('reserved');
  expect(brief(await two.redeem(code, town.basket()))).toBe('approved');
  expect(await town.judge()).toEqual([]);
});
