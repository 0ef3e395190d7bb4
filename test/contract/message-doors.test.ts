import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { smsSignature } from '../../cloud/distribution/post/sms-signature.ts';
import { unsubscribeToken } from '../../cloud/distribution/post/unsubscribe.ts';
import { fakeLedger, openTestDoors, SMS_TOKEN, type TestDoors } from './cloud-doors.ts';
import { addressOf } from './post-world.ts';

/** Deliveries, consents, keywords and what providers tell, over real HTTP. */

const PHONE = '+12025550142';
const PUBLIC_URL = 'http://coupons.example';
let doors: TestDoors;

beforeEach(async () => {
  doors = await openTestDoors(fakeLedger());
  // The campaign's row itself: these doors ask the database, not the ledger.
  doors.database.raw
    .prepare('INSERT INTO campaigns (id, body, face_value) VALUES (?, ?, 500)')
    .run('spring', JSON.stringify(campaign));
});
afterEach(() => doors.close());

const campaign = {
  card: {
    version: 1,
    offer: {
      campaign: 'spring',
      title: '$5 off',
      discount: { type: 'amount', amount: 500, currency: 'USD' },
      promotionRef: null,
    },
    ...{ channels: ['store'], timeZone: 'UTC', startsAt: '2026-01-01', endsAt: '2030-01-01', stores: 'all' },
    ...{ minimumBasket: null, onSilence: 'hold' },
  },
  ...{ condition: null, terms: null, picture: null, perCustomer: 1, offline: 'decline' },
};
const admin = (method: string, path: string, body?: unknown) =>
  doors.call(method, path, { scope: 'admin', ...(body === undefined ? {} : { body }) });

describe('a delivery at the door', () => {
  const make = (body: object) =>
    admin('POST', '/v1/campaigns/spring/deliveries', { channel: 'sms', audience: 'assigned', ...body });

  test('is made with what was left out as documented, and can be looked at, listed, paused and gone on with', async () => {
    const made = await make({});
    expect(made).toMatchObject({
      status: 201,
      json: {
        kind: 'coupon',
        quietHours: '21:00-08:00',
        onUnknown: 'leave',
        audience: 'assigned',
        paused: false,
        trouble: null,
      },
    });
    const path = `/v1/deliveries/${made.json.id}`;
    expect((await admin('GET', path)).json).toMatchObject({ counts: { queued: 0, unknown: 0 } });
    expect((await admin('GET', '/v1/campaigns/spring/deliveries')).json.deliveries).toHaveLength(1);
    expect((await admin('POST', `${path}/pause`)).json).toMatchObject({ paused: true });
    expect((await admin('POST', `${path}/resume`)).json).toMatchObject({ paused: false });
    expect((await admin('GET', `${path}/messages?state=unknown`)).json).toEqual({ messages: [], next: null });
    expect((await admin('POST', `${path}/resend`)).status).toBe(409);
  });

  test.each([
    ['a subject of two lines', { subject: 'Hello\r\nBcc: eve@example.com' }, 'subject'],
    ['a text with a control character', { text: 'a\u0000b' }, 'text'],
    ['quiet hours that are none', { quietHours: '25:00-08:00' }, 'quietHours'],
    ['two times to start', { startsAt: '2027-01-01T00:00:00Z', daysBefore: 3 }, 'daysBefore'],
    ['a reminder to a list', { kind: 'reminder', audience: { customers: ['x'] } }, 'audience'],
    ['an unknown field', { onUnkown: 'resend' }, 'onUnkown'],
  ])('with %s is refused, and the field named', async (_, body, field) => {
    expect(await make(body)).toMatchObject({ status: 422, json: { type: 'invalid_request', field } });
  });

  test('over a channel that is not set up, of no campaign, or without a right is refused', async () => {
    expect((await make({ channel: 'email' })).json).toMatchObject({ type: 'not_set_up', status: 409 });
    expect(
      (await admin('POST', '/v1/campaigns/none/deliveries', { channel: 'sms', audience: 'assigned' })).status,
    ).toBe(404);
    expect((await admin('GET', '/v1/deliveries/none')).status).toBe(404);
    expect((await admin('GET', '/v1/deliveries/none/messages?state=odd')).status).toBe(422);
    expect((await doors.call('GET', '/v1/deliveries/none', { scope: 'cart' })).status).toBe(403);
  });

  test('to customers of whom one is unknown is refused, and that one told', async () => {
    const { id } = (await admin('POST', '/v1/customers', { phone: PHONE })).json;
    expect(await make({ audience: { customers: [id, 'nobody'] } })).toMatchObject({
      status: 422,
      json: { type: 'import_refused', errors: [{ line: 2 }] },
    });
    expect((await make({ audience: { customers: [id] } })).status).toBe(201);
  });

  test('with a bad line in its list is sent to nobody, and each bad line is told', async () => {
    const upload = (csv: string) =>
      doors.call('POST', '/v1/campaigns/spring/deliveries?channel=sms', {
        scope: 'admin',
        body: csv,
        headers: { 'content-type': 'text/csv' },
      });
    expect((await upload(`phone\n${PHONE}\n12\n`)).json).toMatchObject({
      type: 'import_refused',
      errors: [{ line: 3 }],
    });
    expect((await upload(`phone\n"${PHONE}\n`)).json).toMatchObject({ type: 'import_refused' });
    expect((await upload(`phone\n${PHONE}\n`)).status).toBe(201);
    expect((await admin('GET', '/v1/campaigns/spring/deliveries')).json.deliveries).toHaveLength(1);
  });
});

describe('consents at the door', () => {
  const consent = { address: PHONE, givenAt: '2026-01-01T00:00:00Z', source: 'form', wording: 'Yes, offers.' };

  test('are kept with when, where and which words, and with how they ended', async () => {
    const person = await admin('POST', '/v1/customers', { phone: PHONE });
    expect((await admin('POST', '/v1/consents', { consents: [consent] })).json).toMatchObject({ given: 1 });
    const path = `/v1/customers/${person.json.id}/consents`;
    expect((await admin('GET', path)).json.consents).toMatchObject([
      { address: PHONE, stands: true, wording: 'Yes, offers.' },
    ]);
    await admin('POST', '/v1/consents/withdrawals', { address: PHONE, how: 'by letter' });
    expect((await admin('GET', path)).json.consents).toMatchObject([{ stands: false, withdrawnHow: 'by letter' }]);
    expect((await admin('POST', '/v1/consents', { consents: [consent] })).json).toMatchObject({
      given: 0,
      withdrawnSince: 1,
    });
  });

  test('of a list are taken line by line, and bad lines told', async () => {
    const csv = `address,given_at,source,wording\n${PHONE},2026-01-01T00:00:00Z,form,Yes\nx,2026-01-01T00:00:00Z,form,Yes\n${PHONE},,form,Yes\n`;
    const answer = await doors.call('POST', '/v1/consents', {
      scope: 'admin',
      body: csv,
      headers: { 'content-type': 'text/csv' },
    });
    expect(answer.json).toMatchObject({ given: 1, errorCount: 2, errors: [{ line: 3 }, { line: 4 }] });
  });
});

describe('a test message', () => {
  test('says how many parts its text has; a wrong address or channel is refused', async () => {
    const send = (body: object) =>
      admin('POST', '/v1/campaigns/spring/test-messages', { channel: 'sms', to: PHONE, ...body });
    expect(await send({})).toMatchObject({ status: 201, json: { segments: 1 } });
    expect((await send({ text: 'ж'.repeat(100) })).json).toMatchObject({ segments: 3 });
    const { message } = (await send({})).json;
    expect((await admin('GET', `/v1/messages/${message}`)).json).toMatchObject({ kind: 'test', state: 'queued' });
    expect((await send({ to: 'ann@example.com' })).json).toMatchObject({ field: 'to' });
    expect((await send({ to: '12' })).json).toMatchObject({ field: 'to' });
    expect((await send({ channel: 'email', to: 'ann@example.com' })).json).toMatchObject({ type: 'not_set_up' });
  });
});

describe('a keyword', () => {
  test('is of one open campaign, in letters and digits, and no word that ends messages', async () => {
    const set = (keyword: string | null, id = 'spring') => admin('POST', `/v1/campaigns/${id}/keyword`, { keyword });
    expect((await set('spring')).json).toEqual({ keyword: 'SPRING' });
    doors.database.raw
      .prepare('INSERT INTO campaigns (id, body, face_value) VALUES (?, ?, 500)')
      .run('other', JSON.stringify(campaign));
    expect((await set('Spring', 'other')).status).toBe(409);
    expect((await set('STOP')).status).toBe(422);
    expect((await set('two words')).status).toBe(422);
    expect((await set('spring', 'none')).status).toBe(404);
    expect((await set(null)).status).toBe(200);
    expect((await set('Spring', 'other')).status).toBe(200);
  });
});

describe('what the provider of texts tells', () => {
  const post = async (path: string, fields: Record<string, string>, signature?: string) => {
    const form = new URLSearchParams(fields);
    const headers = { 'x-twilio-signature': signature ?? smsSignature(SMS_TOKEN, `${PUBLIC_URL}${path}`, form) };
    return fetch(`${doors.url}${path}`, { method: 'POST', body: form, headers });
  };

  test('is taken with its signature over the address that the outside knows', async () => {
    const answer = await post('/sms/inbound', { MessageSid: 'SM1', From: PHONE, Body: 'help' });
    expect([answer.status, await answer.text()]).toEqual([200, '<Response/>']);
    expect((await admin('GET', '/v1/messages/reply-SM1')).json).toMatchObject({ kind: 'reply', state: 'queued' });
    expect(
      (await post('/sms/status?message=reply-SM1', { MessageSid: 'SM9', MessageStatus: 'delivered' })).status,
    ).toBe(204);
  });

  test('is refused without it, or with another', async () => {
    const fields = { MessageSid: 'SM1', From: PHONE, Body: 'spring' };
    expect((await post('/sms/inbound', fields, '')).status).toBe(403);
    const local = smsSignature(SMS_TOKEN, `${doors.url}/sms/inbound`, new URLSearchParams(fields));
    expect((await post('/sms/inbound', fields, local)).status).toBe(403);
    expect((await admin('GET', '/v1/messages/reply-SM1')).status).toBe(404);
  });

  test('that makes no sense is answered and changes nothing', async () => {
    expect((await post('/sms/inbound', { MessageSid: '../x', From: 'SHOP', Body: 'x' })).status).toBe(200);
    expect((await post('/sms/status?message=none', { MessageStatus: 'delivered' })).status).toBe(204);
    expect((await post('/sms/inbound', { Body: 'x'.repeat(70_000) })).status).toBe(413);
  });
});

describe('the link that ends mails', () => {
  const open = (token: string, method = 'GET', language = 'en') =>
    fetch(`${doors.url}/u/${token}`, { method, headers: { 'accept-language': language } });

  test('asks first, ends them by a post, and works only whole', async () => {
    const addressHash = doors.secrets.hashIdentity(addressOf('ann@example.com'));
    const token = unsubscribeToken(doors.secrets, { channel: 'email', addressHash });
    const asked = await open(token, 'GET', 'de-DE,de;q=0.9');
    expect(asked.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await asked.text()).toContain('Keine Nachrichten mehr an diese Adresse?');
    const standing = () => doors.postOffice.consents.of(addressOf('ann@example.com'));
    expect(await standing()).toBeNull();
    expect((await open(token, 'POST')).status).toBe(200);
    expect(await standing()).toMatchObject({ withdrawn: { how: 'link' } });
    for (const bad of [token.slice(0, -2), `${token}AA`, 'x', encodeURIComponent('../..')])
      expect((await open(bad, 'POST')).status, bad).toBe(404);
  });
});

describe('a mail that came back', () => {
  test('is noted by its Message-ID; of an unknown one it is said', async () => {
    await admin('POST', '/v1/campaigns/spring/test-messages', { channel: 'sms', to: PHONE });
    expect((await admin('POST', '/v1/post/bounces', { message: '<nobody@shop.example>' })).status).toBe(404);
    expect((await admin('POST', '/v1/post/bounces', { message: 'x', reason: 'to ann@example.com' })).status).toBe(422);
  });
});
