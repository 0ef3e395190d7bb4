import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { brief, request } from './calls.ts';
import { type Store, Town } from './harness.ts';
import { normalForm } from './history.ts';
import { until } from './processes.ts';

let town: Town;
let one: Store;
let codes: string[];

beforeAll(async () => {
  town = await Town.start();
  [one] = town.stores;
  codes = await town.newCodes(20);
});
afterAll(async () => town?.end());

const nextCode = () => codes.pop() ?? '';
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

test('a cart holds a code, redeems it, and asks again: the same JSON as at a register', async () => {
  const [code, basket] = [nextCode(), town.basket()];
  const held = await town.cart.validate(code, basket);
  expect(held).toMatchObject({
    decision: 'approved',
    mode: 'online',
    text: 'OK $5.00 OFF',
    code: normalForm(code),
    reservation: { holder: 'cart:demo-shop', until: expect.stringMatching(ISO) },
    redemption: null,
  });
  const minutes = (Date.parse(held.reservation?.until ?? '') - Date.now()) / 60_000;
  expect(minutes).toBeGreaterThan(13);
  expect(minutes).toBeLessThanOrEqual(15);
  expect(brief(await town.cart.validate(code, town.basket()))).toBe('refused: in_use');
  const redeemed = await town.cart.redeem(code, basket);
  expect(redeemed).toMatchObject({
    decision: 'approved',
    redemption: { door: 'cart:demo-shop', store: null, basket, settled: true },
  });
  expect((await town.cart.redeem(code, basket)).redemption).toEqual(redeemed.redemption);
  const view = await town.cart.basket(basket);
  expect(view).toMatchObject({ basket, codes: [{ state: 'redeemed', redemption: { id: redeemed.redemption?.id } }] });
  expect(normalForm(code)).toMatch(new RegExp(`${view.codes[0]?.code}$`));
  expect(await one.redeem(code, town.basket())).toMatchObject({
    reason: 'already_redeemed',
    facts: { redeemedWhere: 'online' },
  });
  const shape = (decision: object) => Object.keys(decision).sort();
  expect(shape(redeemed)).toEqual(shape(await one.redeem(nextCode(), town.basket())));
});

test('a cart that is left lets go, at the latest when its hold ends', async () => {
  const [released, forgotten] = [nextCode(), nextCode()];
  const basket = town.basket();
  await town.cart.validate(released, basket);
  await town.cart.release(released, basket);
  expect(brief(await one.redeem(released, town.basket()))).toBe('approved');

  await town.cart.validate(forgotten, basket);
  expect(brief(await one.redeem(forgotten, town.basket()))).toBe('refused: in_use');
  const database = new Sqlite(join(town.folder, 'cloud', 'ledger.sqlite'), { timeout: 5_000 });
  database.prepare(`UPDATE codes SET hold_until = ? WHERE state = 'held'`).run(Date.now() - 1);
  database.close();
  expect(brief(await one.redeem(forgotten, town.basket()))).toBe('approved');
  expect(brief(await town.cart.redeem(forgotten, basket))).not.toBe('approved');
});

test('a cart undoes its own sale, and the coupon is good in a store', async () => {
  const [code, basket] = [nextCode(), town.basket()];
  const { redemption } = await town.cart.redeem(code, basket);
  expect(await town.cart.reverse(code, basket)).toMatchObject({ reversed: true, redemption: { id: redemption?.id } });
  expect(await town.cart.reverse(code, basket)).toMatchObject({ reversed: true, redemption: { id: redemption?.id } });
  expect(brief(await town.cart.redeem(code, basket))).toBe('refused: reversed_first');
  expect(brief(await one.redeem(code, town.basket()))).toBe('approved');
});

test('a payment that failed before its redeem arrived is undone first', async () => {
  const [code, basket] = [nextCode(), town.basket()];
  expect(await town.cart.reverse(code, basket)).toEqual({ reversed: true, redemption: null });
  expect(brief(await town.cart.redeem(code, basket))).toBe('refused: reversed_first');
  expect(brief(await town.cart.redeem(code, town.basket()))).toBe('approved');
});

test('goods bought in a store and returned online: pending, then done, and the register hears it', async () => {
  const [code, basket] = [nextCode(), town.basket()];
  const { redemption } = await one.redeem(code, basket);
  await town.settled();
  expect(redemption?.door).toBe(one.id);
  const asked = await town.cart.reverse(code, basket, redemption?.door);
  expect(asked).toMatchObject({ reversed: 'pending', redemption: { id: redemption?.id } });
  await until('it is done', async () => (await town.cart.reverse(code, basket, one.id)).reversed === true);
  expect(brief(await one.redeem(code, basket))).toBe('refused: reversed_first');
  expect(brief(await town.cart.redeem(code, town.basket()))).toBe('approved');
});

test('goods bought online and returned in a store: the register is answered in the end', async () => {
  const [code, basket] = [nextCode(), town.basket()];
  await town.cart.redeem(code, basket);
  await one.reverse(code, basket, 'cart:demo-shop');
  await until('it is done', async () => (await one.reverse(code, basket, 'cart:demo-shop')).reversed === true);
  expect(brief(await town.cart.redeem(code, basket))).toBe('refused: reversed_first');
  expect(brief(await one.redeem(code, town.basket()))).toBe('approved');
});

test('a reversal for another door ends in an answer also where nobody knows the code', async () => {
  const unknown = '0000-0000-0000-0000';
  await until('it is done', async () => (await one.reverse(unknown, 'nobody', 'cart:demo-shop')).reversed === true);
  expect(await town.cart.reverse(unknown, 'nobody')).toEqual({ reversed: true, redemption: null });
});

test('a reversal that names no door never touches another door’s redemption', async () => {
  const code = nextCode();
  const { redemption } = await one.redeem(code, 'same-name');
  await town.settled();
  expect(await town.cart.reverse(code, 'same-name')).toEqual({ reversed: true, redemption: null });
  expect((await town.look(code)).redemption?.id).toBe(redemption?.id);
});

test('several codes in one cart: each by itself, or all or none', async () => {
  const [spent, good] = [nextCode(), nextCode()];
  await town.cart.redeem(spent, town.basket());
  expect((await town.cart.redeemAll([good, spent], town.basket(), true)).map(brief)).toEqual([
    'refused: basket_incomplete',
    'refused: already_redeemed',
  ]);
  expect((await town.cart.redeemAll([good, spent], town.basket(), false)).map(brief)).toEqual([
    'approved',
    'refused: already_redeemed',
  ]);
});

test('an Idempotency-Key is of one body', async () => {
  for (const door of [town.cart, one]) {
    const [code, basket] = [nextCode(), town.basket()];
    const send = (body: object, key = `key-${basket}`) =>
      door.ask('/v1/redemptions', { body, headers: { 'idempotency-key': key } });
    const sale = { code, basket, lane: '1', total: { amount: 4200, currency: 'USD' } };
    const [first, again] = [await send(sale), await send(sale)];
    expect([first.status, first.json]).toEqual([200, expect.objectContaining({ decision: 'approved' })]);
    expect(again).toMatchObject({
      status: 200,
      json: { redemption: { id: (first.json as { redemption: { id: string } }).redemption.id } },
    });
    expect(await send({ ...sale, lane: '2' })).toMatchObject({ status: 422, json: { type: 'idempotency_conflict' } });
    expect(await send(sale, '')).toMatchObject({
      status: 422,
      json: { type: 'invalid_request', field: 'Idempotency-Key' },
    });
  }
});

test('the API describes itself, and its pages load nothing from elsewhere', async () => {
  for (const { url } of [town.cart, one]) {
    const document = await request(`${url}/openapi.json`);
    expect(document).toMatchObject({ status: 200, json: { openapi: expect.stringMatching(/^3\.1/) } });
    for (const path of ['/v1/validations', '/v1/redemptions', '/v1/reversals', '/v1/releases', '/v1/baskets/{basket}'])
      expect(document.json).toHaveProperty(['paths', path]);
    const page = await request(`${url}/docs`);
    expect(page.status).toBe(200);
    expect(page.text).not.toMatch(/(src|href)="(https?:)?\/\//);
    for (const [, asset] of page.text.matchAll(/(?:src|href)="(\/[^"]+)"/g))
      expect((await request(`${url}${asset}`)).status).toBe(200);
    for (const path of ['/healthz', '/readyz', '/metrics']) expect((await request(`${url}${path}`)).status).toBe(200);
  }
});

test('all callers were told the truth, and the ledger says the same', async () => {
  expect(await town.judge()).toEqual([]);
});
