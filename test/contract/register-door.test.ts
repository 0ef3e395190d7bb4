import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { makeGatekeeper } from '../../gateway/doors/gatekeeper.ts';
import { createApp } from '../../gateway/doors/http.ts';
import { makeKeyMemory } from '../../gateway/doors/idempotency.ts';
import { type Listening, listen } from '../../gateway/doors/listen.ts';
import { type RegisterPorts, registerDoor } from '../../gateway/doors/register-door.ts';
import { createToken, tokenFolder } from '../../gateway/doors/tokens.ts';
import { makeLog } from '../../gateway/log.ts';
import { type SaleRequest, TillUnavailable } from '../../gateway/till/port.ts';
import { noCoupon } from '../../protocol/issue-api.ts';
import type { Decision } from '../../protocol/redemption-api.ts';
import { err, ok } from '../../protocol/result.ts';

const CODE = '7KQ2-9MXD-4TRB-8WNS';
const BASKET = '0042-3-20261123-0007';
const sale = { code: CODE, basket: BASKET, lane: '3', total: { amount: 4200, currency: 'USD' } };

const approved = (code: string): Decision => ({
  decision: 'approved',
  mode: 'reserved',
  reason: null,
  text: 'OK $5.00 OFF',
  code,
  basket: BASKET,
  offer: null,
  reservation: null,
  redemption: null,
  facts: {},
  backlog: 0,
});

type Asked = { call: string; request: unknown };

let now = 1_000_000;
let asked: Asked[];
let cuts: unknown[];
let lines: string[];
let sold: string[];
let failure: Error | null;
let conflict: 'basket_conflict' | 'duplicate_code' | null;
let listening: Listening;
const data = mkdtempSync(join(tmpdir(), 'tearline-door-'));
const tokens = {
  register: createToken(data, { scope: 'register', name: 'lane' }),
  desk: createToken(data, { scope: 'desk', name: 'desk' }),
  box: createToken(data, { scope: 'box', name: 'Jo' }),
};
afterAll(() => rmSync(data, { recursive: true }));

/** Notes what it is asked. */
const till: RegisterPorts['till'] = {
  validate: (request) => decide('validate', request),
  redeem: (request) => decide('redeem', request),
  reverse: async (request) => answer('reverse', request, { reversed: true, redemption: null }),
  release: async (request) => answer('release', request, undefined),
  basket: async (basket) => answer('basket', basket, { basket, codes: [] }),
  issue: async (request) => answer('issue', request, noCoupon(request.basket, 'no_blanks')),
  history: async (code) =>
    answer(
      'history',
      code,
      code === 'UNKNOWN' ? null : { state: 'reserved', campaign: null, holder: null, redemption: null, history: [] },
    ),
};

async function decide(call: string, request: SaleRequest) {
  answer(call, request, null);
  return conflict === null ? ok(request.codes.map(approved)) : err(conflict);
}

function answer<T>(call: string, request: unknown, value: T): T {
  asked.push({ call, request });
  if (failure !== null) throw failure;
  return value;
}

beforeEach(async () => {
  [asked, cuts, lines, sold, failure, conflict] = [[], [], [], [], null, null];
  const door = registerDoor({
    till,
    link: {
      cut: (minutes, by) => {
        cuts.push([minutes, by]);
        return { since: now, until: now + minutes * 60_000, by };
      },
      open: () => cuts.push('open'),
    },
    keys: makeKeyMemory(() => now),
    sold: (sale) => sold.push(sale.basket),
  });
  const app = createApp(door, [], {
    gatekeeper: makeGatekeeper(
      tokenFolder(data, () => now),
      () => now,
    ),
    host: 'box.example',
    log: makeLog((line) => lines.push(line)),
  });
  listening = await listen(app, { host: '127.0.0.1', port: 0, tls: null });
});
afterEach(() => listening.close());

type Options = { token?: string | null; body?: unknown; raw?: string; headers?: Record<string, string> };

async function ask(method: string, path: string, { token = tokens.register, body, raw, headers = {} }: Options = {}) {
  const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(`http://127.0.0.1:${listening.port}${path}`, {
    method,
    ...(sent === undefined ? {} : { body: sent }),
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
  });
  const answered = z.record(z.string(), z.unknown()).parse(await response.json());
  return { status: response.status, headers: response.headers, body: answered };
}

const post = (path: string, body: unknown, more: Options = {}) => ask('POST', path, { body, ...more });

async function expectProblem(answered: ReturnType<typeof ask>, status: number, type: string, field?: string) {
  const { status: got, headers, body } = await answered;
  expect({ status: got, type: body.type, field: body.field }).toEqual({ status, type, field });
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(body).toMatchObject({ status, title: expect.any(String) });
  return { headers, body };
}

test('a register asks for a coupon: what the till says is the answer, and what is wrong is named', async () => {
  const body = { campaign: 'thanks', basket: 'B-1', lane: '3', customer: 'C-1' };
  expect(await post('/v1/issues', body)).toMatchObject({
    status: 200,
    body: {
      decision: 'undetermined',
      reason: 'no_blanks',
      basket: 'B-1',
      code: null,
      facts: { retryAfterSeconds: 300 },
    },
  });
  expect(asked).toEqual([{ call: 'issue', request: body }]);
  await expectProblem(post('/v1/issues', { ...body, campaign: 'No Campaign' }), 422, 'invalid_request', 'campaign');
  await expectProblem(post('/v1/issues', { ...body, customer: 'Zoë 1' }), 422, 'invalid_request', 'customer');
  await expectProblem(post('/v1/issues', { ...body, code: 'x' }), 422, 'invalid_request', 'code');
  await expectProblem(post('/v1/issues', body, { token: null }), 401, 'unauthorized');
});

describe('what a register asks', () => {
  test('reaches the till as it was given, and comes back as one decision', async () => {
    const { status, body } = await post('/v1/validations', { ...sale, customer: 'C-1' });
    expect([status, body]).toEqual([200, approved(CODE)]);
    expect(asked).toEqual([
      {
        call: 'validate',
        request: {
          codes: [CODE],
          allOrNone: false,
          basket: BASKET,
          lane: '3',
          total: { amount: 4200, currency: 'USD' },
          customer: 'C-1',
          discount: null,
        },
      },
    ]);
  });

  test('as a list is answered as results', async () => {
    const { code: _, ...rest } = sale;
    const discount = { amount: 500, currency: 'USD' };
    const { body } = await post('/v1/redemptions', { ...rest, codes: ['A', 'B'], allOrNone: true, discount });
    expect(body).toEqual({ results: [approved('A'), approved('B')] });
    expect(asked[0]).toMatchObject({ call: 'redeem', request: { codes: ['A', 'B'], allOrNone: true, discount } });
  });

  test('to reverse, release and look up a basket is passed on', async () => {
    const reversal = { code: CODE, basket: BASKET, reason: 'sale cancelled' };
    expect((await post('/v1/reversals', reversal)).body).toEqual({ reversed: true, redemption: null });
    expect((await post('/v1/releases', { code: CODE, basket: BASKET })).body).toEqual({ released: true });
    expect((await ask('GET', '/v1/baskets/a%2Fb')).body).toEqual({ basket: 'a/b', codes: [] });
    expect(asked.map(({ request }) => request)).toEqual([
      { ...reversal, door: null },
      { code: CODE, basket: BASKET },
      'a/b',
    ]);
  });

  test('is a conflict where the till says so', async () => {
    conflict = 'basket_conflict';
    await expectProblem(post('/v1/redemptions', sale), 422, 'basket_conflict');
    expect(sold).toEqual([]);
    conflict = 'duplicate_code';
    await expectProblem(post('/v1/validations', sale), 422, 'duplicate_code');
  });
});

describe('scopes', () => {
  const calls: [string, string, unknown, string[]][] = [
    ['POST', '/v1/validations', sale, ['register', 'box']],
    ['POST', '/v1/redemptions', sale, ['register', 'box']],
    ['POST', '/v1/reversals', { code: CODE, basket: BASKET, reason: 'x' }, ['register', 'box']],
    ['POST', '/v1/releases', { code: CODE, basket: BASKET }, ['register', 'box']],
    ['GET', `/v1/baskets/${BASKET}`, undefined, ['register', 'box']],
    ['GET', `/v1/codes/${CODE}`, undefined, ['desk', 'box']],
    ['POST', '/v1/drill', { line: 'open' }, ['box']],
  ];

  test.each(calls)('%s %s opens to its own and to box', async (method, path, body, scopes) => {
    for (const [scope, token] of Object.entries(tokens)) {
      const answered = await ask(method, path, { token, body });
      expect([scope, answered.status]).toEqual([scope, scopes.includes(scope) ? 200 : 403]);
    }
  });

  test('what the box knows nothing of is not found', async () => {
    await expectProblem(ask('GET', '/v1/codes/UNKNOWN', { token: tokens.desk }), 404, 'not_found');
  });
});

describe('the drill', () => {
  test('cuts the line for as long as was asked, by the token’s owner', async () => {
    const { body } = await post('/v1/drill', { line: 'cut', minutes: 5 }, { token: tokens.box });
    expect(body).toEqual({ line: 'cut', until: new Date(now + 300_000).toISOString() });
    expect((await post('/v1/drill', { line: 'open' }, { token: tokens.box })).body).toEqual({
      line: 'open',
      until: null,
    });
    expect(cuts).toEqual([[5, 'Jo'], 'open']);
  });

  test('lasts an hour at most', async () => {
    const long = post('/v1/drill', { line: 'cut', minutes: 61 }, { token: tokens.box });
    await expectProblem(long, 422, 'invalid_request', 'minutes');
  });
});

describe('tokens', () => {
  test('none, or a wrong one, is 401', async () => {
    const { headers } = await expectProblem(post('/v1/validations', sale, { token: null }), 401, 'unauthorized');
    expect(headers.get('www-authenticate')).toBe('Bearer');
    await expectProblem(post('/v1/validations', sale, { token: `tl_register_${'A'.repeat(43)}` }), 401, 'unauthorized');
    await expectProblem(post('/v1/validations', sale, { token: 'nonsense' }), 401, 'unauthorized');
    await expectProblem(
      post('/v1/validations', sale, { token: null, headers: { authorization: `Basic ${tokens.register}` } }),
      401,
      'unauthorized',
    );
    expect(asked).toEqual([]);
  });

  test('made while the door is open are good at once', async () => {
    const made = createToken(data, { scope: 'register', name: 'new' });
    expect((await post('/v1/validations', sale, { token: made })).status).toBe(200);
  });

  test('guessed more than ten times in a minute are 429 for a minute, and a good one still works', async () => {
    const guess = () => post('/v1/validations', sale, { token: 'wrong' });
    for (let times = 0; times < 10; times++) await expectProblem(guess(), 401, 'unauthorized');
    const { headers } = await expectProblem(guess(), 429, 'too_many_failures');
    expect(headers.get('retry-after')).toBe('60');
    expect((await post('/v1/validations', sale)).status).toBe(200);
    now += 59_999;
    await expectProblem(guess(), 429, 'too_many_failures');
    now += 1;
    await expectProblem(guess(), 401, 'unauthorized');
  });
});

describe('bad input', () => {
  const amount = (value: unknown) => ({ ...sale, total: { amount: value, currency: 'USD' } });
  const { code: _, ...rest } = sale;

  test.each([
    ['no code', rest, 'code'],
    ['a code and codes', { ...sale, codes: ['A'] }, 'code'],
    ['no codes in the list', { ...rest, codes: [] }, 'codes'],
    ['21 codes', { ...rest, codes: Array.from({ length: 21 }, (_, n) => `${n}`) }, 'codes'],
    ['an empty code', { ...sale, code: '' }, 'code'],
    ['a code too long', { ...sale, code: 'x'.repeat(513) }, 'code'],
    ['no basket', { ...sale, basket: undefined }, 'basket'],
    ['a basket id too long', { ...sale, basket: 'x'.repeat(65) }, 'basket'],
    ['a control character', { ...sale, basket: 'a\nb' }, 'basket'],
    ['a lane too long', { ...sale, lane: 'x'.repeat(17) }, 'lane'],
    ['a negative amount', amount(-1), 'total.amount'],
    ['a fractional amount', amount(1.5), 'total.amount'],
    ['an amount as text', amount('42'), 'total.amount'],
    ['an amount beyond exact numbers', amount(1e300), 'total.amount'],
    ['a currency that is none', { ...sale, total: { amount: 1, currency: 'usd' } }, 'total.currency'],
    ['an unknown field', { ...sale, cashier: 'Jo' }, 'cashier'],
    ['another type altogether', [], ''],
    ['null', null, ''],
  ])('%s is 422 and names the field', async (_what, body, field) => {
    for (const path of ['/v1/validations', '/v1/redemptions'])
      await expectProblem(post(path, body), 422, 'invalid_request', field);
    expect(asked).toEqual([]);
  });

  test('never repeats what was given: it may be a code', async () => {
    const { body } = await expectProblem(
      post('/v1/validations', { ...sale, basket: CODE.repeat(9) }),
      422,
      'invalid_request',
      'basket',
    );
    expect(JSON.stringify(body)).not.toContain('7KQ2');
  });

  test('what is not JSON is 400', async () => {
    for (const raw of ['{', '', 'code=1', `{"code": "${CODE}",}`])
      await expectProblem(ask('POST', '/v1/validations', { raw }), 400, 'malformed_json');
  });

  test('another content type is 415', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp'])
      await expectProblem(
        post('/v1/validations', sale, { headers: { 'content-type': type } }),
        415,
        'unsupported_media_type',
      );
    const withCharset = { 'content-type': 'application/json; charset=utf-8' };
    expect((await post('/v1/validations', sale, { headers: withCharset })).status).toBe(200);
  });

  test('a body over 64 KiB is 413, said beforehand or not', async () => {
    const body = { ...sale, customer: 'x'.repeat(65_536) };
    await expectProblem(post('/v1/validations', body), 413, 'body_too_large');
    const streamed = await rawRequest(
      'POST',
      '/v1/validations',
      { 'transfer-encoding': 'chunked' },
      JSON.stringify(body),
    );
    expect(streamed.status).toBe(413);
  });

  test('an unknown path is 404, another method 405 with those that are served', async () => {
    await expectProblem(ask('GET', '/v1/nothing'), 404, 'not_found');
    const { headers } = await expectProblem(ask('GET', '/v1/validations'), 405, 'method_not_allowed');
    expect(headers.get('allow')).toBe('POST');
    await expectProblem(ask('DELETE', `/v1/codes/${CODE}`), 405, 'method_not_allowed');
  });

  test('a host name that is not ours is 421: a page elsewhere may have made it point here', async () => {
    const status = async (host: string) => (await rawRequest('GET', `/v1/baskets/${BASKET}`, { host })).status;
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example'])
      expect([host, await status(host)]).toEqual([host, 421]);
    for (const host of [
      'localhost',
      'localhost:8090',
      '127.0.0.1:1',
      '[::1]:8090',
      '10.1.2.3',
      'box.example',
      'BOX.example:80',
    ])
      expect([host, await status(host)]).toEqual([host, 200]);
    expect(asked).toHaveLength(7);
  });
});

describe('an Idempotency-Key', () => {
  const headers = { 'idempotency-key': 'k1' };

  test('with the same body goes through, with another is 422 for a day', async () => {
    expect((await post('/v1/redemptions', sale, { headers })).status).toBe(200);
    expect((await post('/v1/redemptions', sale, { headers })).status).toBe(200);
    const other = { ...sale, basket: 'other' };
    await expectProblem(post('/v1/redemptions', other, { headers }), 422, 'idempotency_conflict');
    expect(asked).toHaveLength(2);
    now += 24 * 60 * 60_000;
    expect((await post('/v1/redemptions', other, { headers })).status).toBe(200);
    expect(sold).toEqual([sale.basket, sale.basket, other.basket]);
  });

  test('may be that of a whole transaction: its validation and its redemption', async () => {
    expect((await post('/v1/validations', sale, { headers })).status).toBe(200);
    const redemption = { ...sale, discount: { amount: 1, currency: 'USD' } };
    expect((await post('/v1/redemptions', redemption, { headers })).status).toBe(200);
  });

  test('belongs to its token', async () => {
    expect((await post('/v1/redemptions', sale, { headers })).status).toBe(200);
    const other = await post('/v1/redemptions', { ...sale, basket: 'b' }, { headers, token: tokens.box });
    expect(other.status).toBe(200);
  });

  test('too long is 422', async () => {
    const long = { 'idempotency-key': 'x'.repeat(256) };
    await expectProblem(post('/v1/redemptions', sale, { headers: long }), 422, 'invalid_request', 'Idempotency-Key');
  });
});

describe('what goes wrong inside', () => {
  test('a till that cannot read or write is 503, with when to come again', async () => {
    failure = new TillUnavailable('disk full');
    const { headers } = await expectProblem(post('/v1/redemptions', sale), 503, 'unavailable');
    expect(headers.get('retry-after')).toBe('1');
    expect(lines).toHaveLength(1);
  });

  test('a defect is 500 and logged once, without the code and without telling the caller', async () => {
    failure = new Error(`cannot think about ${CODE} for ${tokens.register}`);
    const { body } = await expectProblem(post('/v1/redemptions', sale), 500, 'internal');
    expect(JSON.stringify(body)).not.toContain('think');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('…8WNS');
    expect(lines[0]).not.toContain('4TRB');
    expect(lines[0]).not.toContain(tokens.register);
  });
});

/** With headers that fetch would not send. */
function rawRequest(
  method: string,
  path: string,
  headers: Record<string, string>,
  body = '',
): Promise<{ status: number }> {
  return new Promise((done, fail) => {
    const request = httpRequest({
      port: listening.port,
      host: '127.0.0.1',
      method,
      path,
      headers: { authorization: `Bearer ${tokens.register}`, 'content-type': 'application/json', ...headers },
    });
    request.once('response', (response) => {
      response.resume();
      done({ status: response.statusCode ?? 0 });
    });
    request.once('error', fail);
    request.end(body);
  });
}
