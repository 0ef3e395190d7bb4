import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, type TestContext, test } from 'vitest';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';
import { SCANNER_TEST } from '../../gateway/doors/pages/lane-panels.ts';
import type { Code } from '../../protocol/code.ts';
import { missingChromium, startChromium } from './chromium.ts';
import { keyboards } from './keyboards.ts';
import { LaneBench } from './lane-bench.ts';

const { us, german, french, spanish } = keyboards;

let browser: Browser;
let bench: LaneBench;

beforeAll(async () => {
  if (missingChromium === null) browser = await startChromium();
});
afterAll(() => browser?.close());
beforeEach(async (about: TestContext) => {
  if (missingChromium !== null) return about.skip(missingChromium);
  bench = await LaneBench.open(browser);
});
afterEach(() => bench?.close());

/** A coupon whose code has such a character, or has none. */
function couponWith(form: RegExp): Code {
  for (;;) {
    const code = bench.server.till.coupon();
    if (form.test(code)) return code;
  }
}

const validated = () => bench.server.till.calls.filter(({ call }) => call === 'validate').map(({ codes }) => codes[0]);

async function tryScanner(keys: Parameters<LaneBench['scan']>[1]): Promise<string | null> {
  await bench.page.locator('[data-show="settings"]').click();
  await bench.scan(SCANNER_TEST, keys);
  const said = bench.page.locator('#scanner-said');
  await expect.poll(() => said.textContent()).not.toBe('');
  await bench.page.keyboard.press('Escape');
  return said.textContent();
}

describe('a scanner that presses Shift for its capitals', () => {
  test('is one scan, not echoed', async () => {
    await bench.page.evaluate(`globalThis.longest = 0; document.querySelector('#code').addEventListener('input',
      ({ target }) => { longest = Math.max(longest, target.value.length); })`);
    const code = couponWith(/[A-Z].*[A-Z]/);
    await bench.scan(code, { scanner: us, computer: us });
    await bench.shows('$5.00 off');
    expect(validated()).toEqual([code]);
    expect(await bench.page.evaluate('longest')).toBeLessThanOrEqual(1);
  });
});

describe('a scanner set to US keys', () => {
  test.each([
    ['german', german, /[YZ]/],
    ['french', french, /[AQWZM0-9]/],
  ] as const)('at a %s computer is told so, and no till hears of it', async (_name, computer, form) => {
    await bench.scan(couponWith(form), { scanner: us, computer });
    await bench.shows('Wrong keyboard');
    expect(validated()).toEqual([]);
    await bench.scan('TEST-APPROVED', { scanner: us, computer });
    expect(validated()).toEqual([]);
    expect(await tryScanner({ scanner: us, computer })).toMatch(
      /^The scanner and this computer have different keyboards/,
    );
    await bench.scan(couponWith(form), { scanner: us, computer });
    await bench.shows('Wrong keyboard');
    expect(validated()).toEqual([]);
  });

  test.each([
    ['german', german, /^[^YZ]*$/],
    ['spanish', spanish, /./],
  ] as const)('at a %s computer is read where the keys are the same', async (_name, computer, form) => {
    const code = couponWith(form);
    await bench.scan(code, { scanner: us, computer });
    await bench.shows('$5.00 off');
    expect(validated()).toEqual([code]);
  });
});

describe('a scanner set to the keys of its computer', () => {
  test.each([
    ['german', german, /[YZ]/],
    ['french', french, /[AQWZM].*\d/],
  ] as const)('(%s) is believed once it was tried on this device, also after a reload', async (_name, keys, form) => {
    const code = couponWith(form);
    await bench.scan(code, { scanner: keys, computer: keys });
    await bench.shows('Wrong keyboard');
    expect(await tryScanner({ scanner: keys, computer: keys })).toBe(
      'Good. The scanner fits this computer’s keyboard.',
    );
    await bench.page.reload();
    await bench.scan(code, { scanner: keys, computer: keys });
    await bench.shows('$5.00 off');
    expect(validated()).toEqual([code]);
  });

  test('reads groceries without a test and without a sound', async () => {
    await bench.scan('4006381333931', { scanner: french, computer: french });
    await bench.shows('Not a coupon');
    expect(validated()).toEqual(['4006381333931']);
  });
});

describe('the test of a scanner', () => {
  test('is a barcode that says what is compared', async () => {
    await bench.page.locator('[data-show="settings"]').click();
    const image = await bench.page.locator('.settings__barcode').screenshot();
    const wasm = createRequire(import.meta.url).resolve('zxing-wasm/reader/zxing_reader.wasm');
    const wasmBinary = new Uint8Array(readFileSync(wasm)).buffer;
    await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });
    const [found] = await readBarcodes(new Blob([new Uint8Array(image)]), { formats: ['Code128'] });
    expect(found?.text).toBe(SCANNER_TEST);
  });

  test('tells of Caps Lock, and a coupon scanned there is a coupon', async () => {
    await bench.page.locator('[data-show="settings"]').click();
    const small = new Map(
      [...us].map(
        ([place, [one, two]]) =>
          [place, [two.length === 1 && /[A-Z]/.test(two) ? two : one, /[A-Z]/.test(two) ? one : two]] as const,
      ),
    );
    await bench.scan(SCANNER_TEST, { scanner: us, computer: small });
    await expect.poll(() => bench.page.locator('#scanner-said').textContent()).toMatch(/^Caps Lock is on/);
    await bench.scan(bench.server.till.coupon(), { scanner: us, computer: us });
    await bench.shows('$5.00 off');
  });
});

describe('what comes in the middle of a scan and is no character', () => {
  const key = (character: string) => ({ key: character, code: '' });

  test('makes it unreadable, not shorter', async () => {
    const code = bench.server.till.coupon();
    await bench.keys([
      ...[...code].map(key),
      { key: 'Dead', code: 'BracketLeft' },
      ...[...code].map(key),
      key('Enter'),
    ]);
    await bench.shows('Wrong keyboard');
    expect(validated()).toEqual([]);
  });

  test('or a page that was busy, makes the rest of it no scan of its own', async () => {
    const code = `${bench.server.till.coupon()}`;
    const at = Date.now() / 1000;
    const session = await bench.context.newCDPSession(bench.page);
    const press = (character: string, timestamp: number) =>
      session.send('Input.dispatchKeyEvent', { type: 'keyDown', key: character, text: character, timestamp });
    for (const [n, character] of [...code.slice(0, 8)].entries()) await press(character, at + n / 1000);
    await bench.shows('Not a coupon');
    for (const [n, character] of [...code].entries()) await press(character, at + (8 + n) / 1000);
    await bench.shows('Wrong keyboard');
    expect(validated()).toEqual([code.slice(0, 8)]);
  });

  test('is kept where it parts the fields of a GS1 code', async () => {
    const separator = { key: ']', code: 'BracketRight', control: true };
    await bench.keys([...[...'8110ABCDEFGH'].map(key), separator, ...[...'21XYZ'].map(key), key('Enter')]);
    await expect.poll(validated).toEqual(['8110ABCDEFGH\x1d21XYZ']);
  });
});
