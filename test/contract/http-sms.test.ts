import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { freePorts } from '../journeys/processes.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { httpSmsSender } from '../../cloud/distribution/post/http-sms.ts';
import { isSignedBy, smsSignature } from '../../cloud/distribution/post/sms-signature.ts';

/** Text messages over real HTTP, to a provider that a test plays. */

type Played = (request: IncomingMessage, body: string, response: ServerResponse) => void;
let server: Server;
let url: string;
let play: Played;

beforeEach(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => (body += part));
    request.on('end', () => play(request, body, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const settings = () => ({
  ...{ url, account: 'AC1', token: 'secret', from: '+12025550100' },
  statusUrl: () => 'https://coupons.example/sms/status',
});
const send = (own = {}) =>
  httpSmsSender({ ...settings(), ...own }).send({ id: 'm1', to: '+12025550142', text: 'Hello & bye' });
const answer =
  (status: number, json: unknown, headers: Record<string, string> = {}): Played =>
  (_, __, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(json));

describe('a text', () => {
  test('is posted as the provider’s documentation says', async () => {
    const seen: { path: string | undefined; authorization: string | undefined; form: unknown }[] = [];
    play = (request, body, response) => {
      const { url: path, headers } = request;
      seen.push({ path, authorization: headers.authorization, form: Object.fromEntries(new URLSearchParams(body)) });
      response.writeHead(201).end(JSON.stringify({ sid: 'SM123', status: 'queued' }));
    };
    expect(await send()).toEqual({ is: 'accepted', providerId: 'SM123' });
    expect(seen).toEqual([
      {
        path: '/2010-04-01/Accounts/AC1/Messages.json',
        authorization: `Basic ${Buffer.from('AC1:secret').toString('base64')}`,
        form: {
          ...{ To: '+12025550142', From: '+12025550100', Body: 'Hello & bye' },
          StatusCallback: 'https://coupons.example/sms/status?message=m1',
        },
      },
    ]);
  });

  test.each([
    ['accepted, whatever its description', 200, 'no description', { is: 'accepted', providerId: null }],
    ['to no number is refused for good', 400, { code: 21_211 }, { is: 'refused', reason: 'sms_21211', bounced: false }],
    ['with a wrong password waits', 401, { code: 20_003 }, { is: 'away', reason: 'sms_20003', retryAfterMs: null }],
    ['while the provider is too busy waits', 503, null, { is: 'away', reason: 'sms_503', retryAfterMs: null }],
    ['that breaks the provider may have been sent', 500, null, { is: 'unknown', reason: 'sms_500' }],
    ['lost behind a gateway may have been sent', 504, null, { is: 'unknown', reason: 'sms_504' }],
  ])('%s', async (_, status, json, expected) => {
    play = answer(status, json);
    expect(await send()).toEqual(expected);
  });

  test('too many waits as long as the provider says', async () => {
    play = answer(429, { code: 20_429 }, { 'retry-after': '7' });
    expect(await send()).toEqual({ is: 'away', reason: 'sms_20429', retryAfterMs: 7_000 });
  });

  test('to a provider that nobody can reach waits; one whose line breaks may have been sent', async () => {
    expect(await send({ url: `http://127.0.0.1:${await freePorts(1)}` })).toMatchObject({ is: 'away' });
    play = (request) => request.socket.destroy();
    expect(await send()).toMatchObject({ is: 'unknown' });
  });

  test('to a provider that accepts and never answers is unknown, in its time', async () => {
    play = () => undefined;
    expect(await send({ answerMs: 200 })).toEqual({ is: 'unknown', reason: 'sms_no_answer' });
  });
});

describe('a signature of the provider', () => {
  const token = '12345';
  const example = 'https://mycompany.com/myapp.php?foo=1&bar=2';
  const form = (number: string) =>
    new URLSearchParams({
      CallSid: 'CA1234567890ABCDE',
      Caller: number,
      Digits: '1234',
      From: number,
      To: '+18005551212',
    });

  test.each([
    ['+14158675309', 'RSOYDt4T1cUTdK1PDd93/VVr8B8='],
    ['+14158675310', 'GvWf1cFY/Q7PnoempGyD5oXAezc='],
  ])('is the one of its documentation (%s)', (number, signature) => {
    expect(smsSignature(token, example, form(number))).toBe(signature);
    expect(isSignedBy(token, example, form(number), signature)).toBe(true);
  });

  test('is not good for another address, form or token', () => {
    const [good, signature] = [form('+14158675309'), 'RSOYDt4T1cUTdK1PDd93/VVr8B8='];
    expect(isSignedBy(token, `${example}&x`, good, signature)).toBe(false);
    expect(isSignedBy('54321', example, good, signature)).toBe(false);
    expect(isSignedBy(token, example, form('+14158675300'), signature)).toBe(false);
    expect(isSignedBy(token, example, good, '')).toBe(false);
  });
});
