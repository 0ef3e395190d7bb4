import { html } from 'hono/html';
import { formatMoney } from '../../../protocol/money.ts';
import type { CouponView } from '../../lanes/sale.ts';
import type { LaneView } from '../../lanes/lane.ts';
import { type LineView, lineBanner, lineNews, linePill } from './banners.ts';
import { amountWord, codeWord, sumOf, worthWord } from './coupon-words.ts';
import { type AssetPath, document, type Html, text } from './document.ts';
import { icon, largeIcon, ticketIcon } from './icons.ts';
import { type Card, cardOf, type Sound, unreachableCard } from './lane-words.ts';
import type { Times } from './times.ts';

export type LaneState = {
  readonly store: string;
  readonly lane: LaneView;
  readonly line: LineView;
  /** Of a sale without a total and without coupons. */
  readonly currency: string;
  readonly now: number;
  readonly times: Times;
};

/** What the page's script needs, whole, at each change. `parts`: the inside of elements, by id. */
type LaneEvent = {
  readonly answers: number;
  readonly sound: Sound | null;
  readonly answer: AnswerAttributes;
  /** What the code field shows while it waits. */
  readonly waiting: string | null;
  readonly parts: Readonly<Record<string, string>>;
};

export function laneEvent(state: LaneState): LaneEvent {
  const card = cardOf(state.lane.answer, state.lane, state.times);
  return {
    answers: state.lane.answers,
    sound: card.sound,
    answer: attributes(card),
    waiting: waitingCode(state.lane),
    parts: Object.fromEntries(Object.entries(parts(state, card)).map(([id, part]) => [id, text(part)])),
  };
}

export function lanePage(state: LaneState, asset: AssetPath): Html {
  const { lane } = state;
  const card = cardOf(lane.answer, lane, state.times);
  const { head, banner, news, answer, total, basket } = parts(state, card);
  const { className, role, live } = attributes(card);
  const lost = attributes(unreachableCard);
  const at = `/lane/${encodeURIComponent(lane.lane)}`;
  const waiting = waitingCode(lane);
  const body = html`<div class="lane" data-events="${at}/events" data-answers="${lane.answers}">
<header class="lane__head" id="head">${head}</header>
<section aria-label="Line"><div id="banner">${banner}</div><p class="sr" role="status" id="news">${news}</p></section>
<main class="lane__main">
<section class="${className}" id="answer" aria-label="Answer" role="${role}" aria-live="${live}" aria-atomic="true">${answer}</section>
<section class="panel basket" aria-label="This sale">
<div class="row row--apart" id="total">${total}</div>
<div id="basket">${basket}</div>
</section>
</main>
<footer class="lane__foot"><form class="scan" id="scan" method="post" action="${at}/scan">
<label for="code">Scan a coupon, or type its code</label>
<input class="input" id="code" name="code" autocomplete="off" autocapitalize="characters" autocorrect="off" spellcheck="false" enterkeyhint="go" maxlength="512" autofocus placeholder="${waiting ?? 'Ready'}"${waiting === null ? '' : html` aria-busy="true"`}>
<button class="button">Check</button></form></footer>
</div>
<template id="lost" data-class="${lost.className}">${cardBody(unreachableCard)}</template>
<template id="lost-banner"><div class="banner banner--unsure">${icon('down')}<span><strong>The box does not answer since <span id="since"></span>.</strong> Trying again by itself. Finish sales without coupons.</span></div></template>`;
  return document({ title: `${state.store}, lane ${lane.lane}`, body, script: 'lane.js' }, asset);
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

function parts(state: LaneState, card: Card) {
  const { lane, line, now, times } = state;
  return {
    head: head(state),
    banner: lineBanner(line, now, times),
    news: html`${lineNews(line, times)}`,
    answer: cardBody(card),
    total: totalForm(lane),
    basket: basket(state),
  };
}

function head({ store, lane, line, now, times }: LaneState): Html {
  const { holding } = line;
  const ready =
    holding === 0 ? 'No coupons held here' : `Ready for an outage: ${holding} coupon${holding === 1 ? '' : 's'}`;
  return html`<h1 class="where">${store}, lane ${lane.lane}</h1>${linePill(line, now)}${
    line.state === 'up' ? html`<span class="hush">${ready}</span>` : ''
  }<span class="push"><time datetime="${new Date(now).toISOString().slice(0, 16)}Z">${times.clock(now)}</time></span>`;
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

function totalForm({ lane, number, total }: LaneView): Html {
  return html`<h2>Sale ${number}</h2><form method="post" action="${actionOf(lane, 'total')}"><label class="sr" for="amount">Total of the sale</label><input class="input basket__total" id="amount" name="amount" inputmode="decimal" autocomplete="off" maxlength="14" placeholder="Total" pattern="[^\\d.,\\-]{0,4}(\\d{1,8}|\\d{1,3}(,\\d{3})+)([.,]\\d{1,3})?" title="An amount, like 42.00" value="${total === null ? '' : formatMoney(total)}"></form>`;
}

function basket(state: LaneState): Html {
  const { coupons } = state.lane;
  const list =
    coupons.length === 0
      ? html`<p class="basket__list basket__list--empty hush">No coupons yet.</p>`
      : html`<ul class="basket__list" aria-label="Coupons"${coupons.length > SEEN_AT_ONCE ? html` tabindex="0"` : ''}>${coupons.map(couponItem)}</ul>`;
  return html`${list}${sum(state)}${buttons(state.lane)}`;
}

/** More than these scroll in their list, which then must be reached by keys. */
const SEEN_AT_ONCE = 3;

function couponItem({ state, lastFour, offer }: CouponView): Html {
  const { shape, tone, word } = couponStates[state];
  return html`<li>${icon(shape, tone)}<span>${offer?.title ?? 'Coupon'}<small>${codeWord(lastFour)}, ${word}</small></span><span class="num">${state === 'unsure' ? '–' : amountWord(offer?.discount ?? null)}</span></li>`;
}

const couponStates = {
  held: { shape: 'reserved', tone: ' icon--reserved', word: 'held' },
  redeemed: { shape: 'good', tone: ' icon--good', word: 'redeemed' },
  unsure: { shape: 'unsure', tone: ' icon--unsure', word: 'not checked' },
} as const;

/** What the sale's coupons take off; beside it what the register works out. */
function sum({ lane, currency }: LaneState): Html {
  const sure = lane.coupons.filter((coupon) => coupon.state !== 'unsure');
  const isKnown = ({ offer }: CouponView) => offer?.discount.type === 'amount';
  const known = sumOf(sure.filter(isKnown));
  const others = sure.filter((coupon) => !isKnown(coupon)).map(({ offer }) => amountWord(offer?.discount ?? null));
  const zero = formatMoney({ amount: 0, currency: lane.total?.currency ?? currency });
  const word = known === null ? (sure.some(isKnown) ? '–' : zero) : `−${formatMoney(known)}`;
  return html`<div class="basket__sum"><span>Coupons${
    others.length === 0 ? '' : html`<small>and ${others.join(', ')}</small>`
  }</span><strong>${word}</strong></div>`;
}

/** The main one first. F2 works in every state, so that its form is there in every state. */
function buttons({ lane, number, coupons, answer }: LaneView): Html {
  const held = coupons.filter((coupon) => coupon.state === 'held');
  const redeemed = coupons.filter((coupon) => coupon.state === 'redeemed');
  // A redemption is tried again by its own button.
  const isStuck = answer.kind === 'stuck' && answer.during !== 'redeem';
  const hasUnsure = coupons.some((coupon) => coupon.state === 'unsure') || isStuck;
  const again = hasUnsure ? button(lane, { action: 'again', label: 'Try again', key: 'F5' }) : '';
  const next = { action: 'next', label: 'Next sale', key: 'F2' };
  if (held.length > 0) {
    const redeem = { action: 'redeem', label: `Redeem ${worthWord(held)}`, key: 'F9', isMain: true };
    const release = { action: 'release', label: held.length === 1 ? 'Give back' : 'Give all back' };
    return html`${button(lane, redeem)}${button(lane, release)}${again}${button(lane, { ...next, isHidden: true })}`;
  }
  if (redeemed.length > 0) {
    const asks = `Undo sale ${number}? ${worthWord(redeemed)}: no longer taken off.`;
    return html`${button(lane, { ...next, isMain: true })}${button(lane, { action: 'undo', label: 'Undo this sale', asks })}${again}`;
  }
  return html`${again}${button(lane, next)}`;
}

type Button = {
  readonly action: string;
  readonly label: string;
  /** Of the keyboard. */
  readonly key?: string;
  readonly isMain?: boolean;
  readonly isHidden?: boolean;
  /** Asked once before it is done. */
  readonly asks?: string;
};

function button(lane: string, { action, label, key, isMain, isHidden, asks }: Button): Html {
  return html`<form method="post" action="${actionOf(lane, action)}"${key === undefined ? '' : html` data-key="${key}"`}${
    asks === undefined ? '' : html` data-asks="${asks}"`
  }${isHidden ? ' hidden' : ''}><button class="button ${isMain ? 'button--main ' : ''}button--wide">${label}${
    key === undefined ? '' : html` <kbd>${key}</kbd>`
  }</button></form>`;
}

function actionOf(lane: string, action: string): string {
  return `/lane/${encodeURIComponent(lane)}/${action}`;
}

function waitingCode({ answer }: LaneView): string | null {
  return answer.kind === 'waiting' ? `••••••••••••${answer.lastFour}` : null;
}
