import { beforeEach, describe, expect, test } from 'vitest';
import { after } from '../../gateway/lanes/after.ts';
import type { SaleNumbers } from '../../gateway/lanes/sale-numbers.ts';
import { practiceTill } from '../../gateway/lanes/practice-till.ts';
import { openSales, type Sales } from '../../gateway/lanes/sales.ts';
import { countedNumbers, FakeMemory } from '../browser/fake-memory.ts';
import { FakeTill } from '../browser/fake-till.ts';

let at: number;
let till: FakeTill;
let memory: FakeMemory;
let sales: Sales;
let logged: string[];
let saleNumbers: SaleNumbers;

/** The box starts, or starts again, with what its disk holds. */
function start(): Sales {
  const now = () => at;
  const log = { warn: (fields: object, message: string) => void logged.push(message + JSON.stringify(fields)) };
  const practice = () => practiceTill(till.ports.status, 'USD', now);
  return openSales({ till: till.ports, practice, memory, numbers: saleNumbers, now, after, log });
}

beforeEach(() => {
  at = Date.UTC(2026, 10, 23, 15, 2);
  saleNumbers = countedNumbers();
  logged = [];
  till = new FakeTill(() => at);
  memory = new FakeMemory();
  sales = start();
});

const states = (lane: string) => sales.view(lane).coupons.map(({ state, lastFour }) => `${lastFour} ${state}`);
const numbers = () => sales.suspended().map(({ number }) => number);

/** A sale with one coupon, suspended at lane 2. */
async function suspended() {
  const code = till.coupon();
  await sales.setTotal('2', { amount: 4200, currency: 'USD' });
  await sales.scan('2', code);
  const { basket } = sales.view('2');
  await sales.suspend('2');
  return { code, basket };
}

describe('a suspended sale', () => {
  test('waits with what it holds, and its lane begins another', async () => {
    const { code, basket } = await suspended();
    expect(sales.view('2')).toMatchObject({
      number: '0008',
      coupons: [],
      answer: { kind: 'suspended', number: '0007' },
    });
    expect(sales.suspended()).toMatchObject([
      { basket, number: '0007', lane: '2', at, heldUntil: at + 900_000, coupons: [{ lastFour: code.slice(-4) }] },
    ]);
    expect(till.calls.map(({ call }) => call)).toEqual(['validate']);
    expect(JSON.stringify(sales.suspended()) + JSON.stringify(memory.suspended.load())).not.toContain(code);
  });

  test('[P2] is gone on with at another lane: the same basket, asked for anew there, with its total', async () => {
    const { code, basket } = await suspended();
    await sales.resume('5', basket);
    expect(sales.view('5')).toMatchObject({
      basket,
      number: '0007',
      total: { amount: 4200 },
      answer: { kind: 'resumed' },
    });
    expect(states('5')).toEqual([`${code.slice(-4)} held`]);
    expect(till.calls.at(-1)).toEqual({ call: 'validate', codes: [code], basket });
    expect(sales.suspended()).toEqual([]);
    await sales.redeem('5');
    expect(states('5')).toEqual([`${code.slice(-4)} redeemed`]);
  });

  test('is gone on with once: the second lane that asks has nothing', async () => {
    const { basket } = await suspended();
    await Promise.all([sales.resume('5', basket), sales.resume('6', basket)]);
    expect([sales.view('5').basket, sales.view('6').basket].filter((one) => one === basket)).toHaveLength(1);
  });

  test('takes the place of no sale that has coupons', async () => {
    const { basket } = await suspended();
    await sales.scan('5', till.coupon());
    const open = sales.view('5');
    await sales.resume('5', basket);
    expect(sales.view('5')).toEqual(open);
    expect(numbers()).toEqual(['0007']);
  });

  test('shows what it no longer has', async () => {
    const { code, basket } = await suspended();
    const coupon = till.couponsByCode.get(code);
    if (coupon !== undefined) coupon.basket = 'another-basket';
    await sales.resume('5', basket);
    expect(sales.view('5').answer).toMatchObject({ verdict: { reason: 'in_use' } });
    expect(states('5')).toEqual([]);
  });

  test('lists what could not be asked for, to be tried again', async () => {
    const { code, basket } = await suspended();
    till.isUnavailable = true;
    await sales.resume('5', basket);
    expect(sales.view('5').answer).toMatchObject({ kind: 'stuck', during: 'resume' });
    expect(states('5')).toEqual([`${code.slice(-4)} unsure`]);
    till.isUnavailable = false;
    await sales.again('5');
    expect(states('5')).toEqual([`${code.slice(-4)} held`]);
  });

  test('stays open where it cannot be written down', async () => {
    const code = till.coupon();
    await sales.scan('2', code);
    memory.isUnavailable = true;
    await sales.suspend('2');
    expect(sales.view('2')).toMatchObject({ number: '0007', answer: { kind: 'stuck', during: 'suspend' } });
    memory.isUnavailable = false;
    await sales.again('2');
    expect(numbers()).toEqual(['0007']);
  });

  test('is not lost in a restart: it waits, and asks for its coupons to be scanned again', async () => {
    const { code, basket } = await suspended();
    sales = start();
    expect(numbers()).toEqual(['0007']);
    await sales.resume('5', basket);
    expect(sales.view('5')).toMatchObject({
      basket,
      coupons: [],
      answer: { kind: 'resumed', missing: [code.slice(-4)] },
    });
    await sales.scan('5', code);
    expect(states('5')).toEqual([`${code.slice(-4)} held`]);
  });

  test('that was gone on with waits again after a restart, until it is over', async () => {
    const { basket } = await suspended();
    await sales.resume('5', basket);
    sales = start();
    expect(numbers()).toEqual(['0007']);
    await sales.resume('5', basket);
    await sales.next('5');
    sales = start();
    expect(numbers()).toEqual([]);
  });

  test('may be suspended again', async () => {
    const { basket } = await suspended();
    await sales.resume('5', basket);
    await sales.suspend('5');
    expect(sales.suspended()).toMatchObject([{ basket, lane: '5' }]);
  });

  test('of half a day ago is let go of, and that is logged', async () => {
    const { basket } = await suspended();
    at += 12 * 3_600_000;
    expect(numbers()).toEqual([]);
    await suspended();
    expect(numbers()).toEqual(['0008']);
    expect(logged).toEqual([expect.stringContaining(basket)]);
  });

  test('is one of fifty at most: then the oldest is let go of', async () => {
    for (let n = 0; n < 51; n++) await suspended();
    expect(numbers()).toHaveLength(50);
    expect(numbers()).not.toContain('0007');
    expect(logged).toHaveLength(1);
  });
});

describe('no sale is suspended', () => {
  test('that has no coupons', async () => {
    sales.view('2');
    await sales.suspend('2');
    expect(sales.view('2').number).toBe('0007');
  });

  test('that is redeemed', async () => {
    await sales.scan('2', till.coupon());
    await sales.redeem('2');
    await sales.suspend('2');
    expect([sales.view('2').number, numbers()]).toEqual(['0007', []]);
  });

  test('whose redemption was not answered: its lane is part of it', async () => {
    await sales.scan('2', till.coupon());
    till.isUnavailable = true;
    await sales.redeem('2');
    till.isUnavailable = false;
    await sales.suspend('2');
    expect([sales.view('2').number, numbers()]).toEqual(['0007', []]);
  });
});
