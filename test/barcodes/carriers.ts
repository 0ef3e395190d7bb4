import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import bwipjs from 'bwip-js';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';

/** Every kind of barcode that a coupon comes in, as bwip-js calls it. */
const CARRIERS = {
  'Code 128': 'code128',
  'GS1-128': 'gs1-128',
  'DataBar Expanded': 'databarexpanded',
  'DataBar Expanded Stacked': 'databarexpandedstacked',
  QR: 'qrcode',
  'GS1 QR': 'gs1qrcode',
  'Data Matrix': 'datamatrix',
  'GS1 Data Matrix': 'gs1datamatrix',
  PDF417: 'pdf417',
  'EAN-13': 'ean13',
  'UPC-A': 'upca',
} as const;

export type Carrier = keyof typeof CARRIERS;

type ScannerSettings = {
  /** Whether the scanner sends AIM identifiers. */
  readonly aim: boolean;
  /** What it sends after each scan. */
  readonly end: '\r' | '\n' | '\r\n' | '\t' | '';
};

const wasm = fileURLToPath(import.meta.resolve('zxing-wasm/reader/zxing_reader.wasm'));
// From the package: without this, the module fetches itself over the network.
prepareZXingModule({ overrides: { wasmBinary: new Uint8Array(readFileSync(wasm)).buffer } });

/**
 * Draws a code, reads it from the picture, and gives the bytes that a scanner sends for it: the AIM identifier where it
 * is on, the content with GS between elements, the end.
 * @param content as printed: GS1's carriers take the bracket form, `(255)5412345000150(3902)150`
 * @throws where the picture does not read as exactly one code
 */
export async function scanned(
  carrier: Carrier,
  content: string,
  { aim, end }: ScannerSettings = { aim: true, end: '\r' },
): Promise<Uint8Array> {
  const codes = await readBarcodes(await draw(carrier, content));
  const [code] = codes;
  if (code === undefined || codes.length > 1)
    throw new Error(`${carrier} ${content}: ${codes.length} codes in the picture`);
  return Buffer.concat([
    Buffer.from(aim ? code.symbologyIdentifier : '', 'latin1'),
    code.bytes,
    Buffer.from(end, 'latin1'),
  ]);
}

/** A PNG, large enough and with the quiet zone that the carriers ask for. */
function draw(carrier: Carrier, content: string): Promise<Buffer> {
  return bwipjs.toBuffer({ bcid: CARRIERS[carrier], text: content, scale: 3, padding: 10, backgroundcolor: 'FFFFFF' });
}
