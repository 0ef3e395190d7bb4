import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CODE, type FaceServer, LINK, PROOF, startFaceServer } from '../browser/face-server.ts';
import { FACE_STATES } from '../browser/face-states.ts';

let server: FaceServer;
beforeEach(async () => {
  server = await startFaceServer();
});
afterEach(() => server.stop());

const BROWSER = { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' };
const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(server.url + path, { method, redirect: 'manual', headers: { ...BROWSER, ...headers } });
const post = (path: string, body: string | URLSearchParams, type = 'application/x-www-form-urlencoded') =>
  fetch(server.url + path, { method: 'POST', redirect: 'manual', body, headers: { 'content-type': type } });
const postJson = (path: string, body: unknown) => post(path, JSON.stringify(body), 'application/json');

describe('a link that opens nothing', () => {
  test('gets the same bytes and status whether it was guessed, cut off or never was one', async () => {
    const links = [`${'Z'.repeat(21)}Q`, LINK.slice(0, 15), 'x', '%00', '..%2fv1', CODE, `${LINK}${LINK}`];
    const answers = await Promise.all(
      links.map(async (link) => {
        const answer = await get(`/c/${link}`);
        return [answer.status, await answer.text()];
      }),
    );
    expect(answers[0]?.[0]).toBe(404);
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    for (const path of [`/c/${LINK.slice(1)}/events`, '/c/x/stores'])
      expect([(await get(path)).status, path]).toEqual([404, path]);
    expect((await post('/c/x/place', 'store=0001')).status).toBe(404);
  });

  test('is not guessed at length: after ten in a minute nothing more is said, and a good one still opens', async () => {
    for (let i = 0; i < 10; i += 1) await get(`/c/guess-${i}`);
    const more = await get('/c/guess');
    expect([more.status, Number(more.headers.get('retry-after'))]).toEqual([429, 60]);
    expect((await get(`/c/${LINK}`)).status).toBe(200);
  });
});

describe('a face', () => {
  test('is never kept, loads nothing from elsewhere, and is named to nobody', async () => {
    const { headers } = await get(`/c/${LINK}`);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(headers.get('content-security-policy')).not.toMatch(/https?:|\*|script-src[^;]*unsafe/);
  });

  test('is in no log and no metric by its link or its code', async () => {
    await (await get(`/c/${LINK}`)).text();
    await get('/c/guessed');
    const { routes, world } = server;
    expect(routes).toEqual(['/c/{link}', '/c/{link}']);
    expect(JSON.stringify(world.lines)).not.toMatch(/AAAA|7KQ2|guessed/);
  });

  test('tells no view for its page alone, nor for HEAD, but for the first stream of it', async () => {
    await get(`/c/${LINK}`, {}, 'HEAD');
    await get(`/c/${LINK}`);
    expect(server.world.traces).toEqual([]);
    const stream = await get(`/c/${LINK}/events?view`);
    const again = await get(`/c/${LINK}/events`);
    await Promise.all([stream.body?.cancel(), again.body?.cancel()]);
    expect(server.world.traces.map(({ kind }) => kind)).toEqual(['viewed']);
  });

  test('tells a view of who loads its style without script, and of nobody who only fetches what it names', async () => {
    const style = { accept: 'text/css,*/*;q=0.1', 'user-agent': 'Mozilla/5.0 (Series40) Gecko/20100401 S40OviBrowser' };
    const seen = (headers: Record<string, string>, method = 'GET') => get(`/c/${LINK}/seen.css`, headers, method);
    for (const others of [{ accept: '*/*' }, { 'user-agent': 'WhatsApp/2.23' }, { 'sec-fetch-dest': 'image' }])
      await seen({ ...style, ...others });
    await seen(style, 'HEAD');
    expect(server.world.traces).toEqual([]);
    const reply = await seen(style);
    expect([reply.headers.get('content-type'), reply.headers.get('cache-control')]).toEqual(['text/css', 'no-store']);
    await seen({ ...style, 'sec-fetch-dest': 'style' });
    expect(server.world.traces.map(({ kind }) => kind)).toEqual(['viewed', 'viewed']);
    expect((await get('/c/guessed/seen.css', style)).status).toBe(404);
  });

  test('writes out whatever a campaign, a name or a store is called', async () => {
    const nasty = '<script>alert(1)</script>"\'';
    const { terms } = server.world;
    server.world.terms = {
      ...{ ...terms, condition: nasty, terms: nasty },
      card: { ...terms.card, offer: { ...terms.card.offer, title: nasty } },
    };
    server.world.person = { name: `Ada ${nasty}`, language: 'en', timeZone: null };
    server.world.stores = [{ id: '0001', name: nasty, timeZone: 'UTC', address: nasty }];
    for (const path of [`/c/${LINK}`, `/c/${LINK}/stores?q=${encodeURIComponent(nasty)}`, '/k/spring']) {
      const html = await (await get(path)).text();
      expect(html).not.toContain('<script>alert');
      expect(html).toContain('&lt;script&gt;');
    }
  });

  test('is in the person’s language and by the person’s clock', async () => {
    Object.assign(server.world, FACE_STATES.redeemed);
    server.world.person = { name: 'Ada Okafor', language: 'de', timeZone: 'Europe/Berlin' };
    const html = await (await get(`/c/${LINK}`, { 'accept-language': 'fr' })).text();
    expect(html).toContain('<html lang="de">');
    expect(html).toContain('15:02');
    expect(html).toContain('Eingelöst. 5,00');
  });
});

describe('the events of a face', () => {
  async function* events(answer: Response): AsyncGenerator<Record<string, unknown>> {
    let text = '';
    for await (const chunk of answer.body ?? []) {
      text += Buffer.from(chunk).toString('utf8');
      for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
        const event = text.slice(0, end);
        text = text.slice(end + 2);
        if (event.startsWith('data: ')) yield JSON.parse(event.slice(6));
      }
    }
  }
  const next = async (stream: AsyncGenerator<Record<string, unknown>>) => (await stream.next()).value;

  test('are the state at once, then each change; the code is in none but the usable one', async () => {
    const stream = events(await get(`/c/${LINK}/events`));
    expect(JSON.stringify(await next(stream))).toContain('7KQ2-9MXD');
    Object.assign(server.world, FACE_STATES.redeemed);
    server.tell();
    const redeemed = await next(stream);
    expect(redeemed).toMatchObject({ news: expect.stringContaining('You saved $5.00'), isAwake: false });
    expect(JSON.stringify(redeemed)).not.toContain('7KQ2');
    await stream.return(undefined);
  });

  test('are the latest state to who reads slowly, not all that was missed', async () => {
    const stream = events(await get(`/c/${LINK}/events`));
    await next(stream);
    Object.assign(server.world, FACE_STATES.redeemed);
    server.tell();
    const usable = await next(stream);
    for (let i = 0; i < 100; i += 1) server.tell();
    Object.assign(server.world, FACE_STATES.voided);
    server.tell();
    expect([usable?.news, (await next(stream))?.news]).toEqual([
      expect.stringContaining('Used'),
      expect.stringContaining('Withdrawn'),
    ]);
    await stream.return(undefined);
  });

  test('end when the cloud stops, and free their places when their readers leave', async () => {
    const open = await Promise.all(Array.from({ length: 500 }, () => get(`/c/${LINK}/events`)));
    expect(open.every(({ status }) => status === 200)).toBe(true);
    await get(`/c/${LINK}/events`, {}, 'HEAD');
    const refused = await get(`/c/${LINK}/events`);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '30']);
    const [first, ...others] = open;
    await first?.body?.cancel();
    await expect.poll(async () => (await get(`/c/${LINK}/events`)).status).toBe(200);
    server.cut();
    for (const { body } of others.slice(0, 3)) for await (const _ of body ?? []);
  });
});

describe('a claim by a program', () => {
  const CLAIM = { campaign: 'spring', address: 'ada@example.com' };

  test('gives a claim, then for its six digits the link', async () => {
    const claimed = await postJson('/claims', { ...CLAIM, language: 'fr', source: { ad: '17' }, consent: 'Oui.' });
    const { claim, expiresAt } = (await claimed.json()) as { claim: string; expiresAt: string };
    expect([claimed.status, Date.parse(expiresAt)]).toEqual([201, server.world.clock.now + 600_000]);
    expect(server.world.claims).toMatchObject([
      {
        ...{ language: 'fr', source: { ad: '17' }, network: '127.0.0.0/24', proved: null },
        consent: { wording: 'Oui.', source: 'app', at: server.world.clock.now },
      },
    ]);
    const proved = await postJson(`/claims/${claim}/verification`, { proof: PROOF });
    expect([proved.status, await proved.json()]).toEqual([
      200,
      { link: `https://coupons.example/c/${LINK}`, assignment: 'a1', isNew: true },
    ]);
  });

  test.each([
    ['an address that is none', { ...CLAIM, address: 'x' }, 422, { type: 'invalid_request', field: 'address' }],
    ['a campaign that is none', { ...CLAIM, campaign: 'X' }, 422, { field: 'campaign' }],
    ['a field that is not known', { ...CLAIM, code: '1' }, 422, { field: 'code' }],
  ])('with %s is told which field', async (_name, body, status, says) => {
    const answer = await postJson('/claims', body);
    expect([answer.status, await answer.json()]).toMatchObject([status, says]);
    expect(server.world.claims).toEqual([]);
  });

  test.each([
    ['none_left', 409, 'none_left'],
    ['none_left_today', 409, 'none_left'],
    ['ended', 409, 'ended'],
    ['unknown_campaign', 404, 'not_found'],
    [{ tooMany: 'network', retryAfterSeconds: 90 }, 429, 'too_many'],
  ] as const)('that is refused (%j) is told so', async (refusal, status, type) => {
    server.world.refusal = refusal;
    const answer = await postJson('/claims', CLAIM);
    expect([answer.status, await answer.json()]).toMatchObject([status, { type }]);
    expect(answer.headers.get('retry-after')).toBe(typeof refusal === 'string' ? null : '90');
  });

  test('is not proved by wrong digits, nor by a claim that never was', async () => {
    for (const claim of ['c'.repeat(32), 'x', '%00']) {
      const answer = await postJson(`/claims/${claim}/verification`, { proof: '000000' });
      expect([answer.status, await answer.json()]).toMatchObject([403, { type: 'not_proved' }]);
    }
  });
});

describe('a form', () => {
  test('of another type, too large or without its fields is refused, and nothing is sent', async () => {
    const large = new URLSearchParams({ campaign: 'spring', address: 'x'.repeat(70_000) });
    expect((await post('/claims', large)).status).toBe(413);
    expect((await post('/claims', 'campaign=spring')).status).toBe(422);
    expect((await post('/claims', 'campaign=spring', 'multipart/form-data')).status).toBe(415);
    expect(server.world.claims).toEqual([]);
  });

  test('of ten thousand fields keeps ten of its source', async () => {
    const form = new URLSearchParams({ campaign: 'spring', address: 'ada@example.com' });
    for (let i = 0; i < 4_000; i += 1) form.append(`from.p${i}`, 'x');
    expect((await post('/claims', form)).status).toBe(303);
    expect(Object.keys(server.world.claims[0]?.source ?? {})).toHaveLength(10);
  });

  test('of digits that are none does not use up a try', async () => {
    const answer = await post(`/claims/${'c'.repeat(32)}/verification`, 'proof=12');
    expect([answer.status, server.world.proofs]).toEqual([422, []]);
  });

  test('that is good leads on by 303', async () => {
    const answer = await post('/claims', 'campaign=spring&address=ada%40example.com&from.ad=17');
    expect([answer.status, answer.headers.get('location')]).toEqual([
      303,
      `/claims/${'c'.repeat(32)}/verification?k=spring&ad=17`,
    ]);
  });
});

test.each([
  ['none_left', 'None left'],
  ['none_left_today', 'None left today'],
  ['ended', 'This offer has ended'],
] as const)('digits that are right when the offer is over (%s) say so', async (refusal, says) => {
  server.world.refusal = refusal;
  const form = new URLSearchParams({ proof: PROOF, query: 'k=spring&ad=17' });
  const html = await (await post(`/claims/${'c'.repeat(32)}/verification`, form)).text();
  expect(html).toContain(`<p class="coupon__say">${says}</p>`);
});

test('a click on a claim link is noted with its source, once for who looks', async () => {
  await get('/k/spring?ad=17');
  await get('/k/spring?ad=18', { 'user-agent': 'WhatsApp/2.24' });
  expect(server.world.traces).toMatchObject([{ kind: 'click', campaign: 'spring', source: { ad: '17' } }]);
});

test('an unknown campaign’s claim page is the sentence of an unknown link', async () => {
  const [campaign, link] = await Promise.all([get('/k/none'), get('/c/none')]);
  expect([campaign.status, await campaign.text()]).toEqual([link.status, await link.text()]);
});
