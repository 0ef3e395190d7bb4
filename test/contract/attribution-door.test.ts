import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { campaignOf, newCampaignSchema } from '../../cloud/issuing/campaign.ts';
import { sqliteLedgerStore } from '../../cloud/ledger/sqlite-store.ts';
import type { Source } from '../../cloud/distribution/store.ts';
import { TraceWriter } from '../../cloud/reports/writer.ts';
import { fakeLedger, openTestDoors } from './cloud-doors.ts';

/** Reports of attribution over HTTP, as JSON and as files, and spend taken in. */

const AT = Date.parse('2026-11-23T10:00:00Z');

let doors: Awaited<ReturnType<typeof openTestDoors>>;
let writer: TraceWriter;
beforeEach(async () => {
  doors = await openTestDoors(fakeLedger(), { now: AT });
  const terms = newCampaignSchema.parse({
    ...{ title: '$5 off', discount: { type: 'amount', amount: 500, currency: 'USD' }, timeZone: 'UTC' },
    ...{ startsAt: '2026-01-01', endsAt: '2026-12-31' },
  });
  const campaign = { ...campaignOf('spring', 1, terms), issuedUnits: 0, issuedValue: 0, changedAt: AT };
  await sqliteLedgerStore(doors.database).transaction((tx) => tx.putCampaign(campaign));
  const none = () => undefined;
  writer = new TraceWriter({
    ...doors.attribution,
    ownerOf: async () => null,
    log: { info: none, warn: none, error: none },
  });
});
afterEach(() => doors.close());

async function click(source: Source): Promise<void> {
  writer.note({ kind: 'click', at: AT, campaign: 'spring', assignment: null, channel: 'web', source });
  await writer.flush();
}

const get = (path: string) => doors.call('GET', path, { scope: 'admin' });
const bearer = () => ({ authorization: `Bearer ${doors.tokenByScope.admin}` });
async function file(path: string) {
  const response = await fetch(doors.url + path, { headers: { ...bearer(), accept: 'text/csv' } });
  return { status: response.status, headers: response.headers, text: await response.text() };
}
async function sendFile(csv: string, id = 'spring', headers: Record<string, string> = {}) {
  const response = await fetch(`${doors.url}/v1/campaigns/${id}/spend`, {
    ...{ method: 'POST', body: csv },
    headers: { ...bearer(), 'content-type': 'text/csv', ...headers },
  });
  return { status: response.status, json: await response.json() };
}
const send = (rows: unknown) => doors.call('POST', '/v1/campaigns/spring/spend', { scope: 'admin', body: { rows } });

const HEADER = 'day,utm_source,utm_content,impressions,clicks,cost,currency';
const ROW = '2026-11-23,search,ad7,5000,40,1250,USD';

describe('reports', () => {
  test('tell up to when they are settled, who owes, and a line for each of what is asked', async () => {
    await click({ utm_source: 'search', utm_content: 'ad7' });
    expect(await get('/v1/reports/funnel?campaign=spring&by=ad&from=2026-11-01&to=2026-11-30')).toMatchObject({
      status: 200,
      json: {
        ...{ settledTo: '2026-11-23T10:00:00.000Z', owing: [], by: 'ad' },
        lines: [{ campaign: 'spring', key: 'ad7', currency: 'USD', clicks: 1, redeemed: 0, revenue: 0 }],
      },
    });
    expect((await get('/v1/reports/funnel?by=source')).json).toMatchObject({
      lines: [{ key: { utm_source: 'search', utm_content: 'ad7' } }],
    });
    expect((await get('/v1/reports/performance')).json).toMatchObject({
      by: null,
      lines: [{ campaign: 'spring', key: null, spend: 0, costPerRedemption: null, redemptionRate: null }],
    });
    expect((await get('/v1/reports/leaks')).json).toMatchObject({ lines: [] });
    expect((await get('/v1/reports/funnel?campaign=winter')).json).toMatchObject({ lines: [] });
  });

  test('are files for whoever asks for CSV', async () => {
    await click({ utm_source: 'search', utm_content: 'ad7' });
    const { status, headers, text } = await file('/v1/reports/funnel?by=site');
    expect([status, headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8; header=present']);
    expect(headers.get('content-disposition')).toBe('attachment; filename="funnel-by-site.csv"');
    expect(text.split('\n')).toEqual([
      'campaign,site,currency,impressions,adClicks,clicks,claims,assigned,issued,delivered,viewed,scanned,redeemed,reversed,leaked,revenue,settledTo,owingStores,owedEntries',
      'spring,search,USD,0,0,1,0,0,0,0,0,0,0,0,0,0,2026-11-23T10:00:00.000Z,0,0',
      '',
    ]);
    expect((await file('/v1/reports/performance')).text).toMatch(/^campaign,currency,redeemed,/);
    // Without a line there is still a header.
    expect((await file('/v1/reports/leaks')).text).toMatch(/^campaign,currency,second_basket,used_elsewhere,/);
    const json = await fetch(`${doors.url}/v1/reports/leaks`, { headers: { ...bearer(), accept: '*/*' } });
    expect(json.headers.get('content-type')).toMatch('application/json');
  });

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', ' =1', '|x', '\uff1d1'])(
    'make no formula of a source that begins as %s',
    async (wicked) => {
      await click({ utm_source: wicked });
      const { text } = await file('/v1/reports/funnel?by=site');
      expect(text.split('\n')[1]).toMatch(/^spring,"?'/);
    },
  );

  test('keep commas, quotes and line ends of a source inside of its cell', async () => {
    await click({ utm_source: 'a,"b"\nc' });
    expect((await file('/v1/reports/funnel?by=site')).text).toContain('spring,"a,""b"" c",USD');
  });

  test.each([
    ['by=colour', 'by'],
    ['from=yesterday', 'from'],
    ['to=2026-02-31', 'to'],
    ['campaign=No%20such', 'campaign'],
    ['page=2', 'page'],
  ])('refuse %s, and name the field', async (query, field) => {
    expect(await get(`/v1/reports/funnel?${query}`)).toMatchObject({
      status: 422,
      json: { type: 'invalid_request', field },
    });
  });

  test('are the admin’s alone', async () => {
    for (const path of [
      '/v1/reports/funnel',
      '/v1/reports/performance',
      '/v1/reports/leaks',
      '/v1/redemptions/x/chain',
    ])
      for (const scope of ['cart', 'desk'] as const)
        expect((await doors.call('GET', path, { scope })).status).toBe(403);
  });

  test('know no chain of what is no redemption', async () => {
    expect((await get('/v1/redemptions/no-such-thing/chain')).status).toBe(404);
  });
});

describe('spend', () => {
  test('comes as a file or as JSON, and in reports by the parameters of the ads', async () => {
    expect(await sendFile(`${HEADER}\n${ROW}\n`)).toEqual({ status: 200, json: { rows: 1 } });
    const source = { utm_source: 'mail' };
    expect(await send([{ day: '2026-11-23', source, channel: 'email', cost: 300, currency: 'USD' }])).toMatchObject({
      ...{ status: 200, json: { rows: 1 } },
    });
    expect((await get('/v1/reports/performance?by=site')).json).toMatchObject({
      lines: [
        { key: 'mail', spend: 300 },
        { key: 'search', spend: 1250 },
      ],
    });
    expect((await get('/v1/reports/funnel?by=channel')).json).toMatchObject({
      lines: [
        { key: null, impressions: 5000, adClicks: 40 },
        { key: 'email', impressions: 0 },
      ],
    });
  });

  test('sent again takes the place of what was there [E4]', async () => {
    await sendFile(`${HEADER}\n${ROW}\n`);
    await sendFile(`${HEADER}\r\n2026-11-23,search,ad7,1,2,3,USD\r\n2026-11-24,search,ad7,1,2,3,USD`);
    expect((await get('/v1/reports/performance')).json).toMatchObject({ lines: [{ spend: 6 }] });
  });

  test.each([
    ['a day that is none', '2026-02-31,search,ad7,1,1,1,USD', 'day: '],
    [
      'a cost with a point',
      '2026-11-24,search,ad7,1,1,12.50,USD',
      'cost: a whole number of minor units, as 1250 for 12.50',
    ],
    ['a negative count', '2026-11-23,search,ad7,-1,1,1,USD', 'impressions: '],
    ['another currency', '2026-11-24,search,ad7,1,1,1,EUR', "currency: the campaign's is USD"],
    ['a cost without a currency', '2026-11-24,search,ad7,1,1,1,', "currency: the campaign's is USD"],
    ['a quote that is not closed', '2026-11-23,"search,ad7,1,1,1,USD', 'a quote'],
  ])('is refused over %s, by its line, and nothing of it is taken', async (_, row, why) => {
    const { status, json } = await sendFile(`${HEADER}\n${ROW}\n${row}\n`);
    expect(status).toBe(422);
    expect(json).toMatchObject({ type: 'import_refused', errors: [{ line: 3, why: expect.stringContaining(why) }] });
    expect((await get('/v1/reports/performance')).json).toMatchObject({ lines: [] });
  });

  test('names a column that it does not know, and a campaign that is none', async () => {
    expect(await sendFile(`${HEADER},colour\n${ROW},red\n`)).toMatchObject({
      ...{ status: 422, json: { errors: [{ line: 1, why: expect.stringContaining("'colour'") }] } },
    });
    expect((await sendFile(`${HEADER}\n${ROW}\n`, 'winter')).status).toBe(404);
    expect((await sendFile('', 'spring', { 'content-type': 'text/csv; charset=utf-16' })).status).toBe(415);
    expect((await send([])).status).toBe(422);
    expect((await send([{ day: '2026-11-23', cost: 1.5 }])).json).toMatchObject({ field: 'rows.0.cost' });
  });

  test('of more lines than a file may have is refused', async () => {
    const rows = Array.from({ length: 10_001 }, (_, n) => `2026-11-23,search,ad${n},1,1,1,USD`);
    expect(await sendFile([HEADER, ...rows].join('\n'))).toMatchObject({
      ...{ status: 422, json: { errors: [{ line: 10_002, why: expect.stringContaining('10000 lines') }] } },
    });
  });
});

test('each stands in the OpenAPI document with what may be asked', async () => {
  const { json } = await doors.call('GET', '/openapi.json');
  const { paths } = json as { paths: Record<string, { get: { parameters: { name: string; in: string }[] } }> };
  expect(paths['/v1/reports/funnel']?.get).toMatchObject({
    parameters: ['campaign', 'from', 'to', 'by'].map((name) => ({ name, in: 'query', required: false })),
    responses: { 200: { content: { 'text/csv': {}, 'application/json': {} } } },
  });
  expect(Object.keys(paths)).toEqual(
    expect.arrayContaining(['/v1/redemptions/{id}/chain', '/v1/campaigns/{id}/spend', '/v1/reports/leaks']),
  );
});
