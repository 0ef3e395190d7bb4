import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { sessionFile } from '../../gateway/doors/sessions.ts';
import { createToken, tokenFolder } from '../../gateway/doors/tokens.ts';
import { saleNumbersFile } from '../../gateway/lanes/sale-numbers-file.ts';
import { type LaneServer, startLaneServer, SUPERVISOR } from '../browser/lane-server.ts';

let server: LaneServer;
let cookie: string;

beforeAll(async () => {
  server = await startLaneServer();
  cookie = await signIn(server, server.registerToken);
});
afterAll(() => server.stop());
afterEach(() => {
  server.till.isUnavailable = false;
});

type Options = { cookie?: string; origin?: string | null; accept?: string; type?: string; host?: string };

function post(at: LaneServer, path: string, form: Record<string, string>, options: Options = {}): Promise<Response> {
  const { origin = at.url, type } = options;
  return fetch(at.url + path, {
    method: 'POST',
    redirect: 'manual',
    body: type === 'application/json' ? JSON.stringify(form) : new URLSearchParams(form),
    headers: {
      ...(origin === null ? {} : { origin }),
      ...(options.cookie === undefined ? {} : { cookie: options.cookie }),
      ...(options.accept === undefined ? {} : { accept: options.accept }),
      ...(type === undefined ? {} : { 'content-type': type }),
    },
  });
}

async function signIn(at: LaneServer, token: string, next = '/lane/2'): Promise<string> {
  const response = await post(at, '/lane/session', { token, next });
  expect(response.status).toBe(303);
  return response.headers.get('set-cookie')?.split(';')[0] ?? '';
}

const page = (path: string, headers: Record<string, string> = { cookie }) => fetch(server.url + path, { headers });

/** The first state of a lane's stream. */
async function firstEvent(lane: string): Promise<string> {
  const abort = new AbortController();
  const response = await fetch(`${server.url}/lane/${lane}/events`, { headers: { cookie }, signal: abort.signal });
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += new TextDecoder().decode(chunk);
    if (text.includes('\n\n')) break;
  }
  abort.abort();
  return text;
}

describe('the session', () => {
  test('is asked for once, in the place of the page', async () => {
    const response = await page('/lane/2', {});
    expect(response.status).toBe(401);
    const text = await response.text();
    expect(text).toContain('Register token');
    expect(text).toContain('name="next" value="/lane/2"');
  });

  test('is a cookie that no script reads and no other site sends', async () => {
    const response = await post(server, '/lane/session', { token: ` ${server.registerToken} `, next: '/lane/2' });
    expect(response.headers.get('location')).toBe('/lane/2');
    expect(response.headers.get('set-cookie')).toMatch(
      /^tearline-gw-00000001=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Strict$/,
    );
  });

  test.each([
    ['nonsense', 401],
    ['', 401],
    [`tl_register_${'x'.repeat(43)}`, 401],
  ])('is not given for %j', async (token, status) => {
    const response = await post(server, '/lane/session', { token, next: '/lane/2' });
    expect(response.status).toBe(status);
    expect(response.headers.get('set-cookie')).toBeNull();
    expect(await response.text()).toContain('This is not a token of this box.');
  });

  test('of a register does not open the page of store IT', async () => {
    const response = await post(server, '/lane/session', { token: server.registerToken, next: '/status' });
    expect(response.status).toBe(403);
  });

  test.each(['https://elsewhere.example/', '//elsewhere.example', '/lane/../../x', '/lane/2\\@elsewhere'])(
    'leads nowhere but to a page of this box, not to %s',
    async (next) => {
      const response = await post(server, '/lane/session', { token: server.boxToken, next });
      expect(response.headers.get('location')).toBe('/status');
    },
  );

  test('is not given any more to an address that guesses', async () => {
    const guessed = await startLaneServer();
    const guess = () => post(guessed, '/lane/session', { token: `tl_register_${'x'.repeat(43)}`, next: '/lane/2' });
    for (let n = 0; n < 10; n++) expect((await guess()).status).toBe(401);
    expect((await guess()).status).toBe(429);
    await signIn(guessed, guessed.registerToken);
    await guessed.stop();
  });

  test('survives a restart of the box', async () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'tearline-lane-'));
    const first = await startLaneServer({ dataDirectory });
    const kept = await signIn(first, first.registerToken);
    await first.stop();
    expect(readFileSync(join(dataDirectory, 'sessions.json'), 'utf8')).not.toContain(kept.split('=')[1]);
    const second = await startLaneServer({ dataDirectory });
    expect((await fetch(`${second.url}/lane/2`, { headers: { cookie: kept } })).status).toBe(200);
    await second.stop();
    rmSync(dataDirectory, { recursive: true });
  });

  test('ends after 30 days, and with its token', () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'tearline-lane-'));
    let at = 0;
    const token = createToken(dataDirectory, { scope: 'register', name: 'lane-2' });
    const sessions = sessionFile(
      dataDirectory,
      tokenFolder(dataDirectory, () => 0),
      () => at,
    );
    const id = sessions.begin(token);
    at = 30 * 86_400_000 - 1;
    expect(sessions.find(id)).toEqual({ scope: 'register', name: 'lane-2' });
    at += 1;
    expect(sessions.find(id)).toBeNull();
    expect(sessions.find('nobody')).toBeNull();
    at = 1;
    const folder = join(dataDirectory, 'tokens');
    for (const file of readdirSync(folder)) rmSync(join(folder, file));
    expect(sessions.find(id)).toBeNull();
    rmSync(dataDirectory, { recursive: true });
  });
});

describe('what a lane page posts', () => {
  const actions = [
    ...['scan', 'total', 'redeem', 'release', 'undo', 'next', 'again', 'suspend', 'resume'],
    ...['supervisor', 'choice', 'training', 'training/end'],
  ];

  test.each(actions)('%s needs a session', async (action) => {
    expect((await post(server, `/lane/2/${action}`, { code: 'TEST-APPROVED' })).status).toBe(401);
  });

  test.each(actions)('%s is refused from another site, and where no site is named', async (action) => {
    for (const origin of ['https://elsewhere.example', 'null', null, 'http://127.0.0.1:1'])
      expect((await post(server, `/lane/2/${action}`, { code: 'TEST-APPROVED' }, { cookie, origin })).status).toBe(403);
    expect(server.till.calls).toEqual([]);
  });

  test('is refused by another host name', async () => {
    const { port } = new URL(server.url);
    const { request } = await import('node:http');
    const status = await new Promise((done) => {
      const headers = { host: `elsewhere.example:${port}`, origin: `http://elsewhere.example:${port}`, cookie };
      request({ port, host: '127.0.0.1', method: 'POST', path: '/lane/2/redeem', headers }, (r) =>
        done(r.statusCode),
      ).end();
    });
    expect(status).toBe(421);
  });

  test('is answered with nothing where a script asks, and with the page where a browser does', async () => {
    const scripted = await post(server, '/lane/5/scan', { code: 'TEST-EXPIRED' }, { cookie });
    expect([scripted.status, await scripted.text()]).toEqual([204, '']);
    const browsed = await post(server, '/lane/5/scan', { code: 'TEST-EXPIRED' }, { cookie, accept: 'text/html,*/*' });
    expect([browsed.status, browsed.headers.get('location')]).toEqual([303, '/lane/5']);
    expect(await (await page('/lane/5')).text()).toContain('<p class="decision__word">Expired</p>');
  });

  test('may be JSON', async () => {
    await post(server, '/lane/6/scan', { code: 'TEST-VOIDED' }, { cookie, type: 'application/json' });
    expect(await (await page('/lane/6')).text()).toContain('Withdrawn');
  });

  test.each([
    ['scan', { code: 'A'.repeat(513) }, 'code'],
    ['scan', {}, 'code'],
    ['total', { amount: '-3' }, 'amount'],
    ['total', { amount: 'much' }, 'amount'],
    ['resume', { value: 'x'.repeat(65) }, 'value'],
    ['choice', { value: 'honour' }, 'value'],
  ])('%s with %o names the field that is wrong', async (action, form, field) => {
    const response = await post(server, `/lane/2/${action}`, form, { cookie });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ type: 'invalid_request', field });
  });

  test('is at most 64 KiB', async () => {
    expect((await post(server, '/lane/2/scan', { code: 'A'.repeat(70_000) }, { cookie })).status).toBe(413);
  });

  test('redeems, gives back, undoes and goes on', async () => {
    const [one, two] = [server.till.coupon(), server.till.coupon()];
    const act = (action: string, form: Record<string, string> = {}) =>
      post(server, `/lane/7/${action}`, form, { cookie });
    await act('total', { amount: '42.00' });
    await act('scan', { code: one });
    await act('redeem');
    expect(server.sales.view('7')).toMatchObject({ total: { amount: 4200 }, coupons: [{ state: 'redeemed' }] });
    await act('scan', { code: two });
    await act('release');
    expect(server.sales.view('7').coupons).toHaveLength(1);
    const { basket } = server.sales.view('7');
    await act('undo');
    expect(server.sales.view('7').basket).not.toBe(basket);
    await act('next');
    expect(server.sales.view('7')).toMatchObject({ total: null, answer: { kind: 'idle' } });
  });
});

describe('the page', () => {
  test('is strict and never kept', async () => {
    const { headers } = await page('/lane/2');
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-security-policy')).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; font-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
  });

  test('of a lane with a strange name is that text, not markup', async () => {
    const text = await (await page(`/lane/${encodeURIComponent('<b>"&é')}`)).text();
    expect(text).toContain('lane &lt;b&gt;&quot;&amp;é');
    expect(text).not.toContain('<b>');
  });

  test('of a lane whose name is too long is not there', async () => {
    expect((await page(`/lane/${'x'.repeat(17)}`)).status).toBe(404);
  });

  test('and its events carry no full code', async () => {
    const code = server.till.coupon();
    await post(server, '/lane/8/scan', { code }, { cookie });
    await post(server, '/lane/8/redeem', {}, { cookie });
    for (const text of [await (await page('/lane/8')).text(), await firstEvent('8')]) {
      expect(text).toContain(`…${code.slice(-4)}`);
      expect(text).not.toContain(code);
    }
  });

  test('names its styles, scripts and fonts by their content, to be kept for a year', async () => {
    const text = await (await page('/lane/2')).text();
    const paths = [...text.matchAll(/(?:href|src)="(\/assets\/[^"]+)"/g)].map(([, path]) => path ?? '');
    expect(paths).toHaveLength(5);
    for (const path of paths) {
      expect(path).toMatch(/^\/assets\/[0-9a-f]{12}\//);
      const response = await page(path);
      expect(response.status).toBe(200);
      expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    }
  });
});

/** Bytes over the wire, compressed. @param ending of the assets that a page names, and of those that its scripts import */
async function wireBytes(at: LaneServer, html: string, ending: string): Promise<number> {
  const named = [...html.matchAll(/"(\/assets\/[^"]+)"/g)]
    .map(([, path]) => path ?? '')
    .filter((path) => path.endsWith(ending));
  const found = new Set(named);
  let bytes = 0;
  for (const path of found) {
    const response = await fetch(at.url + path, { headers: { 'accept-encoding': 'gzip' } });
    bytes += Number(response.headers.get('content-length') ?? Number.NaN);
    const text = await response.text();
    for (const [, name = ''] of text.matchAll(/from '\.\/([^']+)'/g)) found.add(path.replace(/[^/]+$/, name));
  }
  return bytes;
}

describe('the budget of the lane page', () => {
  test.each(['en', 'es', 'fr', 'de'] as const)('is kept (%s)', async (language) => {
    const at = await startLaneServer({ language });
    const session = await signIn(at, at.registerToken);
    const response = await fetch(`${at.url}/lane/2`, { headers: { cookie: session } });
    const html = await response.text();
    expect(Buffer.byteLength(html)).toBeLessThanOrEqual(30 * 1024);
    expect(await wireBytes(at, html, '.js')).toBeLessThanOrEqual(6 * 1024);
    expect(await wireBytes(at, html, '.css')).toBeLessThanOrEqual(12 * 1024);
    await at.stop();
  });
});

describe('the look of the pages', () => {
  test.each([
    ['de', 'dark', '<html lang="de" data-theme="dark">', 'Diese Seite öffnen'],
    ['fr', 'light', '<html lang="fr" data-theme="light">', 'Ouvrir cette page'],
    ['es', 'system', '<html lang="es">', 'Abrir esta página'],
  ] as const)('is what the settings say (%s, %s)', async (language, theme, html, title) => {
    const at = await startLaneServer({ language, theme });
    const asked = await (await fetch(`${at.url}/lane/2`)).text();
    expect(asked).toContain(html);
    expect(asked).toContain(`<h1>${title}</h1>`);
    const session = await signIn(at, at.registerToken);
    expect(await (await fetch(`${at.url}/lane/2`, { headers: { cookie: session } })).text()).toContain(html);
    // Store IT reads English, in the same theme.
    expect(await (await fetch(`${at.url}/status`)).text()).toContain(html.replace(`"${language}"`, '"en"'));
    await at.stop();
  });
});

describe('a supervisor at a lane', () => {
  const act = (action: string, form: Record<string, string> = {}, accept = '') =>
    post(server, `/lane/21/${action}`, form, { cookie, accept });

  test('is let in by a PIN, and written down by name with the last four, never with the PIN', async () => {
    await act('scan', { code: 'TEST-CANNOT_VERIFY' });
    const wrong = await act('supervisor', { pin: '999999' });
    expect([wrong.status, await wrong.json()]).toMatchObject([403, { detail: expect.stringContaining('PIN') }]);
    expect(server.sales.view('21').supervisor).toBeNull();
    expect((await act('supervisor', { pin: SUPERVISOR.pin })).status).toBe(204);
    expect((await act('choice', { value: 'finish_without' })).status).toBe(204);
    const log = readFileSync(join(server.dataDirectory, 'supervision.jsonl'), 'utf8');
    const lines = log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const { basket } = server.sales.view('21');
    const about = { lane: '21', basket, coupons: ['TEST'] };
    expect(lines).toEqual([
      { ...about, at: expect.stringMatching(/^20\d\d-.*Z$/), supervisor: null, choice: 'wrong_pin' },
      { ...about, at: expect.any(String), supervisor: SUPERVISOR.name, choice: 'opened' },
      { ...about, at: expect.any(String), supervisor: SUPERVISOR.name, choice: 'finish_without' },
    ]);
    expect(log + server.logged.join()).not.toMatch(new RegExp(`${SUPERVISOR.pin}|999999`));
    expect(server.logged.join()).toContain('"choice":"finish_without"');
  });

  test('is told without a script what is wrong, in the page', async () => {
    const response = await act('training', { pin: 'no' }, 'text/html');
    expect(response.status).toBe(403);
    const text = await response.text();
    expect(text).toContain('data-shown="settings"');
    expect(text).toContain('This is not a supervisor’s PIN here.');
  });

  test('is not needed for a training by a box token, which is named', async () => {
    const box = await signIn(server, server.boxToken);
    expect((await post(server, '/lane/22/training', {}, { cookie: box })).status).toBe(204);
    expect(server.sales.view('22').training).not.toBeNull();
    expect(readFileSync(join(server.dataDirectory, 'supervision.jsonl'), 'utf8')).toContain('"box token Jo"');
    expect((await post(server, '/lane/22/training/end', {}, { cookie })).status).toBe(204);
    expect(server.sales.view('22').training).toBeNull();
  });

  test('who cannot be written down opens nothing: 503', async () => {
    const at = await startLaneServer();
    const session = await signIn(at, at.registerToken);
    mkdirSync(join(at.dataDirectory, 'supervision.jsonl'));
    const wrong = await post(at, '/lane/2/supervisor', { pin: '999999' }, { cookie: session });
    expect(wrong.status).toBe(503);
    await post(at, '/lane/2/supervisor', { pin: SUPERVISOR.pin }, { cookie: session });
    expect(at.sales.view('2').supervisor).toBeNull();
    await at.stop();
  });
});

describe('the events of a lane', () => {
  test('need a session', async () => {
    expect((await page('/lane/2/events', {})).status).toBe(401);
  });

  test('give the whole state at once', async () => {
    const [line] = (await firstEvent('9')).split('\n');
    const state = JSON.parse(line?.replace(/^data: /, '') ?? '');
    expect(Object.keys(state)).toEqual(['answers', 'sound', 'answer', 'waiting', 'isTraining', 'parts']);
    expect(Object.keys(state.parts)).toEqual([
      'head',
      'banner',
      'news',
      'answer',
      'total',
      'basket',
      'supervisor',
      'training',
    ]);
  });
});

describe('the status page', () => {
  test('is read on the box itself without a token, and has no code in it', async () => {
    const code = server.till.coupon();
    await post(server, '/lane/2/scan', { code }, { cookie });
    const response = await page('/status', {});
    expect(response.status).toBe(200);
    const text = await response.text();
    expect(text).toContain('Ready for an outage');
    expect(text).not.toContain(code.slice(-4));
  });

  test('starts and ends a drill for a box token alone', async () => {
    const form = { line: 'cut', minutes: '15' };
    expect((await post(server, '/status/drill', form)).status).toBe(401);
    expect((await post(server, '/status/drill', form, { cookie })).status).toBe(401);
    const box = await signIn(server, server.boxToken, '/status');
    expect(
      (await post(server, '/status/drill', form, { cookie: box, origin: 'https://elsewhere.example' })).status,
    ).toBe(403);
    for (const minutes of ['61', '0', '1.5', 'x', ''])
      expect((await post(server, '/status/drill', { line: 'cut', minutes }, { cookie: box })).status).toBe(422);
    expect(server.box.drill).toBeNull();
    expect((await post(server, '/status/drill', form, { cookie: box })).status).toBe(303);
    expect(server.box.drill).toMatchObject({ by: 'Jo' });
    expect((await post(server, '/status/drill', { line: 'open' }, { cookie: box })).status).toBe(303);
    expect(server.box.drill).toBeNull();
  });
});

describe('the numbers of sales', () => {
  test('rise by lane and day, and never come again after a restart or a clock that was set back', () => {
    const dataDirectory = mkdtempSync(join(tmpdir(), 'tearline-lane-'));
    const numbers = saleNumbersFile(dataDirectory);
    expect(numbers.next('2', '20261123')).toEqual({ day: '20261123', n: 1 });
    expect(numbers.next('2', '20261123')).toEqual({ day: '20261123', n: 2 });
    expect(numbers.next('3', '20261123')).toEqual({ day: '20261123', n: 1 });
    const again = saleNumbersFile(dataDirectory);
    expect(again.next('2', '20261123')).toEqual({ day: '20261123', n: 3 });
    expect(again.next('2', '20261124')).toEqual({ day: '20261124', n: 1 });
    expect(again.next('2', '19700101')).toEqual({ day: '20261124', n: 2 });
    rmSync(dataDirectory, { recursive: true });
    expect(() => again.next('2', '20261125')).toThrow('a sale has no number');
  });
});
