import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, type TestContext, test } from 'vitest';
import { formatAnswer } from '../../protocol/register-frame/answer.ts';
import { kindOf } from '../../protocol/register-frame/answer-codes.ts';
import { encodeFrame, LRC_DEFAULT, type LrcOptions } from '../../protocol/register-frame/frame.ts';
import { formatRequest } from '../../protocol/register-frame/request.ts';
import type { Asked } from '../../scripts/register-kit/played-register.ts';
import { RegisterLine } from '../../scripts/register-kit/register-line.ts';
import { Register } from '../../scripts/register-kit/register.ts';
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

/** A register that asks one thing at a time, again where it must; and the line itself, to put anything on it. */
async function openRegister() {
  const line = new RegisterLine(
    (bytes) => port.write(bytes),
    LRC_DEFAULT,
    CLOCK,
    () => {},
  );
  const port = openEnd(box.cable.register, line.data);
  onTestFinished(() => port.close());
  await port.isThere();
  baskets += 1;
  const to = { lane: '3', txn: `0003-3-20261123-${baskets}` };
  const ask = (asked: Asked, seq: string) => {
    const payload = formatRequest({ ...asked, ...to, seq });
    return until('it is answered', async () => {
      const answer = await line.ask(payload, to.txn, seq);
      return answer === null || kindOf(answer.cc) === 'not_now' ? null : answer;
    });
  };
  const validate = (code: string, seq: string) => ask({ kind: 'validate', code, amount: 4200 }, seq);
  return { ask, validate, write: (bytes: Uint8Array) => port.write(bytes) };
}

describe('a sale over a serial line', () => {
  test('is redeemed, stands in the ledger, and is answered the same when its frame comes again [P9, P10]', async () => {
    const register = await openRegister();
    const code = nextCode();
    const validated = await register.validate(code, '1');
    expect(validated).toMatchObject({ cc: '00', mode: 'O', value: '500', text: 'OK $5.00 OFF' });
    const redeem = { kind: 'redeem', ref: validated.ref } as const;
    const redeemed = await register.ask(redeem, '77');
    expect(redeemed).toMatchObject({ cc: '00', mode: 'O', value: '500' });
    expect(formatAnswer(await register.ask(redeem, '77'))).toBe(formatAnswer(redeemed));
    expect(await stateOf(code)).toBe('redeemed');
    expect((await town.look(code)).redemption?.store).toBe('0003');
    const elsewhere = await town.stores[0].validate(code, town.basket());
    expect(elsewhere).toMatchObject({ decision: 'refused', reason: 'already_redeemed' });
  });

  test('is answered the same after the power failed, and is known by its code [P10, P12]', async () => {
    const register = await openRegister();
    const code = nextCode();
    const { ref } = await register.validate(code, '1');
    const redeemed = await register.ask({ kind: 'redeem', ref }, '88');
    await box.crash();
    const status = { kind: 'status', origSeq: '88' } as const;
    expect(await register.ask({ ...status, code: null }, '2')).toMatchObject({ cc: '33' });
    expect(await register.ask({ ...status, code }, '3')).toMatchObject({ cc: '00', text: 'REDEEMED' });
    expect(formatAnswer(await register.ask({ kind: 'redeem', ref }, '88'))).toBe(formatAnswer(redeemed));
  });

  test('that was cut after the power failed is undone by X with its code [P11]', async () => {
    const register = await openRegister();
    const code = nextCode();
    const { ref } = await register.validate(code, '1');
    await register.ask({ kind: 'redeem', ref }, '99');
    await box.crash();
    const reverse = { kind: 'reverse', origSeq: '99', cause: '4021' } as const;
    expect(await register.ask({ ...reverse, code: null }, '2')).toMatchObject({ cc: '33' });
    expect(await register.ask({ ...reverse, code }, '3')).toMatchObject({ cc: '00', text: 'UNDONE' });
    expect(await register.ask({ kind: 'redeem', ref }, '99')).toMatchObject({ cc: '15' });
    expect(await stateOf(code)).not.toBe('redeemed');
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
          if (pull.when === 'after') await pause(100);
          await box.cable.pull();
          await box.cable.plugIn();
        })();
      },
      LRC_DEFAULT,
      CLOCK,
      () => {},
    );
    const port = openEnd(box.cable.register, pull.when === 'after' ? withoutAnswerTo(pull.frame, end) : end.data);
    onTestFinished(() => port.close());
    await port.isThere();
    baskets += 1;
    const register = new Register({
      line: end,
      lane: '3',
      newTxn: () => `0003-3-20261123-${baskets}`,
      pause,
    });
    const { outcome, settled } = await register.sell(code, 4200);
    await settled;
    await pulled;
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
    const register = await openRegister();
    const seed = Date.now() & 0x7fffffff;
    let state = seed;
    const random = (below: number) => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return (state >>> 8) % below;
    };
    const frame = encodeFrame(formatRequest({ kind: 'ping', lane: '3', txn: '', seq: '1' }), LRC_DEFAULT);
    for (let round = 0; round < 10; round += 1) {
      const mutated = Uint8Array.from(frame);
      mutated[random(frame.length)] = random(256);
      register.write(Uint8Array.from({ length: 3_000 }, () => random(256)));
      register.write(mutated);
      const answer = await register.validate('TEST-APPROVED', String(10 + round));
      expect(answer, `seed ${seed}`).toMatchObject({ cc: '00' });
    }
    for (let cut = 1; cut < frame.length; cut += 1) {
      register.write(frame.slice(0, cut));
      await pause(2);
      register.write(frame.slice(cut));
      expect(await register.validate('TEST-EXPIRED', String(100 + cut))).toMatchObject({ cc: '12' });
    }
  });
});

describe('the kit on the command line', () => {
  // These mostly wait, as long as the line's rules say; each on a cable of its own.
  test.concurrent('finds nothing at the gateway, over the serial line and over HTTP', async () => {
    const line = ['--port', box.cable.register, '--slack', '1400', '--code', nextCode()];
    const args = [...line, '--url', box.url, '--token', box.token];
    const { status, stdout, stderr } = await longTearline(['register-kit', 'gateway', ...args]);
    expect(stderr).toBe('');
    expect(stdout.split('\n').filter((line) => !line.startsWith('pass'))).toEqual([
      expect.stringMatching(/^\d+ passed, 0 failed$/),
      '',
    ]);
    expect(status).toBe(0);
  });

  // All of its checks, in less time than they take on a line, are in contract/register-kit.
  test.concurrent.for([
    ['passes a good register', LRC_DEFAULT, 0],
    ['fails one with another check byte', { base: '00', cover: 'payload' } as const, 1],
  ] as const)('%s', async ([, lrc, expected], { onTestFinished }) => {
    const cable = new Cable(box.folder, `kit-${expected}`);
    await cable.plugIn();
    onTestFinished(() => cable.pull());
    const checks = expected === 1 ? ['check-byte'] : SOME_CHECKS;
    const { status, findings } = await registerUnderTest(cable, lrc, checks);
    expect(status).toBe(expected);
    expect(findings.some((line) => line.includes('"passed":false'))).toBe(expected === 1);
  });

  test('sells one coupon as a register should', async () => {
    const sale = ['register-kit', 'sell', '--port', box.cable.register, '--code'];
    expect(await tearline([...sale, 'TEST-APPROVED'])).toMatchObject({ status: 0, stdout: 'redeemed\n' });
    expect(await tearline([...sale, 'TEST-CANNOT_VERIFY'])).toMatchObject({ status: 1, stdout: 'undetermined\n' });
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
    pause,
  });
  const args = ['--json', '--slack', '1400', '--port', cable.box, ...checks.flatMap((name) => ['--check', name])];
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
