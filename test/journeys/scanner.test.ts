import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, type TestContext, test } from 'vitest';
import { after } from '../../gateway/lanes/after.ts';
import { type Lanes, startLanes } from '../../gateway/lanes/lanes.ts';
import { openSerial } from '../../gateway/lanes/serial-port.ts';
import { type LaneServer, startLaneServer } from '../browser/lane-server.ts';

const hasSocat = spawnSync('socat', ['-V']).status === 0;
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

/** Two ends of a serial line; what is written at `scanner` is read at `box`. */
class Cable {
  readonly box: string;
  readonly scanner: string;
  #socat: ChildProcess | null = null;

  constructor(directory: string, name: string) {
    this.box = join(directory, `box-${name}`);
    this.scanner = join(directory, `scanner-${name}`);
  }

  async plugIn(): Promise<void> {
    const end = (path: string) => `pty,raw,echo=0,link=${path}`;
    this.#socat = spawn('socat', [end(this.box), end(this.scanner)], { stdio: 'ignore' });
    await until(() => existsSync(this.box) && existsSync(this.scanner));
  }

  async pull(): Promise<void> {
    const socat = this.#socat;
    if (socat === null) return;
    this.#socat = null;
    await new Promise((gone) => {
      socat.once('exit', gone);
      socat.kill();
    });
  }

  type(bytes: string): void {
    writeFileSync(this.scanner, bytes, { encoding: 'latin1', flag: 'r+' });
  }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((done) => setTimeout(done, 20));
}

describe('a scanner on a serial line', () => {
  let directory: string;
  let server: LaneServer;
  let cable: Cable;
  let lanes: Lanes | null = null;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'tearline-serial-'));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  beforeEach(async (context: TestContext) => {
    if (!hasSocat) return context.skip('socat is missing: apt-get install socat');
    server = await startLaneServer();
    cable = new Cable(directory, 'one');
  });
  afterEach(async () => {
    await lanes?.stop();
    lanes = null;
    if (!hasSocat) return;
    await cable.pull();
    await server.stop();
  });

  function start(...names: [name: string, port: string][]): void {
    const log = {
      info: () => {},
      warn: (fields: object) => void server.logged.push(JSON.stringify(fields)),
      error: () => {},
    };
    const settings = names.map(([name, port]) => ({ name, scanner: { ...line, port } }));
    lanes = startLanes(settings, server.sales, log, {
      openSerial,
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
    start(['2', cable.box]);
    await until(() => stateOf('2') === 'present');
    const { basket } = server.sales.view('2');
    const [one, two] = [server.till.coupon(), server.till.coupon()];
    cable.type(`]C1${one}${end}`);
    await until(() => heldAt('2').length === 1);
    cable.type(`${two}${end}`);
    await until(() => heldAt('2').length === 2);
    expect(heldAt('2')).toEqual([`${one.slice(-4)} held`, `${two.slice(-4)} held`]);
    expect(server.till.calls.map((call) => [call.codes, call.basket])).toEqual([
      [[one], basket],
      [[two], basket],
    ]);
  });

  test('may send noise, which is discarded and told, and is heard afterwards', async () => {
    await cable.plugIn();
    start(['2', cable.box]);
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
    start(['2', cable.box]);
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
    const late = new Cable(directory, 'late');
    await cable.plugIn();
    start(['1', late.box], ['2', cable.box]);
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
});
