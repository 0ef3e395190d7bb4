import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, type TestContext, test } from 'vitest';
import { findings, missingChromium, sidewaysPixels, startChromium } from './chromium.ts';
import { type LaneServer, startLaneServer } from './lane-server.ts';

let browser: Browser;
let server: LaneServer;
let page: Page;

beforeAll(async () => {
  if (missingChromium === null) browser = await startChromium();
});
afterAll(() => browser?.close());
beforeEach(async (context: TestContext) => {
  if (missingChromium !== null) return context.skip(missingChromium);
  server = await startLaneServer();
  server.box.lanes = [
    { name: '1', scanner: { port: '/dev/ttyUSB0', state: 'present', since: 0 }, lastScanAt: Date.now() },
    { name: '2', scanner: null, lastScanAt: null },
  ];
  page = await browser.newPage({ viewport: { width: 1024, height: 900 } });
  await page.goto(`${server.url}/status`);
});
afterEach(async () => {
  await page?.close();
  await server?.stop();
});

/** 9:40 in New York. */
const BLANKS_UNTIL = Date.UTC(2026, 10, 26, 14, 40);

const verdict = (word: string, on = page) => on.locator('#verdict h1', { hasText: word }).waitFor();

/** Every state, live, without a reload. */
async function eachState(look: (state: string) => Promise<void>): Promise<void> {
  await verdict('Ready for an outage');
  await look('ready');
  server.box.blanks = [
    { campaign: 'receipt', units: 1_180, value: { amount: 590_000, currency: 'USD' }, until: BLANKS_UNTIL },
    { campaign: 'reward', units: 20, value: null, until: BLANKS_UNTIL + 3_600_000 },
  ];
  await page.locator('#stock h3', { hasText: 'Blanks' }).waitFor();
  await look('with blanks');
  server.till.line = { state: 'down', since: Date.now() - 720_000 };
  server.till.backlog = 37;
  await verdict('Line down since');
  await look('line down');
  server.till.state = 'disagreement';
  server.box.lanes[0] = {
    name: '1',
    scanner: { port: '/dev/ttyUSB0', state: 'absent', since: Date.now() },
    lastScanAt: null,
  };
  await verdict('This box does not answer');
  await look('trouble');
  server.till.state = 'validated';
  server.box.disk = { freeBytes: 1e6, totalBytes: 58e9 };
  await verdict('The disk is nearly full');
  await look('disk full');
  server.box.disk = null;
  server.box.drill = { since: Date.now(), until: Date.now() + 900_000, by: 'Jo' };
  await verdict('Drill running');
  await look('drill');
  Object.assign(server.till, { holding: 0, backlog: 0, line: { state: 'up', since: Date.now() } });
  Object.assign(server.box, { drill: null, lanes: [] });
  await verdict('Line up, nothing held');
  await look('nothing held, no lanes');
}

describe('the status page', () => {
  test('gives one verdict, one remedy for each thing that is not good, and has nothing that axe finds (dark)', async () => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await eachState(async (state) => {
      const remedies = await page.locator('#box tbody strong').count();
      const notGood = await page.locator('#box tbody .state:not(.state--good)').count();
      expect(remedies, state).toBe(notGood);
      expect(await findings(page), state).toEqual([]);
    });
  });

  test('shows the blanks beside the stock: how many, their worth, and until when', async () => {
    const stock = page.locator('#stock');
    expect(await stock.textContent()).not.toContain('Blanks');
    server.box.blanks = [
      { campaign: 'receipt', units: 1_180, value: { amount: 590_000, currency: 'USD' }, until: BLANKS_UNTIL },
      { campaign: 'reward', units: 20, value: { amount: 30_000, currency: 'USD' }, until: BLANKS_UNTIL + 3_600_000 },
    ];
    await stock.getByText('1,200 coupons to issue here, $6,200.00').waitFor();
    expect(await stock.textContent()).toMatch(/2 campaigns.*until Thu 26 Nov, 9:40/);
    server.box.blanks = [{ campaign: 'reward', units: 1, value: null, until: BLANKS_UNTIL }];
    await stock.getByText('1 coupon to issue here', { exact: true }).waitFor();
  });

  test('has nothing that axe finds, in any state (light), and nothing beyond its right edge', async () => {
    await eachState(async (state) => {
      expect(await findings(page), state).toEqual([]);
      for (const width of [320, 390, 1440, 1024]) {
        await page.setViewportSize({ width, height: 900 });
        expect(await sidewaysPixels(page), `${state} at ${width}`).toBeLessThanOrEqual(0);
      }
    });
  });

  test('starts a drill for whoever has a box token, and ends it', async () => {
    await page.getByText('Open the drill with a box token').click();
    await page.fill('#token', server.boxToken);
    await page.keyboard.press('Enter');
    await page.getByLabel('Minutes').selectOption('5');
    await page.getByRole('button', { name: 'Start the drill' }).click();
    await verdict('Drill running');
    expect(server.box.drill).toMatchObject({ by: 'Jo' });
    await page.getByRole('button', { name: 'End the drill' }).first().click();
    await verdict('Ready for an outage');
  });

  test('is readable without script', async () => {
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const still = await plain.newPage();
    await still.goto(`${server.url}/status`);
    await verdict('Ready for an outage', still);
    expect(await still.locator('#box tbody tr').count()).toBe(4);
    await plain.close();
  });

  test('says since when it is not live', async () => {
    await page.waitForLoadState('load');
    await server.stop();
    await page.getByText('Not live since').waitFor();
  });
});
