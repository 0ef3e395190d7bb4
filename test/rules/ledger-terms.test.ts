import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { oldTermsOf } from '../../cloud/ledger/campaign-rules.ts';
import type { Campaign } from '../../cloud/ledger/port.ts';
import type { Card } from '../../protocol/card.ts';
import { campaignWith, cardWith, NOW } from './ledger-rows.ts';
import { type Box, csv, hashOfCode, openWorld, type World } from './ledger-world.ts';

/** The ledger: campaigns whose terms change, who is told, and what was redeemed under old ones. */

const off = (amount: number) => ({ type: 'amount', amount, currency: 'USD' }) as const;
const offer = (amount: number) => ({ ...cardWith().offer, title: `$${amount / 100} off`, discount: off(amount) });
const MINUTE = 60_000;

let world: World;
let box: Box;
let codes: string[];
beforeEach(async () => {
  world = await openWorld({ count: 4, personalValueMax: 700 });
  box = await world.box();
  codes = world.codes;
});
afterEach(() => world.close());

type Edit = Partial<Omit<Campaign, 'card'>> & { readonly card?: Partial<Card> };
/** A minute after what was before. */
async function edit({ card = {}, ...changes }: Edit): Promise<void> {
  world.clock.now += MINUTE;
  await world.ledger.changeCampaign('spring', (now) => ({ ...now, ...changes, card: { ...now.card, ...card } }));
}
const versions = async () => (await world.ledger.campaignVersions('spring')) ?? [];

/** The box redeems what it holds, by a version of the card; a box of before does not say by which. */
async function redeemed(code: string, cardVersion: number | null, changes: object = {}): Promise<boolean | undefined> {
  const entry = box.redeem(code, `b-${code}`);
  box.entries.pop();
  box.write({ ...entry, ...(cardVersion === null ? {} : { cardVersion }), ...changes });
  await box.settle();
  return (await world.store.read((tx) => tx.redemptions([entry.redemption])))[0]?.oldTerms;
}

describe('every change of terms', () => {
  test('is a version that is kept with its time; the campaign tells its newest [P8]', async () => {
    await edit({ terms: 'Not on Sundays.' });
    await edit({ picture: 'https://example.com/spring.png' });
    await edit({ card: { endsAt: '2026-12-24' } });
    expect(await versions()).toMatchObject([
      { changedAt: NOW, card: { version: 1 }, terms: null },
      { changedAt: NOW + MINUTE, card: { version: 2 }, terms: 'Not on Sundays.', picture: null },
      { changedAt: NOW + 2 * MINUTE, card: { version: 3 }, picture: 'https://example.com/spring.png' },
      { changedAt: NOW + 3 * MINUTE, card: { version: 4, endsAt: '2026-12-24' }, terms: 'Not on Sundays.' },
    ]);
    expect(await world.ledger.campaign('spring')).toMatchObject({ changedAt: NOW + 3 * MINUTE, card: { version: 4 } });
    expect(await world.ledger.campaignVersions('autumn')).toBeNull();
  });

  test('is none where nothing differs, and not where a card learned other forms alone [P8, F12]', async () => {
    await edit({ terms: null });
    await world.ledger.importStack('spring', csv('AB12CD34'));
    expect((await world.ledger.campaign('spring'))?.card.version).toBe(2);
    expect(await versions()).toHaveLength(1);
    expect((await world.ledger.campaign('spring'))?.changedAt).toBe(NOW);
    await edit({ terms: 'Not on Sundays.' });
    expect((await versions()).map(({ card }) => card.version)).toEqual([1, 3]);
  });

  test('is told to every active box in the order of the changes, and to who watches the campaign [P8]', async () => {
    let told = 0;
    const stop = world.ledger.watchCampaign('spring', () => {
      told += 1;
    });
    await edit({ card: { offer: offer(300) } });
    await edit({ card: { offer: offer(400) } });
    await box.take();
    const policies = box.inbox.flatMap(({ message }) => (message.type === 'policy' ? message.body.cards : []));
    expect(policies.map(({ version, offer: { title } }) => [version, title])).toEqual([
      [2, '$3 off'],
      [3, '$4 off'],
    ]);
    expect(told).toBe(2);
    await edit({ terms: null });
    stop();
    await edit({ terms: 'Not on Sundays.' });
    expect(told).toBe(2);
  });

  test('is told at the next welcome to a box that missed it and holds codes, also where it is none of the stores now [P8]', async () => {
    await world.ledger.stock('0001', codes.slice(0, 1));
    await box.take();
    await edit({ card: { stores: ['0002'] } });
    await box.miss();
    await box.greet();
    expect(box.last('welcome')?.cards).toMatchObject([{ version: 2, stores: ['0002'] }]);
    await world.box('0002').then((other) => expect(other.last('welcome')?.cards).toHaveLength(1));
    box.giveBack(codes[0] ?? '');
    await box.settle();
    await box.greet();
    expect(box.last('welcome')?.cards).toEqual([]);
  });

  test('leaves the answer that a cart was given as it was when it asks again [P4, P8]', async () => {
    const [code = '', other = ''] = codes;
    expect(await world.shop.redeem(code, 'a')).toMatchObject({ text: 'OK $5.00 OFF' });
    await edit({ card: { offer: offer(300) } });
    expect(await world.shop.redeem(code, 'a')).toMatchObject({ text: 'OK $5.00 OFF', offer: { title: '$5 off' } });
    expect(await world.shop.redeem(other, 'b')).toMatchObject({ text: 'OK $3.00 OFF' });
  });
});

describe('a redemption', () => {
  beforeEach(async () => {
    await world.ledger.stock('0001', codes);
    await box.take();
  });

  test('by the newest terms is not old, though its reservation was granted under older ones [P8]', async () => {
    await edit({ card: { offer: offer(300) } });
    expect(await redeemed(codes[0] ?? '', 2)).toBe(false);
    expect(await world.ledger.oldTerms()).toEqual([]);
  });

  test('by old terms after the change is, and one before the change is not, settled whenever [P8]', async () => {
    const before = world.clock.now;
    await edit({ card: { offer: offer(300) } });
    world.clock.now += MINUTE;
    expect(await redeemed(codes[0] ?? '', 1)).toBe(true);
    expect(await redeemed(codes[1] ?? '', 1, { at: before })).toBe(false);
    // Nobody knows when that was: by the newest.
    expect(await redeemed(codes[2] ?? '', 1, { at: before, timeProven: false })).toBe(true);
    // A box of before, which does not say: by its grant.
    expect(await redeemed(codes[3] ?? '', null)).toBe(true);
  });

  test('under a card that only had other forms is not old [P8, F12]', async () => {
    await world.ledger.importStack('spring', csv('AB12CD34'));
    expect(await redeemed(codes[0] ?? '', 1)).toBe(false);
    expect(await redeemed(codes[1] ?? '', null)).toBe(false);
    await edit({ card: { offer: offer(300) } });
    expect(await redeemed(codes[2] ?? '', 2)).toBe(true);
  });

  test.each<[string, Edit, boolean]>([
    ['the small print', { terms: 'Not on Sundays.' }, true],
    ['the condition', { condition: 'From $20' }, true],
    ['the end', { card: { endsAt: '2026-12-24' } }, true],
    ['the picture', { picture: 'https://example.com/spring.png' }, false],
    ['the caps', { cap: { units: 100, value: null } }, false],
    ['what is done about silence', { card: { onSilence: 'replace' } }, false],
  ])('under terms that differ in %s [P8]', async (_, change, isOld) => {
    await edit(change);
    expect(await redeemed(codes[0] ?? '', 1)).toBe(isOld);
  });

  test('under terms that were changed and changed back is not old [P8]', async () => {
    await edit({ card: { offer: offer(300) } });
    await edit({ card: { offer: cardWith().offer } });
    expect(await redeemed(codes[0] ?? '', 1)).toBe(false);
  });

  test('of a coupon with terms of its own is old by those of its own that differ [P8, P13]', async () => {
    const [small = '', dated = ''] = codes;
    for (const code of [small, dated]) box.giveBack(code);
    await box.settle();
    await world.ledger.personalise('spring', small, { discount: off(700), title: '$7 off', terms: 'For Anna.' });
    await world.ledger.personalise('spring', dated, { endsAt: '2026-12-30' });
    await world.ledger.stock('0001', [small, dated]);
    await box.take();
    await edit({ terms: 'Not on Sundays.', card: { offer: offer(300) } });
    expect(await redeemed(small, 1)).toBe(false);
    expect(await redeemed(dated, 1)).toBe(true);
  });

  test('under old terms is listed with both terms and the money between them [P8]', async () => {
    const [dear = '', cheap = '', over = ''] = codes;
    await edit({ terms: 'Not on Sundays.', card: { offer: offer(300) } });
    await redeemed(dear, 1);
    await edit({ card: { offer: offer(900) } });
    await redeemed(cheap, 1);
    await edit({ card: { endsAt: '2026-11-22' } });
    await redeemed(over, 1);
    const [code] = await world.store.read((tx) => tx.codes([hashOfCode(dear)]));
    const listed = await world.ledger.oldTerms();
    expect(listed.map(({ difference }) => difference.amount)).toEqual([500, -400, 200]);
    expect(listed.at(-1)).toEqual({
      ...{ campaign: 'spring', lastFour: code?.lastFour, store: '0001', at: NOW + MINUTE },
      ...{ basket: `b-${dear}`, reversed: false },
      used: {
        ...{ version: 1, title: '$5 off', discount: off(500), startsAt: '2026-11-01', endsAt: '2027-11-30' },
        ...{ minimumBasket: null, condition: null, terms: null },
      },
      inForce: {
        ...{ version: 2, title: '$3 off', discount: off(300), startsAt: '2026-11-01', endsAt: '2027-11-30' },
        ...{ minimumBasket: null, condition: null, terms: 'Not on Sundays.' },
      },
      difference: { amount: 200, currency: 'USD' },
    });
  });
});

describe('what a box had heard of when it sold', () => {
  const version = (n: number, at: number, changes: Partial<Campaign> = {}) => ({
    ...campaignWith({ card: cardWith({ version: n }), condition: `${n}` }),
    changedAt: at,
    ...changes,
  });
  const all = [version(1, 100), version(2, 200), version(4, 400)];
  const sale = (at: number, cardVersion: number, oldTerms = false) => ({ at, cardVersion, oldTerms, timeProven: true });

  test.each([
    [sale(150, 1), null],
    [sale(250, 1), { used: 1, inForce: 2 }],
    [sale(450, 1), { used: 1, inForce: 4 }],
    [sale(450, 3), { used: 2, inForce: 4 }],
    // Its clock may be a little behind: what it had heard was in force.
    [sale(195, 1, true), { used: 1, inForce: 2 }],
    [sale(199, 2), null],
    [sale(450, 4, true), null],
  ])('counts before its clock does (%#) [P8]', (entry, expected) => {
    expect(oldTermsOf(entry, 1, all, null)).toEqual(expected);
  });
});
