import { html } from 'hono/html';
import type { Barcode } from '../../ledger/port.ts';
import type { Html } from './document.ts';
import { barsOf, type Drawing, squareOf } from './drawing.ts';
import type { Words } from './words/words.ts';

/**
 * One code as a scanner reads it: a square, and bars where they fit a phone. Inline, black on white; one is shown, the
 * other one tap away without script. @param printed the code as people read it
 */
export function barcode(code: string, printed: string, kind: Barcode, words: Words): Html {
  const { square, bars } = drawnOnce(code, kind);
  const text = html`<span class="barcode__code">${printed}</span>`;
  const squareShown = html`<div class="barcode barcode--square">${svg(square, words.squareLabel)}</div>`;
  if (bars === null) return html`${squareShown}${text}`;
  const first = kind === 'code128' ? 'bars' : 'square';
  const choice = (id: 'square' | 'bars') =>
    html`<input class="as-${id}" type="radio" name="kind" id="${id}"${first === id ? ' checked' : ''}>`;
  return html`${choice('square')}${choice('bars')}${squareShown}<div class="barcode barcode--bars" style="--modules:${bars.width}">${svg(bars, words.barsLabel)}</div>${text}<div class="flip" role="group" aria-label="${words.kindOfBarcode}"><label for="square">${words.square}</label><label for="bars">${words.bars}</label></div>`;
}

/** The square that leads to an address, to be printed. */
export const poster = (address: string): Html => svg(squareOf(address, 'qr'), address);

function svg({ width, height, path }: Drawing, label: string): Html {
  return html`<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${label}" viewBox="0 0 ${width} ${height}" preserveAspectRatio="none"><path d="${path}"/></svg>`;
}

type Drawn = { readonly square: Drawing; readonly bars: Drawing | null };

/** Slow to draw, and a face that is open is written again with each change. Some 3 kB each. */
const DRAWN_KEPT_MAX = 1_000;
const drawn = new Map<string, Drawn>();

function drawnOnce(code: string, kind: Barcode): Drawn {
  const key = `${kind} ${code}`;
  const known = drawn.get(key);
  if (known !== undefined) return known;
  const made = { square: squareOf(code, kind), bars: barsOf(code, kind) };
  if (drawn.size >= DRAWN_KEPT_MAX) drawn.clear();
  drawn.set(key, made);
  return made;
}
