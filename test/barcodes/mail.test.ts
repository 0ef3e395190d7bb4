import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';
import { barcodePng } from '../../cloud/distribution/post/barcode-png.ts';

const wasm = fileURLToPath(import.meta.resolve('zxing-wasm/reader/zxing_reader.wasm'));
prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(readFileSync(wasm)).buffer } });

const OURS = '7KQ29MXD4TRB8WNS';
const OFFER = '(8112)009988459000019133924009755364';

test.each([
  ['qr', OURS, 'QRCode', OURS],
  ['code128', OURS, 'Code128', OURS],
  ['gs1', OFFER, 'QRCode', OFFER],
  ['gs1', OURS, 'QRCode', OURS],
] as const)('the picture in a mail, drawn as %s of %s, is read back', async (kind, code, format, text) => {
  const png = barcodePng(code, kind);
  const read = await readBarcodes(png);
  expect(read.map((found) => [found.format, found.text])).toEqual([[format, text]]);
  // A hundred thousand of them are sent.
  expect(png.length).toBeLessThan(2_000);
});
