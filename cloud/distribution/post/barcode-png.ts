import bwipjs from 'bwip-js/node';
import type { Barcode } from '../../ledger/port.ts';
import { type Bitmap, blackAndWhitePng } from './png.ts';

/** Dots a module: sharp on a telephone, small in a mail. */
const SCALE = 4;
/** ISO 18004, and ISO 15417 with one more: white around it. */
const SQUARE_QUIET_MODULES = 4;
const BARS_QUIET_MODULES = 11;
/** 18 mm at the usual 72 dots an inch and this scale, as long as a till's scanner likes them. */
const BARS_DOTS = 204;

/** A code as a picture, black on white with its quiet zone. @param code as it is scanned @param kind as its face shows it first */
export function barcodePng(code: string, kind: Barcode): Uint8Array {
  // Bars or GS1's elements that cannot carry this code give way to a square that carries anything.
  const bitmap = ownBitmap(code, kind) ?? square('qrcode', code);
  if (bitmap === null) throw new Error('a code cannot be drawn as a square');
  return blackAndWhitePng(bitmap, SCALE);
}

function ownBitmap(code: string, kind: Barcode): Bitmap | null {
  switch (kind) {
    case 'qr':
      return null;
    case 'code128':
      return bars(code);
    case 'gs1':
      return square('gs1qrcode', code);
  }
}

function square(bcid: 'qrcode' | 'gs1qrcode', text: string): Bitmap | null {
  const drawn = encode(bcid, text);
  if (drawn === null || !('pixs' in drawn)) return null;
  const { pixs, pixx: size } = drawn;
  const rows = Array.from({ length: size }, (_, y) => pixs.slice(y * size, (y + 1) * size).map((dark) => dark === 1));
  return { rows, rowDots: SCALE, quiet: SQUARE_QUIET_MODULES };
}

function bars(text: string): Bitmap | null {
  const drawn = encode('code128', text);
  if (drawn === null || !('sbs' in drawn)) return null;
  // Widths of bars and spaces in turn.
  const row = [...drawn.sbs].flatMap((width, i) => Array.from({ length: width }, () => i % 2 === 0));
  return { rows: [row], rowDots: BARS_DOTS, quiet: BARS_QUIET_MODULES };
}

/** The modules alone: the library's own pictures take four times as long. Null: this kind cannot carry that text. */
function encode(bcid: string, text: string) {
  try {
    return bwipjs.raw({ bcid, text })[0] ?? null;
  } catch {
    return null;
  }
}
