import { beforeEach, describe, expect, test } from 'vitest';
import { RESERVATION_MS } from '../../protocol/limits.ts';
import type { Personal } from '../../protocol/offer.ts';
import type { ReservationGrant } from '../../protocol/reservation.ts';
import { brief } from '../journeys/calls.ts';
import { card, codeAt, T0, World } from './till-world.ts';

/** At a box: coupons with terms of their own, and campaigns whose terms change. */

const HOUR = 3_600_000;
const [ONE, TWO] = [codeAt(0), codeAt(1)];
const off = (amount: number) => ({ type: 'amount', amount, currency: 'USD' }) as const;
const SEVEN: Personal = { title: '$7 off for you', discount: off(700) };

let world: World;
beforeEach(async () => {
  world = new World();
  await world.start();
  await world.connect();
});

const granted = async (personal: Personal, changes: Partial<ReservationGrant> = {}, code = ONE) =>
  world.hear('grant', world.grant([world.reservation(code, { personal, ...changes })]));
const redeemedEntry = () => world.store.entries(1, 1, 100).findLast(({ body }) => body.kind === 'redeemed')?.body;
const restart = async () => {
  world.crash();
  await world.start();
};

describe('a coupon with terms of its own', () => {
  test('is answered by them, at the scan and at the redemption [P13]', async () => {
    await granted(SEVEN);
    const scanned = await world.validate(ONE, 'A');
    expect(scanned).toMatchObject({ text: 'OK $7.00 OFF', offer: { title: '$7 off for you', discount: off(700) } });
    expect(scanned.offer?.promotionRef).toBe('PLU-7781');
    expect(await world.redeem(ONE, 'A')).toMatchObject({ text: 'OK $7.00 OFF', offer: { discount: off(700) } });
    await world.stock(TWO);
    expect(await world.redeem(TWO, 'B')).toMatchObject({ text: 'OK $5.00 OFF' });
  });

  test('and by them when it was fetched at the scan [P13]', async () => {
    const answer = world.validate(ONE, 'A');
    await world.pass(0);
    const want = world.lastSent('want')?.want ?? '';
    const item = world.reservation(ONE, { personal: SEVEN });
    await world.hear('grant', world.grant([item], { cause: { kind: 'want', want } }));
    expect(await answer).toMatchObject({ mode: 'online', text: 'OK $7.00 OFF' });
  });

  test('keeps them with the line cut, over a power cut, and in the answer that is shown again [P13]', async () => {
    await granted(SEVEN);
    await world.cut();
    await restart();
    const first = await world.redeem(ONE, 'A');
    expect(first).toMatchObject({ decision: 'approved', mode: 'reserved', text: 'OK $7.00 OFF' });
    await restart();
    expect(await world.redeem(ONE, 'A')).toMatchObject({
      text: 'OK $7.00 OFF',
      redemption: { id: first.redemption?.id },
    });
  });

  test('keeps them when another campaign value comes, while the others take it [P13, P8]', async () => {
    await granted(SEVEN);
    await world.stock(TWO);
    await world.hear('policy', { cards: [card({ version: 2, offer: { ...card().offer, discount: off(100) } })] });
    expect(await world.redeem(ONE, 'A')).toMatchObject({ text: 'OK $7.00 OFF' });
    expect(await world.redeem(TWO, 'B')).toMatchObject({ text: 'OK $1.00 OFF' });
  });

  test.each([
    ['starts later', { startsAt: '2026-11-24' }, 'refused: not_yet_valid'],
    ['has ended', { endsAt: '2026-11-22' }, 'refused: expired'],
    ['asks for more', { minimumBasket: { amount: 4300, currency: 'USD' } }, 'refused: basket_too_small'],
    ['asks for less than its campaign', { minimumBasket: { amount: 4200, currency: 'USD' } }, 'approved'],
    ['asks for nothing', { minimumBasket: null }, 'approved'],
  ] satisfies [string, Personal, string][])(
    'that %s is answered so, with the line and without [P13]',
    async (_, personal, told) => {
      await world.hear('policy', { cards: [card({ version: 2, minimumBasket: { amount: 4250, currency: 'USD' } })] });
      await granted(personal, { cardVersion: 2 });
      expect(brief(await world.validate(ONE, 'A'))).toBe(told);
      await world.cut();
      expect(brief(await world.redeem(ONE, 'A'))).toBe(told);
    },
  );

  test('is in use until its own end at most, and is not good from then on; a day ends by the store’s calendar [P13]', async () => {
    // 20 minutes are left: the use would last 15, and so it does; later it is cut short.
    await granted({ endsAt: new Date(T0 + HOUR / 3).toISOString() });
    const first = await world.validate(ONE, 'A');
    expect(first.reservation?.until).toBe('2026-11-23T10:15:00Z');
    await world.pass(HOUR / 4 - 60_000);
    expect((await world.validate(ONE, 'A')).reservation?.until).toBe('2026-11-23T10:20:00Z');
    await world.cut();
    await world.pass(HOUR / 8);
    expect(brief(await world.redeem(ONE, 'A'))).toBe('refused: expired');
    // The day ends in New York, at five by UTC.
    await granted({ endsAt: '2026-11-23' }, {}, TWO);
    await world.pass(T0 + 18.9 * HOUR - world.wall);
    expect(brief(await world.validate(TWO, 'B'))).toBe('approved');
    await world.pass(HOUR / 4);
    expect(brief(await world.validate(TWO, 'B'))).toBe('refused: expired');
  });

  test('is not extended beyond its own end [C14, P13]', async () => {
    const [end, early] = [T0 + 10 * HOUR, T0 + HOUR];
    await granted({ endsAt: new Date(end).toISOString() }, { notAfter: early });
    await world.hear('grant', world.grant([world.reservation(TWO, { notAfter: early })]));
    await world.hear('extend', { number: 2, notAfter: T0 + RESERVATION_MS });
    const ends = [ONE, TWO].map((code) => world.store.code(world.reservation(code).codeHash).open[0]?.notAfter);
    expect(ends).toEqual([end, T0 + RESERVATION_MS]);
  });

  test('has its reservation read back as it was written, and none where it has nothing [P13]', async () => {
    await granted({ ...SEVEN, minimumBasket: null });
    await world.stock(TWO);
    await restart();
    const personal = [ONE, TWO].map((code) => world.store.code(world.reservation(code).codeHash).open[0]?.personal);
    expect(personal).toEqual([{ ...SEVEN, minimumBasket: null }, null]);
  });
});

describe('terms that change', () => {
  const edit = (version: number, changes: Parameters<typeof card>[0]) =>
    world.hear('policy', { cards: [card({ version, ...changes })] });

  test('are those of the next scan, for stock and for what was fetched and let go of; and are no old terms [P8]', async () => {
    await world.stock(ONE, TWO);
    await edit(2, { offer: { ...card().offer, discount: off(300) } });
    expect(await world.redeem(ONE, 'A')).toMatchObject({ text: 'OK $3.00 OFF' });
    expect(redeemedEntry()).toMatchObject({ cardVersion: 2, oldTerms: false });
    // Higher again, and over a power cut.
    await edit(3, { offer: { ...card().offer, discount: off(900) } });
    await world.cut();
    await restart();
    expect(await world.redeem(TWO, 'B')).toMatchObject({ text: 'OK $9.00 OFF' });
    expect(redeemedEntry()).toMatchObject({ cardVersion: 3, oldTerms: false });
  });

  test('to an earlier end bind what is held from when they are heard, with the line cut since [P8]', async () => {
    await world.stock(ONE);
    expect(brief(await world.validate(ONE, 'A'))).toBe('approved');
    await world.box.release({ code: ONE, basket: 'A' });
    await edit(2, { endsAt: '2026-11-22' });
    await world.cut();
    expect(brief(await world.validate(ONE, 'B'))).toBe('refused: expired');
    await world.back();
    await edit(3, { endsAt: '2026-12-31' });
    expect(brief(await world.validate(ONE, 'C'))).toBe('approved');
  });

  test('leave a basket those that it was told: its redemption says so [P8]', async () => {
    await world.stock(ONE);
    await world.validate(ONE, 'A');
    await edit(2, { offer: { ...card().offer, discount: off(300) } });
    expect(await world.redeem(ONE, 'A')).toMatchObject({ text: 'OK $5.00 OFF' });
    expect(redeemedEntry()).toMatchObject({ cardVersion: 1, oldTerms: true });
  });

  test('are not old where the card learned other forms alone, or the coupon has its own [P8, P13]', async () => {
    await world.stock(ONE);
    await world.validate(ONE, 'A');
    await edit(2, { forms: [{ alphabet: 'digits', length: { min: 8, max: 8 }, prefix: '123' }] });
    await world.redeem(ONE, 'A');
    expect(redeemedEntry()).toMatchObject({ cardVersion: 1, oldTerms: false });
    await granted(SEVEN, {}, TWO);
    await world.validate(TWO, 'B');
    await edit(3, { offer: { ...card().offer, title: '$3 off', discount: off(300) } });
    await world.redeem(TWO, 'B');
    expect(redeemedEntry()).toMatchObject({ cardVersion: 2, oldTerms: false });
  });

  test('are not heard with the line cut: what was signed counts, and says by which card [P8]', async () => {
    await world.stock(ONE);
    await world.cut();
    expect(await world.redeem(ONE, 'A')).toMatchObject({ text: 'OK $5.00 OFF' });
    expect(redeemedEntry()).toMatchObject({ cardVersion: 1, oldTerms: false });
  });
});
