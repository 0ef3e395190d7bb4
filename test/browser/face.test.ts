import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, type TestContext, test } from 'vitest';
import { findings, missingChromium, sidewaysPixels, startChromium } from './chromium.ts';
import { CODE, type FaceServer, LINK, NEW_LINK, startFaceServer } from './face-server.ts';
import { FACE_STATES, type FaceStateName, STATE_NAMES, TO_SCAN } from './face-states.ts';
import { readScreen } from './read-barcode.ts';

let browser: Browser;
let server: FaceServer;
let pages: Page[];

beforeAll(async () => {
  if (missingChromium === null) browser = await startChromium();
});
afterAll(() => browser?.close());
beforeEach(async (context: TestContext) => {
  if (missingChromium !== null) return context.skip(missingChromium);
  pages = [];
  server = await startFaceServer();
});
afterEach(async () => {
  for (const page of pages) await page.context().close();
  await server?.stop();
});

const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 };

async function newPage(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ ...PHONE, ...options });
  const page = await context.newPage();
  pages.push(page);
  return page;
}

async function open(options: BrowserContextOptions = {}): Promise<Page> {
  const page = await newPage(options);
  await page.goto(`${server.url}/c/${LINK}`);
  return page;
}

const isLive = (page: Page) => page.getByText('Live page').waitFor();

/** Live, without a reload. */
function become(name: FaceStateName): void {
  Object.assign(server.world, { replacedBy: null, clock: { now: server.world.clock.now } }, FACE_STATES[name]);
  server.tell();
}

/** @param look told of each state once the page shows it */
async function eachState(page: Page, look: (state: FaceStateName) => Promise<void>): Promise<void> {
  for (const state of STATE_NAMES) {
    Object.assign(server.world, { replacedBy: null }, { clock: { now: START } }, FACE_STATES[state]);
    await page.goto(`${server.url}/c/${LINK}`);
    await look(state);
  }
}
const BROWSER = 'Mozilla/5.0 (Linux; Android 14; Pixel 7) AppleWebKit/537.36 Chrome/142.0 Mobile Safari/537.36';
const START = Date.UTC(2026, 10, 23, 15, 2);

describe('the barcode of a face', () => {
  test.each([
    { width: 390, deviceScaleFactor: 2, colorScheme: 'light' },
    { width: 390, deviceScaleFactor: 3, colorScheme: 'dark' },
    { width: 320, deviceScaleFactor: 1, colorScheme: 'dark' },
  ] as const)('reads as the code from the screen, as a square and as bars (%o)', async (screen) => {
    const { width, ...rest } = screen;
    const page = await open({ ...rest, viewport: { width, height: 844 } });
    expect(await readScreen(page)).toEqual([{ format: 'QRCode', text: CODE }]);
    await page.getByText('Bars', { exact: true }).click();
    expect(await readScreen(page)).toEqual([{ format: 'Code128', text: CODE }]);
  });

  test('shows its bars first where the campaign says so, and without script', async () => {
    server.world.terms = { ...server.world.terms, barcode: 'code128' };
    const page = await open({ javaScriptEnabled: false });
    expect(await readScreen(page)).toEqual([{ format: 'Code128', text: CODE }]);
    await page.getByText('Square', { exact: true }).click();
    expect(await readScreen(page)).toEqual([{ format: 'QRCode', text: CODE }]);
  });

  test('carries the elements of a GS1 coupon', async () => {
    const number = '8112009988459000019133924009755364'.slice(4);
    Object.assign(server.world, { code: `(8112)${number}`, terms: { ...server.world.terms, barcode: 'gs1' } });
    const [read, ...others] = await readScreen(await open());
    expect(others).toEqual([]);
    expect(read).toMatchObject({ text: `(8112)${number}` });
  });
});

describe('a face', () => {
  test('has the code in the page while it is usable, and in no other state', async () => {
    const page = await newPage();
    const holding: string[] = [];
    await eachState(page, async (state) => {
      const html = await page.content();
      if (/7KQ2|barcode--/.test(html)) holding.push(state);
      expect(html.includes('7KQ2-9MXD-4TRB-8WNS'), state).toBe(TO_SCAN.includes(state));
    });
    expect(holding).toEqual(TO_SCAN);
  });

  test('turns while it is open: held, free again, redeemed with when and where', async () => {
    const page = await open();
    await isLive(page);
    await page.getByText('Bars', { exact: true }).click();
    await page.getByText('Terms and where it works').click();
    become('held');
    await page.getByText('Held for your sale').first().waitFor();
    expect(await page.locator('.ticket__stub').textContent()).toContain('Main Street, lane 2');
    expect(await page.content()).not.toContain('7KQ2');
    become('usable');
    await page.locator('.barcode--square').waitFor();
    become('redeemed');
    await page.locator('.ticket--torn').waitFor();
    expect(await page.locator('.ticket__stub').textContent()).toMatch(
      /Used\. You saved \$5\.00Mon,? 23 Nov, 9:02Main Street, lane 2/,
    );
    expect(await page.locator('#news').textContent()).toMatch(/^Used\. You saved \$5\.00/);
    await page.getByText('Not for gift cards').waitFor();
    await page.getByText('Not you? Call us: 555 0142.').waitFor();
  });

  test('keeps what was chosen and opened when its terms are edited, and says when', async () => {
    const page = await open();
    await isLive(page);
    await page.getByText('Bars', { exact: true }).click();
    await page.getByText('Terms and where it works').click();
    const { card } = server.world.terms;
    server.world.terms = {
      ...server.world.terms,
      ...{ card: { ...card, offer: { ...card.offer, title: '$4 off' } }, changedAt: START, terms: 'Not for wine.' },
    };
    server.tell();
    await page.getByRole('heading', { name: '$4 off' }).waitFor();
    await page.getByText('Changed 23 Nov, 10:02').waitFor();
    await page.getByText('Not for wine.').waitFor();
    expect(await readScreen(page)).toEqual([{ format: 'Code128', text: CODE }]);
  });

  test('changes by time alone: it ends', async () => {
    server.world.clock.now = Date.parse('2026-12-01T06:00:00Z') - 1_000;
    const page = await open();
    await isLive(page);
    server.world.clock.now += 1_000;
    await page.getByText('Expired on').first().waitFor();
    expect(await page.content()).not.toContain('7KQ2');
  });

  test('leads to the coupon that took its place', async () => {
    Object.assign(server.world, FACE_STATES.replaced);
    const page = await open();
    expect(await page.getByText('Open the new coupon').getAttribute('href')).toBe(`/c/${NEW_LINK}`);
  });

  test('keeps the screen awake while there is a code to scan', async () => {
    const page = await newPage();
    await page.addInitScript(() => {
      const lock = { released: false, release: async () => void Object.assign(globalThis, { awake: false }) };
      const request = async () => Object.assign(globalThis, { awake: true }) && lock;
      Object.defineProperty(navigator, 'wakeLock', { value: { request } });
    });
    await page.goto(`${server.url}/c/${LINK}`);
    await expect.poll(() => page.evaluate('globalThis.awake')).toBe(true);
    become('redeemed');
    await expect.poll(() => page.evaluate('globalThis.awake')).toBe(false);
  });

  test('says when it is not live, and is live again', async () => {
    const page = await newPage();
    await page.clock.install();
    await page.goto(`${server.url}/c/${LINK}`);
    await isLive(page);
    await page.route('**/events*', (route) => route.abort());
    server.cut();
    await page.waitForRequest('**/events');
    await page.clock.fastForward(10_000);
    await page.getByText('Not live just now. The store has the last word.').waitFor();
    expect(await page.locator('.barcode--square').count()).toBe(1);
    await page.unroute('**/events*');
    await page.clock.fastForward(30_000);
    await isLive(page);
  });

  test('counts one view of who looks, however often the line breaks, and none of a preview', async () => {
    const page = await open({ userAgent: BROWSER });
    await isLive(page);
    server.cut();
    await page.waitForResponse('**/events');
    await isLive(await open({ userAgent: 'Mozilla/5.0 (compatible; Discordbot/2.0)' }));
    expect(server.world.traces).toMatchObject([
      { kind: 'viewed', assignment: 'a1', campaign: 'spring', source: { utm_source: 'poster' } },
    ]);
  });

  test('counts a view of who looks without script, and none of a preview that draws the page or reads it', async () => {
    await open({ userAgent: BROWSER, javaScriptEnabled: false });
    await open({ userAgent: 'Mozilla/5.0 (compatible; Discordbot/2.0)', javaScriptEnabled: false });
    expect(server.routes.filter((route) => route === '/c/{link}/seen.css')).toHaveLength(2);
    expect(server.world.traces).toMatchObject([{ kind: 'viewed', assignment: 'a1', source: { utm_source: 'poster' } }]);
  });

  test('counts who looks with script once, by its stream', async () => {
    const page = await open({ userAgent: BROWSER });
    await isLive(page);
    expect(server.routes).not.toContain('/c/{link}/seen.css');
    expect(server.world.traces).toHaveLength(1);
  });

  test('is whole without script, and says to reload', async () => {
    const page = await open({ javaScriptEnabled: false });
    await page.getByText('Reload for the newest state.').waitFor();
    await page.getByText('Use it in one store').click();
    await page.getByRole('button', { name: 'Use it here: Mill Lane' }).click();
    await page.waitForURL(`**/c/${LINK}`);
    expect(server.world.asked).toEqual(['0002']);
    Object.assign(server.world, FACE_STATES['kept ready']);
    await page.reload();
    await page.getByText('Kept ready for you at Mill Lane.').waitFor();
    await page.getByRole('button', { name: 'I’ll use it online' }).click();
    await page.waitForURL(`**/c/${LINK}`);
    expect(server.world.asked).toEqual(['0002', null]);
  });

  test('takes the word of who will use it online, also where no store keeps it, and no such word where it works in stores alone', async () => {
    const page = await open();
    await page.getByText('Use it in one store').click();
    await page.getByRole('button', { name: 'I’ll use it online' }).click();
    await page.waitForURL(`**/c/${LINK}`);
    expect(server.world.asked).toEqual([null]);
    const { terms } = server.world;
    server.world.terms = { ...terms, card: { ...terms.card, channels: ['store'] } };
    await page.getByText('Use it in one store').click();
    await page.getByRole('button', { name: 'Use it here: Mill Lane' }).waitFor();
    expect(await page.getByRole('button', { name: 'I’ll use it online' }).count()).toBe(0);
    Object.assign(server.world, FACE_STATES['kept ready']);
    await page.goBack();
    await page.reload();
    await page.getByRole('button', { name: 'Let it go' }).waitFor();
  });

  test('says why a store does not keep it', async () => {
    server.world.placed = 'store_not_connected';
    const page = await open();
    await page.getByText('Use it in one store').click();
    await page.getByRole('button', { name: 'Use it here: Main Street' }).click();
    await page.getByText('We cannot reach that store just now.').waitFor();
  });

  test('finds a store by what its address says', async () => {
    const many = Array.from({ length: 30 }, (_, i) => ({
      ...{ id: `${1000 + i}`, name: `Store ${i}`, timeZone: 'America/New_York', address: `${i} Río Street` },
    }));
    server.world.stores = many;
    const page = await open();
    await page.getByText('Use it in one store').click();
    await page.getByText('10 more.').waitFor();
    await page.getByLabel('Name, street or town').fill('7 rio');
    await page.getByRole('button', { name: 'Find' }).click();
    await page.getByText('17 Río Street').waitFor();
    expect(await page.getByRole('button', { name: /Use it here/ }).count()).toBe(3);
  });
});

describe('the look of a face', () => {
  test.each(['light', 'dark'] as const)('has nothing that axe finds, in any state (%s)', async (colorScheme) => {
    const page = await newPage({ colorScheme });
    await eachState(page, async (state) => expect(await findings(page), state).toEqual([]));
  });

  test('has nothing beyond its right edge', async () => {
    const page = await newPage();
    await eachState(page, async (state) => {
      for (const width of [1440, 320]) {
        await page.setViewportSize({ width, height: 844 });
        expect(await sidewaysPixels(page), `${state} at ${width}`).toBeLessThanOrEqual(0);
      }
    });
  });

  test('is within its budget, and asks nothing of another host', async () => {
    const page = await newPage();
    const bytes: Record<string, number> = {};
    const hosts = new Set<string>();
    page.on('response', async (response) => {
      const url = new URL(response.url());
      hosts.add(url.origin);
      const kind = response.request().resourceType();
      if (kind !== 'eventsource') bytes[kind] = (bytes[kind] ?? 0) + gzipSync(await response.body()).length;
    });
    await page.goto(`${server.url}/c/${LINK}`);
    await isLive(page);
    expect(hosts).toEqual(new Set([server.url]));
    expect(bytes.document).toBeLessThanOrEqual(10 * 1024);
    expect(bytes.script).toBeLessThanOrEqual(3 * 1024);
    expect(bytes.stylesheet).toBeLessThanOrEqual(12 * 1024);
    expect(bytes.font).toBeLessThanOrEqual(54 * 1024);
  });

  test('has its barcode before any script or font, and shifts nothing after', async () => {
    const page = await newPage();
    await page.route(/\.(js|woff2)$/, (route) => route.abort());
    await page.goto(`${server.url}/c/${LINK}`);
    expect(await readScreen(page)).toEqual([{ format: 'QRCode', text: CODE }]);
    expect(await page.getByText('Until Mon').isVisible()).toBe(true);
  });

  test('is black on white in forced colours too', async () => {
    const page = await newPage({ forcedColors: 'active', colorScheme: 'dark' });
    await page.goto(`${server.url}/c/${LINK}`);
    expect(await readScreen(page)).toEqual([{ format: 'QRCode', text: CODE }]);
  });
});
