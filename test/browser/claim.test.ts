import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, type TestContext, test } from 'vitest';
import { findings, missingChromium, sidewaysPixels, startChromium } from './chromium.ts';
import { type FaceServer, LINK, PROOF, startFaceServer } from './face-server.ts';

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

async function open(path = '/k/spring', options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width: 390, height: 844 },
    javaScriptEnabled: false,
    ...options,
  });
  const page = await context.newPage();
  pages.push(page);
  await page.goto(server.url + path);
  return page;
}

const field = (page: Page) => page.getByLabel('Mobile number or e-mail address');
const send = (page: Page) => page.getByRole('button', { name: 'Send the digits' }).click();

describe('a claim, without script', () => {
  test('leads from a link’s parameters over six digits to the coupon', async () => {
    const page = await open('/k/spring?utm_source=poster&ad=17');
    await field(page).fill('(202) 555-0142');
    await send(page);
    await page.getByRole('heading', { name: 'Type the six digits' }).waitFor();
    await page.getByLabel('Six digits').fill(`${PROOF.slice(0, 3)} ${PROOF.slice(3)}`);
    await page.getByRole('button', { name: 'Show my coupon' }).click();
    await page.waitForURL(`${server.url}/c/${LINK}`);
    await page.getByText('Ready. Works once').first().waitFor();
    expect(server.world.claims).toMatchObject([
      {
        ...{ campaign: 'spring', language: 'en', source: { utm_source: 'poster', ad: '17' }, proved: null },
        address: { kind: 'phone', value: '+12025550142' },
        consent: { source: 'web', wording: expect.stringContaining('Northgate Market') },
      },
    ]);
  });

  test.each([
    ['555', 'Type the number with its country code, as +1 202 555 0142.'],
    ['ada@', 'Type the address as name@example.com.'],
    ['аda@example.com', 'Type the address as name@example.com.'],
  ])('says what to type instead of %s, and keeps what was typed', async (typed, says) => {
    const page = await open('/k/spring?ad=17');
    await field(page).fill(typed);
    await send(page);
    await page.locator('#address-hint', { hasText: says }).waitFor();
    expect(await field(page).inputValue()).toBe(typed);
    expect(await field(page).getAttribute('aria-invalid')).toBe('true');
    await field(page).fill('ada@example.com');
    await send(page);
    await page.waitForURL('**/verification?*');
    expect(server.world.claims).toMatchObject([{ address: { value: 'ada@example.com' }, source: { ad: '17' } }]);
  });

  test('tells wrong digits, and leads back to ask for new ones with the same source', async () => {
    const page = await open('/k/spring?ad=17');
    await field(page).fill('ada@example.com');
    await send(page);
    await page.getByLabel('Six digits').fill('000000');
    await page.getByRole('button', { name: 'Show my coupon' }).click();
    await page.locator('#proof-hint', { hasText: 'These are not the digits' }).waitFor();
    await page.getByText('Ask for new digits').click();
    await page.waitForURL('**/k/spring?ad=17');
  });

  test('says how long to wait where too many were sent', async () => {
    server.world.refusal = { tooMany: 'address', retryAfterSeconds: 1_200 };
    const page = await open();
    await field(page).fill('ada@example.com');
    await send(page);
    await page.locator('#address-hint', { hasText: 'Try again in 20 min.' }).waitFor();
  });

  test.each<[string, () => void]>([
    ['None left', () => Object.assign(server.world, { left: 0 })],
    ['This offer has ended', () => Object.assign(server.world.clock, { now: Date.UTC(2026, 11, 2) })],
  ])('is told ‘%s’ before anything is asked', async (says, come) => {
    come();
    const page = await open();
    await page.getByText(says).waitFor();
    expect(await page.locator('input').count()).toBe(0);
  });
});

describe('the look of the claim pages', () => {
  /** Each page in each of its states. */
  async function eachPage(page: Page, look: (name: string) => Promise<void>): Promise<void> {
    await page.goto(`${server.url}/k/spring`);
    await look('claim');
    await field(page).fill('555');
    await send(page);
    await look('an error');
    await page.goto(`${server.url}/claims/${'c'.repeat(32)}/verification?k=spring`);
    await look('the digits');
    await page.goto(`${server.url}/c/x`);
    await look('no coupon');
    server.world.left = 0;
    await page.goto(`${server.url}/k/spring`);
    await look('none left');
    await page.goto(`${server.url}/c/${LINK}/stores`);
    await look('stores');
  }

  test.each(['light', 'dark'] as const)('has nothing that axe finds (%s)', async (colorScheme) => {
    const page = await open('/k/spring', { colorScheme, javaScriptEnabled: true });
    await eachPage(page, async (name) => expect(await findings(page), name).toEqual([]));
  });

  test('has nothing beyond its right edge', async () => {
    const page = await open('/k/spring', { javaScriptEnabled: true });
    await eachPage(page, async (name) => {
      for (const width of [1440, 320]) {
        await page.setViewportSize({ width, height: 844 });
        expect(await sidewaysPixels(page), `${name} at ${width}`).toBeLessThanOrEqual(0);
      }
    });
  });
});
