import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { brief } from './calls.ts';
import { type Store, Town } from './harness.ts';
import { until } from './processes.ts';

/** Tills that go on redeeming by themselves, and what finance makes of the day. */

let town: Town;
let one: Store;
let two: Store;
let codes: string[];

beforeAll(async () => {
  town = await Town.start();
  [one, two] = town.stores;
  codes = await town.newCodes(12);
});
afterAll(async () => town?.end());

const nextCode = () => codes.pop() ?? '';
const FACE = 500;
const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
const day = (offset: number) => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);

const answerSchema = z.object({ outcome: z.string(), reason: z.string().nullable(), again: z.boolean().optional() });
const linesSchema = z.object({ count: z.int(), first: z.array(z.object({ line: z.int(), why: z.string() })) });
const summarySchema = z.object({
  ...{ lines: z.int(), taken: z.int(), again: z.int() },
  ...{ exceptions: linesSchema, refused: linesSchema },
});

async function feed(...redemptions: object[]) {
  const { json } = await town.cart.ask('/v1/redemptions/feed', { body: { redemptions } });
  return z.object({ results: z.array(answerSchema) }).parse(json).results;
}
async function feedFile(...lines: string[]) {
  const body = `code,at,store,lane,basket,total,currency\n${lines.join('\n')}\n`;
  const { json } = await town.cart.ask('/v1/redemptions/feed', { body, headers: { 'content-type': 'text/csv' } });
  return summarySchema.parse(json);
}
const exceptionsSchema = z.object({
  exceptions: z.array(z.object({ what: z.string(), value: z.int().nullable(), ours: z.string(), theirs: z.string() })),
});

test('what a till tells by API is used at every door, and told again it changes nothing', async () => {
  const code = nextCode();
  const sale = { code, at: ago(5), store: one.store, lane: '7', basket: 'old-1' };
  expect(await feed(sale)).toMatchObject([{ outcome: 'taken', again: false }]);
  expect(await feed(sale)).toMatchObject([{ outcome: 'taken', again: true }]);
  expect(await two.validate(code, town.basket())).toMatchObject({
    reason: 'already_redeemed',
    facts: { redeemedWhere: 'Main Street' },
  });
  expect(brief(await town.cart.redeem(code, town.basket()))).toBe('refused: already_redeemed');
  expect((await town.look(code)).redemption).toMatchObject({ door: 'feed:demo-shop', store: one.store });
});

test('the file of a day is taken line by line, and what is wrong with it is named', async () => {
  const [good, other, spent] = [nextCode(), nextCode(), nextCode()];
  await town.cart.redeem(spent, town.basket());
  const line = (code: string, basket: string) => `${code},${ago(90)},${two.store},3,${basket},4200,USD`;
  const file = [
    line(good, 'old-2'),
    line(spent, 'old-3'),
    line('0000-0000-0000-0000', 'old-4'),
    'x,noon',
    line(other, 'old-5'),
  ];
  const told = {
    exceptions: { count: 1, first: [{ line: 3, why: 'already_redeemed' }] },
    refused: { count: 2, first: [{ line: 4, why: 'unknown_code' }, { line: 5 }] },
  };
  expect(await feedFile(...file)).toMatchObject({ lines: 5, taken: 2, again: 0, ...told });
  expect(await feedFile(...file)).toMatchObject({
    taken: 0,
    again: 3,
    exceptions: { count: 0 },
    refused: { count: 2 },
  });
  for (const code of [good, other]) expect((await town.look(code)).state).toBe('redeemed');
});

test('what a store redeems while it is cut off and the till tells besides is an exception with both sides and the money', async () => {
  const [code, idle] = [nextCode(), nextCode()];
  await town.stock(one, [code, idle]);
  await one.drill('cut');
  const basket = town.basket();
  expect(brief(await one.redeem(code, basket))).toBe('approved');
  const answers = await feed(
    ...[code, idle].map((told) => ({ code: told, at: ago(1), basket: `old-${told.slice(-4)}` })),
  );
  expect(answers).toMatchObject([{ outcome: 'taken' }, { outcome: 'taken' }]);
  await one.drill('open');
  await town.settled();
  await until('the idle one was returned', async () => (await one.lookAt(idle))?.state !== 'reserved');
  const { exceptions } = await town.admin('/v1/exceptions', exceptionsSchema);
  expect(exceptions.filter(({ what }) => what === 'redeemed_twice')).toEqual([
    {
      ...{ what: 'redeemed_twice', value: FACE },
      ours: expect.stringContaining('redeemed by feed:demo-shop'),
      theirs: expect.stringContaining(`basket ${basket}`),
    },
  ]);
  expect(brief(await one.redeem(idle, town.basket()))).toBe('refused: already_redeemed');
  // The store takes its half back: one sale is left.
  await one.reverse(code, basket);
});

test('a sale of one store is undone in another, one of a till through a register, and the codes are good again', async () => {
  const [sold, told] = [nextCode(), nextCode()];
  const basket = town.basket();
  await one.redeem(sold, basket);
  await feed({ code: told, at: ago(2), basket: 'old-9' });
  await town.settled();
  await until('both are undone', async () => {
    const answers = [await two.reverse(sold, basket, one.id), await two.reverse(told, 'old-9', 'feed:demo-shop')];
    return answers.every(({ reversed }) => reversed === true);
  });
  expect(brief(await one.redeem(sold, basket))).toBe('refused: reversed_first');
  for (const code of [sold, told]) expect(brief(await two.redeem(code, town.basket()))).toBe('approved');
});

test('the day adds up to the cent, in units and in value, and agrees with what the ledger says', async () => {
  await town.settled();
  const campaign = town.demo().campaign;
  await town.admin(`/v1/codes/${nextCode()}/void`, z.unknown(), { method: 'POST' });
  const { text } = await town.askAdmin(`/v1/reports/reconciliation.csv?from=${day(-1)}&to=${day(0)}`);
  const [header = '', ...rows] = text.trim().split('\n');
  const lines = rows.flatMap((row) => {
    const cells = new Map(header.split(',').map((name, i) => [name, row.split(',')[i] ?? '']));
    return cells.get('campaign') === campaign ? (name: string) => Number(cells.get(name)) : [];
  });
  expect(lines.length).toBeGreaterThan(0);
  for (const cell of lines)
    for (const [unit, revalued] of [
      ['units', 0],
      ['value', cell('revalued_value')],
    ] as const) {
      const came = cell(`opening_${unit}`) + cell(`issued_${unit}`) + cell(`reversed_${unit}`) + revalued;
      const went = cell(`redeemed_${unit}`) + cell(`voided_${unit}`) + cell(`expired_${unit}`);
      expect(came - went).toBe(cell(`closing_${unit}`));
    }
  const last = lines.at(-1);
  const closing = { units: last?.('closing_units'), value: last?.('closing_value') };
  const sumSchema = z.object({ units: z.int(), value: z.int() });
  const { open } = await town.admin(`/v1/campaigns/${campaign}/exposure`, z.object({ open: sumSchema }));
  expect(closing).toEqual(open);
  const liability = z.object({ campaigns: z.array(sumSchema.extend({ campaign: z.string() })) });
  const { campaigns } = await town.admin(`/v1/reports/liability?at=${day(0)}`, liability);
  expect(campaigns.find((one) => one.campaign === campaign)).toMatchObject(open);
  expect(lines.reduce((sum, cell) => sum + cell('redeemed_units'), 0)).toBeGreaterThan(8);
  expect(lines.reduce((sum, cell) => sum + cell('reversed_units'), 0)).toBe(2);
});

test('how late the till told is reported', async () => {
  const lag = z.object({ client: z.string(), count: z.int(), medianSeconds: z.int(), worstSeconds: z.int() });
  const span = `from=${day(-1)}&to=${day(0)}`;
  const { feeds } = await town.admin(`/v1/reports/feeds?${span}`, z.object({ feeds: z.array(lag) }));
  expect(feeds.map(({ client }) => client)).toContain('demo-shop');
  expect(Math.max(...feeds.map(({ worstSeconds }) => worstSeconds))).toBeGreaterThanOrEqual(90 * 60);
});

test('all callers were told the truth, and the ledger says the same', async () => {
  expect(await town.judge()).toEqual([]);
});
