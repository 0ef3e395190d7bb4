import { html } from 'hono/html';
import {
  countOf,
  type DeliveryFacts,
  lasting,
  numberOf,
  type Part,
  partsOf,
  toGo,
  total,
  verdictOf,
} from './delivery-words.ts';
import { type AssetPath, document, type Html, type Shop, text } from './document.ts';
import { icon } from './icons.ts';

/** How far a delivery is, for whoever would rather look than read JSON. It opens empty and asks for the token. */
export function deliveryPage(id: string, shop: Shop, asset: AssetPath): Html {
  const body = html`<header class="top"><span class="mark" role="img" aria-label="Tearline">Tear<i></i>line</span><span class="hush">${shop.retailer}</span><span class="push row"><span class="hush small" id="clock"></span><button class="button button--quiet" id="leave" hidden>Forget the token</button></span></header>
<main class="solo" id="delivery" data-delivery="${id}">
<section class="door" id="door"><h1>How far is this delivery?</h1><noscript><p>This page needs a browser that runs scripts.</p></noscript><form class="stack"><div class="field"><label for="token">Admin token</label><input class="input mono" id="token" type="password" required maxlength="200" autocomplete="off" aria-describedby="hint"><span class="field__hint" id="hint">It stays in this tab. <span class="mono">scripts/tearline cloud token create --scope admin --name NAME</span></span></div><button class="button button--main">Open</button></form></section>
<section class="stack" id="view" hidden><div id="head"></div><div id="verdict"></div><div class="row" id="actions"></div><div id="figures"></div><section class="panel" id="parts" aria-label="All messages"></section></section>
<p class="sr" id="news" role="status"></p></main>
<dialog class="panel" id="ask" aria-labelledby="question"><form class="stack" method="dialog"><p id="question"></p><div class="row"><button class="button button--main" value="yes">Yes</button><button class="button" value="no">No</button></div></form></dialog>`;
  return document({ title: 'Delivery', language: 'en', body, script: 'delivery.js' }, shop, asset);
}

/** The insides of the page's elements by id, and what a screen reader says when it has changed. */
export function deliveryParts(facts: DeliveryFacts): { parts: Record<string, string>; news: string; isOver: boolean } {
  const { progress } = facts;
  const { delivery } = progress;
  const parts = {
    head: head(facts),
    verdict: verdict(facts),
    actions: actions(facts),
    figures: figures(facts),
    parts: all(facts),
  };
  return {
    parts: Object.fromEntries(Object.entries(parts).map(([id, part]) => [id, text(part)])),
    news: news(facts),
    isOver: delivery.state === 'done' || delivery.pausedAt !== null,
  };
}

function head({ progress: { delivery }, title }: DeliveryFacts): Html {
  const kind = delivery.kind === 'reminder' ? 'Reminder' : 'Coupon';
  const channel = delivery.channel === 'email' ? 'e-mail' : 'text message';
  return html`<h1>${title}</h1><p class="hush">${kind} by ${channel}, campaign ${delivery.campaign}${delivery.subject === null ? '' : html`: “${delivery.subject}”`}</p>`;
}

function verdict(facts: DeliveryFacts): Html {
  const { look, shape, word, why } = verdictOf(facts);
  return html`<p class="row"><span class="state state--${look}">${icon(shape)}${word}</span><span>${why}</span></p>`;
}

/** Stopping is done at once. What sends asks once more, and names how many. */
function actions({ progress }: DeliveryFacts): Html {
  const { delivery, counts } = progress;
  const path = `/v1/deliveries/${delivery.id}`;
  const left = toGo(progress);
  const isOpen = delivery.state !== 'done';
  const stop = html`<button class="button button--grave" data-post="${path}/pause">Stop this delivery</button>`;
  const most = delivery.state === 'running' ? `: ${countOf(left, delivery.channel)}` : '';
  const go = html`<button class="button button--main" data-post="${path}/resume" data-ask="Send the rest of this delivery${most}?">Go on${most}</button>`;
  const again = html`<button class="button" data-post="${path}/resend" data-ask="Send ${countOf(counts.unknown ?? 0, delivery.channel)} again? Who has it already gets it twice.">Send unknown again: ${numberOf(counts.unknown ?? 0)}</button>`;
  const mayRepeat = delivery.onUnknown === 'resend' && (counts.unknown ?? 0) > 0 && delivery.pausedAt === null;
  return html`${isOpen ? (delivery.pausedAt === null ? stop : go) : ''}${mayRepeat ? again : ''}`;
}

function figures({ progress }: DeliveryFacts): Html {
  const { delivery, counts, acceptedPerSecond, remainingSeconds } = progress;
  const went = (counts.accepted ?? 0) + (counts.delivered ?? 0);
  const perMinute = acceptedPerSecond * 60;
  const tile = (name: string, value: string, note: string) =>
    html`<div class="tile"><dt class="tile__name">${name}</dt><dd class="tile__value">${value}</dd><dd class="tile__note">${note}</dd></div>`;
  const isGoing = delivery.pausedAt === null && delivery.state !== 'done';
  return html`<dl class="tiles">${tile('Sent', numberOf(went), `of ${numberOf(total(progress))}${delivery.state === 'queueing' ? ' so far' : ''}`)}${tile('To go', numberOf(toGo(progress)), 'queued or held')}${tile('A minute', isGoing ? numberOf(Math.round(perMinute)) : '–', isGoing ? 'over the last minute' : 'nothing is sent now')}${tile('Time left', isGoing ? lasting(remainingSeconds) : '–', isGoing ? (remainingSeconds === null ? 'nobody can tell just now' : 'at that rate') : 'nothing is sent now')}</dl>`;
}

function all({ progress }: DeliveryFacts): Html {
  const parts = partsOf(progress);
  const sum = total(progress);
  const shown = parts.filter(({ messages, key }) => messages > 0 || key === 'sent' || key === 'waiting');
  const strip = parts
    .filter(({ messages }) => messages > 0)
    .map(({ key, messages }) => html`<span class="strip__part strip__part--${key}" style="--of:${messages}"></span>`);
  return html`<div class="panel__head"><h2>All messages</h2><span class="small hush">${numberOf(sum)}${progress.delivery.state === 'queueing' ? ' so far' : ' in all'}</span></div><div class="strip" aria-hidden="true">${strip}</div><div class="table-wrap" tabindex="0" role="region" aria-label="All messages by what became of them"><table class="table table--told"><thead><tr><th scope="col">State</th><th scope="col" class="r">Messages</th><th scope="col" class="r">Share</th></tr></thead><tbody>${shown.map((part) => row(part, sum))}</tbody></table></div>`;
}

function row({ key, name, note, messages }: Part, sum: number): Html {
  return html`<tr><th scope="row"><span class="told"><span class="strip__key strip__part--${key}" aria-hidden="true"></span><span>${name}<small>${note}</small></span></span></th><td class="r">${numberOf(messages)}</td><td class="r">${shareOf(messages, sum)}</td></tr>`;
}

function shareOf(messages: number, sum: number): string {
  if (sum === 0) return '–';
  const percent = (100 * messages) / sum;
  return percent > 0 && percent < 0.1 ? '<0.1%' : `${percent.toFixed(1)}%`;
}

/** Said as often as something else is true: the state, and each tenth of the way. */
function news(facts: DeliveryFacts): string {
  const { progress } = facts;
  const sum = total(progress);
  const tenths = sum === 0 ? 0 : Math.floor((10 * (sum - toGo(progress))) / sum);
  const { word } = verdictOf(facts);
  return progress.delivery.state === 'queueing' ? `${word}.` : `${word}. ${tenths * 10} percent is dealt with.`;
}
