import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { campaignOf, newCampaignSchema } from '../../cloud/issuing/campaign.ts';
import { sqliteLedgerStore } from '../../cloud/ledger/sqlite-store.ts';
import { fakeLedger, openTestDoors, type TestDoors } from './cloud-doors.ts';

/** Customers and their coupons over HTTP: what retailers and their apps send. */

let doors: TestDoors;

beforeEach(async () => {
  doors = await openTestDoors(fakeLedger());
  const terms = newCampaignSchema.parse({
    title: '$5 off',
    discount: { type: 'amount', amount: 500, currency: 'USD' },
    timeZone: 'UTC',
    startsAt: '2020-01-01',
    endsAt: '2099-12-31',
    cap: { units: 5, value: null },
  });
  const campaign = { ...campaignOf('spring', 1, terms), changedAt: 0, issuedUnits: 0, issuedValue: 0 };
  await sqliteLedgerStore(doors.database).transaction((tx) => tx.putCampaign(campaign));
});
afterEach(() => doors.close());

const tell = (body: unknown) => doors.call('POST', '/v1/customers', { scope: 'admin', body });
const claim = (body: unknown) => doors.call('POST', '/v1/claims', { scope: 'cart', body });
const assign = (body: unknown) => doors.call('POST', '/v1/campaigns/spring/assignments', { scope: 'admin', body });
const send = (text: string, accept = 'application/json') =>
  fetch(`${doors.url}/v1/campaigns/spring/assignments`, {
    method: 'POST',
    headers: { authorization: `Bearer ${doors.tokenByScope.admin}`, 'content-type': 'text/csv', accept },
    body: text,
  });

describe('a customer', () => {
  test('is told, told more of, looked at and forgotten', async () => {
    const told = await tell({ customer: '0017', phone: '+1 202 555 0142', name: 'Ann Okafor', language: 'en' });
    expect(told).toMatchObject({ status: 200, json: { name: 'Ann Okafor', language: 'en', homeStore: null } });
    const more = await tell({ phone: '+12025550142', homeStore: '0042' });
    expect(more.json).toMatchObject({ id: told.json.id, name: 'Ann Okafor', homeStore: '0042' });
    expect(more.json.identities).toEqual([
      { kind: 'number', value: '0017', verified: false },
      { kind: 'phone', value: '+12025550142', verified: false },
    ]);
    const path = `/v1/customers/${told.json.id}`;
    expect(await doors.call('DELETE', path, { scope: 'admin' })).toMatchObject({ status: 200, json: { erased: true } });
    expect((await doors.call('GET', path, { scope: 'admin' })).status).toBe(404);
  });

  test.each([
    [{}, 'customer'],
    [{ phone: '12' }, 'phone'],
    [{ email: 'аnn@example.com' }, 'email'],
    [{ customer: '1', name: 'Ann\r\nBcc: bob@example.com' }, 'name'],
    [{ customer: '1', timeZone: 'Mars/Olympus' }, 'timeZone'],
    [{ customer: '1', nmae: 'Ann' }, 'nmae'],
  ])('is refused by field: %j', async (body, field) => {
    expect(await tell(body)).toMatchObject({ status: 422, json: { type: 'invalid_request', field } });
  });

  test('is nobody else’s business', async () => {
    expect((await doors.call('POST', '/v1/customers', { scope: 'cart', body: { customer: '1' } })).status).toBe(403);
    expect((await doors.call('GET', '/v1/customers/x')).status).toBe(401);
  });
});

describe('a coupon', () => {
  test('asked for by an app is the same one, however often', async () => {
    const first = await claim({ campaign: 'spring', customer: '0017' });
    expect(first).toMatchObject({ status: 200, json: { isNew: true } });
    expect(first.json.url).toMatch(/^http:\/\/coupons\.example\/c\/[A-Za-z0-9_-]{22}$/);
    expect(first.json.code).toMatch(/^[0-9A-Z]{16}$/);
    const again = await Promise.all(Array.from({ length: 20 }, () => claim({ campaign: 'spring', customer: '0017' })));
    for (const { json } of again) expect(json).toEqual({ ...first.json, isNew: false });
  });

  test('is refused where none is left, and where there is no such campaign', async () => {
    const people = Array.from({ length: 6 }, (_, i) => ({ customer: `c-${i}` }));
    const { json } = await assign({ assignments: people });
    expect(json.results.filter((one: { isNew?: boolean }) => one.isNew)).toHaveLength(5);
    expect(json.results[5]).toEqual({ refused: 'none_left' });
    expect(await claim({ campaign: 'spring', customer: 'late' })).toMatchObject({
      status: 409,
      json: { type: 'none_left' },
    });
    expect((await claim({ campaign: 'autumn', customer: 'late' })).status).toBe(404);
    expect(
      (await doors.call('POST', '/v1/campaigns/autumn/assignments', { scope: 'admin', body: { assignments: people } }))
        .status,
    ).toBe(404);
  });

  test('of a bad entry is told by its place, and nothing of what came before is lost', async () => {
    const bad = await assign({ assignments: [{ customer: 'a' }, { phone: 'twelve' }] });
    expect(bad).toMatchObject({ status: 422, json: { field: 'assignments.1.phone' } });
    expect((await assign({ assignments: [{ customer: 'a' }] })).json.results[0].isNew).toBe(false);
  });
});

describe('a file of customers', () => {
  test('is taken, told line by line where that is asked for, and changes nothing the second time', async () => {
    const first = await send('customer\na\nb\n');
    expect(await first.json()).toEqual({
      ...{ rows: 2, assigned: 2, unchanged: 0, refused: 0, errorCount: 0, errors: [], broken: null },
    });
    const told = await send('customer\na\nb\nc\n', 'application/x-ndjson');
    expect(told.headers.get('content-type')).toBe('application/x-ndjson');
    const lines = (await told.text()).trim().split('\n');
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ rows: 3, assigned: 1, unchanged: 2 });
    expect(lines.length).toBeGreaterThan(1);
  });

  test('can be had back with the links', async () => {
    await send('customer\n"a,1"\nb\n');
    const response = await fetch(`${doors.url}/v1/campaigns/spring/assignments.csv`, {
      headers: { authorization: `Bearer ${doors.tokenByScope.admin}` },
    });
    const [header, one, two] = (await response.text()).split('\n');
    expect(header).toBe('customer,url,last_four,state,how,channel,assigned_at');
    expect(one).toMatch(/^"a,1",http:\/\/coupons\.example\/c\/[\w-]{22},[0-9A-Z]{4},issued,ahead,email,20/);
    expect(two).toMatch(/^b,/);
  });
});
