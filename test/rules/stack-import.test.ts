import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { changedCampaign } from '../../cloud/issuing/campaign.ts';
import { verifyLedger } from '../../cloud/ledger/audit.ts';
import { LedgerUnavailable } from '../../cloud/ledger/port.ts';
import type { LedgerStore, LedgerTx } from '../../cloud/ledger/store.ts';
import { csv, openWorld, type World } from './ledger-world.ts';

/** Stacks made elsewhere, in a ledger as it runs. */

let world: World;
beforeEach(async () => {
  world = await openWorld({ count: 0 });
});
afterEach(() => world.close());

const many = (count: number, prefix = 'VENDOR') =>
  Array.from({ length: count }, (_, i) => `${prefix}-${String(i).padStart(5, '0')}`);
const take = (...lines: string[]) => world.ledger.importStack('spring', csv(...lines));
async function taken(...lines: string[]): Promise<string> {
  const stack = await take(...lines);
  if (!stack.ok) throw new Error(JSON.stringify(stack.error));
  return stack.value.id;
}
async function fileOf(stack: string): Promise<string[] | null> {
  const chunks = await world.ledger.stackCodes(stack);
  if (chunks === null) return null;
  const codes: string[] = [];
  for await (const chunk of chunks) codes.push(...chunk);
  return codes;
}
const count = (table: string, where = 'TRUE') =>
  world.database.raw.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${where}`).pluck().get();
/** All that an import may leave behind. */
const traces = async () => ({
  codes: count('codes'),
  stacks: count('stacks'),
  chunks: count('stack_chunks'),
  // those of codes: the campaign's own terms stand in the chains as well
  entries: count('entries', `json_extract(body, '$.kind') <> 'terms'`),
  issued: (await world.ledger.campaign('spring'))?.issuedUnits,
  version: (await world.ledger.campaign('spring'))?.card.version,
});
const nothing = { codes: 0, stacks: 0, chunks: 0, entries: 0, issued: 0, version: 1 };

describe('an imported stack', () => {
  test('is redeemed as its codes are written, and once, whoever asks [F13]', async () => {
    await taken('code,note', 'SPRING-2026-A,one', 'Spring 2026 B', '"a,b""c"');
    expect(await world.shop.redeem('SPRING-2026-A', 'cart-1')).toMatchObject({ decision: 'approved', mode: 'online' });
    expect(await world.app.redeem('spring 2O26 a', 'cart-2')).toMatchObject({ reason: 'already_redeemed' });
    expect(await world.shop.redeem('a,b"c', 'cart-3')).toMatchObject({ decision: 'approved' });
    expect(await world.shop.validate('SPRING-2026-C', 'cart-4')).toMatchObject({ reason: 'unknown_code' });
    expect(await world.shop.validate('MILK', 'cart-5')).toMatchObject({ reason: 'not_a_coupon' });
  });

  test('of industry coupons is redeemed whichever way a coupon is scanned [F13]', async () => {
    await taken('8112017777777666666223456789', '(255)1313131313130123456789012');
    expect((await world.ledger.campaign('spring'))?.card).not.toHaveProperty('forms');
    expect(await world.shop.redeem(']C18112017777777666666223456789', 'cart-1')).toMatchObject({
      decision: 'approved',
      code: '(8112)017777777666666223456789',
    });
    expect(await world.shop.redeem('(8112)017777777666666223456789', 'cart-2')).toMatchObject({
      reason: 'already_redeemed',
    });
    expect(await world.shop.redeem(']C12551313131313130123456789012', 'cart-3')).toMatchObject({
      decision: 'approved',
    });
  });

  test('comes back as it was given, in its order, over more chunks than one [F13]', async () => {
    const lines = [
      ...many(4_500),
      'as  Given-o1',
      '8112017777777666666223456789',
      '7kq2 9mxd 4trb 8wns',
      'A'.repeat(96),
    ];
    const stack = await taken(...lines);
    expect(await fileOf(stack)).toEqual(lines);
    expect(await verifyLedger(world.store)).toMatchObject({ ok: true });
    expect(await world.ledger.exposure('spring')).toMatchObject({ open: { units: 4_504, value: 4_504 * 500 } });
    expect(count('codes', "state = 'staged'")).toBe(0);
  });

  test('is stocked, granted, voided and looked up like any other', async () => {
    const box = await world.box();
    await taken('SPRING-A', 'SPRING-B', 'SPRING-C');
    expect(await world.ledger.stock('0001', ['spring a', 'SPRING-A', 'not here', 'TEST-APPROVED'])).toEqual({
      ok: true,
      value: {
        granted: 1,
        refused: [
          { code: 'not here', reason: 'not_a_coupon' },
          { code: 'TEST-APPROVED', reason: 'not_a_coupon' },
        ],
      },
    });
    await box.take();
    expect(await world.stateOf('sprInga')).toBe('reserved');
    expect(await world.ledger.voidCode('SPRING-B')).toBe('voided');
    expect(await world.ledger.history('SPRING-B')).toMatchObject({ state: 'voided', campaign: 'spring' });
    await world.shop.validate('SPRING-C', 'cart-1');
    await world.shop.release('spring-c', 'cart-1');
    expect(await world.stateOf('SPRING-C')).toBe('issued');
    await world.shop.redeem('SPRING-C', 'cart-2');
    expect(
      await world.ledger.reverse({ client: 'shop', code: 'SPRING-C', basket: 'cart-2', reason: 'x', door: null }),
    ).toMatchObject({ reversed: true });
    expect(await world.ledger.basket('shop', 'cart-2')).toMatchObject({ codes: [{ code: '*NGC', state: 'reversed' }] });
  });

  test('is taken up to the cap and no further, also where a stack is issued at the same time [F13]', async () => {
    await world.close();
    world = await openWorld({ count: 0, capUnits: 3_000 });
    expect(await take(...many(3_001))).toEqual({ ok: false, error: { why: 'cap_exceeded', unitsLeft: 3_000 } });
    expect(await traces()).toEqual(nothing);
    const both = await Promise.all([take(...many(2_500)), world.ledger.issueStack('spring', 2_500)]);
    expect(both.filter(({ ok }) => ok)).toHaveLength(1);
    expect(await traces()).toMatchObject({ codes: 2_500, stacks: 1, issued: 2_500 });
  });
});

describe('a file that cannot be imported', () => {
  test.each([
    ['a line that is bad', ['GOOD-1', 'TEST-APPROVED'], [2]],
    ['two lines that read alike', ['ABC-O1', 'GOOD', 'a b c o l'], [3]],
    ['digits without a common beginning', ['GOOD-1', '4006381333931', '5012345678900'], [2, 3]],
  ])('for %s leaves nothing behind [F13]', async (_, lines, bad) => {
    expect(await take(...lines)).toMatchObject({
      ok: false,
      error: { why: 'bad_lines', count: bad.length, errors: bad.map((line) => ({ line })) },
    });
    expect(await traces()).toEqual(nothing);
  });

  test('for codes that exist, wherever they came from, is told each of their lines [F13]', async () => {
    const stack = await world.ledger.issueStack('spring', 1);
    const [ours = ''] = (stack.ok && (await fileOf(stack.value.id))) || [];
    await taken('SPRING-A', '8112017777777666666223456789');
    const before = await traces();
    const lines = ['NEW-1', ours.toLowerCase(), 'spring a', 'NEW-2', ']C1(8112)017777777666666223456789'];
    expect(await take(...lines)).toMatchObject({
      error: { count: 3, errors: [2, 3, 5].map((line) => ({ line, why: 'it reads like a code that exists' })) },
    });
    expect(await traces()).toEqual(before);
    expect(await world.shop.validate('NEW-1', 'cart-1')).toMatchObject({ reason: 'not_a_coupon' });
  });

  test('for a campaign that is not there, for no code, or as it breaks off [F13]', async () => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('SPRING-A\nSPRING-B\n');
      throw new Error('aborted');
    }
    expect(await world.ledger.importStack('none', csv('A'))).toEqual({ ok: false, error: { why: 'unknown_campaign' } });
    expect(await take('code')).toEqual({ ok: false, error: { why: 'no_codes' } });
    expect(await world.ledger.importStack('spring', broken())).toEqual({ ok: false, error: { why: 'broken_off' } });
    expect(await traces()).toEqual(nothing);
  });

  test('for a form too many leaves the card as it is [F12]', async () => {
    for (const letter of 'ABCDEFGH') await taken(`${letter.repeat(6)}0001`);
    const before = await traces();
    expect(await take('ZZZZZZ0001')).toEqual({ ok: false, error: { why: 'too_many_forms' } });
    expect(await traces()).toEqual(before);
  });
});

describe('two files at once', () => {
  test('with codes in common: the first is whole, the second is told its lines and leaves nothing [F13]', async () => {
    const [one, other] = await Promise.all([
      take(...many(3_000, 'ONE'), 'COMMON-1', 'COMMON-2'),
      take('COMMON-2', ...many(3_000, 'OTHER'), 'COMMON-1'),
    ]);
    expect(one).toMatchObject({ ok: true, value: { count: 3_002 } });
    expect(other).toMatchObject({
      ok: false,
      error: { why: 'bad_lines', count: 2, errors: [{ line: 1 }, { line: 3_002 }] },
    });
    expect(await traces()).toMatchObject({ codes: 3_002, stacks: 1, issued: 3_002 });
  });

  test('at two nodes: no code is in both, whichever is whole, and what is not leaves nothing [F13]', async () => {
    const second = await world.start();
    const files = [
      [...many(4_000, 'ONE'), 'COMMON-1'],
      ['COMMON-1', ...many(4_000, 'OTHER')],
    ] as const;
    const [one, other] = await Promise.all([
      world.ledger.importStack('spring', csv(...files[0])),
      second.importStack('spring', csv(...files[1])),
    ]);
    const whole = [one, other].filter(({ ok }) => ok);
    expect(whole).toHaveLength(1);
    expect(await traces()).toMatchObject({ codes: 4_001, stacks: 1, issued: 4_001 });
    expect(await verifyLedger(world.store)).toMatchObject({ ok: true });
  });
});

describe('a crash', () => {
  /** The store of a process that dies before the nth call of a method of its transactions. */
  function dying(method: 'stage' | 'makeWhole' | 'issue' | 'dropStack', nth: number): LedgerStore {
    let calls = 0;
    let dead = false;
    const alive = <T>(work: () => Promise<T>): Promise<T> =>
      dead ? Promise.reject(new LedgerUnavailable('dead')) : work();
    return {
      read: (work) => alive(() => world.store.read(work)),
      close: async () => undefined,
      transaction: (work) =>
        alive(() =>
          world.store.transaction((tx) =>
            work(
              new Proxy(tx, {
                get(target, key: keyof LedgerTx) {
                  if (key === method && ++calls === nth) {
                    dead = true;
                    throw new LedgerUnavailable('died');
                  }
                  return target[key];
                },
              }),
            ),
          ),
        ),
    };
  }

  test.each([
    ['stage', 1],
    ['stage', 2],
    ['stage', 3],
    ['makeWhole', 1],
  ] as const)(
    'before the stack is whole (%s %i) leaves nothing of it after the next start [F13]',
    async (method, nth) => {
      const doomed = await world.start(dying(method, nth));
      await expect(doomed.importStack('spring', csv(...many(5_000)))).rejects.toThrow('died');
      // Until then it is known to nobody.
      expect(await world.shop.validate('VENDOR-00001', 'cart-1')).toMatchObject({ reason: 'not_a_coupon' });
      expect(await world.stateOf('VENDOR-00001')).toBeUndefined();
      const again = await world.start();
      expect(await traces()).toEqual(nothing);
      expect(await again.importStack('spring', csv(...many(5_000)))).toMatchObject({ ok: true });
    },
  );

  test.each([1, 2, 3])('when it is whole (chunk %i) is made good at the next start [F13]', async (nth) => {
    const doomed = await world.start(dying('issue', nth));
    await expect(doomed.importStack('spring', csv(...many(5_000)))).rejects.toThrow('died');
    const again = await world.start();
    expect(await traces()).toMatchObject({ codes: 5_000, stacks: 1, chunks: 3, issued: 5_000 });
    expect(count('codes', "state = 'issued'")).toBe(5_000);
    const sale = world.shop.sale('vendor 04999', 'cart-1', {});
    expect(await again.redeem(sale)).toMatchObject({ value: [{ decision: 'approved' }] });
    expect(await verifyLedger(world.store)).toMatchObject({ ok: true });
  });

  test('while a refused import is cleared away leaves nothing after the next start [F13]', async () => {
    await world.close();
    world = await openWorld({ count: 0, capUnits: 5_000 });
    const doomed = await world.start(dying('dropStack', 1));
    const racing = doomed.importStack('spring', csv(...many(5_000)));
    // The cap is taken by another while the file is staged.
    await expect.poll(() => count('stack_chunks'), { interval: 1 }).toBeGreaterThan(0);
    expect(await world.ledger.issueStack('spring', 1)).toMatchObject({ ok: true });
    await expect(racing).rejects.toThrow('died');
    await world.start();
    expect(await traces()).toMatchObject({ codes: 1, stacks: 1, chunks: 1, issued: 1 });
  });
});

describe('the forms of imported codes', () => {
  test('are a new version of the card, sent to every box, and none where nothing is new [F12]', async () => {
    const [one, other] = [await world.box('0001'), await world.box('0002')];
    await taken('AB12CD34', 'XY98ZW76');
    for (const box of [one, other]) {
      await box.take();
      expect(box.last('policy')?.cards).toMatchObject([
        { version: 2, forms: [{ alphabet: 'alphanumeric', length: { min: 8, max: 8 }, prefix: '' }] },
      ]);
    }
    await taken('QQ12CD34');
    await one.take();
    expect(one.count('policy')).toBe(1);
  });

  test('stay on the card when its terms are changed [F12]', async () => {
    await taken('AB12CD34');
    await world.ledger.changeCampaign('spring', (now) => {
      const after = changedCampaign(now, { title: 'New' });
      return after.ok ? after.value : now;
    });
    expect((await world.ledger.campaign('spring'))?.card).toMatchObject({ version: 3, forms: [{ prefix: 'AB12' }] });
    expect(await world.shop.redeem('AB12CD34', 'cart-1')).toMatchObject({
      decision: 'approved',
      offer: { title: 'New' },
    });
  });

  test('are known after a start, and to the boxes of stores that the campaign leaves out [F12]', async () => {
    await world.close();
    world = await openWorld({ count: 0, card: { stores: ['0002'] } });
    await taken('AB12CD34');
    const box = await world.box('0001');
    expect(box.last('welcome')?.cards).toMatchObject([{ stores: ['0002'], forms: [{ prefix: 'AB12' }] }]);
    await box.want('AB12CD34', 'b-1');
    expect(box.last('refuse')).toMatchObject({ reason: 'wrong_store' });
    const again = await world.start();
    expect(await again.validate(world.shop.sale('ab12 cd34', 'cart-1', {}))).toMatchObject({
      value: [{ decision: 'approved' }],
    });
  });
});
