import { html } from 'hono/html';
import { type AssetPath, document, frame, type Html, type Shop } from './document.ts';
import type { Locale } from './locale.ts';

/** One sentence for whoever has no personal link, whatever was asked for. */
export function closedPage(
  why: 'unknown' | 'tooMany',
  { words, language }: Locale,
  shop: Shop,
  asset: AssetPath,
): Html {
  const { title } = words.closed;
  const body = frame(
    shop,
    null,
    html`<article class="ticket coupon coupon--muted"><div class="ticket__body"><div class="coupon__text"><h1 class="coupon__say">${title}</h1></div></div><div class="ticket__stub"><p>${words.closed[why]}</p></div></article>`,
  );
  return document({ title, language, body, script: null }, shop, asset);
}
