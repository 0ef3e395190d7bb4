import { describe, expect, test } from 'vitest';
import { lineReader } from '../../gateway/lanes/profiles/line.ts';
import type { Heard } from '../../gateway/lanes/scanner.ts';
import { readBarcode } from '../../protocol/barcode/barcode.ts';
import { readCode } from '../../protocol/code-reading.ts';
import { type Carrier, scanned } from './carriers.ts';

/** Drawn, read from the picture, sent as a scanner would send it, cut into pieces, read at the lane. */

const OFFER = '(8112)009988459000019133924009755364';
const PAPER = '(8110)01234561234561111012359123456789012345';
const NUMBER = '(255)1313131313130123456789012';
const OURS = '7KQ2-9MXD-4TRB-8WNS';

const bare = (bracketed: string): string => bracketed.replace(/[()]/g, '');

function scansOf(bytes: Uint8Array, pieceBytes: number): Heard[] {
  const reader = lineReader();
  const scans: Heard[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) scans.push(...reader.read(bytes.subarray(at, at + pieceBytes)));
  return [...scans, ...reader.silence()];
}

/** What the lane is given: one scan, the same however the bytes were cut. */
function scanOf(bytes: Uint8Array): { readonly text: string; readonly aim: string | null } {
  const [scan, ...others] = scansOf(bytes, bytes.length);
  for (let pieceBytes = 1; pieceBytes < bytes.length; pieceBytes += 1)
    expect(scansOf(bytes, pieceBytes)).toEqual([scan]);
  if (scan?.kind !== 'scan') throw new Error(`no scan: ${JSON.stringify(scan)}`);
  expect(others).toEqual([]);
  return scan;
}

const barcodeOf = ({ text, aim }: { readonly text: string; readonly aim: string | null }) =>
  readBarcode((aim ?? '') + text);

describe('an industry coupon is read from its picture', () => {
  test.each<[Carrier, string, string, string]>([
    ['GS1-128', OFFER, ']C1', OFFER],
    ['GS1 QR', OFFER, ']Q3', OFFER],
    ['GS1 Data Matrix', OFFER, ']d2', OFFER],
    ['Code 128', bare(OFFER), ']C0', OFFER],
    ['QR', bare(OFFER), ']Q1', OFFER],
    ['Data Matrix', bare(OFFER), ']d1', OFFER],
    ['PDF417', bare(OFFER), ']L2', OFFER],
    ['DataBar Expanded Stacked', PAPER, ']e0', PAPER],
    ['DataBar Expanded', PAPER, ']e0', PAPER],
    ['GS1-128', NUMBER, ']C1', NUMBER],
    ['DataBar Expanded Stacked', NUMBER, ']e0', NUMBER],
    ['GS1 Data Matrix', NUMBER, ']d2', NUMBER],
    ['GS1 Data Matrix', `(17)261231${NUMBER}(3902)150`, ']d2', NUMBER],
    ['QR', `https://id.gs1.org/255/${NUMBER.slice(5)}?17=261231`, ']Q1', NUMBER],
    ['EAN-13', '9828508010106', ']E0', 'EAN 9828508010106'],
    ['UPC-A', '514141100906', ']E0', 'UPC 514141100906'],
  ])('%s with %s [F10]', async (carrier, content, aim, normal) => {
    const scan = scanOf(await scanned(carrier, content));
    expect(scan.aim).toBe(aim);
    expect(barcodeOf(scan)).toMatchObject({ kind: 'coupon', normal });
  });

  test.each<[Carrier, string]>([
    ['GS1-128', OFFER],
    ['DataBar Expanded Stacked', PAPER],
    ['GS1 QR', PAPER],
    ['EAN-13', '9828508010106'],
    ['UPC-A', '514141100906'],
  ])(
    '%s with %s, also by a scanner that sends neither AIM identifiers nor line ends [F10]',
    async (carrier, content) => {
      const told = scanOf(await scanned(carrier, content));
      const untold = scanOf(await scanned(carrier, content, { aim: false, end: '' }));
      expect(untold).toEqual({ ...told, aim: null });
      expect(barcodeOf(untold)).toEqual(barcodeOf(told));
    },
  );

  test('GS stands between two elements, whatever the scanner ends its scans with [F10]', async () => {
    for (const end of ['\r', '\n', '\r\n', '\t', ''] as const) {
      const bytes = await scanned('GS1-128', `${OFFER}(21)A`, { aim: true, end });
      expect(scanOf(bytes).text).toBe(`${bare(OFFER)}\u001d21A`);
    }
  });
});

test.each<Carrier>(['Code 128', 'QR', 'Data Matrix', 'PDF417'])(
  'a code of our own is read from its picture: %s [F10]',
  async (carrier) => {
    for (const printed of [OURS, OURS.replaceAll('-', '')]) {
      const scan = scanOf(await scanned(carrier, printed));
      expect(barcodeOf(scan)).toEqual({ kind: 'plain', text: printed });
      expect(readCode(scan.text, [])).toEqual({ kind: 'code', code: '7KQ29MXD4TRB8WNS' });
    }
  },
);

test('a product stays a product: EAN-13 and GS1 Data Matrix [F10]', async () => {
  expect(barcodeOf(scanOf(await scanned('EAN-13', '4006381333931')))).toEqual({ kind: 'product' });
  const produce = await scanned('GS1 Data Matrix', '(01)12345678901231(21)A-1');
  expect(barcodeOf(scanOf(produce))).toEqual({ kind: 'product' });
});
