import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, type TestContext, test } from 'vitest';
import { reasonSchema } from '../../protocol/decision.ts';
import { atRest, findings, missingChromium, sidewaysPixels, startChromium } from './chromium.ts';
import { type LaneServer, startLaneServer } from './lane-server.ts';

let browser: Browser;
let server: LaneServer;
let context: BrowserContext;
let page: Page;
/** What the browser complained of. */
let complaints: string[];

beforeAll(async () => {
  if (missingChromium === null) browser = await startChromium();
});
afterAll(() => browser?.close());
beforeEach(async (about: TestContext) => {
  if (missingChromium !== null) return about.skip(missingChromium);
  server = await startLaneServer();
  context = await browser.newContext({ viewport: { width: 1024, height: 768 } });
  page = await openLane(context);
});
afterEach(async () => {
  await context?.close();
  await server?.stop();
});

async function openLane(on: BrowserContext): Promise<Page> {
  const opened = await on.newPage();
  await opened.goto(`${server.url}/lane/2`);
  if ((await opened.locator('#token').count()) > 0) {
    await opened.fill('#token', server.registerToken);
    await opened.keyboard.press('Enter');
  }
  await opened.waitForSelector('.lane');
  complaints = [];
  opened.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  opened.on('pageerror', (error) => complaints.push(error.message));
  return opened;
}

async function check(code: string): Promise<void> {
  await page.fill('#code', code);
  await page.keyboard.press('Enter');
}

const shows = (word: string, on = page) => on.locator('.decision__word', { hasText: word }).waitFor();
const value = (selector: string) => page.locator(selector).inputValue();
const looks = () => page.locator('#answer').getAttribute('class');
const focused = () => page.evaluate('document.activeElement?.id');

/** Keys so many milliseconds apart by the events' own time, however busy this machine is. */
async function type(text: string, { end = [], apartMs = 2 }: { end?: string[]; apartMs?: number } = {}): Promise<void> {
  const session = await context.newCDPSession(page);
  const start = Date.now();
  const press = (key: string, n: number) => {
    const typed = key.length === 1 ? { text: key } : key === 'Enter' ? { text: '\r' } : {};
    const timestamp = (start + n * apartMs) / 1000;
    const windowsVirtualKeyCode = { Enter: 13, Tab: 9 }[key] ?? key.charCodeAt(0);
    const about = { key, timestamp, windowsVirtualKeyCode };
    return [
      session.send('Input.dispatchKeyEvent', { type: 'keyDown', ...typed, ...about }),
      session.send('Input.dispatchKeyEvent', { type: 'keyUp', ...about }),
    ];
  };
  await Promise.all([...text, ...end].flatMap(press));
  await session.detach();
}

/** Every state, one after the other; each is left standing while `look` looks. */
async function eachState(look: (state: string) => Promise<void>): Promise<void> {
  const code = server.till.coupon();
  const elsewhere = server.till.coupon();
  server.till.elsewhere.add(elsewhere);
  await look('idle');
  const go = server.till.holdBack();
  await check('7KQ2-9MXD-4TRB-8WNS');
  await shows('Checking');
  await look('checking');
  go();
  await shows('Not known here');
  await check(code);
  await shows('$5.00 off');
  await look('approved');
  await page.keyboard.press('F9');
  await shows('Redeemed');
  await look('redeemed');
  await page.keyboard.press('F2');
  await shows('Scan a coupon');
  await check(code);
  await shows('Already used');
  await look('already used');
  await check('TEST-EXPIRED');
  await shows('Expired');
  await look('expired');
  server.till.line = { state: 'down', since: Date.now() - 720_000 };
  await check(elsewhere);
  await shows('Cannot verify');
  await page.getByText('Line down 12 min').waitFor();
  await look('cannot verify, line down');
  server.till.isUnavailable = true;
  await check(elsewhere);
  await page.getByText('This box cannot read or write').waitFor();
  await look('till without its store');
  server.till.isUnavailable = false;
  for (let n = 0; n < 6; n++) await server.sales.scan('2', server.till.coupon());
  await page.getByText('Redeem $30.00').waitFor();
  await look('many coupons, line down');
  server.box.drill = { since: Date.now(), until: Date.now() + 900_000, by: 'Jo' };
  await page.getByText('Drill: the line is cut on purpose.').first().waitFor();
  await look('drill');
}

describe('the lane page', () => {
  test('shows every reason by its test code', async () => {
    for (const reason of reasonSchema.options) {
      const answers = server.sales.view('2').answers;
      await check(`TEST-${reason.toUpperCase()}`);
      await expect.poll(() => server.sales.view('2').answers).toBe(answers + 1);
      const isUnsure = reason === 'cannot_verify' || reason === 'stand_in_limit';
      await page.locator(isUnsure ? '.decision--unsure' : '.decision--refused').waitFor();
      await expect.poll(async () => (await looks())?.includes('ticket--torn')).toBe(reason === 'already_redeemed');
      expect(await page.locator('#answer').getAttribute('role')).toBe('alert');
      expect(await value('#code')).toBe('');
    }
  });

  test('goes from a good coupon to a redeemed one and on to the next sale, by keys alone', async () => {
    const code = server.till.coupon();
    expect(await focused()).toBe('code');
    await type(code, { apartMs: 60 });
    await page.keyboard.press('Enter');
    await shows('$5.00 off');
    expect(await page.locator('#answer').getAttribute('role')).toBe('status');
    expect(await page.locator('.basket__list li').textContent()).toContain(`…${code.slice(-4)}, held`);
    await page.keyboard.press('F9');
    await shows('Redeemed');
    expect(await looks()).toContain('ticket--torn');
    await page.keyboard.press('F2');
    await page.getByRole('heading', { name: 'Sale 0002' }).waitFor();
    expect(await focused()).toBe('code');
    expect(complaints).toEqual([]);
  });

  test('gives back, undoes and tries again by keys alone', async () => {
    const code = server.till.coupon();
    await check(code);
    await page.getByText('Give back').focus();
    await page.keyboard.press('Enter');
    await shows('Given back');
    await check(code);
    await shows('$5.00 off');
    await page.keyboard.press('F9');
    await shows('Redeemed');
    const asked = page.waitForEvent('dialog').then(async (dialog) => {
      await dialog.accept();
      return dialog.message();
    });
    await page.getByText('Undo this sale').focus();
    await page.keyboard.press(' ');
    expect(await asked).toBe('Undo sale 0001? $5.00: no longer taken off.');
    await shows('Sale 0001 undone');
    server.till.elsewhere.add(code);
    server.till.line = { state: 'down', since: Date.now() };
    await check(code);
    await shows('Cannot verify');
    server.till.line = { state: 'up', since: Date.now() };
    await page.keyboard.press('F5');
    await shows('$5.00 off');
  });

  test('does nothing at Enter on an empty field', async () => {
    await page.keyboard.press('Enter');
    await page.keyboard.press('Enter');
    expect(await focused()).toBe('code');
    expect(server.till.calls).toEqual([]);
  });

  test('takes a total as it is typed, and gives the focus back', async () => {
    await page.locator('#amount').click();
    await type('1,250', { apartMs: 60 });
    await page.keyboard.press('Enter');
    await expect.poll(() => value('#amount')).toBe('$1,250.00');
    expect(server.sales.view('2').total).toEqual({ amount: 125_000, currency: 'USD' });
    expect(await focused()).toBe('code');
    await page.locator('#amount').click();
    await page.keyboard.press('Backspace');
    await page.locator('h1').click();
    await expect.poll(() => server.sales.view('2').total).toBeNull();
  });

  test('gets its focus back after a click', async () => {
    await page.locator('.decision__word').click();
    expect(await focused()).toBe('code');
  });
});

describe('a scanner that types', () => {
  /** The longest text that stood in the field. */
  const watchField = () =>
    page.evaluate(`globalThis.longest = 0; document.querySelector('#code').addEventListener('input', (event) => {
      longest = Math.max(longest, event.target.value.length); })`);

  test.each([['Enter'], ['Tab']])('is not echoed, and checked at its %s', async (end) => {
    await watchField();
    const code = server.till.coupon();
    await type(code, { end: [end] });
    await shows('$5.00 off');
    expect(await page.evaluate('longest')).toBeLessThanOrEqual(1);
    expect(await focused()).toBe('code');
  });

  test('needs no Enter', async () => {
    await type(server.till.coupon());
    await shows('$5.00 off');
  });

  test('is heard wherever the focus is, and leaves the total alone', async () => {
    await page.locator('#amount').fill('42');
    await type(server.till.coupon(), { end: ['Enter'] });
    await shows('$5.00 off');
    expect(await value('#amount')).toMatch(/^(42|\$42\.00)$/);
    await page.getByText('Give back').focus();
    await type(server.till.coupon(), { end: ['Enter'] });
    await page.getByText('Redeem $10.00').waitFor();
  });

  test('is told from a fast hand', async () => {
    await type('7KQ2', { apartMs: 60 });
    await page.waitForTimeout(300);
    await type('9MX');
    await expect.poll(() => value('#code')).toBe('7KQ29MX');
    await type('D');
    await page.keyboard.press('Backspace');
    expect(await value('#code')).toBe('7KQ29MX');
    expect(server.till.calls).toEqual([]);
  });

  test('may go on during a check: its scans wait and are all answered', async () => {
    const go = server.till.holdBack();
    const codes = [server.till.coupon(), server.till.coupon(), server.till.coupon()];
    for (const code of codes) await type(code, { end: ['Enter'] });
    await shows('Checking');
    expect(await page.locator('#code').getAttribute('placeholder')).toBe(`••••••••••••${codes[0]?.slice(-4)}`);
    go();
    await page.getByText('Redeem $15.00').waitFor();
    expect(await page.locator('#code').getAttribute('placeholder')).toBe('Ready');
  });
});

describe('what is read out', () => {
  /** Texts that came into the two live regions, in their order. */
  async function listen(): Promise<() => Promise<string[]>> {
    await page.evaluate(`globalThis.heard = [];
      for (const region of document.querySelectorAll('#answer, #news'))
        new MutationObserver((changes) => changes.some(({ addedNodes }) => addedNodes.length > 0) && heard.push(
          region.role + ' ' + region.innerText.replace(/\\s+/g, ' ').trim())).observe(region, { childList: true, subtree: true });`);
    return () => page.evaluate('heard');
  }

  test('is each decision once, as one text', async () => {
    const heard = await listen();
    const code = server.till.coupon();
    await check(code);
    await shows('$5.00 off');
    await page.keyboard.press('F9');
    await shows('Redeemed');
    await check('TEST-ALREADY_REDEEMED');
    await shows('Already used');
    await page.waitForTimeout(1_500);
    const spoken = await heard();
    expect(spoken).toHaveLength(3);
    expect(spoken[0]).toContain('status $5.00 off Coupon is good.');
    expect(spoken[1]).toContain('status Redeemed');
    expect(spoken[2]).toContain('alert Already used 3 Nov, 14:02, Main St, lane 2');
    expect(await page.locator('#answer').getAttribute('aria-atomic')).toBe('true');
  });

  test('is the line when it changes, not while it lasts', async () => {
    const heard = await listen();
    server.till.line = { state: 'down', since: Date.now() };
    await page.getByText('Keep scanning.').waitFor();
    server.till.holding = 411;
    await page.getByText('411 coupons work here').waitFor();
    server.till.line = { state: 'up', since: Date.now() };
    await page.locator('.banner').waitFor({ state: 'detached' });
    expect(await heard()).toEqual([expect.stringMatching(/^status Line down since \d+:\d\d\.$/), 'status Line up.']);
  });
});

describe('several devices', () => {
  test('on one lane show one sale', async () => {
    const second = await openLane(await browser.newContext());
    await check(server.till.coupon());
    await shows('$5.00 off', second);
    await second.keyboard.press('F9');
    await shows('Redeemed');
    await second.context().close();
  });
});

describe('a box that does not answer', () => {
  test('is told at once, a scan then cannot be verified, and the page comes back by itself', async () => {
    const { port } = new URL(server.url);
    await server.stop();
    await page.getByText('The box does not answer since').first().waitFor();
    await check(server.till.coupon());
    await shows('Cannot verify');
    await page.getByText('This box does not answer. The coupon may be good.').waitFor();
    expect(await page.locator('#answer').getAttribute('role')).toBe('alert');
    const { till } = server;
    server = await startLaneServer({ port: Number(port), till });
    // Another data directory: the session is gone, and the page says so itself.
    await page.locator('#token').waitFor();
  });
});

describe('in every state', () => {
  test('axe finds nothing (dark)', async () => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await eachState(async (state) => {
      await atRest(page);
      expect(await findings(page), state).toEqual([]);
    });
  });

  test('axe finds nothing (light), nothing lies beyond the right edge, and a register does not scroll', async () => {
    await eachState(async (state) => {
      await atRest(page);
      expect(await findings(page), state).toEqual([]);
      for (const width of [320, 390, 1440, 1024]) {
        await page.setViewportSize({ width, height: 768 });
        expect(await sidewaysPixels(page), `${state} at ${width}`).toBeLessThanOrEqual(0);
      }
      const height = await page.evaluate('document.scrollingElement.scrollHeight');
      expect(height, state).toBeLessThanOrEqual(768);
    });
  });

  test('no full code is on the page or comes to it', async () => {
    const received: string[] = [];
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    session.on('Network.eventSourceMessageReceived', ({ data }) => received.push(data));
    await eachState(async (state) => {
      const html = await page.content();
      const values = await page.evaluate(`[...document.querySelectorAll('input')].map((input) => input.value).join()`);
      for (const code of [...server.till.couponsByCode.keys(), '7KQ29MXD4TRB8WNS', '7KQ2-9MXD-4TRB-8WNS'])
        expect(html + values + received.join(), state).not.toContain(code);
    });
    expect(received.length).toBeGreaterThan(5);
    expect(complaints.filter((text) => !text.includes('401'))).toEqual([]);
  });
});

describe('a browser', () => {
  test('without script checks a code and redeems it', async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const still = await openLane(plain);
    const code = server.till.coupon();
    await still.fill('#code', code);
    await still.getByRole('button', { name: 'Check' }).click();
    await shows('$5.00 off', still);
    await still.getByRole('button', { name: 'Redeem $5.00' }).click();
    await shows('Redeemed', still);
    expect(still.url()).toBe(`${server.url}/lane/2`);
    await plain.close();
  });

  test('asks no other host for anything, and little of this one', async () => {
    const fresh = await browser.newContext();
    const sizes: Record<string, number> = {};
    const hosts = new Set<string>();
    const asking: Promise<void>[] = [];
    fresh.on('requestfinished', (request) => {
      const { host, pathname } = new URL(request.url());
      hosts.add(host);
      const ending = /\.\w+$/.exec(pathname)?.[0] ?? 'page';
      asking.push(
        request.sizes().then(({ responseBodySize }) => {
          sizes[ending] = (sizes[ending] ?? 0) + responseBodySize;
        }),
      );
    });
    const first = await openLane(fresh);
    await first.waitForLoadState('load');
    await first.evaluate('document.fonts.ready');
    await Promise.all(asking);
    expect([...hosts]).toEqual([new URL(server.url).host]);
    expect(sizes['.js']).toBeLessThanOrEqual(6 * 1024);
    expect(sizes['.css']).toBeLessThanOrEqual(12 * 1024);
    expect(sizes['.woff2']).toBeLessThanOrEqual(54 * 1024);
    expect(sizes.page).toBeLessThanOrEqual(30 * 1024);
    await fresh.close();
  });
});
