import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, type TestContext, test, vi } from 'vitest';
import type { LaneConfig } from '../../gateway/config.ts';
import { after } from '../../gateway/lanes/after.ts';
import { type Lanes, startLanes } from '../../gateway/lanes/lanes.ts';
import { openSerial } from '../../gateway/lanes/serial-port.ts';
import { type LaneServer, startLaneServer } from '../browser/lane-server.ts';
import { Cable, hasSocat } from './cable.ts';

const DAY_MS = 86_400_000;
/** From one attempt to the next, at most. */
const RETRY_MS_MAX = 1_200;

const line = {
  baud: 9600,
  data: 8,
  parity: 'none',
  stop: 1,
  profile: 'line',
  lrc: false,
  ack: 'none',
  feedback: 'none',
} as const;

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((done) => setTimeout(done, 20));
}

describe('a scanner on a serial line', () => {
  let directory: string;
  let server: LaneServer;
  let cable: Cable;
  let lanes: Lanes | null = null;
  /** To open a port in vain. */
  let attempts = 0;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tearline-serial-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  beforeEach(async (context: TestContext) => {
    if (!hasSocat) return context.skip('socat is missing: apt-get install socat');
    server = await startLaneServer();
    cable = new Cable(join(directory, 'one'));
  });
  afterEach(async () => {
    await lanes?.stop();
    lanes = null;
    if (!hasSocat) return;
    await cable.pull();
    await server.stop();
  });

  type Over = Partial<NonNullable<LaneConfig['scanner']>>;

  function start(...names: [name: string, port: string, over?: Over][]): void {
    const log = {
      info: () => {},
      warn: (fields: object) => void server.logged.push(JSON.stringify(fields)),
      error: () => {},
    };
    const settings = names.map(([name, port, over = {}]) => ({ name, scanner: { ...line, ...over, port } }));
    lanes = startLanes(settings, server.sales, log, {
      openSerial: (scanner, told) =>
        openSerial(scanner, {
          ...told,
          absent(why) {
            attempts += 1;
            told.absent(why);
          },
        }),
      now: Date.now,
      elapsed: () => performance.now(),
      after,
    });
  }

  const stateOf = (lane: string) => lanes?.scanners().get(lane)?.state;
  const heldAt = (lane: string) => server.sales.view(lane).coupons.map(({ lastFour, state }) => `${lastFour} ${state}`);

  test.each([
    ['CR', '\r'],
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['TAB', '\t'],
    ['nothing', ''],
  ])('shows its scans in the open sale of its lane, ended by %s', async (_name, end) => {
    await cable.plugIn();
    start(['2', cable.path]);
    await until(() => stateOf('2') === 'present');
    const { basket } = server.sales.view('2');
    const [one, two] = [server.till.coupon(), server.till.coupon()];
    cable.type(`]C1${one}${end}`);
    await until(() => heldAt('2').length === 1);
    cable.type(`${two}${end}`);
    await until(() => heldAt('2').length === 2);
    expect(heldAt('2')).toEqual([`${one.slice(-4)} held`, `${two.slice(-4)} held`]);
    expect(server.till.calls.map((call) => [call.codes, call.basket])).toEqual([
      [[`]C1${one}`], basket],
      [[two], basket],
    ]);
  });

  test('may send noise, which is discarded and told, and is heard afterwards', async () => {
    await cable.plugIn();
    start(['2', cable.path]);
    await until(() => stateOf('2') === 'present');
    const code = server.till.coupon();
    cable.type(`\u0000\u00ff\r${'A'.repeat(600)}\r${code}\r`);
    await until(() => heldAt('2').length === 1);
    const discarded = server.logged.filter((text) => text.includes('"why":"un') || text.includes('"why":"too'));
    expect(discarded.map((text) => JSON.parse(text))).toEqual([
      { lane: '2', why: 'unprintable', bytes: 2 },
      { lane: '2', why: 'too_long', bytes: 600 },
    ]);
  });

  test('may be pulled and plugged in again, in the middle of a scan too', async () => {
    await cable.plugIn();
    start(['2', cable.path]);
    await until(() => stateOf('2') === 'present');
    cable.type('7KQ2');
    await cable.pull();
    await until(() => stateOf('2') === 'absent');
    await cable.plugIn();
    await until(() => stateOf('2') === 'present');
    const code = server.till.coupon();
    cable.type(`${code}\r`);
    await until(() => heldAt('2').length === 1);
    expect(heldAt('2')).toEqual([`${code.slice(-4)} held`]);
  });

  test('that is not there stops no other lane, and is taken up when it comes', async () => {
    const late = new Cable(join(directory, 'late'));
    await cable.plugIn();
    start(['1', late.path], ['2', cable.path]);
    await until(() => stateOf('2') === 'present');
    expect(stateOf('1')).toBe('absent');
    const code = server.till.coupon();
    cable.type(`${code}\r`);
    await until(() => heldAt('2').length === 1);
    await late.plugIn();
    await until(() => stateOf('1') === 'present');
    late.type('TEST-APPROVED\r');
    await until(() => heldAt('1').length === 1);
    await lanes?.stop();
    await late.pull();
  });

  test('hears nothing of a scan from before its port was opened anew', async () => {
    await cable.plugIn();
    start(['2', cable.path, { ack: '06', feedback: 'bel' }]);
    await until(() => stateOf('2') === 'present');
    const decide = server.till.holdBack();
    cable.type('TEST-EXPIRED\r');
    await until(() => cable.heardHex() === '06');
    await cable.pull();
    await until(() => stateOf('2') === 'absent');
    await cable.plugIn();
    await until(() => stateOf('2') === 'present');
    decide();
    cable.type('TEST-APPROVED\r');
    await until(() => heldAt('2').length === 1);
    await until(() => cable.heardHex().length >= 5);
    expect(cable.heardHex()).toBe('06 07');
  });

  test('is heard again where its name stands for another device', async () => {
    const [name, other] = [join(directory, 'by-id'), new Cable(join(directory, 'other'))];
    await cable.plugIn();
    await other.plugIn();
    symlinkSync(cable.path, name);
    start(['2', name]);
    await until(() => stateOf('2') === 'present');
    cable.type('7KQ2');
    rmSync(name);
    symlinkSync(other.path, name);
    await until(() => stateOf('2') === 'absent');
    await until(() => stateOf('2') === 'present');
    const code = server.till.coupon();
    other.type(`${code}\r`);
    await until(() => heldAt('2').length === 1);
    expect(heldAt('2')).toEqual([`${code.slice(-4)} held`]);
    await lanes?.stop();
    await other.pull();
  });

  test('that another program has open is told in one line, however often it is tried, and is taken up later', async () => {
    await cable.plugIn();
    const present = Promise.withResolvers<void>();
    const holder = openSerial(
      { ...line, port: cable.path },
      { data: () => {}, present: present.resolve, absent: () => {} },
    );
    await present.promise;
    attempts = 0;
    start(['2', cable.path]);
    await until(() => attempts === 3);
    const said = server.logged.filter((text) => text.includes('open'));
    expect(said.map((text) => JSON.parse(text))).toEqual([
      { lane: '2', port: cable.path, why: 'another program, or another lane, has it open' },
    ]);
    await holder.close();
    await until(() => stateOf('2') === 'present');
  });
});

describe('a serial port', () => {
  let directory: string;
  let cable: Cable;
  beforeEach((context: TestContext) => {
    if (!hasSocat) return context.skip('socat is missing: apt-get install socat');
    directory = mkdtempSync(join(tmpdir(), 'tearline-port-'));
    cable = new Cable(join(directory, 'one'));
  });
  afterEach(async () => {
    if (!hasSocat) return;
    await cable.pull();
    rmSync(directory, { recursive: true, force: true });
  });

  test('keeps nothing that is written while it is closed: not before it is there, not after it was pulled', async () => {
    const events: string[] = [];
    const link = openSerial(
      { ...line, port: cable.path },
      { data: () => {}, present: () => events.push('present'), absent: () => events.push('absent') },
    );
    expect(await link.write(Uint8Array.of(0x41), 100)).toBe(false);
    await until(() => events.includes('absent'));
    expect(await link.write(Uint8Array.of(0x42), 100)).toBe(false);
    await cable.plugIn();
    await until(() => events.at(-1) === 'present');
    expect(await link.write(Uint8Array.of(0x43), 100)).toBe(true);
    await until(() => cable.heardHex() === '43');
    await cable.pull();
    await until(() => events.at(-1) === 'absent');
    expect(await link.write(Uint8Array.of(0x44), 100)).toBe(false);
    await cable.plugIn();
    await until(() => events.at(-1) === 'present');
    expect(await link.write(Uint8Array.of(0x45), 100)).toBe(true);
    await until(() => cable.heardHex().length > 0);
    expect(cable.heardHex()).toBe('45');
    await link.close();
  });

  test('is tried for a whole day, on a clock that is turned by hand, and is taken up when it comes', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      let told = (_state: string): void => {};
      const next = () => new Promise<string>((heard) => (told = heard));
      let state = next();
      const link = openSerial(
        { ...line, port: cable.path },
        { data: () => {}, present: () => told('present'), absent: () => told('absent') },
      );
      for (let passedMs = 0; passedMs < DAY_MS; passedMs += RETRY_MS_MAX) {
        expect(await state).toBe('absent');
        state = next();
        vi.advanceTimersByTime(RETRY_MS_MAX);
      }
      expect(await state).toBe('absent');
      await cable.plugIn();
      state = next();
      vi.advanceTimersByTime(RETRY_MS_MAX);
      expect(await state).toBe('present');
      await link.close();
    } finally {
      vi.useRealTimers();
    }
  });

  test('is given up and opened anew where it takes no bytes in time', async () => {
    const events: string[] = [];
    const link = openSerial(
      { ...line, port: cable.path },
      { data: () => {}, present: () => events.push('present'), absent: (why) => events.push(why) },
    );
    await cable.plugIn();
    await until(() => events.at(-1) === 'present');
    cable.stop();
    // More than any line holds while nobody reads it.
    expect(await link.write(new Uint8Array(1_000_000).fill(0x41), 200)).toBe(false);
    expect(events.at(-1)).toBe('it takes no bytes');
    await cable.pull();
    await cable.plugIn();
    await until(() => events.at(-1) === 'present');
    expect(await link.write(Uint8Array.of(0x42), 1_000)).toBe(true);
    await until(() => cable.heardHex().length > 0);
    expect(cable.heardHex()).toBe('42');
    await link.close();
  });
});
