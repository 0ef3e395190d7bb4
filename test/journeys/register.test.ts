import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, type TestContext, test } from 'vitest';
import { formatAnswer } from '../../protocol/register-frame/answer.ts';
import { encodeFrame, LRC_DEFAULT, type LrcOptions } from '../../protocol/register-frame/frame.ts';
import { PlayedRegister } from '../../scripts/register-kit/played-register.ts';
import { RegisterLine } from '../../scripts/register-kit/register-line.ts';
import { Register } from '../../scripts/register-kit/register.ts';
import { Wire } from '../../scripts/register-kit/wire.ts';
import { request } from './calls.ts';
import { Town } from './harness.ts';
import { tearline, until } from './processes.ts';
import { Cable, CLOCK, openEnd, SerialBox } from './serial-box.ts';

/** A register on a real serial line, at a real gateway, with the ledger behind it. */

const hasSocat = spawnSync('socat', ['-V']).status === 0;
const KIT = join(import.meta.dirname, '..', '..', 'scripts', 'tearline.ts');

let town: Town;
let box: SerialBox;
let codes: string[];
let baskets = 0;

beforeAll(async () => {
  if (!hasSocat) return;
  town = await Town.start();
  codes = await town.newCodes(10);
  box = await SerialBox.start(town, '0003');
});
afterAll(async () => {
  await box?.end();
  await town?.end();
});
beforeEach((context: TestContext) => {
  if (!hasSocat) context.skip('socat is missing: apt-get install socat');
});

const used: string[] = [];
const nextCode = (): string => {
  const code = codes.pop();
  if (code === undefined) throw new Error('no codes left');
  used.push(code);
  return code;
};
const stateOf = async (code: string) => {
  await box.settled();
  return (await town.look(code)).state;
};

/** Its bytes are the test's. */
async function played() {
  const wire = new Wire((bytes) => port.write(bytes), LRC_DEFAULT, CLOCK);
  const port = openEnd(box.cable.register, wire.data);
  await port.isThere();
  baskets += 1;
  let seq = 0;
  const nextSeq = () => {
    seq += 1;
    return String(seq);
  };
  return { register: new PlayedRegister(wire, `0003-3-20261123-${baskets}`, nextSeq), wire, port };
}

describe('a sale over a serial line', () => {
  test('is redeemed, stands in the ledger, and is answered the same when its frame comes again [P9, P10]', async () => {
    const { register, port } = await played();
    const code = nextCode();
    const validated = await register.validate(code);
    expect(validated).toMatchObject({ cc: '00', mode: 'O', value: '500', text: 'OK $5.00 OFF' });
    const redeem = { kind: 'redeem', ref: validated.ref } as const;
    const redeemed = await register.ask(redeem, '77');
    expect(redeemed).toMatchObject({ cc: '00', mode: 'O', value: '500' });
    expect(formatAnswer(await register.ask(redeem, '77'))).toBe(formatAnswer(redeemed));
    expect(await stateOf(code)).toBe('redeemed');
    expect((await town.look(code)).redemption?.store).toBe('0003');
    const elsewhere = await town.stores[0].validate(code, town.basket());
    expect(elsewhere).toMatchObject({ decision: 'refused', reason: 'already_redeemed' });
    await port.close();
  });

  test('is answered the same after the power failed, and is known by its code [P10, P12]', async () => {
    const { register, port } = await played();
    const code = nextCode();
    const { ref } = await register.validate(code);
    const redeemed = await register.ask({ kind: 'redeem', ref }, '88');
    await box.crash();
    const status = { kind: 'status', origSeq: '88' } as const;
    expect(await register.ask({ ...status, code: null })).toMatchObject({ cc: '33' });
    expect(await register.ask({ ...status, code })).toMatchObject({ cc: '00', text: 'REDEEMED' });
    expect(formatAnswer(await register.ask({ kind: 'redeem', ref }, '88'))).toBe(formatAnswer(redeemed));
    await port.close();
  });

  test('that was cut after the power failed is undone by X with its code [P11]', async () => {
    const { register, port } = await played();
    const code = nextCode();
    const { ref } = await register.validate(code);
    await register.ask({ kind: 'redeem', ref }, '99');
    await box.crash();
    const reverse = { kind: 'reverse', origSeq: '99', cause: '4021' } as const;
    expect(await register.ask({ ...reverse, code: null })).toMatchObject({ cc: '33' });
    expect(await register.ask({ ...reverse, code })).toMatchObject({ cc: '00', text: 'UNDONE' });
    expect(await register.ask({ kind: 'redeem', ref }, '99')).toMatchObject({ cc: '15' });
    expect(await stateOf(code)).not.toBe('redeemed');
    await port.close();
  });
});

describe('a line that is cut in the middle of a sale', () => {
  /** A register as the guide has it; the cable is pulled when its n-th frame has gone, or before. */
  async function sellAndPull(code: string, pull: { frame: 'V' | 'R'; when: 'before' | 'after' }) {
    let pulled: Promise<void> | null = null;
    const end = new RegisterLine(
      (bytes) => {
        const isFrame = pulled === null && bytes[0] === 2 && bytes[1] === pull.frame.charCodeAt(0);
        if (!isFrame || pull.when === 'after') port.write(bytes);
        if (!isFrame) return;
        pulled = (async () => {
          // What is written is on its way through two terminals and one process.
          if (pull.when === 'after') await new Promise((done) => setTimeout(done, 100));
          await box.cable.pull();
          await box.cable.plugIn();
        })();
      },
      LRC_DEFAULT,
      CLOCK,
      () => {},
    );
    const port = openEnd(box.cable.register, pull.when === 'after' ? withoutAnswerTo(pull.frame, end) : end.data);
    await port.isThere();
    baskets += 1;
    const register = new Register({
      line: end,
      lane: '3',
      newTxn: () => `0003-3-20261123-${baskets}`,
      pause: (ms) => new Promise((done) => setTimeout(done, ms)),
    });
    const { outcome, settled } = await register.sell(code, 4200);
    await settled;
    await pulled;
    await port.close();
    return outcome;
  }

  /** The first answer is lost with the cable, also where it was quicker than the pull. */
  function withoutAnswerTo(frame: 'V' | 'R', end: RegisterLine) {
    let [answers, isLost] = [0, false];
    return (bytes: Uint8Array) => {
      if (!isLost && bytes.includes(2)) {
        answers += 1;
        if (answers === (frame === 'V' ? 1 : 2)) {
          isLost = true;
          return end.data(bytes.filter((_, at) => at < bytes.indexOf(2)));
        }
      }
      end.data(bytes);
    };
  }

  test.each([
    { frame: 'V', when: 'before' },
    { frame: 'V', when: 'after' },
    { frame: 'R', when: 'before' },
    { frame: 'R', when: 'after' },
  ] as const)('$when $frame: the register and the ledger agree on how it ended [P9, P12]', async (pull) => {
    const code = nextCode();
    const outcome = await sellAndPull(code, pull);
    expect(['redeemed', 'without']).toContain(outcome);
    const state = await stateOf(code);
    if (outcome === 'redeemed') expect(state).toBe('redeemed');
    else {
      expect(state).not.toBe('redeemed');
      expect((await town.cart.redeem(code, town.basket())).decision).toBe('approved');
    }
  });
});

test('a register that is not there is on the status page, and is taken up when it comes [P9]', async () => {
  const page = async () => (await request(`${box.url}/status`)).text;
  await box.cable.pull();
  await until('the page says so', async () => (await page()).includes('No register at'));
  await box.cable.plugIn();
  await until('the page says no more', async () => !(await page()).includes('No register at'));
});

describe('a line with noise on it', () => {
  test('is heard again at the next good frame, wherever the bytes are cut [P9]', async () => {
    const { register, wire, port } = await played();
    let seed = 20_261_123;
    const random = () => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return seed >>> 16;
    };
    for (let round = 0; round < 10; round += 1) {
      const good = encodeFrame(register.ping(register.seq()), LRC_DEFAULT);
      good[random() % good.length] = random() & 0xff;
      const noise = Uint8Array.from({ length: 300 }, () => random() & 0xff);
      wire.write(noise);
      wire.write(good);
      await wire.pause(300);
      while ((await wire.next(50)) !== null);
      expect(await register.validate('TEST-APPROVED')).toMatchObject({ cc: '00' });
    }
    const whole = encodeFrame(
      register.payload({ kind: 'validate', code: 'TEST-EXPIRED', amount: 1 }, '1000'),
      LRC_DEFAULT,
    );
    for (let cut = 1; cut < whole.length; cut += 1) {
      wire.write(whole.slice(0, cut));
      await wire.pause(2);
      wire.write(whole.slice(cut));
      await register.acknowledged();
      expect(await register.answer(register.txn, '1000')).toMatchObject({ cc: '12' });
    }
    await port.close();
  });
});

describe('the kit on the command line', () => {
  test('finds nothing at the gateway, over the serial line and over HTTP', async () => {
    const args = ['--port', box.cable.register, '--url', box.url, '--token', box.token, '--code', nextCode()];
    const { status, stdout, stderr } = await longTearline(['register-kit', 'gateway', ...args]);
    expect(stderr).toBe('');
    expect(stdout.split('\n').filter((line) => !line.startsWith('pass'))).toEqual([
      expect.stringMatching(/^\d+ passed, 0 failed$/),
      '',
    ]);
    expect(status).toBe(0);
  });

  test('sells one coupon as a register should', async () => {
    const sale = ['register-kit', 'sell', '--port', box.cable.register, '--code'];
    expect(await tearline([...sale, 'TEST-APPROVED'])).toMatchObject({ status: 0, stdout: 'redeemed\n' });
    expect(await tearline([...sale, 'TEST-CANNOT_VERIFY'])).toMatchObject({ status: 1, stdout: 'undetermined\n' });
  });

  // All of its checks, in less time than they take on a line, are in contract/register-kit.
  test.each([
    ['passes a good register', LRC_DEFAULT, 0],
    ['fails one with another check byte', { base: '00', cover: 'payload' } as const, 1],
  ])('%s', async (_what, lrc, expected) => {
    const cable = new Cable(box.folder, `kit-${expected}`);
    await cable.plugIn();
    onTestFinished(() => cable.pull());
    const checks = expected === 1 ? ['check-byte'] : SOME_CHECKS;
    const { status, findings } = await registerUnderTest(cable, lrc, checks);
    expect(status).toBe(expected);
    expect(findings.some((line) => line.includes('"passed":false'))).toBe(expected === 1);
  });

  test('says in one line what it was not told, or cannot open', async () => {
    expect(await tearline(['register-kit', 'gateway'])).toMatchObject({ status: 64 });
    expect(await tearline(['register-kit', 'sell', '--port', '/dev/null/x', '--code', 'A'])).toMatchObject({
      status: 69,
      stderr: expect.stringMatching(/^tearline: \/dev\/null\/x cannot be opened.*\n$/),
    });
  });
});

test('no code is in the log of the gateway', () => {
  const log = box.log().replaceAll('-', '');
  expect(used.length).toBeGreaterThan(5);
  expect(used.filter((code) => log.includes(code.replaceAll('-', '')))).toEqual([]);
});

async function longTearline(args: readonly string[]) {
  const child = spawn(process.execPath, [KIT, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => (stdout += text));
  child.stderr.on('data', (text) => (stderr += text));
  const status = await new Promise<number | null>((done) => child.once('close', done));
  return { status, stdout, stderr };
}

const SOME_CHECKS = ['redeems-when-approved', 'repeats-after-nak', 'asks-status', 'any-check-byte', 'any-pieces'];

/** The kit asks for sales; the reference register rings them up, and the kit is told how each ended. */
async function registerUnderTest(cable: Cable, lrc: LrcOptions, checks: readonly string[]) {
  const end = new RegisterLine(
    (bytes) => port.write(bytes),
    lrc,
    CLOCK,
    () => {},
  );
  const port = openEnd(cable.register, end.data);
  await port.isThere();
  let sales = 0;
  const register = new Register({
    line: end,
    lane: '3',
    newTxn() {
      sales += 1;
      return `sale-${sales}`;
    },
    pause: (ms) => new Promise((done) => setTimeout(done, ms)),
  });
  const args = ['--json', '--port', cable.box, ...checks.flatMap((name) => ['--check', name])];
  const child = spawn(process.execPath, [KIT, 'register-kit', 'register', ...args], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const findings: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    findings.push(line);
    const code = /"sale":\{"code":"([^"]+)"/.exec(line)?.[1];
    if (code !== undefined) register.sell(code, 4200).then(({ outcome }) => child.stdin.write(`${outcome}\n`));
  });
  const status = await new Promise<number | null>((done) => child.once('close', done));
  await port.close();
  return { status, findings };
}
