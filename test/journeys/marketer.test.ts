import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { readCode } from '../../protocol/code-reading.ts';
import { brief } from './calls.ts';
import { type Store, Town } from './harness.ts';
import { until } from './processes.ts';

let town: Town;
let one: Store;
let two: Store;

beforeAll(async () => {
  town = await Town.start();
  [one, two] = town.stores;
});
afterAll(async () => town?.end());

const DAY_MS = 86_400_000;
const day = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
const terms = (other: object) => ({
  title: '$3 off',
  discount: { type: 'amount', amount: 300, currency: 'USD' },
  timeZone: 'America/New_York',
  startsAt: day(-2),
  endsAt: day(30),
  ...other,
});
const campaignSchema = z.object({
  id: z.string(),
  version: z.int(),
  issued: z.object({ units: z.int(), value: z.int() }),
});
const create = (other: object) => town.admin('/v1/campaigns', campaignSchema, { body: terms(other) });
const refusalOf = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => 'done',
    (error: unknown) => error,
  );
const stock = (store: Store, codes: readonly string[]) =>
  town.admin(
    `/v1/stores/${store.store}/stock`,
    z.object({ granted: z.int(), refused: z.array(z.object({ code: z.string(), reason: z.string() })) }),
    { body: { codes } },
  );
const voidCode = async (code: string) =>
  (await town.admin(`/v1/codes/${code}/void`, z.object({ state: z.string() }), { method: 'POST' })).state;

test('a campaign is made from its title, and its caps are never exceeded', async () => {
  const { id } = await create({ title: 'Three off, in units', cap: { units: 10, value: 100_000 } });
  expect(id).toBe('three-off-in-units');
  const issue = (count: number) => town.newCodes(count, id);
  expect(await issue(8)).toHaveLength(8);
  expect(await refusalOf(issue(3))).toMatchObject({ status: 422, type: 'cap_exceeded' });
  expect(await issue(2)).toHaveLength(2);
  expect(await refusalOf(issue(1))).toMatchObject({ status: 422, type: 'cap_exceeded' });

  const byValue = await create({ title: 'Three off, in money', cap: { value: 900 } });
  expect(await refusalOf(town.newCodes(4, byValue.id))).toMatchObject({ type: 'cap_exceeded' });
  expect(await town.newCodes(3, byValue.id)).toHaveLength(3);
  expect(await town.admin(`/v1/campaigns/${byValue.id}`, campaignSchema)).toMatchObject({
    issued: { units: 3, value: 900 },
  });
});

test('two stacks at once do not get past a cap together', async () => {
  const { id } = await create({ title: 'Many at once', cap: { units: 10 } });
  const stacks = await Promise.all(Array.from({ length: 6 }, () => refusalOf(town.newCodes(4, id))));
  expect(stacks.filter((outcome) => outcome === 'done')).toHaveLength(2);
  expect(await town.admin(`/v1/campaigns/${id}`, campaignSchema)).toMatchObject({ issued: { units: 8 } });
});

test('a stack comes as CSV: a header line, and codes that are codes, each once', async () => {
  const { id } = await create({ title: 'A stack' });
  const stack = await town.admin(`/v1/campaigns/${id}/stacks`, z.object({ id: z.string(), count: z.int() }), {
    body: { count: 2500 },
  });
  const { text, headers } = await town.askAdmin(`/v1/stacks/${stack.id}/codes.csv`);
  expect(headers.get('content-type')).toContain('text/csv');
  const [header, ...codes] = text.trim().split('\n');
  expect([header, codes.length, new Set(codes).size]).toEqual(['code', 2500, 2500]);
  expect(codes.every((code) => readCode(code, []).kind === 'code')).toBe(true);
  const again = await town.askAdmin(`/v1/stacks/${stack.id}/codes.csv`);
  expect(again.text).toBe(text);
});

test('percent and item discounts reach the cashier in words', async () => {
  const percent = await create({
    title: '10% off',
    discount: { type: 'percent', percent: 10, maxAmount: 1000, currency: 'USD' },
  });
  const item = await create({
    title: 'A coffee',
    discount: { type: 'item', title: 'coffee', maxAmount: 400, currency: 'USD' },
  });
  const texts = await Promise.all(
    [percent, item].map(
      async ({ id }) => (await one.redeem((await town.newCodes(1, id))[0] ?? '', town.basket())).text,
    ),
  );
  expect(texts).toEqual(['OK 10% OFF', 'OK FREE COFFEE']);
});

test('dates, channels and stores are kept at every door', async () => {
  const tried = async (other: object) => {
    const { id } = await create({ title: 'Kept', ...other });
    const codes = await town.newCodes(2, id);
    const [atOne, online] = await Promise.all([
      one.redeem(codes[0] ?? '', town.basket()),
      town.cart.redeem(codes[1] ?? '', town.basket()),
    ]);
    return [brief(atOne), brief(online)];
  };
  expect(await tried({ startsAt: day(2) })).toEqual(['refused: not_yet_valid', 'refused: not_yet_valid']);
  expect(await tried({ startsAt: day(-9), endsAt: day(-5) })).toEqual(['refused: expired', 'refused: expired']);
  expect(await tried({ channels: ['online'] })).toEqual(['refused: wrong_channel', 'approved']);
  expect(await tried({ channels: ['store'] })).toEqual(['approved', 'refused: wrong_channel']);
  expect(await tried({ stores: ['0002'], channels: ['store'] })).toEqual([
    'refused: wrong_store',
    'refused: wrong_channel',
  ]);
});

test('changed terms are those of the next scan, also of codes that wait in a store', async () => {
  const { id } = await create({ title: 'Before' });
  const [stocked = '', free = ''] = await town.newCodes(2, id);
  await town.stock(one, [stocked]);
  await town.admin(`/v1/campaigns/${id}`, campaignSchema, {
    method: 'PATCH',
    body: { title: 'After', promotionRef: 'PLU-2' },
  });
  await until('the store was told', async () => {
    // A use keeps the terms that it was told: each look is another basket's.
    const basket = town.basket();
    const { offer } = await one.validate(stocked, basket);
    await one.release(stocked, basket);
    return offer?.title === 'After';
  });
  const decision = await one.validate(free, town.basket());
  expect(decision.offer).toMatchObject({ title: 'After', promotionRef: 'PLU-2' });
});

test('a void kills an issued code everywhere, and for good', async () => {
  const [code = ''] = await town.newCodes(1);
  expect(await voidCode(code)).toBe('voided');
  expect(await voidCode(code)).toBe('voided');
  for (const door of [one, two, town.cart])
    expect(await door.redeem(code, town.basket())).toMatchObject({
      decision: 'refused',
      reason: 'voided',
      text: 'Withdrawn. Customer: see phone',
    });
  expect((await town.look(code)).state).toBe('voided');
});

test('a void of a stocked code is final when its store has given it up', async () => {
  const [code = ''] = await town.newCodes(1);
  await town.stock(one, [code]);
  expect(await voidCode(code)).toBe('void_pending');
  await until('it is void', async () => (await town.look(code)).state === 'voided');
  for (const door of [one, two, town.cart])
    expect(brief(await door.redeem(code, town.basket()))).toBe('refused: voided');
});

test('a void cannot reach a store that is cut off: its redemption wins, and nobody else gets the code', async () => {
  const [won = '', lost = ''] = await town.newCodes(2);
  await town.stock(one, [won, lost]);
  await one.drill('cut');
  expect([await voidCode(won), await voidCode(lost)]).toEqual(['void_pending', 'void_pending']);
  expect(brief(await two.redeem(won, town.basket()))).toBe('refused: held_elsewhere');
  expect(brief(await one.redeem(won, town.basket()))).toBe('approved');
  await one.drill('open');
  await town.settled();
  expect((await town.look(won)).state).toBe('redeemed');
  await until('the other is void', async () => (await town.look(lost)).state === 'voided');
  expect(brief(await one.redeem(lost, town.basket()))).toBe('refused: voided');
});

test('a redeemed code is not voided, and an unknown one is not found', async () => {
  const [code = ''] = await town.newCodes(1);
  await town.cart.redeem(code, town.basket());
  expect(await refusalOf(voidCode(code))).toMatchObject({ status: 409, type: 'conflict' });
  expect(await refusalOf(voidCode('0000-0000-0000-0000'))).toMatchObject({ status: 404 });
});

test('a list is stocked but for what cannot be: each with its reason', async () => {
  const [good = '', spent = '', held = '', there = '', dead = ''] = await town.newCodes(5);
  await town.cart.redeem(spent, town.basket());
  await town.cart.validate(held, town.basket());
  await town.stock(two, [there]);
  await voidCode(dead);
  const mistyped = good.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
  const answer = await stock(one, [good, spent, held, there, dead, mistyped, '0000-0000-0000-0000', '4006381333931']);
  expect(answer.granted).toBe(1);
  expect(new Map(answer.refused.map(({ code, reason }) => [code, reason]))).toEqual(
    new Map([
      [spent, 'already_redeemed'],
      [held, 'in_use'],
      [there, 'held_elsewhere'],
      [dead, 'voided'],
      [mistyped, 'malformed_code'],
      ['0000-0000-0000-0000', 'unknown_code'],
      ['4006381333931', 'not_a_coupon'],
    ]),
  );
  // Asked for before it is there, it would be fetched: the mode is fixed when the use begins.
  await until('it arrives', async () => (await one.lookAt(good))?.state === 'reserved');
  expect((await one.validate(good, 'b-good')).mode).toBe('reserved');
  expect(await refusalOf(town.admin('/v1/stores/0009/stock', z.unknown(), { body: { codes: [good] } }))).toMatchObject({
    status: 404,
  });
});

test('a campaign that names its stores is dealt to them ahead, and is good there with the line cut', async () => {
  const { id } = await create({ title: 'Dealt', stores: ['0001', '0002'] });
  // Dealing follows a welcome, with the next tick: so these need not wait for their half minute.
  await one.drill('cut');
  await one.drill('open');
  await town.linesAreUp();
  const before = await one.holds();
  const codes = await town.newCodes(6, id);
  const areHeld = async () => (await Promise.all(codes.map(town.look))).every(({ holder }) => holder !== null);
  await until('they are dealt', areHeld, 40_000);
  const holders = await Promise.all(codes.map(async (code) => (await town.look(code)).holder));
  expect(holders.filter((holder) => holder === 'store:0001')).toHaveLength(3);
  expect(holders.filter((holder) => holder === 'store:0002')).toHaveLength(3);
  const mine = codes.filter((_, i) => holders[i] === 'store:0001');
  await until('its codes have arrived', async () => (await one.holds()) >= before + mine.length);
  expect((await one.validate(mine[0] ?? '', 'b-dealt')).mode).toBe('reserved');
  await one.release(mine[0] ?? '', 'b-dealt');
  await one.drill('cut');
  const answers = await Promise.all(mine.map((code) => one.redeem(code, town.basket())));
  expect(answers.map(brief)).toEqual(['approved', 'approved', 'approved']);
  await one.drill('open');
});

test('what is not well-formed is named, and nothing is made of it', async () => {
  const before = await town.admin('/v1/campaigns', z.object({ campaigns: z.array(z.unknown()) }));
  const bad = async (other: object) => {
    const answer = await town.askAdmin('/v1/campaigns', { body: terms(other) });
    return [answer.status, z.object({ field: z.string() }).parse(answer.json).field];
  };
  expect(await bad({ discount: { type: 'amount', amount: -300, currency: 'USD' } })).toEqual([422, 'discount.amount']);
  expect(await bad({ discount: { type: 'amount', amount: 2.5, currency: 'USD' } })).toEqual([422, 'discount.amount']);
  expect(await bad({ discount: { type: 'percent', percent: 101, maxAmount: 5, currency: 'USD' } })).toEqual([
    422,
    'discount.percent',
  ]);
  expect(await bad({ minimumBasket: { amount: 100, currency: 'EUR' } })).toEqual([422, 'minimumBasket.currency']);
  expect(await bad({ endsAt: day(-3) })).toEqual([422, 'endsAt']);
  expect(await bad({ timeZone: 'Mars/Olympus' })).toEqual([422, 'timeZone']);
  expect(await bad({ stores: ['0009'] })).toEqual([422, 'stores.0']);
  expect(await bad({ title: 'x'.repeat(5_000) })).toEqual([422, 'title']);
  expect(await bad({ discuont: 1 })).toEqual([422, 'discuont']);
  expect(await town.admin('/v1/campaigns', z.object({ campaigns: z.array(z.unknown()) }))).toEqual(before);
  expect(await refusalOf(create({ id: 'spring' }))).toMatchObject({ status: 409, type: 'conflict' });
  expect(await refusalOf(town.newCodes(0))).toMatchObject({ status: 422 });
  expect(await refusalOf(town.newCodes(1, 'no-such'))).toMatchObject({ status: 404 });
});

test('all callers were told the truth, and the ledger says the same', async () => {
  expect(await town.judge()).toEqual([]);
});
