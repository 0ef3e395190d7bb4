import { html } from 'hono/html';
import type { LaneView } from '../../lanes/lane.ts';
import { lineBanner, lineNews, linePill } from './banners.ts';
import { type AssetPath, document, type Html, type Look, text } from './document.ts';
import { icon, largeIcon, ticketIcon } from './icons.ts';
import { basket, button, totalForm } from './lane-basket.ts';
import { settings, supervisor, training } from './lane-panels.ts';
import type { LaneState } from './lane-state.ts';
import { type Card, cardOf, lostCard, type Sound } from './lane-words.ts';

/** What stands beside the answer, or in its place. */
export type Shown = 'sale' | 'supervisor' | 'settings';

/** What the page's script needs, whole, at each change. `parts`: the inside of elements, by id. */
type LaneEvent = {
  readonly answers: number;
  readonly sound: Sound | null;
  readonly answer: AnswerAttributes;
  /** What the code field shows while it waits. */
  readonly waiting: string | null;
  readonly isTraining: boolean;
  readonly parts: Readonly<Record<string, string>>;
};

export function laneEvent(state: LaneState): LaneEvent {
  const card = cardOf(state.lane.answer, state.lane, state.locale);
  return {
    answers: state.lane.answers,
    sound: card.sound,
    answer: attributes(card),
    waiting: waitingCode(state.lane),
    isTraining: state.lane.training !== null,
    parts: Object.fromEntries(Object.entries(parts(state, card, null)).map(([id, part]) => [id, text(part)])),
  };
}

/** @param error of the form that was sent from what is shown */
export function lanePage(state: LaneState, shown: Shown, error: string | null, asset: AssetPath, look: Look): Html {
  const { lane, locale } = state;
  const { words } = locale;
  const card = cardOf(lane.answer, lane, locale);
  const inside = parts(state, card, error);
  const { className, role, live } = attributes(card);
  const lost = attributes(lostCard(locale));
  const at = `/lane/${encodeURIComponent(lane.lane)}`;
  const waiting = waitingCode(lane);
  const body = html`<div class="lane${lane.training === null ? '' : ' lane--training'}" data-events="${at}/events" data-answers="${lane.answers}">
<header class="lane__head"><div id="head">${inside.head}</div><a class="button button--quiet" href="${at}?show=settings" data-show="settings">${words.page.settings}</a></header>
<section aria-label="${words.page.line}"><div id="banner">${inside.banner}</div><p class="sr" role="status" id="news">${inside.news}</p></section>
<main class="lane__main" id="main" data-shown="${shown}">
<section class="${className}" id="answer" aria-label="${words.page.answer}" role="${role}" aria-live="${live}" aria-atomic="true">${inside.answer}</section>
<section class="panel basket" id="sale" aria-label="${words.basket.title}">
<div class="row row--apart" id="total">${inside.total}</div>
<div id="basket">${inside.basket}</div>
</section>
<section class="panel basket" aria-labelledby="supervisor-title"><h2 id="supervisor-title">${words.supervisor.title}</h2><div class="stack" id="supervisor">${inside.supervisor}</div></section>
${settings(state, inside.training, asset)}
</main>
<footer class="lane__foot"><form class="scan" id="scan" method="post" action="${at}/scan">
<label for="code">${words.page.scan}</label>
<input class="input" id="code" name="code" autocomplete="off" autocapitalize="characters" autocorrect="off" spellcheck="false" enterkeyhint="go" maxlength="512" autofocus data-ready="${words.page.ready}" placeholder="${waiting ?? words.page.ready}"${waiting === null ? '' : html` aria-busy="true"`}>
<button class="button">${words.page.check}</button></form></footer>
</div>
<template id="lost" data-class="${lost.className}">${cardBody(lostCard(locale))}</template>
<template id="lost-banner"><div class="banner banner--unsure">${icon('down')}<span><strong>${words.line.lostSince} <span id="since"></span>.</strong> ${words.line.lostRest}</span></div></template>`;
  return document({ title: words.page.where(state.store, lane.lane), body, script: 'lane.js' }, asset, look);
}

type AnswerAttributes = {
  readonly className: string;
  readonly role: 'status' | 'alert';
  readonly live: 'polite' | 'assertive';
};

function attributes(card: Card): AnswerAttributes {
  const className = `ticket ticket--side decision decision--${card.look}${card.torn ? ' ticket--torn' : ''}`;
  const isAlert = card.look === 'refused' || card.look === 'unsure';
  return isAlert ? { className, role: 'alert', live: 'assertive' } : { className, role: 'status', live: 'polite' };
}

function parts(state: LaneState, card: Card, error: string | null) {
  const { line, now, locale } = state;
  return {
    head: head(state),
    banner: lineBanner(line, now, locale, trainingBanner(state)),
    news: html`${news(state)}`,
    answer: cardBody(card),
    total: totalForm(state),
    basket: basket(state),
    supervisor: supervisor(state, error),
    training: training(state, error),
  };
}

function head({ store, lane, line, now, locale }: LaneState): Html {
  const { words, times } = locale;
  const isTraining = lane.training !== null;
  const pill = isTraining
    ? html`<span class="state state--unsure">${icon('drill')}${words.training.title}</span>`
    : linePill(line, now, words);
  return html`<h1 class="where">${words.page.where(store, lane.lane)}</h1>${pill}${
    line.state === 'up' && !isTraining ? html`<span class="hush">${words.line.holding(line.holding)}</span>` : ''
  }<span class="push"><time datetime="${new Date(now).toISOString().slice(0, 16)}Z">${times.clock(now)}</time></span>`;
}

/** What changes by itself is read out: the line, and whether this is practice. */
function news({ lane, line, locale }: LaneState): string {
  return lane.training === null ? lineNews(line, locale) : locale.words.training.strong;
}

function trainingBanner({ lane, locale }: LaneState): Html | null {
  if (lane.training === null) return null;
  const { words, times } = locale;
  return html`<div class="banner banner--training">${icon('drill')}<span><strong>${words.training.strong}</strong> ${words.training.rest(times.short(lane.training))}</span>${button(lane.lane, { action: 'training/end', label: words.training.end, size: 'push' })}</div>`;
}

function cardBody({ look, shape, word, why, next, stub, isWaiting }: Card): Html {
  return html`<div class="ticket__body">${
    look === 'unsure' && shape !== null
      ? html`<p class="decision__word decision__word--beside">${largeIcon(shape)} ${word}</p>`
      : html`${cardShape(shape, isWaiting)}<p class="decision__word">${word}</p>`
  }${isWaiting ? html`<div class="waiting"></div>` : ''}${why === null ? '' : html`<p class="decision__why">${why}</p>`}${
    typeof next === 'string'
      ? html`<p class="decision__next">${next}</p>`
      : html`<ol class="steps">${next.map((step) => html`<li>${step}</li>`)}</ol>`
  }</div>${stub === null ? '' : cardStub(stub)}`;
}

function cardShape(shape: Card['shape'], isWaiting: boolean): Html | '' {
  if (shape !== null) return largeIcon(shape);
  return isWaiting ? '' : ticketIcon;
}

function cardStub({ label, amount, code, notes }: NonNullable<Card['stub']>): Html {
  return html`<div class="ticket__stub">${label === null ? '' : html`<small>${label}</small>`}${
    amount === null ? '' : html`<span class="decision__amount">${amount}</span>`
  }<span class="decision__code">${code}</span>${
    notes.length === 0
      ? ''
      : html`<small>${notes.map((note, at) => html`${at === 0 ? '' : html` <br>`}${note}`)}</small>`
  }</div>`;
}

function waitingCode({ answer }: LaneView): string | null {
  return answer.kind === 'waiting' ? `••••••••••••${answer.lastFour}` : null;
}
