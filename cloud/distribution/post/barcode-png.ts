import { toBuffer } from 'bwip-js/node';

/** Dots a module: sharp on a telephone, small in a mail. */
const SCALE = 6;

/** A code as a picture, black on white with its quiet zone. @param code as it is scanned */
export async function barcodePng(code: string): Promise<Uint8Array> {
  return toBuffer({ bcid: 'qrcode', text: code, scale: SCALE, padding: 4, backgroundcolor: 'ffffff' });
}
