import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Books } from '../../cloud/reports/books.ts';
import { fakeLedger, openTestDoors, type TestDoors } from './cloud-doors.ts';

/** Finance's doors: feeds in, reports out. */

const NOW = Date.parse('2026-11-23T10:00:00Z');
const sum = (units: number) => ({ units, value: units * 500 });
const asked: unknown[] = [];
const books: Books = {
  reconciliation: async (from, to) => {
    asked.push([from, to]);
    const day = {
      opening: sum(1),
      issued: sum(9),
      reversed: sum(0),
      redeemed: sum(2),
      voided: sum(0),
      expired: sum(-1),
    };
    return [
      { day: to, campaign: 'spring', currency: 'USD', ...day, revalued: -400, closing: { units: 9, value: 4100 } },
    ];
  },
  liability: async (day) => ({
    day,
    campaigns: [{ campaign: 'spring', currency: 'USD', ...sum(9) }],
    totals: [{ currency: 'USD', ...sum(9) }],
  }),
  feedLags: async () => [
    { day: '2026-11-23', door: 'feed:old-tills', count: 3, exceptions: 1, medianMs: 61_000, worstMs: 3_600_400 },
  ],
};

let doors: TestDoors;
const ledger = fakeLedger();
beforeAll(async () => {
  doors = await openTestDoors(ledger, { now: NOW }, books);
});
afterAll(() => doors.close());

const get = (path: string) => doors.call('GET', path, { scope: 'admin' });
const sale = { code: 'ABC', at: '2026-11-23T09:59:00Z', basket: 'sale-1' };
const feed = (redemptions: unknown) =>
  doors.call('POST', '/v1/redemptions/feed', { scope: 'cart', body: { redemptions } });
const upload = (body: string, type = 'text/csv') =>
  doors.call('POST', '/v1/redemptions/feed', { scope: 'cart', body, headers: { 'content-type': type } });

describe('the feed', () => {
  test('hands its items to the ledger under the token’s name, and answers each in its place', async () => {
    const { status, json } = await feed([sale, { ...sale, what: 'reversed', store: '0001', lane: '3' }]);
    const answer = { outcome: 'taken', reason: null, redemption: 'redemption-1', again: false };
    expect([status, json]).toEqual([200, { results: [answer, answer] }]);
    const none = { store: null, lane: null, total: null, discount: null };
    const at = Date.parse(sale.at);
    expect(ledger.asked.at(-1)).toEqual([
      'feed',
      {
        client: 'shop',
        items: [
          { ...sale, ...none, at, what: 'redeemed' },
          { ...sale, ...none, at, what: 'reversed', store: '0001', lane: '3' },
        ],
      },
    ]);
  });

  test('takes a file, and tells what became of it', async () => {
    const { status, json } = await upload(`code,at,basket\nABC,${sale.at},sale-1\nABC,soon,sale-1\n`);
    expect([status, json]).toEqual([
      200,
      {
        ...{ lines: 2, taken: 1, again: 0, exceptions: { count: 0, first: [] } },
        refused: { count: 1, first: [{ line: 3, why: expect.stringMatching(/^at: /) }] },
      },
    ]);
  });

  test.each([
    ['no items', [], 'redemptions'],
    ['too many of them', Array.from({ length: 201 }, () => sale), 'redemptions'],
    ['an unknown field', [{ ...sale, shop: 'x' }], 'redemptions.0.shop'],
    ['a time without its zone', [sale, { ...sale, at: '2026-11-23T09:59:00' }], 'redemptions.1.at'],
    ['a fractional amount', [{ ...sale, total: { amount: 1.5, currency: 'USD' } }], 'redemptions.0.total.amount'],
  ])('with %s is refused as it stands, and the field named', async (_, redemptions, field) => {
    const before = ledger.asked.length;
    const { status, json } = await feed(redemptions);
    expect([status, json.type, json.field]).toEqual([422, 'invalid_request', field]);
    expect(ledger.asked.length).toBe(before);
  });

  test('of a file that has not its columns, or is of another encoding, is refused', async () => {
    expect(await upload('code,at,basket,price\n')).toMatchObject({
      status: 422,
      json: { type: 'import_refused', errors: [{ line: 1, why: expect.stringContaining('price') }] },
    });
    expect(await upload('code,at,basket\n', 'text/csv; charset=utf-16')).toMatchObject({ status: 415 });
  });

  test('is a cart’s to send, and nobody else’s', async () => {
    for (const scope of ['admin', 'desk'] as const)
      expect(await doors.call('POST', '/v1/redemptions/feed', { scope, body: { redemptions: [sale] } })).toMatchObject({
        status: 403,
      });
  });
});

describe('a report', () => {
  test('of the days is told as JSON and as a file, to the minor unit', async () => {
    const span = 'from=2026-11-01&to=2026-11-23';
    const { json } = await get(`/v1/reports/reconciliation?${span}`);
    expect(json.lines).toMatchObject([
      { day: '2026-11-23', revalued: -400, expired: sum(-1), closing: { value: 4100 } },
    ]);
    expect(asked.at(-1)).toEqual(['2026-11-01', '2026-11-23']);
    const response = await fetch(`${doors.url}/v1/reports/reconciliation.csv?${span}`, {
      headers: { authorization: `Bearer ${doors.tokenByScope.admin}` },
    });
    expect(response.headers.get('content-type')).toMatch(/^text\/csv/);
    expect((await response.text()).split('\n')).toEqual([
      'day,campaign,currency,opening_units,opening_value,issued_units,issued_value,reversed_units,reversed_value,' +
        'redeemed_units,redeemed_value,voided_units,voided_value,expired_units,expired_value,closing_units,closing_value,revalued_value',
      '2026-11-23,spring,USD,1,500,9,4500,0,0,2,1000,0,0,-1,-500,9,4100,-400',
      '',
    ]);
  });

  test('of the liability is of the day that is asked for', async () => {
    expect((await get('/v1/reports/liability?at=2026-11-20')).json).toEqual({
      day: '2026-11-20',
      campaigns: [{ campaign: 'spring', currency: 'USD', ...sum(9) }],
      totals: [{ currency: 'USD', ...sum(9) }],
    });
  });

  test('of the feeds names the client and the lag', async () => {
    expect((await get('/v1/reports/feeds?from=2026-11-23&to=2026-11-23')).json).toEqual({
      feeds: [
        { day: '2026-11-23', client: 'old-tills', count: 3, exceptions: 1, medianSeconds: 61, worstSeconds: 3600 },
      ],
    });
  });

  test.each([
    ['without its days', 'reconciliation', 'from'],
    ['of a day that the calendar has not', 'reconciliation?from=2026-02-30&to=2026-03-01', 'from'],
    ['that ends before it begins', 'reconciliation?from=2026-11-23&to=2026-11-22', 'from'],
    ['of more than a quarter', 'reconciliation?from=2026-01-01&to=2026-11-22', 'from'],
    ['of a day that has not begun', 'reconciliation.csv?from=2026-11-01&to=2026-11-24', 'to'],
    ['of another parameter', 'feeds?from=2026-11-01&to=2026-11-02&day=1', 'day'],
    ['of what is no day', 'liability?at=yesterday', 'at'],
    ['of what will be owed', 'liability?at=2026-11-24', 'at'],
  ])('%s is refused, and the parameter named', async (_, path, field) => {
    expect(await get(`/v1/reports/${path}`)).toMatchObject({ status: 422, json: { type: 'invalid_request', field } });
  });

  test('is described with its parameters', async () => {
    const { json } = await doors.call('GET', '/openapi.json');
    expect(json.paths['/v1/reports/liability'].get.parameters).toEqual([
      { name: 'at', in: 'query', required: true, schema: expect.objectContaining({ type: 'string', format: 'date' }) },
    ]);
  });
});
