import { html } from 'hono/html';
import type { Card } from '../../../protocol/card.ts';
import { formatCode, readOwn } from '../../../protocol/code.ts';
import type { FaceState } from '../../distribution/face-rules.ts';
import type { Face } from '../../distribution/faces.ts';
import { barcode } from './barcode.ts';
import { type AssetPath, document, frame, type Html, type Shop, text } from './document.ts';
import { icon, stateIcon } from './icons.ts';
import type { Locale } from './locale.ts';
import { shortName } from './short-name.ts';
import { say, zoneOf } from './face-words.ts';
import { picturePath } from './picture.ts';
import { stop } from './words/words.ts';

/** The live page of one coupon. */
export function facePage(face: Face, locale: Locale, shop: Shop, asset: AssetPath): Html {
  const { words, language } = locale;
  const { ticket, rest, news } = parts(face, locale, shop);
  const body = frame(
    shop,
    face.person?.name == null ? null : words.couponFor(shortName(face.person.name)),
    html`<div id="ticket">${ticket}</div><p class="sr" id="news" role="status">${news}</p><div class="stack" id="rest">${rest}</div>`,
    html`<span id="live" data-live="${words.live}" data-lost="${words.notLive}"${isAwake(face) ? ' data-awake' : ''}>${words.reload}</span>`,
  );
  const seen = html`<noscript><link rel="stylesheet" href="/c/${face.coupon.link}/seen.css"></noscript>`;
  return document(
    { title: face.terms.card.offer.title, language, body: html`${body}${seen}`, script: 'face.js' },
    shop,
    asset,
  );
}

/** What the page puts in place of what it shows. */
export function faceEvent(face: Face, locale: Locale, shop: Shop): string {
  const { ticket, rest, news } = parts(face, locale, shop);
  return JSON.stringify({ ticket: text(ticket), rest: text(rest), news, isAwake: isAwake(face) });
}

/** There is something to scan: the screen stays on. */
const isAwake = ({ state }: Face): boolean => state.kind === 'usable';

function parts(face: Face, locale: Locale, shop: Shop): { ticket: Html; rest: Html; news: string } {
  const { state, terms } = face;
  const said = say(face, locale);
  return {
    ticket: html`<article class="ticket coupon ${looks[state.kind]}"><div class="ticket__body">${picture(face)}<div class="coupon__text"><h1 class="coupon__title">${terms.card.offer.title}</h1>${condition(face, locale)}${until(face, locale)}</div></div><div class="ticket__stub">${state.kind === 'usable' ? toScan(face, said.lines, locale) : html`${stateIcon(shapesOf[state.kind])}<p class="coupon__say">${said.say}</p>${said.lines.map((line) => html`<p>${line}</p>`)}${newCoupon(face, locale)}`}</div></article>`,
    rest: html`${notYou(face, locale, shop)}${place(face, locale)}${termsPanel(face, locale, shop)}`,
    news: [said.say, ...said.lines].map(stop).join(' '),
  };
}

const looks = {
  usable: 'coupon--good',
  held: 'coupon--reserved',
  held_silent: 'coupon--reserved',
  redeemed: 'ticket--torn',
  expired: 'coupon--muted',
  voided: 'coupon--muted',
  not_yet: 'coupon--early',
  replaced: 'coupon--muted',
} as const satisfies Record<FaceState['kind'], string>;

const shapesOf = {
  usable: 'good',
  held: 'reserved',
  held_silent: 'reserved',
  redeemed: 'redeemed',
  expired: 'refused',
  voided: 'refused',
  not_yet: 'early',
  replaced: 'redeemed',
} as const satisfies Record<FaceState['kind'], string>;

/** The only place where the code is written out: it is opened for no other state. */
function toScan({ coupon, terms }: Face, lines: readonly string[], { words }: Locale): Html {
  const code = coupon.code();
  const own = readOwn(code);
  return html`<span class="state state--good">${icon('good')}${words.ready}</span>${lines.map((line) => html`<p>${line}</p>`)}${barcode(code, own === null || own === 'malformed' ? code : formatCode(own), terms.barcode, words)}`;
}

function newCoupon({ newLink, state }: Face, { words }: Locale): Html | '' {
  return state.kind === 'replaced' && newLink !== null
    ? html`<a class="button button--main" href="/c/${newLink}">${words.replaced.open}</a>`
    : '';
}

function picture({ terms, coupon }: Face): Html | '' {
  const path = picturePath(coupon.campaign, terms.picture);
  return path === null
    ? ''
    : html`<div class="coupon__picture"><img src="${path}" alt="" width="400" height="136"></div>`;
}

function condition({ terms }: Face, { words, money }: Locale): Html | '' {
  const { minimumBasket } = terms.card;
  const said = terms.condition ?? (minimumBasket === null ? null : words.minimum(money(minimumBasket)));
  return said === null ? '' : html`<p class="coupon__terms">${said}</p>`;
}

/** While it may still be used: to when, and that this was changed. */
function until(face: Face, locale: Locale): Html | '' {
  const { state, terms } = face;
  if (!['usable', 'held', 'held_silent', 'not_yet'].includes(state.kind)) return '';
  const { words, times } = locale;
  const changed =
    terms.changedAt === null
      ? ''
      : html`<p class="coupon__until coupon__until--strong">${words.changed(times(zoneOf(face)).full(terms.changedAt))}</p>`;
  return html`<p class="coupon__until">${endWord(terms.card, face, locale)}</p>${changed}`;
}

/** A date is that of every place, whatever its zone; an instant is told by the person's clock. */
function endWord({ endsAt }: Card, face: Face, { words, times }: Locale): string {
  return endsAt.length === 10
    ? words.untilDay(times('UTC').day(Date.parse(endsAt)))
    : words.untilTime(times(zoneOf(face)).withDay(Date.parse(endsAt)));
}

function notYou({ state }: Face, { words }: Locale, { contact }: Shop): Html | '' {
  return state.kind === 'redeemed' && contact !== null
    ? html`<p class="hush small face__note">${words.notYou(contact)}</p>`
    : '';
}

/** 'Use it in this store', and letting go of it, which is how to say that it will be used online. */
function place({ state, keptAt, stores, coupon, terms }: Face, { words }: Locale): Html | '' {
  if (state.kind !== 'usable' && state.kind !== 'not_yet') return '';
  if (keptAt !== null)
    return html`<form class="panel row row--apart face__place" method="post" action="/c/${coupon.link}/place"><input type="hidden" name="store" value=""><p>${words.place.kept(keptAt.name)}</p><button class="button">${terms.card.channels.includes('online') ? words.place.useOnline : words.place.letGo}</button></form>`;
  return stores.length === 0
    ? ''
    : html`<a class="button button--wide" href="/c/${coupon.link}/stores">${words.place.choose}</a>`;
}

/** More are found by name on a page of their own. */
const STORES_LISTED_MAX = 8;

function termsPanel({ terms, stores, coupon }: Face, { words }: Locale, shop: Shop): Html {
  const { channels, stores: which } = terms.card;
  const listed = stores.slice(0, stores.length <= STORES_LISTED_MAX ? STORES_LISTED_MAX : 0);
  const inStores =
    stores.length === 0
      ? ''
      : html`<li>${which === 'all' ? words.terms.allStores(stores.length) : words.terms.theseStores}${listed.map(({ name, address }) => html`<br><strong>${name}</strong>${address === null ? '' : `, ${address}`}`)}${listed.length === 0 ? html` <a href="/c/${coupon.link}/stores">${words.terms.find}</a>` : ''}</li>`;
  const online = channels.includes('online')
    ? html`<li>${words.terms.online}${shop.url === null ? '' : html` <a href="${shop.url}" rel="noreferrer">${words.terms.shop}</a>`}</li>`
    : '';
  const own = (terms.terms ?? '').split(/\n+/).filter((line) => line.trim() !== '');
  return html`<details class="terms panel"><summary>${words.terms.title}</summary><ul><li>${words.terms.once}</li>${inStores}${online}${own.map((line) => html`<li>${line}</li>`)}</ul></details>`;
}
