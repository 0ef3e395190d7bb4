import { html } from 'hono/html';
import type { TillStatus } from '../../till/port.ts';
import type { Html } from './document.ts';
import { icon } from './icons.ts';
import { lasting, type Locale } from './locale.ts';
import type { Words } from './words/words.ts';

/** The line as pages show it. Instants in milliseconds. */
export type LineView = {
  readonly state: 'up' | 'down';
  readonly since: number;
  readonly drillUntil: number | null;
  readonly holding: number;
  readonly holdsUntil: number | null;
  readonly box: TillStatus['state'];
  /** Off loopback without TLS. */
  readonly isPlain: boolean;
};

/** One at a time, the gravest first. @param unlessGraver what a lane shows of itself; empty where all is well */
export function lineBanner(line: LineView, now: number, locale: Locale, unlessGraver: Html | null): Html {
  const { words, times } = locale;
  if (line.drillUntil !== null)
    return banner(
      'banner--unsure',
      'drill',
      words.line.drill,
      `${words.line.drillUntil(times.clock(line.drillUntil))} ${words.line.keepScanning} ${heldHere(line, locale)}`,
    );
  if (line.box !== 'validated')
    return banner('banner--unsure', 'unsure', boxWord(line.box, words), words.line.untilMended);
  if (line.state === 'down')
    return banner(
      '',
      'down',
      words.line.downSince(times.short(Math.min(line.since, now))),
      `${words.line.keepScanning} ${heldHere(line, locale)}`,
    );
  if (unlessGraver !== null) return unlessGraver;
  if (line.isPlain) return banner('banner--unsure', 'unsure', words.line.plain, words.line.plainRest);
  return html``;
}

export function linePill({ state, since, drillUntil }: LineView, now: number, words: Pick<Words, 'line'>): Html {
  if (drillUntil !== null)
    return html`<span class="state state--offline">${icon('down')}${words.line.drillLeft(lasting(drillUntil - now + 59_999, words))}</span>`;
  return state === 'up'
    ? html`<span class="state state--good">${icon('up')}${words.line.up}</span>`
    : html`<span class="state state--offline">${icon('down')}${words.line.downFor(lasting(now - since, words))}</span>`;
}

/** Read out when it changes, not while it lasts: no count and no passing minute is in it. */
export function lineNews({ state, since, drillUntil }: LineView, { words, times }: Locale): string {
  if (drillUntil !== null) return words.line.drill;
  return state === 'up' ? `${words.line.up}.` : words.line.downSince(times.short(since));
}

function banner(tone: '' | 'banner--unsure', shape: Parameters<typeof icon>[0], strong: string, rest: string): Html {
  return html`<div class="banner ${tone}">${icon(shape)}<span><strong>${strong}</strong> ${rest}</span></div>`;
}

function heldHere({ holding, holdsUntil }: LineView, { words, times }: Locale): string {
  if (holding === 0 || holdsUntil === null) return words.line.noneHeld;
  return words.line.worksHere(holding, times.withDay(holdsUntil));
}

function boxWord(box: 'starting' | 'disagreement' | 'fenced', { line }: Words): string {
  switch (box) {
    case 'starting':
      return line.starting;
    case 'disagreement':
    case 'fenced':
      return line.mayNotDecide;
  }
}
