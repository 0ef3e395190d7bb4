import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, type TestContext, test } from 'vitest';
import { findings, missingChromium, sidewaysPixels, startChromium } from './chromium.ts';
import { type DeliveryServer, type Shown, startDeliveryServer } from './delivery-server.ts';

/** The page of a delivery in a real browser, over the real doors; what it shows is a test's, what its buttons do is not. */

let browser: Browser;
let server: DeliveryServer;
let page: Page;

beforeAll(async () => {
  if (missingChromium === null) browser = await startChromium();
});
afterAll(() => browser?.close());
beforeEach(async (context: TestContext) => {
  if (missingChromium !== null) return context.skip(missingChromium);
  server = await startDeliveryServer();
  page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
  await page.goto(server.page);
});
afterEach(async () => {
  await page?.context().close();
  await server?.stop();
});

async function open(): Promise<void> {
  await page.fill('#token', server.adminToken);
  await page.keyboard.press('Enter');
  await page.locator('#view').waitFor();
}
/** At once, as it asks when it is looked at again. */
async function show(state: Shown): Promise<void> {
  server.shown = state;
  await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
  await says(state.word);
}
const says = (word: string) => page.locator('#verdict .state', { hasText: word }).waitFor();

/** Every state, live, without a reload. */
async function eachState(look: (state: string) => Promise<void>): Promise<void> {
  await look('asked for the token');
  await open();
  for (const [name, state] of Object.entries(server.states)) {
    await show(state);
    await look(name);
  }
}

describe('the page of a delivery', () => {
  test('says nothing to who has no token, and asks again for one that is wrong or not enough', async () => {
    expect(await page.content()).not.toContain('$5 off');
    for (const token of ['guessed', server.cartToken]) {
      await page.fill('#token', token);
      await page.keyboard.press('Enter');
      await page.locator('.field__error').waitFor();
      await page.reload();
    }
    await open();
    await page.getByRole('heading', { name: '$5 off' }).waitFor();
    expect(await page.locator('#token').isVisible()).toBe(false);
    expect(page.url()).toBe(server.page);
  });

  test('keeps the token in this tab alone, and forgets it when asked', async () => {
    await open();
    await page.reload();
    await page.locator('#view').waitFor();
    const other = await page.context().newPage();
    await other.goto(server.page);
    await other.locator('#token').waitFor();
    await page.getByRole('button', { name: 'Forget the token' }).click();
    await page.reload();
    await page.locator('#token').waitFor();
  });

  test.each(['light', 'dark'] as const)('has nothing that axe finds, in any state (%s)', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    await eachState(async (state) => {
      expect(await findings(page), state).toEqual([]);
      await shoot(`${state}-${colorScheme}`);
    });
  });

  test('has nothing beyond its right edge', async () => {
    await eachState(async (state) => {
      for (const width of [320, 390, 1024, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        expect(await sidewaysPixels(page), `${state} at ${width}`).toBeLessThanOrEqual(0);
      }
    });
  });

  test('shows each message once: what it counts adds up to all of them', async () => {
    await open();
    for (const state of Object.values(server.states)) {
      await show(state);
      const cells = await page.locator('#parts tbody td:nth-child(2)').allTextContents();
      const sum = cells.reduce((all, cell) => all + Number(cell.replaceAll(',', '')), 0);
      expect(sum).toBe(Object.values(state.counts).reduce((all, count) => all + count, 0));
    }
  });

  test('stops the delivery itself at once, and goes on only when asked twice, by keyboard alone', async () => {
    server.shown = null;
    await open();
    await page.getByRole('button', { name: 'Stop this delivery' }).focus();
    await page.keyboard.press('Enter');
    await says('Stopped');
    expect(await server.pausedAt()).not.toBeNull();
    await page.getByRole('button', { name: 'Go on' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(await server.pausedAt()).not.toBeNull();
    await page.getByRole('button', { name: 'Go on' }).press('Enter');
    await page.getByRole('button', { name: 'Yes' }).press('Enter');
    await page.getByRole('button', { name: 'Stop this delivery' }).waitFor();
    expect(await server.pausedAt()).toBeNull();
  });

  test('tells a screen reader each tenth of the way, and not each second', async () => {
    const { sending } = server.states;
    await open();
    await show(sending);
    const news = page.locator('#news');
    const before = await news.textContent();
    server.shown = { ...sending, counts: { ...sending.counts, queued: 51_000, accepted: 48_000 } };
    await page.locator('#figures', { hasText: '48,000' }).waitFor();
    expect(await news.textContent()).toBe(before);
    server.shown = { ...sending, counts: { ...sending.counts, queued: 30_000, accepted: 69_000 } };
    await page.locator('#figures', { hasText: '69,000' }).waitFor();
    expect(await news.textContent()).not.toBe(before);
  });

  test('says since when it is not live', async () => {
    await open();
    await server.stop();
    await page.getByText('Not live since').waitFor();
  });
});

/** To be looked at: `TEARLINE_SHOTS=DIR`. */
async function shoot(name: string): Promise<void> {
  const folder = process.env.TEARLINE_SHOTS;
  if (folder === undefined) return;
  for (const width of [390, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    await page.screenshot({ path: `${folder}/${name.replaceAll(' ', '-')}-${width}.png`, fullPage: true });
  }
}
