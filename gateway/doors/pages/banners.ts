import { html } from 'hono/html';
import type { TillStatus } from '../../till/port.ts';
import type { Html } from './document.ts';
import { icon } from './icons.ts';
import { lasting, type Times } from './times.ts';

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

/** One at a time, the gravest first; empty where all is well. */
export function lineBanner(line: LineView, now: number, times: Times): Html {
  if (line.drillUntil !== null)
    return banner(
      'banner--unsure',
      'drill',
      'Drill: the line is cut on purpose.',
      `It opens by itself at ${times.clock(line.drillUntil)}. Keep scanning. ${heldHere(line, times)}`,
    );
  if (line.box !== 'validated')
    return banner(
      'banner--unsure',
      'unsure',
      boxWords[line.box],
      'Coupons cannot be verified here until it is mended.',
    );
  if (line.state === 'down')
    return banner(
      '',
      'down',
      `Line down since ${times.short(Math.min(line.since, now))}.`,
      `Keep scanning. ${heldHere(line, times)}`,
    );
  if (line.isPlain)
    return banner(
      'banner--unsure',
      'unsure',
      'This page is not encrypted.',
      'Whoever is in this network can read along.',
    );
  return html``;
}

export function linePill({ state, since, drillUntil }: LineView, now: number): Html {
  if (drillUntil !== null)
    return html`<span class="state state--offline">${icon('down')}Drill, ${lasting(drillUntil - now + 59_999)} left</span>`;
  return state === 'up'
    ? html`<span class="state state--good">${icon('up')}Line up</span>`
    : html`<span class="state state--offline">${icon('down')}Line down ${lasting(now - since)}</span>`;
}

/** Read out when it changes, not while it lasts: no count and no passing minute is in it. */
export function lineNews({ state, since, drillUntil }: LineView, times: Times): string {
  if (drillUntil !== null) return 'Drill: the line is cut on purpose.';
  return state === 'up' ? 'Line up.' : `Line down since ${times.short(since)}.`;
}

function banner(tone: '' | 'banner--unsure', shape: Parameters<typeof icon>[0], strong: string, rest: string): Html {
  return html`<div class="banner ${tone}">${icon(shape)}<span><strong>${strong}</strong> ${rest}</span></div>`;
}

function heldHere({ holding, holdsUntil }: LineView, times: Times): string {
  if (holding === 0 || holdsUntil === null) return 'No coupons are held here, so none can be verified.';
  const many = holding === 1 ? '1 coupon works' : `${holding} coupons work`;
  return `Ready for this outage: ${many} here until ${times.withDay(holdsUntil)}.`;
}

const boxWords = {
  starting: 'This box is starting.',
  disagreement: 'This box may not decide.',
  fenced: 'This box may not decide.',
} as const;
