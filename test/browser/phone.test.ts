import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, type TestContext, test } from 'vitest';
import { Inbox } from '../../scripts/demo-phone/inbox.ts';
import { startPages } from '../../scripts/demo-phone/pages.ts';
import { SmsProvider } from '../../scripts/demo-phone/sms-provider.ts';
import { freePorts } from '../journeys/processes.ts';
import { findings, missingChromium, sidewaysPixels, startChromium } from './chromium.ts';

let browser: Browser;
let page: Page;
let inbox: Inbox;
let pages: { close(): Promise<void> };

beforeAll(async () => {
  if (missingChromium === null) browser = await startChromium();
});
afterAll(() => browser?.close());
beforeEach(async (context: TestContext) => {
  if (missingChromium !== null) return context.skip(missingChromium);
  inbox = new Inbox();
  const settings = { cloud: 'http://127.0.0.1:1', account: 'AC1', token: 'x', number: '+12025550100' };
  const port = await freePorts(1);
  pages = await startPages(port, inbox, new SmsProvider(settings, inbox));
  page = await browser.newPage({ viewport: { width: 390, height: 844 } });
  await page.goto(`http://localhost:${port}/`);
});
afterEach(async () => {
  await page?.close();
  await pages?.close();
});

const mail = (html: string) => ({
  ...{ at: 0, to: 'ann@example.com', from: 'Shop <shop@example.com>', subject: '<b>$5</b> off', text: 'Hello', html },
});

describe('the demo’s phone', () => {
  test('shows what arrives by itself: texts with their links, and mails in a frame that runs nothing', async () => {
    inbox.addText({ at: 0, direction: 'in', phone: '+12025550142', text: '<i>$5</i>: http://localhost:1/c/x STOP' });
    inbox.addMail(
      mail('<!doctype html><html><head></head><body><p>Yours</p><script>document.title = "ran"</script></body></html>'),
    );
    await page.locator('.bubble a', { hasText: 'http://localhost:1/c/x' }).waitFor();
    expect(await page.locator('.bubble').textContent()).toContain('<i>$5</i>:');
    await page.locator('summary', { hasText: '<b>$5</b> off' }).click();
    const frame = page.frameLocator('.mail iframe');
    await frame.locator('p', { hasText: 'Yours' }).waitFor();
    expect(await page.title()).toBe('The demo’s phone');
  });

  test('sends a text, and shows it', async () => {
    await page.getByLabel('Text to').fill('spring');
    await page.getByRole('button', { name: 'Send text' }).click();
    await page.locator('.bubble--out', { hasText: 'spring' }).waitFor();
  });

  test.each(['light', 'dark'] as const)(
    'has nothing that axe finds, and nothing beyond its edge (%s)',
    async (colorScheme) => {
      await page.emulateMedia({ colorScheme });
      inbox.addText({ at: 0, direction: 'in', phone: '+12025550142', text: 'Hello' });
      inbox.addText({ at: 0, direction: 'out', phone: '+12025550142', text: 'SPRING' });
      inbox.addMail(mail(''));
      await page.locator('.mail').waitFor();
      expect(await findings(page)).toEqual([]);
      for (const width of [320, 390, 1024, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        expect(await sidewaysPixels(page), String(width)).toBeLessThanOrEqual(0);
      }
    },
  );
});
