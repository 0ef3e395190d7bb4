import { beforeEach, describe, expect, test } from 'vitest';
import type { After } from '../../gateway/lanes/after.ts';
import { practiceTill } from '../../gateway/lanes/practice-till.ts';
import { openSales, type Sales } from '../../gateway/lanes/sales.ts';
import { readCode } from '../../protocol/code-reading.ts';
import { reasonSchema } from '../../protocol/decision.ts';
import { countedNumbers, FakeMemory } from '../browser/fake-memory.ts';
import { FakeTill } from '../browser/fake-till.ts';

const HALF_AN_HOUR_MS = 30 * 60_000;
let at: number;
let till: FakeTill;
let memory: FakeMemory;
let sales: Sales;
let timers: { due: number; run: () => void }[];

const after: After = (delayMs, run) => {
  const timer = { due: at + delayMs, run };
  timers.push(timer);
  return () => {
    timers = timers.filter((other) => other !== timer);
  };
};

async function passes(ms: number): Promise<void> {
  at += ms;
  const due = timers.filter((timer) => timer.due <= at);
  timers = timers.filter((timer) => timer.due > at);
  for (const timer of due) timer.run();
  await new Promise(setImmediate);
}

function start(): Sales {
  const now = () => at;
  const numbers = countedNumbers();
  const practice = () => practiceTill(till.ports.status, 'EUR', now);
  return openSales({ till: till.ports, practice, memory, numbers, now, after, log: { warn: () => {} } });
}

beforeEach(() => {
  at = Date.UTC(2026, 10, 23, 15, 2);
  timers = [];
  till = new FakeTill(() => at);
  memory = new FakeMemory();
  sales = start();
});

const answer = (lane = '2') => sales.view(lane).answer;
const states = () => sales.view('2').coupons.map(({ state }) => state);

describe('a lane that trains', () => {
  test('gives back what it held, and says until when', async () => {
    const code = till.coupon();
    await sales.scan('2', code);
    await sales.beginTraining('2', 'Kim');
    expect(till.calls.at(-1)).toMatchObject({ call: 'release', codes: [code] });
    expect(sales.view('2')).toMatchObject({ training: at + HALF_AN_HOUR_MS, coupons: [], answer: { kind: 'idle' } });
    expect(sales.view('3').training).toBeNull();
  });

  test('never sends a code to the till, real or not, whoever scans it', async () => {
    await sales.beginTraining('2', 'Kim');
    const codes = [
      till.coupon(),
      '7KQ2-9MXD-4TRB-8WNS',
      '4006381333931',
      'PRACTICE-0001',
      'TEST-EXPIRED',
      ']C1PRACTICE-0002',
    ];
    for (const code of codes) await sales.scan('2', code);
    await sales.redeem('2');
    await sales.undo('2');
    await sales.scan('2', 'PRACTICE-0003');
    await sales.giveBack('2');
    await sales.next('2');
    expect(till.calls).toEqual([]);
  });

  test('refuses a real coupon with a word of its own, and groceries without a sound', async () => {
    await sales.beginTraining('2', 'Kim');
    const code = till.coupon();
    await sales.scan('2', code);
    expect(answer()).toEqual({ kind: 'not_practice', isReal: true, lastFour: code.slice(-4) });
    await sales.scan('2', '4006381333931');
    expect(answer()).toMatchObject({ kind: 'not_practice', isReal: false });
  });

  test('redeems a practice coupon once in this training, in the currency of the store', async () => {
    await sales.beginTraining('2', 'Kim');
    await sales.scan('2', 'practice-0001');
    expect(answer()).toMatchObject({
      verdict: { decision: 'approved', offer: { discount: { amount: 500, currency: 'EUR' } } },
    });
    await sales.redeem('2');
    expect(states()).toEqual(['redeemed']);
    await sales.next('2');
    await sales.scan('2', 'PRACTICE-0001');
    expect(answer()).toMatchObject({ verdict: { reason: 'already_redeemed', facts: { lane: '2' } } });
    await sales.endTraining('2');
    await sales.beginTraining('2', 'Kim');
    await sales.scan('2', 'PRACTICE-0001');
    expect(states()).toEqual(['held']);
  });

  test.each(reasonSchema.options)('answers %s to its test code', async (reason) => {
    await sales.beginTraining('2', 'Kim');
    await sales.scan('2', `TEST-${reason}`);
    expect(answer()).toMatchObject({ verdict: { reason } });
  });

  test('uses up no number of a sale and suspends none', async () => {
    expect(sales.view('2').number).toBe('0007');
    await sales.beginTraining('2', 'Kim');
    await sales.scan('2', 'PRACTICE-0001');
    await sales.suspend('2');
    expect([states(), sales.suspended()]).toEqual([['held'], []]);
    await sales.next('2');
    await sales.endTraining('2');
    expect(sales.view('2')).toMatchObject({ number: '0008', training: null, coupons: [] });
  });

  test('ends after 30 minutes by itself', async () => {
    await sales.beginTraining('2', 'Kim');
    await passes(HALF_AN_HOUR_MS - 1);
    expect(sales.view('2').training).not.toBeNull();
    await passes(1);
    expect(sales.view('2').training).toBeNull();
    const code = till.coupon();
    await sales.scan('2', code);
    expect(till.calls).toMatchObject([{ call: 'validate', codes: [code] }]);
  });

  test('still trains after a restart of the box, also before anybody looks, and no longer than it would have', async () => {
    await sales.beginTraining('2', 'Kim');
    await passes(60_000);
    sales = start();
    await sales.scan('2', till.coupon());
    expect(answer()).toMatchObject({ kind: 'not_practice' });
    await passes(HALF_AN_HOUR_MS - 60_000);
    expect(sales.view('2').training).toBeNull();
    sales = start();
    expect(sales.view('2').training).toBeNull();
  });

  test('does not begin where it cannot be written down', async () => {
    memory.isUnavailable = true;
    await sales.beginTraining('2', 'Kim');
    expect(sales.view('2')).toMatchObject({ training: null, answer: { kind: 'stuck' } });
  });

  test('is written down with who began it', async () => {
    await sales.beginTraining('2', 'Kim');
    await sales.endTraining('2');
    expect(memory.noted).toMatchObject([
      { lane: '2', supervisor: 'Kim', choice: 'begin_training' },
      { lane: '2', supervisor: null, choice: 'end_training' },
    ]);
  });
});

describe('a practice coupon', () => {
  test.each(['PRACTICE-0001', 'PRACTICE-0002', 'PRACTICE-0003'])('(%s) is no coupon to any till', (code) => {
    expect(readCode(code, [])).toMatchObject({ kind: 'not_a_coupon' });
  });
});

describe('a supervisor', () => {
  async function unverified() {
    const code = till.coupon();
    till.elsewhere.add(code);
    till.line = { state: 'down', since: at };
    await sales.scan('2', code);
    return code;
  }

  test('who finishes without leaves the coupon to the customer, and is written down', async () => {
    const held = till.coupon();
    await sales.scan('2', held);
    const code = await unverified();
    await sales.supervise('2', 'Kim');
    expect(sales.view('2').supervisor).toBe('Kim');
    await sales.choose('2', 'finish_without');
    expect(sales.view('2')).toMatchObject({ supervisor: null, answer: { kind: 'left_out', count: 1 } });
    expect(sales.view('2').coupons.map(({ lastFour }) => lastFour)).toEqual([held.slice(-4)]);
    const { basket } = sales.view('2');
    const about = { at, lane: '2', supervisor: 'Kim', basket, coupons: [code.slice(-4)] };
    expect(memory.noted).toEqual([
      { ...about, choice: 'opened' },
      { ...about, choice: 'finish_without' },
    ]);
    expect(JSON.stringify(memory.noted)).not.toContain(code);
  });

  test('who has it tried again is written down before it is', async () => {
    const code = await unverified();
    till.line = { state: 'up', since: at };
    await sales.supervise('2', 'Kim');
    await sales.choose('2', 'try_again');
    expect(states()).toEqual(['held']);
    expect(memory.noted.at(-1)).toMatchObject({ choice: 'try_again', coupons: [code.slice(-4)] });
  });

  test('has closed the choices with the next answer, and after two minutes', async () => {
    await unverified();
    await sales.supervise('2', 'Kim');
    await sales.scan('2', 'TEST-EXPIRED');
    expect(sales.view('2').supervisor).toBeNull();
    await passes(60_000);
    await sales.supervise('2', 'Kim');
    await passes(119_999);
    expect(sales.view('2').supervisor).toBe('Kim');
    await passes(1);
    expect(sales.view('2').supervisor).toBeNull();
  });

  test('nobody chooses without', async () => {
    await unverified();
    await sales.choose('2', 'finish_without');
    expect([states(), memory.noted]).toEqual([['unsure'], []]);
  });

  test('does nothing that cannot be written down', async () => {
    await unverified();
    await sales.supervise('2', 'Kim');
    memory.isUnavailable = true;
    await sales.choose('2', 'finish_without');
    expect([states(), answer().kind]).toEqual([['unsure'], 'stuck']);
  });
});
