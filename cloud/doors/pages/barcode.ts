import { toSVG } from 'bwip-js/node';
import { html, raw } from 'hono/html';
import type { Barcode } from '../../ledger/port.ts';
import type { Html } from './document.ts';
import type { Words } from './words/words.ts';

/** One code as a scanner reads it: a square, and bars where they fit a phone. Inline, black on white. */

/** At one pixel each, with the quiet zones beside them, more do not fit the narrowest phone (320 px). */
const BARS_MODULES_MAX = 256;
/** What bwip-js draws one module with, in the units of its view box. */
const UNITS_PER_MODULE = 2;
/** ISO 18004 asks for 4 modules around a square; the white stub adds to them. */
const QUIET_MODULES = 4;

/** The square and the bars, one shown, the other one tap away without script. @param printed the code as people read it */
export function barcode(code: string, printed: string, kind: Barcode, words: Words): Html {
  const bars = drawBars(code, kind);
  const square = html`<div class="barcode barcode--square">${raw(
    svg(drawSquare(code, kind), `role="img" aria-label="${words.squareLabel}"`),
  )}</div>`;
  const text = html`<span class="barcode__code">${printed}</span>`;
  if (bars === null) return html`${square}${text}`;
  const first = kind === 'code128' ? 'bars' : 'square';
  const choice = (id: 'square' | 'bars') =>
    html`<input class="as-${id}" type="radio" name="kind" id="${id}"${first === id ? ' checked' : ''}>`;
  return html`${choice('square')}${choice('bars')}${square}<div class="barcode barcode--bars">${raw(
    svg(
      bars,
      `role="img" aria-label="${words.barsLabel}" preserveAspectRatio="none" style="--modules:${modulesOf(bars)}"`,
    ),
  )}</div>${text}<div class="flip" role="group" aria-label="${words.kindOfBarcode}"><label for="square">${words.square}</label><label for="bars">${words.bars}</label></div>`;
}

/** A square with any text, as a poster's address. */
export function squareOf(text: string): string {
  return toSVG({ bcid: 'qrcode', text, padding: QUIET_MODULES * UNITS_PER_MODULE });
}

function drawSquare(code: string, kind: Barcode): string {
  const padding = QUIET_MODULES * UNITS_PER_MODULE;
  const gs1 = kind === 'gs1' ? drawn({ bcid: 'gs1qrcode', text: code, padding }) : null;
  return gs1 ?? toSVG({ bcid: 'qrcode', text: code, padding });
}

function drawBars(code: string, kind: Barcode): string | null {
  const gs1 = kind === 'gs1' ? drawn({ bcid: 'gs1-128', text: code, height: BARS_HEIGHT }) : null;
  const bars = gs1 ?? drawn({ bcid: 'code128', text: code, height: BARS_HEIGHT });
  return bars === null || modulesOf(bars) > BARS_MODULES_MAX ? null : bars;
}

/** Any: the page stretches them. */
const BARS_HEIGHT = 10;

/** Null: this kind of barcode cannot carry that code. */
function drawn(options: Parameters<typeof toSVG>[0]): string | null {
  try {
    return toSVG(options);
  } catch {
    return null;
  }
}

const modulesOf = (drawing: string): number => Number(/viewBox="0 0 (\d+) /.exec(drawing)?.[1] ?? 0) / UNITS_PER_MODULE;

const svg = (drawing: string, attributes: string): string => drawing.replace('<svg ', `<svg ${attributes} `);
