import { html } from 'hono/html';
import type { CouponView, Step } from '../../lanes/sale.ts';
import type { SuspendedView } from '../../lanes/suspended-sales.ts';
import { amountWord, codeWord, sumOf, worthWord } from './coupon-words.ts';
import type { Html } from './document.ts';
import { icon } from './icons.ts';
import type { LaneState } from './lane-state.ts';

/** The open sale beside the answer: its total, its coupons, and what can be done with it. */

export function totalForm({ lane, currency, locale }: LaneState): Html {
  const { words, money } = locale;
  const { number, total, training } = lane;
  const title = training === null ? words.page.sale(number) : words.page.practiceSale;
  const example = words.basket.totalForm(money({ amount: 4200, currency }));
  // Which amounts are good is for the door to say: this only keeps words out.
  const form = "[^\\d]{0,5}\\d[\\d.,'’\\s]*[^\\d]{0,5}";
  return html`<h2>${title}</h2><form method="post" action="${actionOf(lane.lane, 'total')}"><label class="sr" for="amount">${words.basket.total}</label><input class="input basket__total" id="amount" name="amount" inputmode="decimal" autocomplete="off" maxlength="20" placeholder="${words.basket.totalShort}" pattern="${form}" title="${example}" value="${total === null ? '' : money(total)}"></form>`;
}

export function basket(state: LaneState): Html {
  const { coupons } = state.lane;
  return html`${coupons.length === 0 ? nothingYet(state) : couponList(state)}${sum(state)}${buttons(state)}`;
}

/** More than these scroll in their list, which then must be reached by keys. */
const SEEN_AT_ONCE = 3;

function couponList(state: LaneState): Html {
  const { coupons } = state.lane;
  const { words } = state.locale;
  return html`<ul class="basket__list" aria-label="${words.basket.coupons}"${coupons.length > SEEN_AT_ONCE ? html` tabindex="0"` : ''}>${coupons.map((coupon) => couponItem(coupon, state))}</ul>`;
}

function couponItem({ state, lastFour, offer }: CouponView, { lane, locale }: LaneState): Html {
  const { words } = locale;
  const { shape, tone } = couponShapes[state];
  const word = lane.training !== null && state === 'held' ? words.card.practice : words.basket.states[state];
  return html`<li>${icon(shape, tone)}<span>${lane.training === null && offer !== null ? offer.title : words.basket.coupon}<small>${codeWord(lastFour)}, ${word}</small></span><span class="num">${state === 'unsure' ? '–' : amountWord(offer?.discount ?? null, locale)}</span></li>`;
}

const couponShapes = {
  held: { shape: 'reserved', tone: ' icon--reserved' },
  redeemed: { shape: 'good', tone: ' icon--good' },
  unsure: { shape: 'unsure', tone: ' icon--unsure' },
} as const;

/** A sale without coupons has room for those that wait. */
function nothingYet({ lane, suspended, locale }: LaneState): Html {
  const { basket: words } = locale.words;
  const none = html`<p class="basket__list basket__list--empty hush">${words.none}</p>`;
  if (suspended.length === 0 || lane.training !== null) return none;
  return html`<h3>${words.suspendedSales}</h3><ul class="basket__list" aria-label="${words.suspendedSales}" tabindex="0">${suspended.map((sale) => suspendedItem(sale, lane.lane, locale))}</ul>`;
}

function suspendedItem(sale: SuspendedView, lane: string, { words, times }: LaneState['locale']): Html {
  const where = words.basket.suspendedAt(words.page.lane(sale.lane), times.short(sale.at));
  const resume = {
    action: 'resume',
    label: words.basket.resume,
    name: words.basket.resumeSale(sale.number),
    value: sale.basket,
    size: 'fit',
  } as const;
  return html`<li>${icon('reserved', ' icon--reserved')}<span>${words.page.sale(sale.number)}<small>${where}<br>${sale.coupons.map(({ lastFour }) => codeWord(lastFour)).join(' ')}</small></span>${button(lane, resume)}</li>`;
}

/** What the sale's coupons take off; beside it what the register works out. */
function sum({ lane, currency, locale }: LaneState): Html {
  const { basket: words } = locale.words;
  const sure = lane.coupons.filter((coupon) => coupon.state !== 'unsure');
  const isKnown = ({ offer }: CouponView) => offer?.discount.type === 'amount';
  const known = sumOf(sure.filter(isKnown));
  const others = sure
    .filter((coupon) => !isKnown(coupon))
    .map(({ offer }) => amountWord(offer?.discount ?? null, locale));
  const zero = locale.money({ amount: 0, currency: lane.total?.currency ?? currency });
  const word = known === null ? (sure.some(isKnown) ? '–' : zero) : `−${locale.money(known)}`;
  return html`<div class="basket__sum"><span>${words.coupons}${
    others.length === 0 ? '' : html`<small>${words.and(others.join(', '))}</small>`
  }</span><strong>${word}</strong></div>`;
}

/** What has no button of its own, where it was not done. */
const TRIED_AGAIN: readonly Step[] = ['check', 'give_back', 'undo', 'next', 'suspend'];

/** The main one first. F2 works in every state, so that its form is there in every state. */
function buttons({ lane, locale }: LaneState): Html {
  const { basket: words, supervisor } = locale.words;
  const { coupons, answer, number, training } = lane;
  const of = (state: CouponView['state']) => coupons.filter((coupon) => coupon.state === state);
  const [held, redeemed, unsure] = [of('held'), of('redeemed'), of('unsure')];
  const isStuck = answer.kind === 'stuck' && TRIED_AGAIN.includes(answer.during);
  const show = (given: Button) => button(lane.lane, given);
  const next = { action: 'next', label: words.next, key: 'F2' };
  const again = unsure.length > 0 || isStuck ? [show({ action: 'again', label: words.again, key: 'F5' })] : [];
  const ask =
    unsure.length > 0 && training === null
      ? [html`<a class="button button--wide" href="?show=supervisor" data-show="supervisor">${supervisor.title}</a>`]
      : [];
  const suspend = training === null ? [show({ action: 'suspend', label: words.suspend })] : [];
  if (held.length > 0)
    return html`${show({ action: 'redeem', label: words.redeem(worthWord(held, locale)), key: 'F9', isMain: true })}${pair(
      show({ action: 'release', label: words.giveBack(held.length) }),
      ...(redeemed.length === 0 ? suspend : []),
    )}${pair(...ask, ...again)}${show({ ...next, isHidden: true })}`;
  if (redeemed.length > 0) {
    const asks = words.undoAsks(number, worthWord(redeemed, locale));
    return html`${show({ ...next, isMain: true })}${show({ action: 'undo', label: words.undo, asks })}${pair(...ask, ...again)}`;
  }
  if (unsure.length > 0) return html`${pair(...ask, ...again)}${pair(...suspend, show(next))}`;
  return html`${again}${show(next)}`;
}

/** Two in a row, where there are two. */
function pair(...two: Html[]): Html {
  if (two.length === 0) return html``;
  return two.length === 1 ? html`${two}` : html`<div class="basket__pair">${two}</div>`;
}

export type Button = {
  readonly action: string;
  readonly label: string;
  /** Of the keyboard. */
  readonly key?: string;
  readonly isMain?: boolean;
  readonly isHidden?: boolean;
  /** Asked once before it is done. */
  readonly asks?: string;
  /** What a screen reader says in the label's place. */
  readonly name?: string;
  /** What the form carries. */
  readonly value?: string;
  readonly size?: 'fit' | 'push';
};

export function button(lane: string, given: Button): Html {
  const { action, label, key, isMain, isHidden, asks, name, value, size } = given;
  return html`<form${size === 'push' ? html` class="push"` : ''} method="post" action="${actionOf(lane, action)}"${key === undefined ? '' : html` data-key="${key}"`}${
    asks === undefined ? '' : html` data-asks="${asks}"`
  }${isHidden ? ' hidden' : ''}><button class="button${isMain ? ' button--main' : ''}${size === undefined ? ' button--wide' : ''}"${
    value === undefined ? '' : html` name="value" value="${value}"`
  }${name === undefined ? '' : html` aria-label="${name}"`}>${label}${key === undefined ? '' : html` <kbd>${key}</kbd>`}</button></form>`;
}

export function actionOf(lane: string, action: string): string {
  return `/lane/${encodeURIComponent(lane)}/${action}`;
}
