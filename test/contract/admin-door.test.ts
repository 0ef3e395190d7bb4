import { once } from 'node:events';
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readImportFile } from '../../cloud/issuing/import-file.ts';
import type { Exposure, GatewayView } from '../../cloud/ledger/port.ts';
import { formatCode, makeCodes } from '../../protocol/code.ts';
import { IMPORT_BYTES_MAX } from '../../protocol/limits.ts';
import { err, ok } from '../../protocol/result.ts';
import { fakeLedger, openTestDoors, rawRequest, type TestDoors } from './cloud-doors.ts';

const spring = {
  id: 'spring',
  title: '$5 off',
  discount: { type: 'amount', amount: 500, currency: 'USD' },
  timeZone: 'America/New_York',
  startsAt: '2026-11-01',
  endsAt: '2026-11-30',
};

const clock = { now: 1_800_000_000_000 };
let ledger: ReturnType<typeof fakeLedger>;
let doors: TestDoors;
beforeEach(() => reopen());
afterEach(() => doors.close());

async function reopen(own: Parameters<typeof fakeLedger>[0] = {}): Promise<void> {
  await doors?.close().catch(() => undefined);
  ledger = fakeLedger(own);
  doors = await openTestDoors(ledger, clock);
}

const post = (path: string, body?: unknown) =>
  doors.call('POST', path, { scope: 'admin', ...(body === undefined ? {} : { body }) });
const patch = (path: string, body: unknown) => doors.call('PATCH', path, { scope: 'admin', body });
const get = (path: string) => doors.call('GET', path, { scope: 'admin' });
const addStore = (id: string) => post('/v1/stores', { id, name: `Store ${id}`, timeZone: 'America/New_York' });

describe('a campaign', () => {
  test('gets the documented defaults, and is read back as it was written', async () => {
    const created = await post('/v1/campaigns', spring);
    expect(created.status).toBe(201);
    expect(created.json).toEqual({
      ...spring,
      condition: null,
      terms: null,
      picture: null,
      promotionRef: null,
      channels: ['store', 'online'],
      cap: { units: null, value: null },
      capPerDay: { units: null, value: null },
      perCustomer: 1,
      reversalDays: 30,
      personalValueMax: null,
      stores: 'all',
      minimumBasket: null,
      onSilence: 'hold',
      offline: 'decline',
      barcode: 'qr',
      blanks: null,
      version: 1,
      changedAt: '2026-11-23T10:00:00.000Z',
      issued: { units: 0, value: 0 },
    });
    expect((await get('/v1/campaigns/spring')).json).toEqual(created.json);
    expect((await get('/v1/campaigns')).json).toEqual({ campaigns: [created.json] });
  });

  test('keeps every field it is given', async () => {
    await addStore('0042');
    const whole = {
      id: 'whole',
      title: 'Free coffee',
      condition: 'With any cake',
      terms: 'One a customer.',
      picture: '/pictures/coffee.webp',
      discount: { type: 'item', title: 'Coffee', maxAmount: 450, currency: 'EUR' },
      promotionRef: 'PLU-7781',
      channels: ['store'],
      timeZone: 'Europe/Berlin',
      startsAt: '2026-11-01T08:00:00+01:00',
      endsAt: '2026-12-01T00:00:00Z',
      cap: { units: 1000, value: 450_000 },
      capPerDay: { units: 100, value: 45_000 },
      perCustomer: 2,
      reversalDays: 0,
      personalValueMax: 900,
      stores: ['0042'],
      minimumBasket: { amount: 1000, currency: 'EUR' },
      onSilence: 'replace_now',
      offline: { standIn: { units: 5, value: 2250 } },
    };
    expect((await post('/v1/campaigns', whole)).json).toMatchObject(whole);
    expect(ledger.campaignsById.get('whole')?.card).toMatchObject({
      version: 1,
      offer: { campaign: 'whole', title: 'Free coffee', promotionRef: 'PLU-7781' },
      channels: ['store'],
      onSilence: 'replace_now',
    });
  });

  test('without an id gets one from its title, with a number where that is taken', async () => {
    const { id: _, ...titled } = { ...spring, title: '5 € Rabatt: Ökokäse!' };
    expect((await post('/v1/campaigns', titled)).json.id).toBe('5-rabatt-okokase');
    expect((await post('/v1/campaigns', titled)).json.id).toBe('5-rabatt-okokase-2');
    expect((await post('/v1/campaigns', { ...titled, title: '优惠' })).json.id).toBe('campaign');
    expect((await post('/v1/campaigns', { ...titled, title: 'x'.repeat(120) })).json.id).toBe('x'.repeat(32));
  });

  test('of a taken id is a conflict', async () => {
    await post('/v1/campaigns', spring);
    const reply = await post('/v1/campaigns', spring);
    expect([reply.status, reply.json.type, reply.json.field]).toEqual([409, 'conflict', 'id']);
  });

  test.each([
    ['no title', { title: undefined }, 'title'],
    ['a blank title', { title: '  ' }, 'title'],
    ['an id with capitals', { id: 'Spring' }, 'id'],
    ['a discount of nothing', { discount: { type: 'amount', amount: 0, currency: 'USD' } }, 'discount.amount'],
    ['a negative discount', { discount: { type: 'amount', amount: -5, currency: 'USD' } }, 'discount.amount'],
    ['a fractional discount', { discount: { type: 'amount', amount: 0.5, currency: 'USD' } }, 'discount.amount'],
    [
      'a percentage without a limit',
      { discount: { type: 'percent', percent: 10, currency: 'USD' } },
      'discount.maxAmount',
    ],
    [
      '101 per cent',
      { discount: { type: 'percent', percent: 101, maxAmount: 1, currency: 'USD' } },
      'discount.percent',
    ],
    ['an unknown kind of discount', { discount: { type: 'gift' } }, 'discount.type'],
    ['a currency that is none', { discount: { type: 'amount', amount: 5, currency: 'usd' } }, 'discount.currency'],
    ['no channel', { channels: [] }, 'channels'],
    ['a channel twice', { channels: ['store', 'store'] }, 'channels'],
    ['an unknown channel', { channels: ['phone'] }, 'channels.0'],
    ['a time zone that is none', { timeZone: 'Mars/Olympus' }, 'timeZone'],
    ['a date that is none', { startsAt: '2026-02-30' }, 'startsAt'],
    ['a time without its offset', { endsAt: '2026-11-30T10:00:00' }, 'endsAt'],
    ['an end before the start', { startsAt: '2026-12-01' }, 'endsAt'],
    ['an end at the start', { startsAt: '2026-11-30T00:00:00Z', endsAt: '2026-11-30T00:00:00Z' }, 'endsAt'],
    ['a cap of nothing', { cap: { units: 0 } }, 'cap.units'],
    ['a cap under one coupon', { cap: { value: 499 } }, 'cap.value'],
    ['an unknown key in the cap', { cap: { total: 5 } }, 'cap.total'],
    ['a window for reversals of more than a year', { reversalDays: 366 }, 'reversalDays'],
    ['none per customer', { perCustomer: 0 }, 'perCustomer'],
    ['a personal value of nothing', { personalValueMax: 0 }, 'personalValueMax'],
    ['a store that is not there', { stores: ['0099'] }, 'stores.0'],
    ['no store', { stores: [] }, 'stores'],
    ['a minimum in another currency', { minimumBasket: { amount: 1, currency: 'EUR' } }, 'minimumBasket.currency'],
    ['an unknown policy', { onSilence: 'pray' }, 'onSilence'],
    ['an unknown offline policy', { offline: 'accept' }, 'offline'],
    ['an unknown key', { colour: 'red' }, 'colour'],
  ])('with %s is a problem with the field, and nothing is made', async (_what, wrong, field) => {
    const reply = await post('/v1/campaigns', { ...spring, ...wrong });
    expect([reply.status, reply.json.type, reply.json.field]).toEqual([422, 'invalid_request', field]);
    expect(ledger.campaignsById.size).toBe(0);
  });

  test('of one day is valid: an end date is the end of its day', async () => {
    expect((await post('/v1/campaigns', { ...spring, endsAt: spring.startsAt })).status).toBe(201);
  });

  test('is changed in part, as a new version, and the rest stays', async () => {
    const before = (await post('/v1/campaigns', { ...spring, terms: 'Old' })).json;
    const changed = await patch('/v1/campaigns/spring', { title: '$6 off', terms: null, cap: { units: 10 } });
    expect(changed.status).toBe(200);
    expect(changed.json).toEqual({
      ...before,
      title: '$6 off',
      terms: null,
      cap: { units: 10, value: null },
      version: 2,
    });
  });

  test.each([
    ['its id', { id: 'summer' }, 'id'],
    ['an end before the start that stands', { endsAt: '2026-10-01' }, 'endsAt'],
    ['another currency', { discount: { type: 'amount', amount: 5, currency: 'EUR' } }, 'discount.currency'],
    ['a store that is not there', { stores: ['0099'] }, 'stores.0'],
    ['an unknown key', { colour: 'red' }, 'colour'],
  ])('cannot be changed in %s', async (_what, change, field) => {
    const before = (await post('/v1/campaigns', spring)).json;
    const reply = await patch('/v1/campaigns/spring', change);
    expect([reply.status, reply.json.field]).toEqual([422, field]);
    expect((await get('/v1/campaigns/spring')).json).toEqual(before);
  });

  test('that is not there is 404', async () => {
    expect((await get('/v1/campaigns/none')).status).toBe(404);
    expect((await patch('/v1/campaigns/none', { title: 'T' })).status).toBe(404);
    expect((await get('/v1/campaigns/none/exposure')).status).toBe(404);
  });

  test('tells its exposure', async () => {
    const zero = { issued: 0, held: 0, reserved: 0, void_pending: 0, in_doubt: 0, redeemed: 0, voided: 0 };
    const exposure: Exposure = {
      campaign: 'spring',
      units: { ...zero, issued: 3 },
      open: { units: 3, value: 1500 },
      redeemed: { units: 0, value: 0 },
      cap: { units: null, value: null },
      currency: 'USD',
    };
    await reopen({ exposure: async (id) => (id === 'spring' ? exposure : null) });
    expect((await get('/v1/campaigns/spring/exposure')).json).toEqual(exposure);
  });
});

describe('a stack', () => {
  test('is generated, within one and five million codes', async () => {
    await post('/v1/campaigns', spring);
    const made = await post('/v1/campaigns/spring/stacks', { count: 5_000_000 });
    expect([made.status, made.json]).toEqual([201, { id: 'stack-0001', count: 5_000_000 }]);
    for (const count of [0, -1, 1.5, 5_000_001, '5'])
      expect((await post('/v1/campaigns/spring/stacks', { count })).json.field).toBe('count');
    expect((await post('/v1/campaigns/none/stacks', { count: 1 })).status).toBe(404);
  });

  test('that would exceed the cap is refused with what is left', async () => {
    await reopen({ issueStack: async () => err({ why: 'cap_exceeded', unitsLeft: 7 }) });
    const reply = await post('/v1/campaigns/spring/stacks', { count: 8 });
    expect([reply.status, reply.json.type, reply.json.field]).toEqual([422, 'cap_exceeded', 'count']);
    expect(reply.json.detail).toContain('7');
  });

  describe('made elsewhere', () => {
    const send = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
      fetch(`${doors.url}/v1/campaigns/spring/stacks`, {
        method: 'POST',
        headers: { authorization: `Bearer ${doors.tokenByScope.admin}`, 'content-type': 'text/csv', ...headers },
        body,
      });
    const answered = async (sent: Promise<Response>) => {
      const response = await sent;
      return { status: response.status, ...((await response.json()) as object) };
    };

    test('is taken as text/csv by the same call, and streamed beyond what JSON may have', async () => {
      await post('/v1/campaigns', spring);
      const file = 'A'.repeat(200_000);
      for (const type of ['text/csv', 'Text/CSV; charset=UTF-8; header=present', 'text/csv; charset="us-ascii"'])
        expect(await answered(send(file, { 'content-type': type }))).toEqual({
          status: 201,
          id: 'stack-0002',
          count: 3,
        });
      expect(ledger.asked.at(-1)).toEqual(['importStack', { campaign: 'spring', bytes: 200_000 }]);
    });

    test.each([
      ['another charset', { 'content-type': 'text/csv; charset=iso-8859-1' }, 'content-type'],
      ['a compressed file', { 'content-encoding': 'gzip' }, 'content-encoding'],
    ])('is not taken with %s', async (_, headers, field) => {
      expect(await answered(send('A', headers))).toMatchObject({ status: 415, type: 'unsupported_media_type', field });
      expect(await answered(send('A', { 'content-type': 'text/plain' }))).toMatchObject({ status: 415 });
      expect(ledger.asked).toEqual([]);
    });

    test('is the admin’s alone', async () => {
      for (const scope of ['cart', 'desk'] as const)
        expect((await send('A', { authorization: `Bearer ${doors.tokenByScope[scope]}` })).status).toBe(403);
      expect((await send('A', { authorization: 'Bearer no' })).status).toBe(401);
    });

    const errors = [{ line: 3, why: 'there is no code' }];
    test.each([
      [{ why: 'bad_lines', count: 1, errors }, 422, { type: 'import_refused', detail: 'One line is bad.', errors }],
      [{ why: 'bad_lines', count: 7, errors }, 422, { detail: '7 lines are bad. The first 1 are told.', errors }],
      [{ why: 'no_codes' }, 422, { type: 'import_refused', detail: 'There is no code in it.' }],
      [{ why: 'broken_off' }, 422, { type: 'import_refused', detail: 'It broke off before its end.' }],
      [{ why: 'too_many_forms' }, 422, { type: 'import_refused' }],
      [{ why: 'too_large' }, 413, { type: 'body_too_large', detail: expect.stringContaining('1000000 lines') }],
      [{ why: 'cap_exceeded', unitsLeft: 7 }, 422, { type: 'cap_exceeded', detail: '7 more can be issued.' }],
      [{ why: 'unknown_campaign' }, 404, { type: 'not_found' }],
    ] as const)('that the ledger refuses with %j is a problem of status %i', async (refusal, status, problem) => {
      await reopen({ importStack: async () => err(refusal) });
      expect(await answered(send('A'))).toMatchObject({ status, ...problem });
    });

    test('is too large by its own word before a byte of it is read', async () => {
      const { status } = await rawRequest(doors.port, {
        ...{ method: 'POST', path: '/v1/campaigns/spring/stacks' },
        headers: {
          ...{ authorization: `Bearer ${doors.tokenByScope.admin}`, 'content-type': 'text/csv' },
          'content-length': String(64 * 1024 * 1024 + 1),
        },
      });
      expect([status, ledger.asked]).toEqual([413, []]);
    });

    test('is too large also where it does not say so beforehand', async () => {
      await reopen({
        importStack: async (_, bytes) => {
          const file = await readImportFile(bytes);
          return file.ok ? ok({ id: 'stack-0002', count: 0 }) : err(file.error);
        },
      });
      const call = request({
        ...{ port: doors.port, host: '127.0.0.1', method: 'POST', path: '/v1/campaigns/spring/stacks' },
        headers: { authorization: `Bearer ${doors.tokenByScope.admin}`, 'content-type': 'text/csv' },
      });
      const answer = new Promise<number | undefined>((resolve, reject) =>
        call.on('response', (response) => resolve(response.statusCode)).on('error', reject),
      );
      const piece = Buffer.alloc(1024 * 1024, '\n');
      for (let sent = 0; sent <= IMPORT_BYTES_MAX + piece.length && !call.destroyed; sent += piece.length)
        if (!call.write(piece)) await Promise.race([once(call, 'drain'), answer]);
      expect(await answer).toBe(413);
      call.destroy();
    });

    test('that breaks off in the middle is no defect in the log', async () => {
      let told: unknown;
      await reopen({
        importStack: async (_, bytes) => {
          told = await readImportFile(bytes);
          return err({ why: 'broken_off' });
        },
      });
      const call = request({
        ...{ port: doors.port, host: '127.0.0.1', method: 'POST', path: '/v1/campaigns/spring/stacks' },
        headers: {
          ...{ authorization: `Bearer ${doors.tokenByScope.admin}`, 'content-type': 'text/csv' },
          'content-length': '1000000',
        },
      }).on('error', () => undefined);
      call.write('SPRING-1\nSPRI');
      setTimeout(() => call.destroy(), 100);
      await expect.poll(() => told).toEqual({ ok: false, error: { why: 'broken_off' } });
      expect(doors.lines).toEqual([]);
    });

    test('comes out as CSV that reads back as it was given', async () => {
      const codes = ['as  Given-o1', 'a,b', 'a"b', ' edge '];
      await reopen({ stackCodes: async () => chunksOf(codes, 2) });
      const text = await (await csv()).text();
      expect(text).toBe('code\nas  Given-o1\n"a,b"\n"a""b"\n edge \n');
      const file = await readImportFile(new Blob([text]).stream());
      expect(file.ok && file.value.codes.map((one) => one.text)).toEqual(codes);
    });
  });

  const csv = () =>
    fetch(`${doors.url}/v1/stacks/s/codes.csv`, { headers: { authorization: `Bearer ${doors.tokenByScope.admin}` } });

  test('is CSV with a header line and one code as printed in each', async () => {
    const codes = makeCodes(1000, fixedBytes).map(formatCode);
    await reopen({ stackCodes: async (id) => (id === 's' ? chunksOf(codes, 300) : null) });
    const response = await csv();
    expect(response.headers.get('content-type')).toMatch(/^text\/csv/);
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="s.csv"');
    const lines = (await response.text()).split('\n');
    expect([lines.length, lines[0], lines.at(-1)]).toEqual([1002, 'code', '']);
    expect(lines.slice(1, -1)).toEqual(codes);
    expect(lines[1]).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
    expect((await get('/v1/stacks/none/codes.csv')).status).toBe(404);
  });

  test('is not read ahead of a reader who does not read', async () => {
    const codes = makeCodes(5000, fixedBytes);
    let chunksTaken = 0;
    const chunksMax = 2000; // 200 MB, if nobody stopped
    async function* endless() {
      for (; chunksTaken < chunksMax; chunksTaken++) yield codes;
    }
    await reopen({ stackCodes: async () => endless() });
    const headers = { authorization: `Bearer ${doors.tokenByScope.admin}` };
    const response = await new Promise<import('node:http').IncomingMessage>((resolve) =>
      request({ port: doors.port, host: '127.0.0.1', path: '/v1/stacks/s/codes.csv', headers }, resolve).end(),
    );
    response.pause();
    let before = -1;
    while (before !== chunksTaken) {
      before = chunksTaken;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(chunksTaken).toBeGreaterThan(0);
    expect(chunksTaken).toBeLessThan(chunksMax / 4);
    response.destroy();
  });

  test('that breaks off does not look whole', async () => {
    async function* broken() {
      yield makeCodes(10, fixedBytes);
      throw new Error('disk I/O error');
    }
    const printed = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    await reopen({ stackCodes: async () => broken() });
    await expect(csv().then((response) => response.text())).rejects.toThrow();
    expect(doors.lines.map((line) => line.sentence)).toEqual(['a file of codes broke off']);
    printed.mockRestore();
  });
});

describe('a code', () => {
  test.each([
    ['voided', 200],
    ['void_pending', 200],
    ['already_redeemed', 409],
    ['unknown_code', 404],
  ] as const)('that the ledger says is %s is answered with %i', async (outcome, status) => {
    await reopen({ voidCode: async () => outcome });
    const reply = await post('/v1/codes/7KQ2-9MXD-4TRB-8WNS/void');
    expect(reply.status).toBe(status);
    if (status === 200) expect(reply.json).toEqual({ state: outcome });
  });
});

describe('a store', () => {
  test('is made once, and listed', async () => {
    const created = await addStore('0042');
    const store = { id: '0042', name: 'Store 0042', timeZone: 'America/New_York', address: null };
    expect([created.status, created.json]).toEqual([201, store]);
    expect((await addStore('0042')).status).toBe(409);
    expect((await get('/v1/stores')).json).toEqual({ stores: [store] });
  });

  test.each([
    ['id', { id: '00/42' }],
    ['id', { id: 'x'.repeat(33) }],
    ['name', { name: '' }],
    ['name', { name: 'a\u0007b' }],
    ['timeZone', { timeZone: 'Nowhere' }],
    ['phone', { phone: '1' }],
  ])('with a wrong %s is a problem with the field', async (field, wrong) => {
    const reply = await post('/v1/stores', { id: '0042', name: 'Main Street', timeZone: 'UTC', ...wrong });
    expect([reply.status, reply.json.field]).toEqual([422, field]);
  });

  test('is stocked with an explicit list', async () => {
    await addStore('0042');
    expect((await post('/v1/stores/0042/stock', { codes: ['A', 'B'] })).json).toEqual({ granted: 2, refused: [] });
    const refused = [{ code: 'B', reason: 'already_redeemed' }];
    await reopen({ stock: async () => ok({ granted: 1, refused }) });
    expect((await post('/v1/stores/0042/stock', { codes: ['A', 'B'] })).json).toEqual({ granted: 1, refused });
    expect((await post('/v1/stores/0042/stock', { codes: [] })).json.field).toBe('codes');
  });

  test('that is not there has no stock and no enrolments', async () => {
    expect((await post('/v1/stores/0099/stock', { codes: ['A'] })).status).toBe(404);
    expect((await post('/v1/stores/0099/enrolments')).status).toBe(404);
  });

  test('gives a code with which one box enrols', async () => {
    await addStore('0042');
    doors.addStoreRow('0042');
    const { status, json } = await post('/v1/stores/0042/enrolments');
    expect(status).toBe(201);
    expect(json.code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
    expect(Date.parse(json.expiresAt)).toBe(clock.now + 2 * 3_600_000);
    const box = { publicKey: 'A'.repeat(43), keyId: 'boxkey01', version: '0.1.0' };
    const enrolled = await doors.call('POST', '/v1/enrolments', { body: { ...box, code: json.code } });
    expect(enrolled.status).toBe(200);
    expect(enrolled.json.store).toEqual({ id: '0042', name: 'Store 0042', timeZone: 'America/New_York' });
    const again = await doors.call('POST', '/v1/enrolments', {
      body: { ...box, publicKey: 'B'.repeat(43), code: json.code },
    });
    expect([again.status, again.json.type]).toEqual([403, 'enrolment_refused']);
    expect(doors.lines.map((line) => line.sentence)).toEqual(['a gateway enrolled', 'an enrolment was refused']);
    expect(JSON.stringify(doors.lines)).not.toContain(json.code);
  });

  test('is not told to whom guesses enrolment codes: after ten a minute, 429', async () => {
    const guess = () =>
      doors.call('POST', '/v1/enrolments', {
        body: { code: '0000-0000-0000-0000', publicKey: 'A'.repeat(43), keyId: 'boxkey01', version: '0.1.0' },
      });
    for (let n = 0; n < 10; n++) expect((await guess()).status).toBe(403);
    const reply = await guess();
    expect([reply.status, reply.headers.get('retry-after')]).toEqual([429, '60']);
  });
});

describe('the fleet', () => {
  const gateway: GatewayView = {
    id: 'gw-12345678',
    store: '0042',
    state: 'active',
    connected: false,
    lastHeard: 1_800_000_000_000,
    version: '0.1.0',
    epoch: 1,
    backlog: 3,
    holds: { units: 2, value: 1000 },
    blanks: { units: 0, value: 0 },
    inDoubt: { units: 0, value: 0 },
    drillUntil: null,
  };

  test('is listed with times as RFC 3339', async () => {
    await reopen({ gateways: async () => [gateway] });
    expect((await get('/v1/gateways')).json).toEqual({
      gateways: [{ ...gateway, lastHeard: '2027-01-15T08:00:00.000Z' }],
    });
  });

  test('loses a gateway by revocation', async () => {
    await reopen({ revoke: async (id) => (id === gateway.id ? 'revoked' : 'unknown_gateway') });
    expect((await post('/v1/gateways/gw-12345678/revocation')).json).toEqual({ revoked: true });
    expect((await post('/v1/gateways/gw-87654321/revocation')).status).toBe(404);
  });

  test('has exceptions with both sides and the money', async () => {
    const exception = {
      ...{ id: 'x1', at: 1_800_000_000_000, what: 'late redemption', gateway: 'gw-12345678', lastFour: '8WNS' },
      ...{ value: 500, ours: 'voided', theirs: 'redeemed' },
    };
    await reopen({ exceptions: async () => [exception] });
    expect((await get('/v1/exceptions')).json).toEqual({
      exceptions: [{ ...exception, at: '2027-01-15T08:00:00.000Z' }],
    });
  });
});

/** The same codes in every run. */
const fixedBytes = (size: number) => Buffer.from(Array.from({ length: size }, (_, n) => (n * 7919) >> 3));

async function* chunksOf(codes: readonly string[], size: number): AsyncGenerator<readonly string[]> {
  for (let start = 0; start < codes.length; start += size) yield codes.slice(start, start + size);
}
