import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, type TestContext, test } from 'vitest';
import { atRest, findings, missingChromium, sidewaysPixels, startChromium } from './chromium.ts';
import { LaneBench } from './lane-bench.ts';
import { SUPERVISOR } from './lane-server.ts';

let browser: Browser;
let bench: LaneBench;

beforeAll(async () => {
  if (missingChromium === null) browser = await startChromium();
});
afterAll(() => browser?.close());
beforeEach((about: TestContext) => {
  if (missingChromium !== null) about.skip(missingChromium);
});
afterEach(() => bench?.close());

const open = async (options: Parameters<typeof LaneBench.open>[1] = {}) => {
  bench = await LaneBench.open(browser, options);
  return bench.page;
};

/** A coupon that is not here while the line is down. */
function unverifiable(): string {
  const { till } = bench.server;
  const code = till.coupon();
  till.elsewhere.add(code);
  till.line = { state: 'down', since: Date.now() - 720_000 };
  return code;
}

async function typePin(page: Page, id: string, pin: string = SUPERVISOR.pin): Promise<void> {
  await page.fill(`#${id}`, pin);
  await page.keyboard.press('Enter');
}

describe('a suspended sale', () => {
  test('is gone on with on another lane, by keys alone', async () => {
    const page = await open();
    const code = bench.server.till.coupon();
    await bench.check(code);
    await bench.shows('$5.00 off');
    await page.getByRole('button', { name: 'Suspend' }).focus();
    await page.keyboard.press('Enter');
    await bench.shows('Sale 0001 suspended');
    expect(await bench.focused()).toBe('code');
    const other = await bench.context.newPage();
    await other.goto(`${bench.server.url}/lane/3`);
    const resume = other.getByRole('button', { name: 'Resume sale 0001' });
    await resume.waitFor();
    expect(await other.locator('#basket').textContent()).toContain(`…${code.slice(-4)}`);
    expect(await other.content()).not.toContain(code);
    await resume.focus();
    await other.keyboard.press('Enter');
    await bench.shows('Sale 0001 resumed', other);
    await other.keyboard.press('F9');
    await bench.shows('Redeemed', other);
    await page.locator('#basket', { hasText: 'No coupons yet.' }).waitFor();
  });
});

describe('a supervisor', () => {
  test('is asked at a coupon that cannot be verified, types a PIN and chooses', async () => {
    const page = await open();
    await bench.check(unverifiable());
    await bench.shows('Cannot verify');
    await page.getByRole('link', { name: 'Supervisor' }).click();
    expect(await bench.focused()).toBe('pin');
    await typePin(page, 'pin', '999999');
    await page.getByText('This is not a supervisor’s PIN here.').waitFor();
    expect(await bench.focused()).toBe('pin');
    expect(await page.locator('#pin').inputValue()).toBe('');
    await typePin(page, 'pin');
    await page.getByText(SUPERVISOR.name, { exact: true }).waitFor();
    const honour = page.getByRole('button', { name: 'Honour at the store’s risk' });
    expect(await honour.isDisabled()).toBe(true);
    expect(await honour.getAttribute('aria-describedby')).toBe('honour');
    await page.getByRole('button', { name: 'Finish without' }).click();
    await bench.shows('Left out');
    expect(await bench.focused()).toBe('code');
  });

  test('may be scanned past: the answer is shown, and the PIN field has no code in it', async () => {
    const page = await open();
    await bench.check(unverifiable());
    await bench.shows('Cannot verify');
    await page.getByRole('link', { name: 'Supervisor' }).click();
    const code = bench.server.till.coupon();
    const key = (character: string) => ({ key: character, code: '' });
    await bench.keys([...[...code].map(key), key('Enter')]);
    await bench.shows('$5.00 off');
    expect(await page.locator('#sale').isVisible()).toBe(true);
    expect(await page.locator('#pin').inputValue()).toBe('');
  });

  test('works without script', async () => {
    await open();
    await bench.check(unverifiable());
    await bench.shows('Cannot verify');
    const plain = await browser.newContext({ javaScriptEnabled: false });
    const page = await plain.newPage();
    await page.goto(`${bench.server.url}/lane/2`);
    await page.fill('#token', bench.server.registerToken);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('link', { name: 'Supervisor' }).click();
    await page.fill('#pin', SUPERVISOR.pin);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByRole('link', { name: 'Supervisor' }).click();
    await page.getByRole('button', { name: 'Finish without' }).click();
    await bench.shows('Left out', page);
    await plain.close();
  });
});

describe('a training', () => {
  test('is begun by a PIN, framed, survives a reload, refuses a real coupon and is ended by hand', async () => {
    const page = await open();
    await page.getByRole('link', { name: 'Settings' }).click();
    await typePin(page, 'training-pin');
    await page.locator('.lane--training').waitFor();
    await page.reload();
    await page.locator('.lane--training .banner--training').waitFor();
    const code = bench.server.till.coupon();
    await bench.check(code);
    await bench.shows('Real coupon');
    await bench.check('PRACTICE-0001');
    await bench.shows('$5.00 off');
    expect(await page.locator('.ticket__stub').textContent()).toContain('practice');
    await page.keyboard.press('F9');
    await bench.shows('Redeemed');
    await bench.server.sales.scan('2', code);
    await bench.shows('Real coupon');
    expect(bench.server.till.calls).toEqual([]);
    await page.getByRole('button', { name: 'End training' }).first().click();
    await page.locator('.lane:not(.lane--training)').waitFor();
    await bench.check(code);
    await bench.shows('$5.00 off');
    expect(bench.server.till.calls).toHaveLength(1);
  });

  test('needs no PIN where a box token opened the page', async () => {
    const page = await open({ token: 'box' });
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('button', { name: 'Begin training' }).click();
    await page.locator('.lane--training').waitFor();
  });
});

describe('the sound', () => {
  /** Each tone that starts: its frequency, and how loud. */
  const record = (page: Page) =>
    page.evaluate(`globalThis.tones = [];
      const start = OscillatorNode.prototype.start;
      OscillatorNode.prototype.start = function (...at) { tones.push(this.frequency.value); return start.apply(this, at); };
      const connect = GainNode.prototype.connect;
      globalThis.gains = [];
      GainNode.prototype.connect = function (...to) { gains.push(this.gain.value); return connect.apply(this, to); };`);
  const tones = (page: Page): Promise<number[]> => page.evaluate('tones.splice(0)');

  async function heard(page: Page, code: string): Promise<number[]> {
    const { answers } = bench.server.sales.view('2');
    await bench.check(code);
    await expect.poll(() => bench.server.sales.view('2').answers).toBe(answers + 1);
    await page.waitForTimeout(150);
    return tones(page);
  }

  test('tells answers apart by count and pitch, and what is no coupon is silent', async () => {
    const page = await open();
    await record(page);
    expect(await heard(page, 'TEST-APPROVED')).toEqual([1320]);
    await page.keyboard.press('F9');
    await bench.shows('Redeemed');
    await page.waitForTimeout(150);
    expect(await tones(page)).toEqual([1320, 1760]);
    expect(await heard(page, 'TEST-EXPIRED')).toEqual([330, 330]);
    expect(await heard(page, 'TEST-CANNOT_VERIFY')).toEqual([660, 660, 660]);
    expect(await heard(page, 'TEST-NOT_A_COUPON')).toEqual([]);
    await page.keyboard.press('F2');
    await bench.shows('Scan a coupon');
    expect(await tones(page)).toEqual([]);
  });

  test('is as loud as this device keeps it, and at 0 there is none', async () => {
    const page = await open();
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.locator('#volume').fill('100');
    await page.reload();
    await record(page);
    expect(await heard(page, 'TEST-APPROVED')).toEqual([1320]);
    expect(await page.evaluate('gains')).toEqual([0.5]);
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.locator('#volume').fill('0');
    await page.keyboard.press('Escape');
    expect(await heard(page, 'TEST-EXPIRED')).toEqual([]);
    await bench.shows('Expired');
  });
});

/** Every state that is not one reason more, each left standing while `look` looks. */
async function eachState(look: (state: string) => Promise<void>): Promise<void> {
  const { page, server } = bench;
  const { till, sales } = server;
  await look('idle');
  for (const code of [
    'TEST-ALREADY_REDEEMED',
    'TEST-VOIDED',
    'TEST-IN_USE',
    'TEST-BASKET_TOO_SMALL',
    'TEST-WRONG_STORE',
  ]) {
    await sales.scan('2', code);
    await look(code);
  }
  await sales.scan('2', till.coupon());
  await sales.scan('2', till.coupon({ type: 'percent', percent: 10, maxAmount: 1000, currency: 'USD' }));
  await look('approved');
  await sales.suspend('2');
  await look('suspended');
  await sales.resume('2', sales.suspended()[0]?.basket ?? '');
  await look('resumed');
  await sales.redeem('2');
  await look('redeemed');
  await sales.next('2');
  await sales.scan('2', unverifiable());
  await look('cannot verify, line down');
  await page.locator('#basket [data-show="supervisor"]').click();
  await look('supervisor');
  await typePin(page, 'pin', '999999');
  await page.locator('[data-error]:not(:empty)').first().waitFor();
  await look('a wrong PIN');
  // While somebody types there, nothing is put in its place.
  await page.locator('#code').focus();
  await sales.supervise('2', SUPERVISOR.name);
  await page.getByText(SUPERVISOR.name, { exact: true }).waitFor();
  await look('choices');
  await sales.choose('2', 'finish_without');
  await look('left out');
  till.line = { state: 'up', since: Date.now() };
  await page.locator('.lane__head [data-show]').click();
  await look('settings');
  await page.keyboard.press('Escape');
  await sales.mistyped('2');
  await look('mistyped');
  await sales.beginTraining('2', SUPERVISOR.name);
  await sales.scan('2', 'PRACTICE-0001');
  await look('training');
  await sales.scan('2', till.coupon());
  await look('a real coupon in a training');
  await page.locator('.lane__head [data-show]').click();
  await look('settings in a training');
}

/** Until the page has heard of it, and what tears has torn. */
async function settled(page: Page): Promise<void> {
  await page.waitForTimeout(120);
  await atRest(page);
}

const sizes = [320, 390, 1440, 1024] as const;

describe('in every state', () => {
  test.each([
    ['en', 'light'],
    ['es', 'dark'],
    ['fr', 'light'],
    ['de', 'dark'],
  ] as const)(
    'axe finds nothing, all is on the page and large enough, and a register does not scroll it (%s, %s)',
    async (language, theme) => {
      const page = await open({ language, theme, currency: 'EUR' });
      await eachState(async (state) => {
        await settled(page);
        expect(await findings(page), state).toEqual([]);
        expect(await tooSmall(page), state).toEqual([]);
        for (const width of sizes) {
          await page.setViewportSize({ width, height: 768 });
          expect(await sidewaysPixels(page), `${state} at ${width}`).toBeLessThanOrEqual(0);
        }
        expect(await page.evaluate('document.scrollingElement.scrollHeight'), state).toBeLessThanOrEqual(768);
        expect(await cutOff(page), state).toEqual([]);
      });
    },
  );

  /** What is pressed is 64 px high, and what is read at one metre has its size. */
  async function tooSmall(page: Page): Promise<string[]> {
    const small = `[...document.querySelectorAll('.button, .input:not(#amount), [type=range]')]
      .filter((element) => element.checkVisibility() && element.getBoundingClientRect().height < 64)
      .map((element) => element.textContent || element.id)`;
    const read = { word: 48, why: 32, next: 28, amount: 44, code: 22 };
    const unread = `Object.entries(${JSON.stringify(read)}).flatMap(([part, pixels]) =>
      [...document.querySelectorAll('.decision__' + part)]
        .filter((element) => element.checkVisibility() && parseFloat(getComputedStyle(element).fontSize) < pixels)
        .map((element) => element.textContent))`;
    return page.evaluate(`[...${small}, ...${unread}]`);
  }

  /** What lies under the code field, and words that do not fit. */
  const cutOff = (page: Page): Promise<string[]> =>
    page.evaluate(`[...document.querySelectorAll('#answer, .basket, .decision__word, .button')]
      .filter((element) => element.checkVisibility())
      .filter((element) => element.scrollWidth > element.clientWidth + 1
        || (element.matches('#answer, .basket')
          && element.getBoundingClientRect().bottom > document.querySelector('.lane__foot').getBoundingClientRect().top))
      .map((element) => element.className + ' ' + element.textContent)`);

  test('nothing shifts that is not an answer to a key: the page stands still from its first paint', async () => {
    const page = await open();
    await page.addInitScript(`globalThis.shifts = [];
      new PerformanceObserver((list) => shifts.push(...list.getEntries().map(({ value, sources }) =>
        value + ' ' + sources.map(({ node }) => node?.className ?? node?.nodeName).join()))).observe({ type: 'layout-shift', buffered: true });`);
    await page.reload();
    await page.evaluate('document.fonts.ready');
    for (const code of ['TEST-EXPIRED', 'TEST-APPROVED', 'TEST-CANNOT_VERIFY']) {
      await bench.server.sales.scan('3', code);
      await page.waitForTimeout(200);
    }
    expect(await page.evaluate('shifts')).toEqual([]);
  });

  test('reduced motion stops the tear, and forced colours keep each shape and its word', async () => {
    const page = await open();
    await page.emulateMedia({ reducedMotion: 'reduce', forcedColors: 'active' });
    await bench.server.sales.scan('2', 'TEST-APPROVED');
    await bench.server.sales.redeem('2');
    await bench.shows('Redeemed');
    expect(await page.evaluate('document.getAnimations().length')).toBe(0);
    for (const reason of ['EXPIRED', 'CANNOT_VERIFY']) {
      await bench.check(`TEST-${reason}`);
      await page.locator('.decision--refused, .decision--unsure').first().waitFor();
      const style = (of: string, what: string) =>
        page.evaluate(`getComputedStyle(document.querySelector('${of}')).${what}`);
      const fill = await style('.decision__shape', 'fill');
      const behind = await style('.decision .ticket__body', 'backgroundColor');
      expect(fill).not.toBe(behind);
      expect(await findings(page)).toEqual([]);
    }
  });
});
