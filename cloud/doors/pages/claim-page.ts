import { html } from 'hono/html';
import type { Source } from '../../distribution/store.ts';
import type { Campaign } from '../../ledger/port.ts';
import { sourceField } from '../sources.ts';
import { type AssetPath, document, frame, type Html, type Shop } from './document.ts';
import { icon } from './icons.ts';
import type { Locale } from './locale.ts';

/** The claim page: an offer, and the one thing that is asked for it. */

export type ClaimForm = {
  readonly campaign: Campaign;
  readonly source: Source;
  /** As typed before. */
  readonly address: string;
  readonly error: string | null;
};

export function claimPage(form: ClaimForm, locale: Locale, shop: Shop, asset: AssetPath): Html {
  const { words } = locale;
  const body = frame(
    shop,
    null,
    html`${form.error === null ? '' : errorBanner('address', form.error, locale)}${offer(form.campaign, locale, '', claimForm(form, shop, locale))}`,
  );
  return document({ title: words.claim.title, language: locale.language, body, script: null }, shop, asset);
}

export type Over = 'none_left' | 'none_left_today' | 'ended';

/** Told before anything is asked. */
export function overPage(
  campaign: Campaign,
  why: Over,
  lastDay: string,
  locale: Locale,
  shop: Shop,
  asset: AssetPath,
): Html {
  const { claim } = locale.words;
  const { say, rest } = {
    none_left: { say: claim.noneLeft, rest: claim.noneLeftRest },
    none_left_today: { say: claim.noneLeftToday, rest: claim.noneLeftTodayRest },
    ended: { say: claim.ended, rest: claim.endedRest(lastDay) },
  }[why];
  const body = frame(
    shop,
    null,
    offer(campaign, locale, 'coupon--muted', html`<p class="coupon__say">${say}</p><p>${rest}</p>`),
  );
  return document({ title: say, language: locale.language, body, script: null }, shop, asset);
}

export type ProofForm = {
  readonly action: string;
  /** Kept through the form: where new digits are asked for. */
  readonly query: string;
  readonly error: string | null;
  /** Null: not known. */
  readonly again: string | null;
};

export function proofPage(
  { action, query, error, again }: ProofForm,
  { words, language }: Locale,
  shop: Shop,
  asset: AssetPath,
): Html {
  const { proof } = words;
  const body = frame(
    shop,
    null,
    html`${error === null ? '' : errorBanner('proof', error, { words })}<h1>${proof.title}</h1><p>${proof.sent}</p>
<form class="stack" method="post" action="${action}"><input type="hidden" name="query" value="${query}"><div class="field"><label for="proof">${proof.code}</label><input class="input mono input--digits" id="proof" name="proof" type="text" inputmode="numeric" autocomplete="one-time-code" maxlength="12" required autofocus aria-describedby="proof-hint"${error === null ? '' : html` aria-invalid="true"`}>${hintOrError('proof', proof.hint, error)}</div><button class="button button--main button--wide">${proof.show}</button></form>
${again === null ? '' : html`<a class="button button--wide" href="${again}">${proof.again}</a>`}`,
  );
  return document({ title: proof.title, language, body, script: null }, shop, asset);
}

function offer({ card, condition }: Campaign, { words, money }: Locale, look: string, stub: Html): Html {
  const { minimumBasket } = card;
  const said = condition ?? (minimumBasket === null ? null : words.minimum(money(minimumBasket)));
  return html`<article class="ticket coupon coupon--claim ${look}"><div class="ticket__body"><div class="coupon__text"><h1 class="coupon__title">${card.offer.title}</h1>${said === null ? '' : html`<p class="coupon__terms">${said}</p>`}</div></div><div class="ticket__stub">${stub}</div></article>`;
}

function claimForm({ campaign, source, address, error }: ClaimForm, shop: Shop, { words }: Locale): Html {
  const { claim } = words;
  return html`<form class="stack" method="post" action="/claims"><input type="hidden" name="campaign" value="${campaign.id}">${Object.entries(
    source,
  ).map(
    ([name, value]) => html`<input type="hidden" name="${sourceField(name)}" value="${value}">`,
  )}<div class="field"><label for="address">${claim.address}</label><input class="input" id="address" name="address" type="text" inputmode="email" autocomplete="email" autocapitalize="none" spellcheck="false" maxlength="254" required value="${address}" aria-describedby="address-hint"${error === null ? '' : html` aria-invalid="true" autofocus`}>${hintOrError('address', claim.addressHint, error)}</div><button class="button button--main button--wide">${claim.send}</button><p class="small hush">${claim.consent(shop.retailer)}</p></form>`;
}

function hintOrError(field: string, hint: string, error: string | null): Html {
  return error === null
    ? html`<span class="field__hint" id="${field}-hint">${hint}</span>`
    : html`<span class="field__error" id="${field}-hint">${icon('refused')}${error}</span>`;
}

function errorBanner(field: string, error: string, { words }: Pick<Locale, 'words'>): Html {
  return html`<div class="banner banner--refused" role="alert">${icon('refused')}<span><strong>${words.claim.oneError}</strong> <a href="#${field}">${error}</a></span></div>`;
}
