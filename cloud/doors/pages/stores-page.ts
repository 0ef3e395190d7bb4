import { html } from 'hono/html';
import type { Face } from '../../distribution/faces.ts';
import type { PlaceChosen } from '../../distribution/port.ts';
import type { Store } from '../../ledger/port.ts';
import { type AssetPath, document, frame, type Html, type Shop } from './document.ts';
import { icon } from './icons.ts';
import type { Locale } from './locale.ts';

export type Sought = {
  readonly text: string;
  /** Why the store that was chosen does not keep it. */
  readonly refusal: Exclude<PlaceChosen, 'stocked' | 'let_go'> | null;
};

/** Where one coupon works, found by name or address, and where its person may have it kept ready. */
export function storesPage(
  face: Face,
  { text: sought, refusal }: Sought,
  locale: Locale,
  shop: Shop,
  asset: AssetPath,
): Html {
  const { words, language } = locale;
  const { place } = words;
  const found = face.stores.filter((store) => matches(store, sought));
  const shown = found.slice(0, STORES_SHOWN_MAX);
  const link = `/c/${face.coupon.link}`;
  const mayChoose = face.state.kind === 'usable' || face.state.kind === 'not_yet';
  const body = frame(
    shop,
    null,
    html`${refusal === null ? '' : html`<div class="banner banner--unsure" role="alert">${icon('unsure')}<span>${place.refusals[refusal]}</span></div>`}<h1>${place.title}</h1><p class="hush">${place.why}</p>
${mayChoose && face.terms.card.channels.includes('online') ? onlineForm(`${link}/place`, locale) : ''}
${face.stores.length > STORES_SHOWN_MAX || sought !== '' ? searchForm(`${link}/stores`, sought, locale) : ''}
${shown.length === 0 ? html`<p class="empty">${place.none}</p>` : html`<ul class="stack">${shown.map((store) => storeItem(store, `${link}/place`, mayChoose, locale))}</ul>`}
${found.length > shown.length ? html`<p class="hush">${place.more(found.length - shown.length)}</p>` : ''}
<a class="button button--wide" href="${link}">${place.back}</a>`,
  );
  return document({ title: place.title, language, body, script: null }, shop, asset);
}

/** A screen or two; more are found by name. */
const STORES_SHOWN_MAX = 20;

function searchForm(action: string, sought: string, { words }: Locale): Html {
  return html`<form class="stack stack--tight" method="get" action="${action}"><div class="field"><label for="q">${words.place.search}</label><input class="input" id="q" name="q" type="search" maxlength="80" value="${sought}"></div><button class="button">${words.place.find}</button></form>`;
}

/** No store keeps it from then on: a cart need ask none for it. */
function onlineForm(action: string, { words }: Locale): Html {
  return html`<form method="post" action="${action}"><input type="hidden" name="store" value=""><button class="button button--wide">${words.place.useOnline}</button></form>`;
}

function storeItem({ id, name, address }: Store, action: string, mayChoose: boolean, { words }: Locale): Html {
  const choose = mayChoose
    ? html`<form method="post" action="${action}"><input type="hidden" name="store" value="${id}"><button class="button" aria-label="${words.place.useHere}: ${name}">${words.place.useHere}</button></form>`
    : '';
  return html`<li class="panel row row--apart"><span><strong>${name}</strong>${address === null ? '' : html`<br><span class="hush">${address}</span>`}</span>${choose}</li>`;
}

function matches({ name, address }: Store, sought: string): boolean {
  const text = plain(`${name} ${address ?? ''}`);
  return plain(sought)
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** Found also by who types no accents. */
const plain = (text: string): string => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
