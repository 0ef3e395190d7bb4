import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';

const CHROMIUM = '/usr/bin/chromium';
/** Why browser tests cannot run here; null: they can. */
export const missingChromium = existsSync(CHROMIUM) ? null : `${CHROMIUM} is missing: apt-get install chromium`;

export function startChromium(): Promise<Browser> {
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync'];
  return chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--headless', '--disable-gpu', ...quiet] });
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds on the page as it stands. */
export async function findings(page: Page): Promise<string[]> {
  // Over the debugger, which the page's content-security policy does not bind.
  await page.evaluate(axe);
  return page.evaluate(`axe.run(document).then(({ violations }) => violations.flatMap((violation) =>
    violation.nodes.map((node) => violation.id + ': ' + node.target.join(' ') + ' ' + node.failureSummary)))`);
}

/** How many pixels of the page lie beyond its right edge. */
export function sidewaysPixels(page: Page): Promise<number> {
  return page.evaluate('document.scrollingElement.scrollWidth - document.documentElement.clientWidth');
}

/** Colours are compared, and edges measured, when what tears has torn. What moves for as long as it stands may go on. */
export function atRest(page: Page): Promise<void> {
  const moving = `document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime < Infinity).length`;
  return expect.poll(() => page.evaluate(moving)).toBe(0);
}
