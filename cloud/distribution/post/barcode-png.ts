import { toBuffer } from 'bwip-js/node';
import type { Barcode } from '../../ledger/port.ts';

/** Dots a module: sharp on a telephone, small in a mail. */
const SCALE = 4;
/** Millimetres, as long as a till's scanner likes them. */
const BARS_HEIGHT = 18;
const LOOK = { scale: SCALE, padding: 4, backgroundcolor: 'ffffff' };

/** A code as a picture, black on white with its quiet zone. @param code as it is scanned @param kind as its face shows it first */
export async function barcodePng(code: string, kind: Barcode): Promise<Uint8Array> {
  const own = ownKind(code, kind);
  // Bars or GS1's elements that cannot carry this code give way to a square that carries anything.
  return own === null ? square(code) : toBuffer(own).catch(() => square(code));
}

function ownKind(code: string, kind: Barcode): Parameters<typeof toBuffer>[0] | null {
  switch (kind) {
    case 'qr':
      return null;
    case 'code128':
      return { ...LOOK, bcid: 'code128', text: code, height: BARS_HEIGHT };
    case 'gs1':
      return { ...LOOK, bcid: 'gs1qrcode', text: code };
  }
}

const square = (code: string): Promise<Uint8Array> => toBuffer({ ...LOOK, bcid: 'qrcode', text: code });
