import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type Keyboard, pressesFor } from './keyboards.ts';
import { type LaneServer, startLaneServer } from './lane-server.ts';

/** A lane page in a browser, and what a cashier and a scanner do there. */
export class LaneBench {
  readonly server: LaneServer;
  readonly context: BrowserContext;
  readonly page: Page;

  static async open(
    browser: Browser,
    options: Parameters<typeof startLaneServer>[0] & { token?: 'register' | 'box' } = {},
  ): Promise<LaneBench> {
    const server = await startLaneServer(options);
    const context = await browser.newContext({ viewport: { width: 1024, height: 768 } });
    const page = await context.newPage();
    const bench = new LaneBench(server, context, page);
    await page.goto(`${server.url}/lane/2`);
    await page.fill('#token', options.token === 'box' ? server.boxToken : server.registerToken);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.lane');
    return bench;
  }

  private constructor(server: LaneServer, context: BrowserContext, page: Page) {
    this.server = server;
    this.context = context;
    this.page = page;
  }

  async close(): Promise<void> {
    await this.context.close();
    await this.server.stop();
  }

  async check(code: string): Promise<void> {
    await this.page.fill('#code', code);
    await this.page.keyboard.press('Enter');
  }

  shows(word: string, on = this.page): Promise<void> {
    return on.locator('.decision__word', { hasText: word }).waitFor();
  }

  word(): Promise<string | null> {
    return this.page.locator('.decision__word').textContent();
  }

  press(action: string, on = this.page): Promise<void> {
    return on.locator(`form[action$="/${action}"]:not([hidden]) button`).first().click();
  }

  focused(): Promise<string> {
    return this.page.evaluate('document.activeElement.id');
  }

  /** What a scanner sends that believes in one keyboard, at a computer that believes in another; three milliseconds apart. */
  async scan(barcode: string, { scanner, computer }: { scanner: Keyboard; computer: Keyboard }): Promise<void> {
    const keys = pressesFor(barcode, scanner).flatMap(({ place, shift }) => {
      const key = computer.get(place)?.[shift ? 1 : 0] ?? 'Unidentified';
      const pressed = { key, code: place, shift };
      return shift ? [{ key: 'Shift', code: 'ShiftLeft', shift: true }, pressed] : [pressed];
    });
    await this.keys([...keys, { key: 'Enter', code: 'Enter', shift: false }]);
  }

  async keys(keys: readonly { key: string; code: string; shift?: boolean; control?: boolean }[]): Promise<void> {
    const session = await this.context.newCDPSession(this.page);
    const start = Date.now();
    const sent = keys.map(({ key, code, shift = false, control = false }, n) => {
      const text = control ? {} : key.length === 1 ? { text: key } : key === 'Enter' ? { text: '\r' } : {};
      const windowsVirtualKeyCode = { Enter: 13, Shift: 16 }[key] ?? key.charCodeAt(0);
      const modifiers = (shift ? 8 : 0) + (control ? 2 : 0);
      const timestamp = (start + n * 3) / 1000;
      const about = { key, code, modifiers, timestamp, windowsVirtualKeyCode };
      return session.send('Input.dispatchKeyEvent', { type: 'keyDown', ...text, ...about });
    });
    await Promise.all(sent);
    await session.detach();
  }
}
