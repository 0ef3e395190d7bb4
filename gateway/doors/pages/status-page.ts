import { html } from 'hono/html';
import { basename } from 'node:path';
import { DRILL_MINUTES_DEFAULT, DRILL_MINUTES_MAX } from '../../../protocol/limits.ts';
import type { Theme } from '../../config.ts';
import type { Drill } from '../../cloud-link/drill.ts';
import type { BlanksHeld } from '../../till/blanks-held.ts';
import { type LineView, linePill } from './banners.ts';
import { type AssetPath, document, type Html, text } from './document.ts';
import { icon } from './icons.ts';
import { lasting } from './locale.ts';
import { sessionForm } from './session-page.ts';
import { type BoxFacts, type Check, checksOf, type LaneFacts, type Verdict, verdictOf } from './status-words.ts';
import { formatAmount } from '../../../protocol/pages/amounts.ts';
import type { Times } from '../../../protocol/pages/times.ts';
import { en } from './words/en.ts';

export type StatusState = {
  readonly facts: BoxFacts;
  readonly line: LineView;
  /** May this device start and end a drill? */
  readonly mayDrill: boolean;
  readonly now: number;
  readonly times: Times;
};

/** Without script the page is loaded anew. */
const RELOAD_SECONDS = 30;

/** The insides of the page's elements, by id. */
export function statusEvent(state: StatusState): { readonly parts: Readonly<Record<string, string>> } {
  return { parts: Object.fromEntries(Object.entries(parts(state)).map(([id, part]) => [id, text(part)])) };
}

/** For store IT, and in English alone. */
export function statusPage(state: StatusState, asset: AssetPath, theme: Theme): Html {
  const { store, gateway } = state.facts.till;
  const { banner, clock, verdict, stock, settled, lanes, drill, box } = parts(state);
  const body = html`<section id="banner" aria-label="Line">${banner}</section>
<header class="top"><span class="mark" role="img" aria-label="Tearline">Tear<i></i>line</span><span><strong>${store.name}</strong> <span class="hush">store ${store.id}, ${gateway}</span></span><span class="push row" id="clock">${clock}</span></header>
<main class="solo"><div id="verdict" role="status" aria-live="polite" aria-atomic="true">${verdict}</div>
<div class="two two--even"><section class="panel" id="stock">${stock}</section><section class="panel" id="settled">${settled}</section><section class="panel" id="lanes">${lanes}</section><section class="panel" id="drill">${drill}</section></div>
<section class="panel" id="box">${box}</section></main>`;
  return document(
    { title: `${store.name}, ${gateway}`, body, script: 'status.js', reloadSeconds: RELOAD_SECONDS },
    asset,
    { language: 'en', theme },
  );
}

function parts(state: StatusState) {
  const { facts, line, mayDrill, now, times } = state;
  return {
    banner: facts.drill === null ? html`` : drillBanner(facts.drill, mayDrill, times),
    clock: html`${linePill(line, now, en)}<time datetime="${new Date(now).toISOString()}">${times.seconds(now)}</time>`,
    verdict: verdictTicket(verdictOf(facts, times)),
    stock: stock(facts, times),
    settled: settled(facts, times),
    lanes: lanes(facts.lanes, times),
    drill: drillPanel(state),
    box: box(state),
  };
}

function drillBanner({ until }: Drill, mayDrill: boolean, times: Times): Html {
  return html`<div class="banner banner--unsure">${icon('drill')}<span><strong>Drill: the line is cut on purpose.</strong> It opens by itself at ${times.clock(until)}.</span>${mayDrill ? endForm('push') : ''}</div>`;
}

function verdictTicket({ look, shape, word, why, stub }: Verdict): Html {
  return html`<section class="ticket ticket--side verdict verdict--${look}"><div class="ticket__body">${icon(shape)}<div><h1>${word}</h1><p>${why}</p></div></div><div class="ticket__stub"><strong>${stub.count}</strong><span>${stub.lines.map((line, at) => html`${at === 0 ? '' : html`<br>`}${line}`)}</span></div></section>`;
}

function stock({ till, blanks }: BoxFacts, times: Times): Html {
  const { holding, holdsUntil, inUse } = till;
  const rest =
    holdsUntil === null
      ? 'What the cloud sends ahead is listed here. It works with or without the line.'
      : `Held for customers of this store. Usable here until ${times.withDay(holdsUntil)}, with or without the line.`;
  return html`<div class="panel__head"><h2>Stock</h2></div><p class="meter__text"><span><strong>${holding}</strong> coupon${holding === 1 ? '' : 's'} held here</span><span class="hush">${inUse} in use now</span></p><p class="small hush note">${rest}</p>${blanks.length === 0 ? '' : blanksPart(blanks, times)}`;
}

/** Nobody's coupons yet: they are counted apart from those that customers can use here. */
function blanksPart(blanks: readonly BlanksHeld[], times: Times): Html {
  const units = blanks.reduce((sum, one) => sum + one.units, 0);
  const until = Math.min(...blanks.map((one) => one.until));
  const worth = worthOf(blanks);
  return html`<h3 class="small note">Blanks</h3><p class="meter__text"><span><strong>${units.toLocaleString('en-US')}</strong> coupon${units === 1 ? '' : 's'} to issue here${worth === '' ? '' : `, ${worth}`}</span><span class="hush">${blanks.length} campaign${blanks.length === 1 ? '' : 's'}</span></p><p class="small hush note">For receipts and rewards. Registers can issue them until ${times.withDay(until)}, with or without the line.</p>`;
}

/** Amounts of two currencies have no sum. */
function worthOf(blanks: readonly BlanksHeld[]): string {
  const amounts = Map.groupBy(
    blanks.flatMap(({ value }) => value ?? []),
    ({ currency }) => currency,
  );
  return [...amounts]
    .map(([currency, of]) => formatAmount({ amount: of.reduce((sum, { amount }) => sum + amount, 0), currency }, 'en'))
    .join(' and ');
}

function settled({ till }: BoxFacts, times: Times): Html {
  const { backlog, head, acknowledged } = till;
  const isSettled = backlog === 0;
  // However small, what waits is seen.
  const full = isSettled ? 100 : Math.min(98, (100 * acknowledged) / Math.max(1, head.n));
  const words = isSettled
    ? html`<span><strong>All settled</strong></span>`
    : html`<span><strong>${backlog.toLocaleString('en-US')} of ${head.n.toLocaleString('en-US')}</strong> entries wait</span>${till.unsettledSince === null ? '' : html`<span class="hush">Oldest ${times.short(till.unsettledSince)}</span>`}`;
  return html`<div class="panel__head"><h2>Not yet settled</h2></div><div class="meter ${isSettled ? 'meter--good' : 'meter--unsure'}"><div class="meter__bar" style="--full:${full.toFixed(1)}%"></div><p class="meter__text">${words}</p></div>${
    isSettled
      ? ''
      : html`<p class="small hush note">Nothing is lost. They go up by themselves, in order, when the line is up.</p>`
  }`;
}

function lanes(all: readonly LaneFacts[], times: Times): Html {
  const head = html`<div class="panel__head"><h2>Lanes</h2></div>`;
  if (all.length === 0)
    return html`${head}<div class="empty"><strong>No lane yet</strong><span>Open /lane/ and the lane’s name on a register, as /lane/1, or name its scanner in the settings file.</span></div>`;
  return html`${head}<div class="table-wrap" tabindex="0" role="region" aria-label="Lanes"><table class="table"><thead><tr><th scope="col">Lane</th><th scope="col">Scanner</th><th scope="col" class="r">Last scan</th></tr></thead><tbody>${all.map(
    ({ name, scanner, lastScanAt }) =>
      html`<tr><th scope="row"><a href="/lane/${encodeURIComponent(name)}">${name}</a></th><td>${scannerCell(scanner)}</td><td class="r">${lastScanAt === null ? '–' : times.seconds(lastScanAt)}</td></tr>`,
  )}</tbody></table></div>`;
}

function scannerCell(scanner: LaneFacts['scanner']): Html {
  if (scanner === null) return html`<span class="hush">types into the page</span>`;
  const port = html`<span class="hush">serial, ${basename(scanner.port)}</span>`;
  return scanner.state === 'present'
    ? html`<span class="state state--good">${icon('good')}Good</span> ${port}`
    : html`<span class="state state--refused">${icon('refused')}Unplugged</span> ${port}`;
}

function drillPanel({ facts, mayDrill, now }: StatusState): Html {
  const head = html`<div class="panel__head"><h2>Outage drill</h2></div>`;
  const { drill, till } = facts;
  if (drill !== null) {
    const total = Math.round((drill.until - drill.since) / 60_000);
    const done = Math.max(0, Math.floor((now - drill.since) / 60_000));
    const words = `${done} of ${total} minutes`;
    return html`${head}<progress class="progress" max="${total}" value="${done}" aria-label="Drill: ${words}">${words}</progress><p class="hush note">${words}.</p>${mayDrill ? endForm('') : askForBox}`;
  }
  if (till.state !== 'validated') return html`${head}<p class="hush">Mend the box first.</p>`;
  if (till.line.state === 'down')
    return html`${head}<p class="hush">A drill needs a line to cut. Wait until it is back.</p>`;
  const about = html`<p class="hush note">Cuts the line on purpose, to see that the lanes go on. Ends by itself.</p>`;
  return html`${head}${about}${mayDrill ? startForm : askForBox}`;
}

const minuteChoices = [5, DRILL_MINUTES_DEFAULT, DRILL_MINUTES_MAX];
const startForm = html`<form class="row" method="post" action="/status/drill"><input type="hidden" name="line" value="cut"><label class="sr" for="minutes">Minutes</label><select class="input input--fit" id="minutes" name="minutes">${minuteChoices.map(
  (minutes) =>
    html`<option value="${minutes}"${minutes === DRILL_MINUTES_DEFAULT ? ' selected' : ''}>${minutes} minutes</option>`,
)}</select><button class="button">Start the drill</button></form>`;
const askForBox = html`<details class="note"><summary>Open the drill with a box token</summary>${sessionForm({ wanted: 'box', next: '/status', error: null }, en.session)}</details>`;

function endForm(look: '' | 'push'): Html {
  return html`<form class="${look}" method="post" action="/status/drill"><input type="hidden" name="line" value="open"><button class="button">End the drill</button></form>`;
}

function box({ facts, now, times }: StatusState): Html {
  return html`<div class="panel__head"><h2>This box</h2><span class="small hush">Tearline ${facts.till.version}, up ${lasting(now - facts.startedAt, en)}</span></div><div class="table-wrap" tabindex="0" role="region" aria-label="Checks of this box"><table class="table table--say"><thead><tr><th scope="col">Check</th><th scope="col">State</th><th scope="col">Found</th></tr></thead><tbody>${checksOf(facts, times).map(checkRow)}</tbody></table></div>`;
}

function checkRow({ name, state, found, remedy }: Check): Html {
  const { look, shape, word } = checkStates[state];
  return html`<tr><th scope="row">${name}</th><td><span class="state state--${look}">${icon(shape)}${word}</span></td><td>${found}${remedy === null ? '' : html`<br><strong>${remedy}</strong>`}</td></tr>`;
}

const checkStates = {
  good: { look: 'good', shape: 'good', word: 'Good' },
  look: { look: 'unsure', shape: 'unsure', word: 'Look' },
  broken: { look: 'refused', shape: 'refused', word: 'Broken' },
} as const;
