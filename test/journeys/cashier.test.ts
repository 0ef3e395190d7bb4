import { afterAll, beforeAll, expect, test } from 'vitest';
import { REASONS, reasonSchema } from '../../protocol/decision.ts';
import { brief, Refused } from './calls.ts';
import { type Store, Town } from './harness.ts';
import { normalForm } from './history.ts';

let town: Town;
let one: Store;
let two: Store;
let codes: string[];

beforeAll(async () => {
  town = await Town.start();
  [one, two] = town.stores;
  codes = await town.newCodes(30);
});
afterAll(async () => town?.end());

const nextCode = (): string => {
  const code = codes.pop();
  if (code === undefined) throw new Error('no codes left');
  return code;
};

test('scans, redeems, and redeems again: one redemption, everywhere at once', async () => {
  const [code, basket] = [nextCode(), town.basket()];
  const scanned = await one.validate(code.toLowerCase().replaceAll('-', ' '), basket);
  expect(scanned).toMatchObject({
    decision: 'approved',
    mode: 'online',
    text: 'OK $5.00 OFF',
    code: normalForm(code),
    basket,
    offer: { campaign: 'spring', title: '$5 off', promotionRef: 'PLU-7781' },
    reservation: { holder: 'store:0001' },
    redemption: null,
  });
  const redeemed = await one.redeem(code, basket);
  expect(redeemed).toMatchObject({
    decision: 'approved',
    mode: 'online',
    redemption: { door: one.id, store: '0001', lane: '1', basket },
  });
  expect((await one.redeem(code, basket)).redemption?.id).toBe(redeemed.redemption?.id);
  expect((await one.basket(basket)).codes).toMatchObject([{ code: normalForm(code).slice(-4), state: 'redeemed' }]);

  const elsewhere = { redeemedAt: expect.any(String), redeemedWhere: 'Main Street' };
  expect(await one.redeem(code, town.basket())).toMatchObject({
    decision: 'refused',
    reason: 'already_redeemed',
    facts: { ...elsewhere, lane: '1' },
  });
  await town.settled();
  expect(await two.redeem(code, town.basket())).toMatchObject({
    decision: 'refused',
    reason: 'already_redeemed',
    facts: elsewhere,
  });
  expect(await town.cart.redeem(code, town.basket())).toMatchObject({
    decision: 'refused',
    reason: 'already_redeemed',
    facts: elsewhere,
  });
  expect((await one.redeem(code, basket)).redemption).toMatchObject({ id: redeemed.redemption?.id, settled: true });
});

test('redeems without a scan before', async () => {
  const [code, basket] = [nextCode(), town.basket()];
  expect(brief(await two.redeem(code, basket))).toBe('approved');
  expect(brief(await two.validate(code, basket))).toBe('approved');
});

test('is told that another basket uses it, here, in the other store and online', async () => {
  const [code, basket] = [nextCode(), town.basket()];
  expect(brief(await one.validate(code, basket))).toBe('approved');
  expect(await one.validate(code, town.basket(), { lane: '2' })).toMatchObject({
    decision: 'refused',
    reason: 'in_use',
    facts: { lane: '1', freeAt: expect.any(String) },
  });
  expect(brief(await two.validate(code, town.basket()))).toBe('refused: in_use');
  expect(brief(await town.cart.validate(code, town.basket()))).toBe('refused: in_use');
  expect(brief(await one.redeem(code, basket))).toBe('approved');
});

test('gives a coupon back, and then it is good elsewhere', async () => {
  const [code, basket] = [nextCode(), town.basket()];
  await one.validate(code, basket);
  await one.release(code, basket);
  expect((await one.basket(basket)).codes).toMatchObject([{ state: 'released' }]);
  await town.settled();
  expect(brief(await two.redeem(code, town.basket()))).toBe('approved');
});

test('undoes a sale: that basket never gets it again, a new one does', async () => {
  const [code, basket] = [nextCode(), town.basket()];
  const { redemption } = await one.redeem(code, basket);
  expect(await one.reverse(code, basket)).toMatchObject({ reversed: true, redemption: { id: redemption?.id } });
  expect(await one.reverse(code, basket)).toMatchObject({ reversed: true, redemption: { id: redemption?.id } });
  expect(brief(await one.redeem(code, basket))).toBe('refused: reversed_first');
  expect((await one.basket(basket)).codes).toMatchObject([{ state: 'reversed' }]);
  await town.settled();
  expect(brief(await two.redeem(code, town.basket()))).toBe('approved');
});

test('undoes what never was redeemed, and it is remembered', async () => {
  const [code, basket] = [nextCode(), town.basket()];
  expect(await one.reverse(code, basket)).toEqual({ reversed: true, redemption: null });
  expect(brief(await one.redeem(code, basket))).toBe('refused: reversed_first');
  expect(brief(await one.redeem(code, town.basket()))).toBe('approved');
});

test('moves a suspended sale to another lane, but not a redeemed one', async () => {
  const [code, basket] = [nextCode(), town.basket()];
  await one.validate(code, basket, { lane: '1' });
  expect(brief(await one.validate(code, basket, { lane: '4' }))).toBe('approved');
  expect(await one.redeem(code, basket, { lane: '4' })).toMatchObject({ redemption: { lane: '4' } });
  for (const other of [{ lane: '1' }, { lane: '4', total: { amount: 4300, currency: 'USD' } }]) {
    const refusal = await one.redeem(code, basket, other).catch((error) => error);
    expect(refusal).toBeInstanceOf(Refused);
    expect(refusal).toMatchObject({ status: 422, type: 'basket_conflict' });
  }
  expect(brief(await one.redeem(code, basket, { lane: '4' }))).toBe('approved');
});

test('redeems several in one basket, each by itself or all or none', async () => {
  const [spent, good, better] = [nextCode(), nextCode(), nextCode()];
  await one.redeem(spent, town.basket());
  const incomplete = await one.redeemAll([good, spent, better], town.basket(), true);
  expect(incomplete.map(brief)).toEqual([
    'refused: basket_incomplete',
    'refused: already_redeemed',
    'refused: basket_incomplete',
  ]);
  const basket = town.basket();
  expect((await one.redeemAll([good, spent], basket, false)).map(brief)).toEqual([
    'approved',
    'refused: already_redeemed',
  ]);
  const other = town.basket();
  const another = nextCode();
  expect((await two.validateAll([better, another], other, true)).map(brief)).toEqual(['approved', 'approved']);
  expect((await two.redeemAll([better, another], other, true)).map(brief)).toEqual(['approved', 'approved']);
  expect((await two.basket(other)).codes.map(({ state }) => state)).toEqual(['redeemed', 'redeemed']);
});

test('gets what a cart holds only when the cart lets go', async () => {
  const [code, cart] = [nextCode(), town.basket()];
  expect(brief(await town.cart.validate(code, cart))).toBe('approved');
  expect(brief(await one.redeem(code, town.basket()))).toBe('refused: in_use');
  await town.cart.release(code, cart);
  expect(brief(await one.redeem(code, town.basket()))).toBe('approved');
});

test('gets what waits in the other store, which gives it up', async () => {
  const code = nextCode();
  await town.stock(two, [code]);
  expect(await one.redeem(code, town.basket())).toMatchObject({ decision: 'approved', mode: 'online' });
  expect(brief(await two.redeem(code, town.basket()))).not.toBe('approved');
});

test('redeems at once what was stocked here', async () => {
  const [code, basket] = [nextCode(), town.basket()];
  await town.stock(one, [code]);
  expect(await one.validate(code, basket)).toMatchObject({ decision: 'approved', mode: 'reserved' });
  expect(await one.redeem(code, basket)).toMatchObject({ decision: 'approved', mode: 'reserved' });
});

test('hears of every code that is none, in words that can be read out', async () => {
  const basket = town.basket();
  const mistyped = nextCode().replace(/.$/, (last) => (last === '0' ? '1' : '0'));
  expect(await one.validate(mistyped, basket)).toMatchObject({
    decision: 'refused',
    reason: 'malformed_code',
    text: 'Code incomplete. Scan or type again',
  });
  expect(brief(await one.validate('4006381333931', basket))).toBe('refused: not_a_coupon');
  expect(await one.validate('0000-0000-0000-0000', basket)).toMatchObject({
    decision: 'refused',
    reason: 'unknown_code',
    text: 'Code not known here',
  });
  const small = await one.redeem(nextCode(), basket, { total: { amount: 2000, currency: 'USD' } });
  expect(small).toMatchObject({ reason: 'basket_too_small', facts: { short: { amount: 500, currency: 'USD' } } });
  const euros = { total: { amount: 4200, currency: 'EUR' } };
  expect(brief(await one.redeem(nextCode(), basket, euros))).toBe('refused: wrong_currency');
  expect(brief(await town.cart.redeem(nextCode(), basket, euros))).toBe('refused: wrong_currency');
});

test('tries every answer with test codes, at every door', async () => {
  const slow = [one, town.cart].map(async (door) => brief(await door.validate('TEST-SLOW', town.basket())));
  for (const door of [one, town.cart]) {
    for (const reason of reasonSchema.options) {
      const answer = await door.redeem(`TEST-${reason.toUpperCase()}`, town.basket());
      expect([door.id, answer.decision, answer.reason]).toEqual([door.id, REASONS[reason].decision, reason]);
      expect(answer.text.length).toBeLessThanOrEqual(40);
    }
    expect(brief(await door.redeem('TEST-APPROVED', town.basket()))).toBe('approved');
  }
  expect(await Promise.all(slow)).toEqual(['approved', 'approved']);
});

test('all callers were told the truth, and the ledger says the same', async () => {
  expect(await town.judge()).toEqual([]);
  expect(town.history.standing().length).toBeGreaterThan(10);
});
