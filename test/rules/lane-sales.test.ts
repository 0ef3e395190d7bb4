import { beforeEach, describe, expect, test } from 'vitest';
import type { After } from '../../gateway/lanes/after.ts';
import { leaveLastSales, openSales, type Sales } from '../../gateway/lanes/sales.ts';
import { TillUnavailable } from '../../gateway/till/port.ts';
import { practiceTill } from '../../gateway/lanes/practice-till.ts';
import { countedNumbers, FakeMemory } from '../browser/fake-memory.ts';
import { FakeTill } from '../browser/fake-till.ts';

const DAY_ONE = Date.UTC(2026, 10, 24, 4, 59); // still 23 November in New York
let at = DAY_ONE;
let till: FakeTill;
let sales: Sales;
let timers: { delayMs: number; run: () => void }[];
let logged: string[];

const after: After = (delayMs, run) => {
  const timer = { delayMs, run };
  timers.push(timer);
  return () => {
    timers = timers.filter((other) => other !== timer);
  };
};

function passes(delayMs: number): void {
  const due = timers.filter((timer) => timer.delayMs === delayMs);
  timers = timers.filter((timer) => timer.delayMs !== delayMs);
  for (const timer of due) timer.run();
}

const kind = (lane = '2') => sales.view(lane).answer.kind;
const states = () => sales.view('2').coupons.map(({ state, lastFour }) => `${lastFour} ${state}`);
const callsOf = (call: string) => till.calls.filter((one) => one.call === call);

beforeEach(() => {
  at = DAY_ONE;
  timers = [];
  logged = [];
  till = new FakeTill(() => at);
  const log = { warn: (fields: object, message: string) => void logged.push(message + JSON.stringify(fields)) };
  const practice = () => practiceTill(till.ports.status, 'USD', () => at);
  const ports = { till: till.ports, practice, memory: new FakeMemory(), numbers: countedNumbers() };
  sales = openSales({ ...ports, now: () => at, after, log });
});

describe('a sale', () => {
  test('is named by store, lane, day of the store and number', () => {
    expect(sales.view('2')).toMatchObject({ basket: '0042-2-20261123-0007', number: '0007', coupons: [] });
    at += 60_000;
    sales.view('3');
    expect(sales.view('3').basket).toBe('0042-3-20261124-0008');
  });

  test('is the same for all who look at its lane, and another one on each lane', () => {
    expect(sales.view('2').basket).toBe(sales.view('2').basket);
    expect(sales.view('3').basket).not.toBe(sales.view('2').basket);
  });

  test('is opened by a scan where none is open', async () => {
    const code = till.coupon();
    await sales.scan('2', code);
    expect(callsOf('validate')).toEqual([{ call: 'validate', codes: [code], basket: sales.view('2').basket }]);
    expect(sales.lanes()).toEqual([{ name: '2', lastScanAt: at }]);
  });

  test('tells whoever watches its lane of each change, and nobody else', async () => {
    let told = 0;
    const stop = sales.watch('2', () => (told += 1));
    await sales.scan('2', till.coupon());
    expect(told).toBe(1);
    await sales.scan('3', till.coupon());
    stop();
    await sales.scan('2', till.coupon());
    expect(told).toBe(1);
  });

  test('keeps its total for what comes after', async () => {
    await sales.setTotal('2', { amount: 4200, currency: 'USD' });
    expect(sales.view('2').total).toEqual({ amount: 4200, currency: 'USD' });
    await sales.setTotal('2', null);
    expect(sales.view('2').total).toBeNull();
  });
});

describe('a register that follows a lane', () => {
  test('redeems by itself what the lane holds, and the page shows it', async () => {
    const [one, two] = [till.coupon(), till.coupon()];
    await sales.scan('2', one);
    await sales.scan('2', two);
    const { basket } = sales.view('2');
    const sale = { codes: [one.toLowerCase()], allOrNone: false, basket, lane: '2', total: null };
    const redeemed = await till.ports.redeem({ ...sale, customer: null, discount: null });
    if (!redeemed.ok) throw new Error(redeemed.error);
    await sales.sold('2', 'another', [one], redeemed.value);
    await sales.sold('3', basket, [one], redeemed.value);
    expect(states()).toEqual([`${one.slice(-4)} held`, `${two.slice(-4)} held`]);
    await sales.sold('2', basket, [one.toLowerCase()], redeemed.value);
    expect(states()).toEqual([`${one.slice(-4)} redeemed`, `${two.slice(-4)} held`]);
    expect(kind()).toBe('redeemed');
    const { answers } = sales.view('2');
    await sales.sold('2', basket, [one], redeemed.value);
    expect(sales.view('2').answers).toBe(answers);
  });
});

describe('a scan', () => {
  test('holds a good coupon in the sale, and a second one beside it', async () => {
    const [one, two] = [till.coupon(), till.coupon()];
    await sales.scan('2', one);
    await sales.scan('2', two);
    expect(states()).toEqual([`${one.slice(-4)} held`, `${two.slice(-4)} held`]);
    expect(kind()).toBe('decided');
  });

  test('of a coupon that is held already adds nothing', async () => {
    const code = till.coupon();
    await sales.scan('2', code);
    await sales.scan('2', `${code.slice(0, 8)}-${code.slice(8)}`.toLowerCase());
    expect(states()).toEqual([`${code.slice(-4)} held`]);
  });

  test('that is refused leaves the sale as it was', async () => {
    const code = till.coupon();
    await sales.scan('2', code);
    await sales.scan('2', 'TEST-EXPIRED');
    expect(states()).toEqual([`${code.slice(-4)} held`]);
    expect(sales.view('2').answer).toMatchObject({ verdict: { decision: 'refused', reason: 'expired' } });
  });

  test('that cannot be verified is listed, and tried again on demand', async () => {
    const code = till.coupon();
    till.elsewhere.add(code);
    till.line = { state: 'down', since: at };
    await sales.scan('2', code);
    expect(states()).toEqual([`${code.slice(-4)} unsure`]);
    till.line = { state: 'up', since: at };
    await sales.again('2');
    expect(states()).toEqual([`${code.slice(-4)} held`]);
  });

  test('says that it waits after 150 ms, not before', async () => {
    const go = till.holdBack();
    const done = sales.scan('2', '7KQ2-9MXD-4TRB-8WNS');
    await new Promise(setImmediate);
    expect(kind()).toBe('idle');
    passes(150);
    expect(sales.view('2').answer).toEqual({ kind: 'waiting', during: 'check', lastFour: '8WNS' });
    go();
    await done;
    expect(kind()).toBe('decided');
    expect(timers).toEqual([]);
  });

  test('during a check waits for its turn', async () => {
    const go = till.holdBack();
    const [one, two] = [till.coupon(), till.coupon()];
    const done = [sales.scan('2', one), sales.scan('2', two)];
    await new Promise(setImmediate);
    expect(callsOf('validate')).toHaveLength(1);
    go();
    await Promise.all(done);
    expect(states()).toEqual([`${one.slice(-4)} held`, `${two.slice(-4)} held`]);
  });

  test('on one lane does not wait for another lane', async () => {
    till.holdBack();
    void sales.scan('2', till.coupon());
    void sales.scan('3', till.coupon());
    await new Promise(setImmediate);
    expect(callsOf('validate')).toHaveLength(2);
  });

  test('is dropped, and logged, where a whole basket waits already', async () => {
    const go = till.holdBack();
    const done = Array.from({ length: 25 }, () => sales.scan('2', 'TEST-APPROVED'));
    go();
    await Promise.all(done);
    expect(callsOf('validate')).toHaveLength(20);
    expect(logged).toHaveLength(5);
  });

  test('gives the till the AIM identifier too: it tells what kind of barcode it was', async () => {
    const code = till.coupon();
    await sales.scan('2', `]C1${code}`);
    expect(callsOf('validate')[0]?.codes).toEqual([`]C1${code}`]);
  });

  test('of nothing does nothing', async () => {
    await sales.scan('2', '   ');
    expect(till.calls).toEqual([]);
  });
});

describe('to redeem', () => {
  test('redeems all that is held, in one call', async () => {
    const codes = [till.coupon(), till.coupon()];
    for (const code of codes) await sales.scan('2', code);
    await sales.redeem('2');
    expect(callsOf('redeem')).toEqual([{ call: 'redeem', codes, basket: sales.view('2').basket }]);
    expect(states()).toEqual(codes.map((code) => `${code.slice(-4)} redeemed`));
    expect(sales.view('2').answer).toMatchObject({
      kind: 'redeemed',
      coupons: [{ state: 'redeemed' }, { state: 'redeemed' }],
    });
  });

  test('with nothing held asks nobody', async () => {
    await sales.redeem('2');
    expect(till.calls).toEqual([]);
  });

  test('shows what went wrong, and keeps what went well', async () => {
    const [good, lost] = [till.coupon(), till.coupon()];
    await sales.scan('2', good);
    await sales.scan('2', lost);
    till.couponsByCode.delete(lost);
    await sales.redeem('2');
    expect(sales.view('2').answer).toMatchObject({ verdict: { reason: 'unknown_code' }, lastFour: lost.slice(-4) });
    expect(states()).toEqual([`${good.slice(-4)} redeemed`]);
  });

  test('leaves its answer for a minute, and then waits for the next coupon in the same sale', async () => {
    await sales.scan('2', till.coupon());
    await sales.redeem('2');
    const { basket } = sales.view('2');
    passes(60_000);
    expect(sales.view('2')).toMatchObject({ basket, answer: { kind: 'idle' } });
  });

  test('leaves a later answer alone when its minute is over', async () => {
    await sales.scan('2', till.coupon());
    await sales.redeem('2');
    await sales.scan('2', till.coupon());
    passes(60_000);
    expect(kind()).toBe('decided');
  });
});

describe('to give back', () => {
  test('releases what is held and nothing else', async () => {
    const [redeemed, held] = [till.coupon(), till.coupon()];
    await sales.scan('2', redeemed);
    await sales.redeem('2');
    await sales.scan('2', held);
    await sales.giveBack('2');
    expect(callsOf('release').map(({ codes }) => codes)).toEqual([[held]]);
    expect(states()).toEqual([`${redeemed.slice(-4)} redeemed`]);
    expect(kind()).toBe('given_back');
  });
});

describe('the next sale', () => {
  test('has a new number and gives back what the last one held', async () => {
    const code = till.coupon();
    await sales.scan('2', code);
    const before = sales.view('2').basket;
    await sales.next('2');
    expect(callsOf('release')).toEqual([{ call: 'release', codes: [code], basket: before }]);
    expect(sales.view('2')).toMatchObject({ number: '0008', coupons: [], total: null, answer: { kind: 'idle' } });
  });
});

describe('to undo a sale', () => {
  test('reverses what it redeemed, and goes on in a new one where the coupon is good again', async () => {
    const code = till.coupon();
    await sales.scan('2', code);
    await sales.redeem('2');
    const { basket, number } = sales.view('2');
    await sales.undo('2');
    expect(callsOf('reverse')).toEqual([{ call: 'reverse', codes: [code], basket }]);
    expect(sales.view('2')).toMatchObject({ coupons: [], answer: { kind: 'undone', number } });
    await sales.scan('2', code);
    expect(states()).toEqual([`${code.slice(-4)} held`]);
  });
});

describe('a till without its store', () => {
  test('is shown as cannot verify, and the scan is tried again', async () => {
    const code = till.coupon();
    till.isUnavailable = true;
    await sales.scan('2', code);
    expect(sales.view('2').answer).toMatchObject({ kind: 'stuck', during: 'check', lastFour: code.slice(-4) });
    expect(logged).toHaveLength(1);
    expect(logged.join()).not.toContain(code);
    till.isUnavailable = false;
    await sales.again('2');
    expect(states()).toEqual([`${code.slice(-4)} held`]);
  });

  test('may have redeemed all the same: what it did not answer is reversed, not released', async () => {
    const code = till.coupon();
    await sales.scan('2', code);
    till.isUnavailable = true;
    await sales.redeem('2');
    expect(kind()).toBe('stuck');
    till.isUnavailable = false;
    await sales.next('2');
    expect(callsOf('release')).toEqual([]);
    expect(callsOf('reverse')).toHaveLength(1);
  });

  test('keeps the sale that could not be undone, and undoes it on demand', async () => {
    await sales.scan('2', till.coupon());
    await sales.redeem('2');
    const { basket } = sales.view('2');
    till.isUnavailable = true;
    await sales.undo('2');
    expect(sales.view('2')).toMatchObject({ basket, answer: { kind: 'stuck', during: 'undo' } });
    till.isUnavailable = false;
    await sales.again('2');
    expect(kind()).toBe('undone');
  });
});

describe('what a page may know', () => {
  test('has the last four of a code, never all of it', async () => {
    const code = till.coupon();
    for (const step of [
      () => sales.scan('2', code),
      () => sales.redeem('2'),
      () => sales.scan('2', code),
      () => sales.undo('2'),
      () => sales.scan('2', 'ABCDE-PRIVATE-4711'),
    ]) {
      await step();
      expect(JSON.stringify(sales.view('2'))).not.toMatch(new RegExp(`${code}|PRIVATE`));
    }
    expect(sales.view('2').answer).toMatchObject({ lastFour: '4711' });
  });

  test('has nothing of a code that is so short that four characters would be all of it', async () => {
    await sales.scan('2', 'AB12');
    expect(sales.view('2').answer).toMatchObject({ lastFour: '' });
  });
});

describe('after a restart', () => {
  const numbers = {
    last: () => [
      { lane: '2', day: '20261123', n: 7 },
      { lane: '3', day: '20261122', n: 41 },
    ],
  };
  const log = { warn: (_fields: object, message: string) => void logged.push(message) };

  test('what the last sale of each lane held is let go of', async () => {
    const left: string[] = [];
    const box = { status: () => till.ports.status(), leave: async (basket: string) => void left.push(basket) };
    await leaveLastSales(box, numbers, log);
    expect(left).toEqual(['0042-2-20261123-0007', '0042-3-20261122-0041']);
  });

  test('a till that cannot write does not stop the start', async () => {
    const box = { status: () => till.ports.status(), leave: () => Promise.reject(new TillUnavailable('no disk')) };
    await leaveLastSales(box, numbers, log);
    expect(logged).toHaveLength(2);
  });
});
