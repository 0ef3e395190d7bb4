import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLog, withoutSecrets } from '../../cloud/log.ts';
import { LedgerUnavailable } from '../../cloud/ledger/port.ts';
import { BODY_BYTES_MAX } from '../../protocol/limits.ts';
import { err, ok } from '../../protocol/result.ts';
import { fakeLedger, openTestDoors, rawRequest, type TestDoors } from './cloud-doors.ts';

const code = '7KQ2-9MXD-4TRB-8WNS';
const sale = { code, basket: 'web-1', total: { amount: 4200, currency: 'USD' } };

let clock: { now: number };
let ledger: ReturnType<typeof fakeLedger>;
let doors: TestDoors;
beforeEach(async () => {
  clock = { now: 1_800_000_000_000 };
  ledger = fakeLedger();
  doors = await openTestDoors(ledger, clock);
});
afterEach(() => doors.close());

/** The same doors over another ledger. */
async function reopen(own: Parameters<typeof fakeLedger>[0]): Promise<void> {
  await doors.close();
  ledger = fakeLedger(own);
  doors = await openTestDoors(ledger, clock);
}

const validate = (body: unknown, headers: Record<string, string> = {}) =>
  doors.call('POST', '/v1/validations', { scope: 'cart', body, headers });

describe('a cart', () => {
  test('validates a code: one decision, asked for under the name of its token', async () => {
    const reply = await validate(sale);
    expect(reply.status).toBe(200);
    expect(reply.json).toMatchObject({ decision: 'approved', basket: 'web-1', facts: {}, backlog: 0 });
    expect(ledger.asked).toEqual([
      [
        'validate',
        {
          client: 'shop',
          codes: [code],
          allOrNone: false,
          basket: 'web-1',
          lane: null,
          total: { amount: 4200, currency: 'USD' },
          customer: null,
          discount: null,
        },
      ],
    ]);
  });

  test('redeems several codes: a list of decisions in their order', async () => {
    const codes = ['TEST-APPROVED', 'TEST-EXPIRED'];
    const body = { codes, allOrNone: true, basket: 'web-2', discount: { amount: 500, currency: 'USD' } };
    const reply = await doors.call('POST', '/v1/redemptions', { scope: 'cart', body });
    expect(reply.status).toBe(200);
    expect(reply.json.results.map((decision: { code: string }) => decision.code)).toEqual(codes);
    expect(ledger.asked[0]?.[1]).toMatchObject({ allOrNone: true, discount: { amount: 500, currency: 'USD' } });
  });

  test('gets a list where it asked with a list of one', async () => {
    expect((await validate({ codes: [code], basket: 'web-3' })).json.results).toHaveLength(1);
  });

  test('reverses at its own door, or at the door it names', async () => {
    const body = { code, basket: 'web-1', reason: 'payment failed' };
    const own = await doors.call('POST', '/v1/reversals', { scope: 'cart', body });
    expect(own.json).toEqual({ reversed: true, redemption: null });
    await doors.call('POST', '/v1/reversals', { scope: 'cart', body: { ...body, door: 'gateway:gw-12345678' } });
    expect(ledger.asked).toEqual([
      ['reverse', { ...body, client: 'shop', door: null }],
      ['reverse', { ...body, client: 'shop', door: 'gateway:gw-12345678' }],
    ]);
  });

  test('releases a code, and asks what became of a basket', async () => {
    const released = await doors.call('POST', '/v1/releases', { scope: 'cart', body: { code, basket: 'web 1/ü' } });
    expect(released.json).toEqual({ released: true });
    const basket = await doors.call('GET', `/v1/baskets/${encodeURIComponent('web 1/ü')}`, { scope: 'cart' });
    expect(basket.json).toEqual({ basket: 'web 1/ü', codes: [] });
    expect(ledger.asked.at(-1)).toEqual(['basket', { client: 'shop', basket: 'web 1/ü' }]);
  });

  test.each([
    ['basket_conflict', 'basket'],
    ['duplicate_code', 'codes'],
  ] as const)('is told %s as a problem with the field', async (conflict, field) => {
    await reopen({ redeem: async () => err(conflict) });
    const reply = await doors.call('POST', '/v1/redemptions', { scope: 'cart', body: sale });
    expect(reply.status).toBe(422);
    expect(reply.headers.get('content-type')).toBe('application/problem+json');
    expect(reply.json).toMatchObject({ type: conflict, status: 422, field });
  });
});

describe('the desk', () => {
  test('sees a code and its history', async () => {
    const history = { state: 'redeemed', campaign: 'spring', holder: null, redemption: null, history: [] } as const;
    await reopen({ history: async (asked) => (asked === code ? history : null) });
    const reply = await doors.call('GET', `/v1/codes/${code}`, { scope: 'desk' });
    expect([reply.status, reply.json]).toEqual([200, history]);
    expect((await doors.call('GET', '/v1/codes/unknown', { scope: 'desk' })).status).toBe(404);
    expect((await doors.call('GET', `/v1/codes/${code}`, { scope: 'admin' })).status).toBe(200);
  });
});

describe('an Idempotency-Key', () => {
  const key = { 'idempotency-key': 'order-77' };

  test('with the same body is answered as any repeated call', async () => {
    const first = await validate(sale, key);
    const second = await validate(sale, key);
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(ledger.asked).toHaveLength(2);
  });

  test('with another body is refused, and the ledger is not asked', async () => {
    await validate(sale, key);
    const reply = await validate({ ...sale, basket: 'web-2' }, key);
    expect([reply.status, reply.json.type, reply.json.field]).toEqual([422, 'idempotency_conflict', 'Idempotency-Key']);
    expect(ledger.asked).toHaveLength(1);
  });

  test('belongs to one client and one route', async () => {
    await validate(sale, key);
    const other = await doors.token('cart', 'other-shop');
    const authorization = `Bearer ${other}`;
    const body = { ...sale, basket: 'web-2' };
    expect((await doors.call('POST', '/v1/validations', { body, headers: { ...key, authorization } })).status).toBe(
      200,
    );
    expect((await doors.call('POST', '/v1/redemptions', { scope: 'cart', body, headers: key })).status).toBe(200);
  });

  test('longer than 255 characters is refused', async () => {
    const reply = await validate(sale, { 'idempotency-key': 'k'.repeat(256) });
    expect([reply.status, reply.json.field]).toEqual([422, 'Idempotency-Key']);
  });
});

describe('bad input', () => {
  test.each([
    ['no code', { basket: 'b' }, 'code'],
    ['code and codes', { ...sale, codes: [code] }, 'code'],
    ['no basket', { code }, 'basket'],
    ['a basket id of 65 characters', { ...sale, basket: 'b'.repeat(65) }, 'basket'],
    ['a basket id with a control character', { ...sale, basket: 'b\n' }, 'basket'],
    ['a code of 513 characters', { ...sale, code: 'A'.repeat(513) }, 'code'],
    ['21 codes', { codes: Array.from({ length: 21 }, (_, n) => `C${n}`), basket: 'b' }, 'codes'],
    ['an empty list of codes', { codes: [], basket: 'b' }, 'codes'],
    ['a negative amount', { ...sale, total: { amount: -1, currency: 'USD' } }, 'total.amount'],
    ['a fractional amount', { ...sale, total: { amount: 1.5, currency: 'USD' } }, 'total.amount'],
    ['an amount beyond counting', { ...sale, total: { amount: 1e300, currency: 'USD' } }, 'total.amount'],
    ['a currency that is none', { ...sale, total: { amount: 1, currency: 'XQZ' } }, 'total.currency'],
    ['a lane too long', { ...sale, lane: 'l'.repeat(17) }, 'lane'],
    ['an unknown key', { ...sale, coupon: 'x' }, 'coupon'],
    ['a list', [sale], ''],
    ['null', null, ''],
  ])('%s is a problem with the field', async (_what, body, field) => {
    const reply = await validate(body);
    expect(reply.status).toBe(422);
    expect(reply.json).toMatchObject({ type: 'invalid_request', status: 422, field });
    expect(ledger.asked).toEqual([]);
  });

  test('a reason of 121 characters, and a door that is none, are problems with the field', async () => {
    const body = { code, basket: 'b', reason: 'r'.repeat(121) };
    expect((await doors.call('POST', '/v1/reversals', { scope: 'cart', body })).json.field).toBe('reason');
    const door = { code, basket: 'b', reason: 'r', door: 'store:0042' };
    expect((await doors.call('POST', '/v1/reversals', { scope: 'cart', body: door })).json.field).toBe('door');
  });

  test('the problem never repeats a code', async () => {
    const reply = await validate({ ...sale, code: { [code]: code } });
    expect(reply.status).toBe(422);
    expect(JSON.stringify(reply.json)).not.toContain(code);
  });

  test('a basket id too long in the path is a problem with the field', async () => {
    const reply = await doors.call('GET', `/v1/baskets/${'b'.repeat(65)}`, { scope: 'cart' });
    expect([reply.status, reply.json.field]).toEqual([422, 'basket']);
  });

  test.each(['{', '', '{"code":}', '\u0000'])('malformed JSON (%j) is 400', async (body) => {
    const reply = await doors.call('POST', '/v1/validations', {
      scope: 'cart',
      headers: { 'content-type': 'application/json' },
      body,
    });
    expect([reply.status, reply.json.type]).toEqual([400, 'malformed_json']);
  });

  test('a body that is no UTF-8 is 400', async () => {
    const response = await fetch(`${doors.url}/v1/validations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${doors.tokenByScope.cart}`, 'content-type': 'application/json' },
      body: Buffer.from([0x22, 0xff, 0x22]),
    });
    expect(response.status).toBe(400);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', ''])(
    'the content type %j is 415',
    async (type) => {
      const reply = await validate(JSON.stringify(sale), { 'content-type': type });
      expect([reply.status, reply.json.type]).toEqual([415, 'unsupported_media_type']);
    },
  );

  test('a content type with a charset is taken', async () => {
    expect((await validate(sale, { 'content-type': 'application/json; charset=utf-8' })).status).toBe(200);
  });

  test('a body of 64 KiB is read, and one of a byte more is 413', async () => {
    const padded = (bytes: number) => {
      const empty = JSON.stringify({ ...sale, customer: '' });
      return JSON.stringify({ ...sale, customer: 'c'.repeat(bytes - empty.length) });
    };
    expect((await validate(padded(BODY_BYTES_MAX))).json.field).toBe('customer');
    const reply = await validate(padded(BODY_BYTES_MAX + 1));
    expect([reply.status, reply.json.type]).toEqual([413, 'body_too_large']);
  });

  test('a body over 64 KiB that does not say its length is 413', async () => {
    const chunk = new TextEncoder().encode(' '.repeat(10_000));
    const response = await fetch(`${doors.url}/v1/validations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${doors.tokenByScope.cart}`, 'content-type': 'application/json' },
      body: ReadableStream.from(Array.from({ length: 7 }, () => chunk)),
      duplex: 'half',
    });
    expect(response.status).toBe(413);
  });

  test('an unknown path is 404, and another method is 405 with those that are served', async () => {
    expect((await doors.call('GET', '/v1/nothing', { scope: 'cart' })).json.type).toBe('not_found');
    const reply = await doors.call('DELETE', '/v1/campaigns', { scope: 'admin' });
    expect([reply.status, reply.headers.get('allow')]).toEqual([405, 'POST, GET']);
  });

  test('a foreign host name is 421; localhost, an address and the public name are served', async () => {
    const statusFor = async (host: string) =>
      (await rawRequest(doors.port, { path: '/healthz', headers: { host } })).status;
    expect(await statusFor('evil.example')).toBe(421);
    expect(await statusFor('localhost.evil.example')).toBe(421);
    for (const host of ['localhost', `localhost:${doors.port}`, '192.168.1.5', '[::1]:8080', 'coupons.example'])
      expect([host, await statusFor(host)]).toEqual([host, 200]);
  });
});

describe('tokens', () => {
  const codeRoutePath = (path: string) => path.replace(/\{\w+\}/g, 'x');

  test('each route refuses every token that lacks its scope, and nobody without one', async () => {
    const allowed: Record<string, string[]> = { cart: ['cart'], admin: ['admin'], desk: ['desk', 'admin'] };
    let refusals = 0;
    for (const { method, path, scope } of doors.operations) {
      if (scope === null) continue;
      expect((await doors.call(method, codeRoutePath(path))).status).toBe(401);
      for (const has of ['cart', 'admin', 'desk'] as const) {
        const reply = await doors.call(method, codeRoutePath(path), {
          scope: has,
          ...(method === 'GET' ? {} : { body: {} }),
        });
        const isAllowed = allowed[scope]?.includes(has);
        if (!isAllowed) refusals++;
        expect([method, path, has, reply.status === 403]).toEqual([method, path, has, !isAllowed]);
      }
    }
    expect(refusals).toBeGreaterThan(30);
    expect(ledger.asked.filter(([name]) => name !== 'basket' && name !== 'history' && name !== 'voidCode')).toEqual([]);
  });

  test.each([
    '',
    'Bearer',
    'Bearer x',
    `Bearer tl_cart_${'A'.repeat(43)}`,
    `Basic ${Buffer.from('a:b').toString('base64')}`,
  ])('%j is 401', async (authorization) => {
    const reply = await doors.call('GET', '/v1/baskets/b', { headers: { authorization } });
    expect([reply.status, reply.json.type]).toEqual([401, 'unauthorized']);
    expect(reply.headers.get('www-authenticate')).toBe('Bearer');
  });

  test('have the scope in their form and only their hash in the database', async () => {
    const token = await doors.token('cart', 'shop-2');
    expect(token).toMatch(/^tl_cart_[A-Za-z0-9_-]{43}$/);
    const kept = JSON.stringify(doors.database.raw.prepare('SELECT * FROM tokens').all());
    expect(kept).toContain('shop-2');
    expect(kept).not.toContain(token.slice(8));
  });

  test('of one name are one client, and a revoked name opens nothing', async () => {
    const second = await doors.token('cart', 'shop');
    const headers = { authorization: `Bearer ${second}` };
    await doors.call('GET', '/v1/baskets/b', { headers });
    expect(ledger.asked).toEqual([['basket', { client: 'shop', basket: 'b' }]]);
    expect(await doors.tokens.revoke('shop')).toBe(4);
    expect((await doors.call('GET', '/v1/baskets/b', { headers })).status).toBe(401);
  });

  test('that fail more than ten times a minute are told to wait, while a good one still works', async () => {
    const bad = () => doors.call('GET', '/v1/baskets/b', { headers: { authorization: 'Bearer guess' } });
    for (let n = 0; n < 10; n++) expect((await bad()).status).toBe(401);
    const reply = await bad();
    expect([reply.status, reply.json.type, reply.headers.get('retry-after')]).toEqual([429, 'too_many_failures', '60']);
    expect((await doors.call('GET', '/v1/baskets/b', { scope: 'cart' })).status).toBe(200);
    clock.now += 59_000;
    expect((await bad()).headers.get('retry-after')).toBe('1');
    clock.now += 1_000;
    expect((await bad()).status).toBe(401);
  });

  test('that fail ten times in more than a minute are not held against the address', async () => {
    for (let n = 0; n < 15; n++) {
      clock.now += 7_000;
      const reply = await doors.call('GET', '/v1/baskets/b', { headers: { authorization: 'Bearer guess' } });
      expect(reply.status).toBe(401);
    }
  });
});

describe('failures', () => {
  test('a ledger that does not answer is 503', async () => {
    await reopen({
      redeem: async () => {
        throw new LedgerUnavailable('disk I/O error');
      },
    });
    const reply = await doors.call('POST', '/v1/redemptions', { scope: 'cart', body: sale });
    expect([reply.status, reply.json.type]).toEqual([503, 'unavailable']);
  });

  test('a defect is 500 with a request id that the log has once, and says nothing else', async () => {
    await reopen({
      redeem: async () => {
        throw new Error(`boom ${code}`);
      },
    });
    const reply = await doors.call('POST', '/v1/redemptions', { scope: 'cart', body: sale });
    expect([reply.status, reply.json.type]).toEqual([500, 'internal']);
    expect(JSON.stringify(reply.json)).not.toContain('boom');
    const errors = doors.lines.filter((line) => line.level === 'error');
    expect(errors).toHaveLength(1);
    expect(reply.json.detail).toContain(errors[0]?.fields.requestId);
  });

  test('the log has no codes and no tokens, whatever an error carries', () => {
    const token = `tl_admin_${'a'.repeat(43)}`;
    for (const secret of [code, '7KQ29MXD4TRB8WNS', token]) {
      const text = withoutSecrets(`before ${secret} after`);
      expect(text).toBe('before [redacted] after');
    }
    expect(withoutSecrets('SQLITE_CONSTRAINT: UNIQUE constraint failed')).toContain('SQLITE_CONSTRAINT');
    expect(createLog()).toHaveProperty('warn');
  });

  test('answers carry security headers and are not cached', async () => {
    for (const reply of [await validate(sale), await doors.call('GET', '/v1/nothing')]) {
      expect(reply.headers.get('x-content-type-options')).toBe('nosniff');
      expect(reply.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(reply.headers.get('cache-control')).toBe('no-store');
    }
  });
});

describe('machine doors', () => {
  const text = async (path: string) => {
    const response = await fetch(doors.url + path);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };

  test('tell health, readiness and metrics without a token', async () => {
    expect((await doors.call('GET', '/healthz')).json).toEqual({ status: 'ok' });
    expect((await doors.call('GET', '/readyz')).json).toEqual({ status: 'ready' });
    await validate(sale);
    const metrics = await text('/metrics');
    expect(metrics.text).toContain(
      'tearline_http_request_duration_seconds_count{route="/v1/validations",method="POST",status="200"} 1',
    );
  });

  test('are alive but not ready where the ledger cannot decide', async () => {
    await reopen({ ready: async () => false });
    expect((await doors.call('GET', '/healthz')).status).toBe(200);
    expect((await doors.call('GET', '/readyz')).status).toBe(503);
  });

  test('serve an OpenAPI document of every route with its scope', async () => {
    const { json } = await doors.call('GET', '/openapi.json');
    expect(json.openapi).toBe('3.1.0');
    for (const { method, path, scope } of doors.operations) {
      const operation = json.paths[path]?.[method.toLowerCase()];
      expect([path, operation?.security]).toEqual([path, scope === null ? undefined : [{ token: [scope] }]]);
    }
    const body = json.paths['/v1/validations'].post.requestBody.content['application/json'].schema;
    expect(Object.keys(body.properties)).toContain('basket');
    const stacks = json.paths['/v1/campaigns/{id}/stacks'].post.requestBody.content;
    expect(Object.keys(stacks)).toEqual(['application/json', 'text/csv']);
  });

  test('serve pages that name no other host and load only what is here', async () => {
    for (const path of ['/', '/docs']) {
      const page = await text(path);
      expect(page.status).toBe(200);
      expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'/);
      expect(page.text).not.toMatch(/https?:\/\//);
      for (const [, file = ''] of page.text.matchAll(/(?:src|href)="(\/[^"]+)"/g))
        expect([file, (await text(file)).status]).toEqual([file, 200]);
    }
    expect((await text('/docs/swagger-ui-bundle.js')).headers.get('content-type')).toBe(
      'text/javascript; charset=utf-8',
    );
    expect((await text('/docs/package.json')).status).toBe(404);
    expect((await text('/docs/..%2fpackage.json')).status).toBe(404);
  });
});

test('a decision of another ledger is passed on as it is', async () => {
  const decision = { ...(await validate(sale)).json, decision: 'refused', reason: 'wrong_currency', mode: null };
  await reopen({ validate: async () => ok([decision]) });
  expect((await validate(sale)).json).toEqual(decision);
});
