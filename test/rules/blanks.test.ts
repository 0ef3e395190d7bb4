import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { verifyLedger } from '../../cloud/ledger/audit.ts';
import { createBooks } from '../../cloud/reports/books.ts';
import { sqliteBooksStore } from '../../cloud/reports/sqlite-books-store.ts';
import { cartIssues, FACES, issuer } from './issue-bench.ts';
import { type Box, hashOfCode, openWorld, type World } from './ledger-world.ts';

/** Blanks at the cloud: made under the cap, held by a box, issued by its journal, nobody's until then. */

let world: World;
let box: Box;
let till: ReturnType<typeof issuer>;
let carts: ReturnType<typeof cartIssues>;
afterEach(() => world.close());

async function opened(options: Parameters<typeof openWorld>[0] = {}): Promise<void> {
  world = await openWorld({ count: 0, blanks: { perStore: 10 }, ...options });
  box = await world.box();
  till = issuer(world, box);
  carts = cartIssues(world);
  await till.tellKey();
  await till.tick();
}
const issuedUnits = async () => (await world.ledger.campaign('spring'))?.issuedUnits;
const units = async () => (await world.ledger.exposure('spring'))?.units;

test('a box that tells its key is sent what a campaign gives each store, sealed, counted under the cap [I2, I5, I6]', async () => {
  await opened();
  expect(new Set(till.codes()).size).toBe(10);
  expect(await issuedUnits()).toBe(10);
  expect(await units()).toMatchObject({ reserved: 10, issued: 0 });
  expect((await world.ledger.exposure('spring'))?.open).toEqual({ units: 10, value: 5000 });
  const [blank] = till.blanks();
  if (blank === undefined) throw new Error('no blank');
  const link = till.text(blank).link.slice(FACES.length);
  expect(await carts.distribution.byLink(link)).toBeNull();
  expect(await verifyLedger(world.store)).toMatchObject({ ok: true });
  expect(await world.ledger.gateways()).toMatchObject([{ holds: { units: 0 }, blanks: { units: 10, value: 5000 } }]);
  await till.tick();
  expect(till.blanks()).toHaveLength(10);
});

test('the books of the day count blanks as issued from the moment that they are made [I2, S10]', async () => {
  await opened();
  till.issue('sale-1');
  box.giveBack(till.codes()[0] ?? '', 'end');
  await box.settle();
  const books = createBooks({ store: sqliteBooksStore(world.database), now: () => world.clock.now });
  const { campaigns } = await books.liability('2026-11-23');
  expect(campaigns).toMatchObject([{ campaign: 'spring', units: 9, value: 4500 }]);
  expect((await world.ledger.exposure('spring'))?.open).toEqual({ units: 9, value: 4500 });
});

test('without a key, or with one that keeps no secret, a box is sent none [I5]', async () => {
  world = await openWorld({ count: 0, blanks: { perStore: 10 } });
  box = await world.box();
  till = issuer(world, box);
  await till.tick();
  await till.tellKey(null, 'A'.repeat(43));
  await till.tick();
  expect(till.blanks()).toEqual([]);
  expect(await issuedUnits()).toBe(0);
});

test('what its journal says is issued has a face, and is good everywhere when the box gives it back [I4]', async () => {
  await opened();
  const { code, link } = till.issue('sale-1');
  await box.settle();
  expect(await carts.distribution.byLink(link.slice(FACES.length))).toMatchObject({
    ...{ how: 'basket', channel: 'till', customer: null, codeHash: hashOfCode(code) },
  });
  expect((await carts.distribution.byLink(link.slice(FACES.length)))?.code()).toBe(code);
  expect(await world.stateOf(code)).toBe('reserved');
  box.giveBack(code, 'released');
  await box.settle();
  expect(await world.stateOf(code)).toBe('issued');
  expect(await world.shop.redeem(code, 'web-1')).toMatchObject({ decision: 'approved' });
  expect(await verifyLedger(world.store)).toMatchObject({ ok: true });
});

test('the box that issued a code redeems it while it is cut off, and a cart that wants it calls it back [I4]', async () => {
  await opened();
  const here = till.issue('sale-1').code;
  box.redeem(here, 'sale-2');
  await box.settle();
  expect(await world.stateOf(here)).toBe('redeemed');
  const elsewhere = till.issue('sale-3').code;
  const asked = world.shop.redeem(elsewhere, 'web-1');
  await new Promise((done) => setTimeout(done, 20));
  box.obey(await box.take());
  await box.settle();
  expect(await asked).toMatchObject({ decision: 'approved' });
});

describe('a blank that is not issued', () => {
  test('is nobody’s when it comes back: voided, and what the cap gave stays taken [I2, I3]', async () => {
    await opened();
    const [code = ''] = till.codes();
    box.giveBack(code, 'end');
    await box.settle();
    expect(await world.stateOf(code)).toBe('voided');
    expect(await issuedUnits()).toBe(10);
    till.issue('sale-1', { codeHash: hashOfCode(code) });
    await box.settle();
    expect((await world.ledger.exceptions()).map(({ what }) => what)).toEqual(['issued_unknown']);
    expect(await units()).toMatchObject({ reserved: 9, voided: 1 });
  });

  test('is redeemed by no cart and no scan, the box’s own included [I3]', async () => {
    await opened();
    const [code = ''] = till.codes();
    await box.want(code, 'sale-1');
    expect(box.last('refuse')).toMatchObject({ reason: 'unknown_code' });
    const other = await world.box('0002');
    await box.send({ type: 'presence', body: { online: false, drillUntil: null } });
    await other.want(code, 'sale-2');
    expect(other.last('refuse')).toMatchObject({ reason: 'held_elsewhere' });
    expect(await world.shop.redeem(code, 'web-1')).toMatchObject({ reason: 'held_elsewhere' });
  });

  test('is granted again with its text, to a box that lacks it [I3, C9]', async () => {
    await opened();
    const codes = till.codes().sort();
    box.held.clear();
    await box.sync();
    expect(till.codes().sort()).toEqual(codes);
  });

  test('is in doubt when its box is fenced; one that its evidence says is issued has its face, and stays in doubt [I3, A9]', async () => {
    await opened();
    const { code, link } = till.issue('sale-1');
    const rest = till.codes();
    await world.ledger.revoke(box.id);
    await box.take();
    await box.settle();
    expect(await world.stateOf(code)).toBe('in_doubt');
    expect(await carts.distribution.byLink(link.slice(FACES.length))).toMatchObject({ how: 'basket' });
    for (const blank of rest) expect(await world.stateOf(blank)).toBe('in_doubt');
    expect(await world.ledger.voidCode(rest[0] ?? '')).toBe('void_pending');
  });

  test('that is voided is called back, and an issue that came first stays void [I3, A6]', async () => {
    await opened();
    const [unissued = ''] = till.codes().slice(-1);
    const { code } = till.issue('sale-1');
    for (const one of [code, unissued]) expect(await world.ledger.voidCode(one)).toBe('void_pending');
    box.obey(await box.take());
    await box.settle();
    for (const one of [code, unissued]) expect(await world.stateOf(one)).toBe('voided');
  });
});

test('a second coupon of a basket, from data that were put back, is an exception with the money and a coupon all the same [I4, C11]', async () => {
  await opened();
  const [first, second] = [till.issue('sale-1'), till.issue('sale-1')];
  await box.settle();
  expect(await world.ledger.exceptions()).toMatchObject([{ what: 'issued_twice', value: 500 }]);
  for (const { link } of [first, second])
    expect(await carts.distribution.byLink(link.slice(FACES.length))).toMatchObject({ how: 'basket' });
});

describe('a box has as many as it should', () => {
  test('filled up below half, when what it issued has settled [I6]', async () => {
    await opened();
    for (let i = 0; i < 5; i += 1) till.issue(`sale-${i}`);
    await box.settle();
    await till.tick();
    expect(till.blanks()).toHaveLength(5);
    till.issue('sale-5');
    await box.settle();
    await till.tick();
    expect(till.blanks()).toHaveLength(10);
    expect(await issuedUnits()).toBe(16);
  });

  test('what is too many is called back: fewer a store, or the campaign over [I6]', async () => {
    await opened();
    await world.ledger.changeCampaign('spring', (now) => ({ ...now, blanks: { perStore: 4 } }));
    await till.tellKey();
    await till.tick();
    box.obey(await box.take());
    box.obey(box.inbox.map(({ message }) => message));
    await box.settle();
    expect(till.blanks()).toHaveLength(4);
    await world.ledger.changeCampaign('spring', (now) => ({ ...now, card: { ...now.card, endsAt: '2026-11-22' } }));
    await till.tellKey();
    await till.tick();
    box.obey(box.inbox.map(({ message }) => message));
    expect(till.blanks()).toHaveLength(0);
  });

  test('only of campaigns that are for its store [I6]', async () => {
    await opened({ card: { stores: ['0002'] } });
    expect(till.blanks()).toEqual([]);
  });

  test('in parts and in turns, and no more than the cap has left [I2, I6]', async () => {
    await opened({ blanks: { perStore: 3000 }, capUnits: 1234 });
    expect(till.blanks()).toHaveLength(1000);
    await till.tick();
    expect(till.blanks()).toHaveLength(1234);
    await till.tick();
    expect(await issuedUnits()).toBe(1234);
  });
});

describe('a register that waits for a coupon', () => {
  const ask = async (campaign = 'spring') => {
    await till.tellKey({ id: 'request-1', campaign });
    return box.last('no_blanks');
  };

  test('gets one made, also of a campaign that holds none ahead [I6]', async () => {
    await opened({ blanks: null });
    expect(await ask()).toBeNull();
    expect(box.last('grant')?.cause).toEqual({ kind: 'stock', request: 'request-1' });
    expect(till.blanks()).toHaveLength(1);
  });

  test('is told what stands against it [I6]', async () => {
    await opened({ blanks: null, capUnits: 1 });
    expect(await ask('autumn')).toEqual({ request: 'request-1', why: 'unknown_campaign' });
    await ask();
    expect(await ask()).toEqual({ request: 'request-1', why: 'none_left' });
    world.clock.now = Date.parse('2028-01-01T00:00:00Z');
    expect(await ask()).toEqual({ request: 'request-1', why: 'campaign_ended' });
  });
});

test('over boxes and carts no coupon is given twice and no cap is exceeded [I1, I2, S10]', async () => {
  const step = fc.oneof(
    fc.record({ op: fc.constant('cart' as const), basket: fc.nat(6) }),
    fc.record({ op: fc.constant('issue' as const), who: fc.nat(1), basket: fc.nat(6) }),
    fc.record({ op: fc.constant('settle' as const), who: fc.nat(1) }),
    fc.record({ op: fc.constant('lost' as const), who: fc.nat(1) }),
    fc.record({ op: fc.constant('recall' as const), who: fc.nat(1) }),
    fc.record({ op: fc.constant('ask' as const), who: fc.nat(1) }),
    fc.record({ op: fc.constant('tick' as const) }),
  );
  const met = { carts: 0, boxes: 0, full: 0 };
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 5, maxLength: 40 }),
    fc.integer({ min: 3, max: 20 }),
    async (steps, cap) => {
      await opened({ blanks: { perStore: 4 }, capUnits: cap });
      const second = await world.box('0002');
      const boxes = [box, second] as const;
      const tills = [till, issuer(world, second)] as const;
      await tills[1].tellKey();
      /** By the door and the basket: the code that stands on the coupon. */
      const given = new Map<string, string>();
      for (const one of steps) {
        const at = 'who' in one && one.who === 1 ? 1 : 0;
        switch (one.op) {
          case 'cart': {
            const { code } = await carts.issue({ basket: `web-${one.basket}` });
            if (code === null) met.full += 1;
            else given.set(`cart ${one.basket}`, code.replaceAll('-', ''));
            break;
          }
          case 'issue':
            if (given.has(`${at} ${one.basket}`) || tills[at].blanks().length === 0) break;
            given.set(`${at} ${one.basket}`, tills[at].issue(`sale-${one.basket}`).code);
            met.boxes += 1;
            break;
          case 'settle':
            await boxes[at].settle();
            break;
          case 'lost':
            await boxes[at].miss();
            await boxes[at].sync();
            break;
          case 'recall':
            boxes[at].obey(await boxes[at].take());
            break;
          case 'ask':
            await tills[at].tellKey({ id: `request-${given.size}`, campaign: 'spring' });
            break;
          case 'tick':
            await world.ledger.tick();
            await Promise.all(boxes.map((b) => b.take()));
        }
        const made = (await issuedUnits()) ?? 0;
        expect(made).toBeLessThanOrEqual(cap);
        expect(new Set(given.values()).size).toBe(given.size);
        const states = Object.values((await units()) ?? {});
        expect(states.reduce((sum, count) => sum + count, 0)).toBe(made);
      }
      for (const b of boxes) await b.settle();
      expect(await world.ledger.exceptions()).toEqual([]);
      for (const code of given.values()) expect(['issued', 'reserved']).toContain(await world.stateOf(code));
      expect(await verifyLedger(world.store)).toMatchObject({ ok: true });
      met.carts += given.size;
      await world.close();
    },
  );
  await fc.assert(property, { numRuns: 40, seed: 20_261_123 });
  expect(met.boxes).toBeGreaterThan(40);
  expect(met.carts).toBeGreaterThan(40);
  expect(met.full).toBeGreaterThan(10);
  world = await openWorld({ count: 0 });
}, 60_000);
