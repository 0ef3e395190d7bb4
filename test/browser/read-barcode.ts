import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';

const wasm = fileURLToPath(import.meta.resolve('zxing-wasm/reader/zxing_reader.wasm'));
// From the package: without this, the module fetches itself over the network.
prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(readFileSync(wasm)).buffer } });

/** What a scanner reads from the coupon as it is on the screen: the kind of barcode and its text. */
export async function readScreen(page: Page): Promise<{ readonly format: string; readonly text: string }[]> {
  const codes = await readBarcodes(await page.locator('.ticket').screenshot());
  return codes.map(({ format, text }) => ({ format, text }));
}
