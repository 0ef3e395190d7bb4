import bwipjs from 'bwip-js/node';
import type { Barcode } from '../../ledger/port.ts';

/** A barcode as a path of an SVG in which one module is one unit. `width` is in modules. */
export type Drawing = { readonly width: number; readonly height: number; readonly path: string };

/** At one pixel each, with the quiet zones beside them, more do not fit the narrowest phone (320 px). */
const BARS_MODULES_MAX = 246;
/** ISO 18004: around a square. */
const QUIET_MODULES = 4;

export function squareOf(text: string, kind: Barcode): Drawing {
  const drawn = (kind === 'gs1' ? encode('gs1qrcode', text) : null) ?? encode('qrcode', text);
  if (drawn === null || !('pixs' in drawn)) throw new Error('a text cannot be drawn as a square');
  return square(drawn.pixs, drawn.pixx);
}

/** Null: bars cannot carry that text, or a phone is too narrow for them. */
export function barsOf(text: string, kind: Barcode): Drawing | null {
  const drawn = (kind === 'gs1' ? encode('gs1-128', text) : null) ?? encode('code128', text);
  if (drawn === null || !('sbs' in drawn)) return null;
  const bars = barsFrom(drawn.sbs);
  return bars.width > BARS_MODULES_MAX ? null : bars;
}

/** Null: this kind of barcode cannot carry that text. */
function encode(bcid: string, text: string) {
  try {
    return bwipjs.raw({ bcid, text })[0] ?? null;
  } catch {
    return null;
  }
}

/** @param modules row by row, 1 is dark */
function square(modules: readonly number[], size: number): Drawing {
  let path = '';
  for (let row = 0; row < size; row += 1)
    for (let from = 0; from < size; from += 1) {
      if (modules[row * size + from] !== 1) continue;
      let to = from;
      while (to < size && modules[row * size + to] === 1) to += 1;
      path += run(from + QUIET_MODULES, row + QUIET_MODULES, to - from);
      from = to;
    }
  const sides = size + 2 * QUIET_MODULES;
  return { width: sides, height: sides, path };
}

/** @param widths of bars and spaces in turn */
function barsFrom(widths: readonly number[]): Drawing {
  let path = '';
  let width = 0;
  for (const [i, modules] of widths.entries()) {
    if (i % 2 === 0) path += run(width, 0, modules);
    width += modules;
  }
  return { width, height: 1, path };
}

const run = (x: number, y: number, modules: number): string => `M${x} ${y}h${modules}v1h-${modules}z`;
