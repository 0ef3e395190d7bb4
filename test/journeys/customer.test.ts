import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { missingChromium, startChromium } from '../browser/chromium.ts';
import { readScreen } from '../browser/read-barcode.ts';
import { brief, request } from './calls.ts';
import { Town } from './harness.ts';
import { until } from './processes.ts';

/**
 * A customer with a telephone: from an advertisement to the digits, the live coupon, the till, and back to the report that
 * says which advertisement it was. Everything is what `npm start` starts, and a real browser.
 */

const PHONE = '+1 202 555 0142';
/** What says that it is a machine is not counted as a view. */
const PHONE_BROWSER =
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36';
const SOURCE = 'utm_source=newsletter&utm_campaign=spring&utm_content=ad-7';

let town: Town;
let browser: Browser;
let telephone: BrowserContext;
let face: Page;

beforeAll(async () => {
  if (missingChromium !== null) return;
  town = await Town.start();
  browser = await startChromium();
  const viewport = { width: 390, height: 844 };
  telephone = await browser.newContext({ viewport, deviceScaleFactor: 2, locale: 'en-US', userAgent: PHONE_BROWSER });
  face = await telephone.newPage();
});
afterAll(async () => {
  await browser?.close();
  await town?.end();
});
beforeEach((context) => {
  if (missingChromium !== null) context.skip(missingChromium);
});

const inboxSchema = z.object({
  texts: z.array(z.object({ direction: z.enum(['in', 'out']), phone: z.string(), text: z.string() })),
});

/** What arrived on the demo's phone, the newest first. */
async function texts(): Promise<string[]> {
  const { json } = await request(`${town.demo().phone}/inbox`);
  return inboxSchema.parse(json).texts.flatMap(({ direction, text }) => (direction === 'in' ? text : []));
}

/** What texts say, the newest first, when so many say it. */
const told = (pattern: RegExp, times = 1) =>
  until('the texts arrive', async () => {
    const found = (await texts()).flatMap((text) => pattern.exec(text)?.[0] ?? []);
    if (found.length < times) throw new Error('not there yet');
    return found;
  });

test('claims a coupon by the six digits, and sees its barcode', async () => {
  await face.goto(`${town.demo().cloud}/k/${town.demo().campaign}?${SOURCE}`);
  await face.getByLabel('Mobile number or e-mail address').fill(PHONE);
  await face.getByRole('button', { name: 'Send the digits' }).click();
  await face.getByLabel('Six digits').fill((await told(/\b[0-9]{6}\b/))[0] ?? '');
  await face.getByRole('button', { name: 'Show my coupon' }).click();
  await face.getByText('Ready. Works once', { exact: true }).waitFor();
  expect(new URL(face.url()).pathname).toMatch(/^\/c\/[A-Za-z0-9_-]{22}$/);
});

test('gets its link there too, and the same one for a keyword', async () => {
  const LINK = /https?:\/\/\S+\/c\/[A-Za-z0-9_-]{22}/;
  const own = new URL(face.url()).href;
  expect(await told(LINK)).toEqual([own]);
  const body = new URLSearchParams({ phone: PHONE, text: 'SPRING' }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  await fetch(`${town.demo().phone}/texts`, { method: 'POST', body, headers, redirect: 'manual' });
  expect(await told(LINK, 2)).toEqual([own, own]);
});

let redemption = '';
test('is scanned from the screen, redeemed at the till, and the open page says so by itself', async () => {
  const [scanned] = await readScreen(face);
  const [main] = town.stores;
  const approved = await main.redeem(scanned?.text ?? '', 'sale-1', { total: { amount: 4200, currency: 'USD' } });
  expect(brief(approved)).toBe('approved');
  redemption = approved.redemption?.id ?? '';
  await face.getByText('Used. You saved $5.00', { exact: true }).waitFor();
  expect(await face.locator('main').textContent()).toContain('Main Street');
  const html = await face.content();
  for (const secret of [scanned?.text ?? '', scanned?.text.replaceAll('-', '') ?? ''])
    expect(html).not.toContain(secret);
  expect(await readScreen(face)).toEqual([]);
  await face.reload();
  await face.getByText('Used. You saved $5.00', { exact: true }).waitFor();
});

test('is traced back to the advertisement', async () => {
  await town.settled();
  const chain = await until('the chain is told', async () => {
    const answer = await town.askAdmin(`/v1/redemptions/${redemption}/chain`);
    if (answer.status !== 200) throw new Error(answer.text);
    return JSON.stringify(answer.json);
  });
  for (const step of ['newsletter', 'ad-7', '"viewed"', '"redeemed"', '"0001"']) expect(chain).toContain(step);
  const { text } = await town.askAdmin('/v1/reports/funnel?campaign=spring&by=site', {
    headers: { accept: 'text/csv' },
  });
  expect(text).toMatch(/newsletter/);
});

test('leaves no digits, link, number or code in any log', async () => {
  const link = new URL(face.url()).pathname.slice('/c/'.length);
  for (const name of ['cloud', 'store-0001', 'store-0002', 'phone'])
    for (const secret of [link, PHONE.replaceAll(' ', '')]) expect(town.log(name).includes(secret)).toBe(false);
  expect(await town.judge()).toEqual([]);
});
