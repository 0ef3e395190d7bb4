import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { takeCap } from '../../cloud/issuing/issuable.ts';
import { verifyLedger } from '../../cloud/ledger/audit.ts';
import { setPersonal } from '../../cloud/ledger/personalising.ts';
import type { Campaign } from '../../cloud/ledger/port.ts';
import type { PersonalOffer } from '../../protocol/offer.ts';
import { brief } from '../journeys/calls.ts';
import { cardWith, NOW } from './ledger-rows.ts';
import { type Box, hashOfCode, openWorld, type World } from './ledger-world.ts';

/** The ledger: coupons of a $5 campaign with a value of their own, up to $7. */

const off = (amount: number) => ({ type: 'amount', amount, currency: 'USD' }) as const;
const SEVEN: PersonalOffer = { title: '$7 off for you', discount: off(700), terms: 'For Anna.' };

let world: World;
let box: Box;
let codes: string[];
beforeEach(async () => {
  world = await openWorld({ count: 4, personalValueMax: 700 });
  box = await world.box();
  codes = world.codes;
});
afterEach(() => world.close());

const personalise = (code = '', offer: PersonalOffer = SEVEN) => world.ledger.personalise('spring', code, offer);
const exposure = async () => {
  const { open, redeemed } = (await world.ledger.exposure('spring')) ?? {};
  return [open?.value, redeemed?.value];
};
const entriesOf = (code: string) => world.store.read((tx) => tx.entriesOfCode(hashOfCode(code)));

describe('a code with a value of its own', () => {
  test('is used by it in a cart, and counted by it wherever it stands [P13, S10]', async () => {
    const [code = '', other = ''] = codes;
    expect(await personalise(code)).toMatchObject({
      value: { offer: { title: '$7 off for you', discount: off(700) } },
    });
    expect(await exposure()).toEqual([2200, 0]);
    expect(await world.shop.validate(code, 'a')).toMatchObject({ text: 'OK $7.00 OFF', offer: { discount: off(700) } });
    expect(await exposure()).toEqual([2200, 0]);
    expect(await world.shop.redeem(code, 'a')).toMatchObject({ text: 'OK $7.00 OFF' });
    expect(await exposure()).toEqual([1500, 700]);
    await world.shop.redeem(other, 'b');
    expect(await exposure()).toEqual([1000, 1200]);
    await world.shop.reverse(code, 'a');
    expect(await exposure()).toEqual([1700, 500]);
    expect(await world.shop.redeem(code, 'c')).toMatchObject({ text: 'OK $7.00 OFF' });
  });

  test('counts at its own value when the campaign’s changes, and the others at theirs [P13, S10]', async () => {
    const [code = '', other = ''] = codes;
    await personalise(code);
    await world.shop.redeem(other, 'a');
    await world.ledger.changeCampaign('spring', (now) => withDiscount(now, 100));
    expect(await exposure()).toEqual([700 + 2 * 100, 100]);
    expect(await world.shop.redeem(code, 'b')).toMatchObject({ text: 'OK $7.00 OFF' });
    expect(await exposure()).toEqual([200, 800]);
  });

  test('travels with its reservation, without the small print, beside the campaign’s own card [P13]', async () => {
    const [code = '', other = ''] = codes;
    await personalise(code);
    await world.ledger.stock('0001', [code, other]);
    await box.take();
    const grant = box.last('grant');
    expect(grant?.manifest.map(({ personal }) => personal)).toEqual([
      { title: SEVEN.title, discount: off(700) },
      undefined,
    ]);
    expect(grant?.cards).toEqual([cardWith()]);
    expect((await world.ledger.gateways())[0]?.holds).toEqual({ units: 2, value: 1200 });
    box.redeem(code, 'a');
    await box.settle();
    expect((await world.ledger.gateways())[0]?.holds).toEqual({ units: 1, value: 500 });
    expect(await exposure()).toEqual([1500, 700]);
    await world.ledger.revoke(box.id);
    expect((await world.ledger.gateways())[0]?.inDoubt).toEqual({ units: 1, value: 500 });
  });

  test('is worth what it is in an exception [P13, C11]', async () => {
    const [code = ''] = codes;
    await personalise(code);
    await world.ledger.stock('0001', [code]);
    await box.take();
    box.redeem(code, 'a');
    await box.settle();
    box.write({ ...box.entries.at(-1)?.body, redemption: 'redemption-other' } as never);
    await box.settle();
    expect(await world.ledger.exceptions()).toMatchObject([{ what: 'redeemed_twice', value: 700 }]);
  });

  test('is refused by its own dates and minimum basket, in a cart, at a scan and for stock [P13]', async () => {
    const [ended = '', later = '', dear = ''] = codes;
    await personalise(ended, { endsAt: '2026-11-22' });
    await personalise(later, { startsAt: '2026-11-24' });
    await personalise(dear, { minimumBasket: { amount: 4201, currency: 'USD' } });
    const told = await Promise.all(codes.slice(0, 3).map((code) => world.shop.validate(code, 'a')));
    expect(told.map(brief)).toEqual(['refused: expired', 'refused: not_yet_valid', 'refused: basket_too_small']);
    await box.want(dear, 'b');
    expect(box.last('refuse')).toMatchObject({ reason: 'basket_too_small' });
    expect(await world.ledger.stock('0001', [ended, later])).toMatchObject({
      value: { granted: 1, refused: [{ reason: 'expired' }] },
    });
    expect(await world.stateOf(ended)).toBe('expired');
  });
});

describe('giving a code terms of its own', () => {
  test('happens once, to a free code of that campaign alone [P13]', async () => {
    const [mine = '', held = '', reserved = '', dead = ''] = codes;
    expect(await personalise(mine, { title: 'Hello' })).toMatchObject({ ok: true });
    expect(await personalise(mine, SEVEN)).toEqual({ ok: false, error: { why: 'has_one' } });
    await world.shop.validate(held, 'a');
    await world.ledger.stock('0001', [reserved]);
    await world.ledger.voidCode(dead);
    for (const code of [held, reserved, dead])
      expect(await personalise(code)).toEqual({ ok: false, error: { why: 'not_free' } });
    for (const unknown of ['0000-0000-0000-0000', 'no coupon'])
      expect(await personalise(unknown)).toEqual({ ok: false, error: { why: 'unknown_code' } });
    expect(await world.ledger.personalise('autumn', mine, SEVEN)).toEqual({
      ok: false,
      error: { why: 'unknown_code' },
    });
    expect(await exposure()).toEqual([1500, 0]);
  });

  test('two at once: one has it [P13]', async () => {
    const both = await Promise.all([personalise(codes[0], { discount: off(600) }), personalise(codes[0], SEVEN)]);
    expect(both.filter(({ ok }) => ok)).toHaveLength(1);
    expect(await exposure()).toEqual([both[0]?.ok ? 2100 : 2200, 0]);
  });

  test('out of bounds changes nothing [P13]', async () => {
    expect(await personalise(codes[0], { discount: off(701) })).toMatchObject({
      error: { why: 'out_of_bounds', field: 'discount' },
    });
    expect(await exposure()).toEqual([2000, 0]);
    expect(await entriesOf(codes[0] ?? '')).toEqual([]);
  });

  test('is in the chain, in money and not in words, and in the code’s history [J4, P13]', async () => {
    const [code = ''] = codes;
    await personalise(code, { ...SEVEN, endsAt: '2026-12-24' });
    const [entry] = await entriesOf(code);
    expect(JSON.parse(entry?.body ?? '')).toEqual({
      kind: 'personal',
      generation: 0,
      offer: { discount: off(700), endsAt: '2026-12-24' },
    });
    expect((await world.ledger.history(code))?.history).toMatchObject([{ what: 'personal', where: null }]);
    expect(await verifyLedger(world.store)).toMatchObject({ ok: true });
  });

  test('takes the caps by what it is really worth, and gives back what it is not [P13, S10]', async () => {
    await world.close();
    world = await openWorld({ count: 3, capValue: 1700, personalValueMax: 700 });
    codes = world.codes;
    const issued = async () => (await world.ledger.campaign('spring'))?.issuedValue;
    expect(await personalise(codes[0])).toMatchObject({ ok: true });
    expect(await issued()).toBe(1700);
    expect(await personalise(codes[1], { discount: off(501) })).toEqual({ ok: false, error: { why: 'cap_exceeded' } });
    expect(await personalise(codes[1], { discount: off(300) })).toMatchObject({ ok: true });
    expect(await issued()).toBe(1500);
    expect(await personalise(codes[2])).toMatchObject({ ok: true });
    expect(await issued()).toBe(1700);
    expect(await world.ledger.issueStack('spring', 1)).toMatchObject({ error: { why: 'cap_exceeded' } });
  });

  test('is part of a greater transaction, or leaves nothing with it [P13]', async () => {
    const [code = ''] = codes;
    const give = (fails: boolean) =>
      world.store.transaction(async (tx) => {
        const [[row], [campaign]] = [await tx.codes([hashOfCode(code)]), await tx.campaigns(['spring'])];
        if (row === undefined || campaign === undefined) throw new Error('not there');
        const set = await setPersonal(tx, row, campaign, SEVEN, NOW);
        if (fails) throw new Error('given up');
        if (set.ok) await tx.putCampaign(set.value);
      });
    await expect(give(true)).rejects.toThrow('given up');
    expect(await exposure()).toEqual([2000, 0]);
    await give(false);
    expect(await exposure()).toEqual([2200, 0]);
    expect((await world.ledger.campaign('spring'))?.issuedValue).toBe(2200);
  });
});

test('the caps are taken for codes that have their value from the beginning [P13]', async () => {
  const campaign = await world.ledger.campaign('spring');
  if (campaign === null) throw new Error('no campaign');
  const capped = { ...campaign, cap: { units: null, value: 2000 + 1700 } };
  expect(takeCap(capped, 3, [700])).toMatchObject({ value: { issuedUnits: 7, issuedValue: 3700 } });
  expect(takeCap(capped, 3, [701])).toMatchObject({ error: { why: 'cap_exceeded', unitsLeft: 3 } });
  expect(takeCap(capped, 4, [100, 200, 300])).toMatchObject({ value: { issuedValue: 3100 } });
});

describe('who watches a code', () => {
  test('is told of each move of it after its commit, until it stops', async () => {
    const [code = '', other = ''] = codes;
    const seen: (string | undefined)[] = [];
    const stop = world.ledger.watchCode(
      hashOfCode(code),
      () => void world.stateOf(code).then((state) => seen.push(state)),
    );
    const turns = () => new Promise((resolve) => setTimeout(resolve, 5));
    await personalise(code);
    await turns();
    await world.shop.validate(other, 'a');
    await world.shop.validate(code, 'b');
    await turns();
    await world.shop.redeem(code, 'b');
    await turns();
    expect(seen).toEqual(['issued', 'held', 'redeemed']);
    stop();
    await world.shop.reverse(code, 'b');
    await turns();
    expect(seen).toHaveLength(3);
  });
});

function withDiscount(now: Campaign, amount: number): Campaign {
  return { ...now, card: { ...now.card, offer: { ...now.card.offer, discount: off(amount) } } };
}
