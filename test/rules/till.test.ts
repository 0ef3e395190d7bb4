import { codeFormSchema } from '../../protocol/code-form.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { GENESIS_HASH } from '../../protocol/journal.ts';
import { KEEP_MS, RECALL_DEADLINE_MS, RESERVATION_MS, USE_MS } from '../../protocol/limits.ts';
import { TillUnavailable } from '../../gateway/till/port.ts';
import { SqliteTillStore } from '../../gateway/till/sqlite-store.ts';
import { hasUnsettled } from '../../gateway/till/store.ts';
import { card, codeAt, codeOf, DOOR, GATEWAY, hashOf, INCARNATION, sale, T0, turn, World } from './till-world.ts';

const [ONE, TWO, THREE] = [codeAt(0), codeAt(1), codeAt(2)];
const MINUTE = 60_000;

let world: World;
beforeEach(async () => {
  world = new World();
  await world.start();
});

describe('forms', () => {
  it('what is no coupon, and what is mistyped, is answered with the line down and nothing reserved', async () => {
    expect(await world.validate('4006381333931', 'B1')).toMatchObject({
      decision: 'refused',
      reason: 'not_a_coupon',
      code: '4006381333931',
    });
    const wrong = `${ONE.slice(0, 15)}${ONE.endsWith('0') ? '1' : '0'}`;
    expect(await world.validate(wrong, 'B1')).toMatchObject({ decision: 'refused', reason: 'malformed_code' });
  });

  it('a code is read leniently and shown in its normal form', async () => {
    await world.connect();
    await world.stock(ONE);
    const typed = `${ONE.slice(0, 4)}-${ONE.slice(4, 8)} ${ONE.slice(8)}`.toLowerCase();
    expect(await world.validate(typed, 'B1')).toMatchObject({ decision: 'approved', code: ONE });
  });

  it('test codes answer their reason, cut off or not, and leave nothing behind', async () => {
    const before = world.backup();
    expect(await world.redeem('TEST-IN_USE', 'B1')).toMatchObject({ decision: 'refused', reason: 'in_use' });
    expect(await world.redeem('test-cannot_verify', 'B1')).toMatchObject({ decision: 'undetermined' });
    const good = await world.redeem('TEST-APPROVED', 'B1');
    expect(good).toMatchObject({
      decision: 'approved',
      code: 'TEST-APPROVED',
      redemption: { basket: 'B1', door: DOOR },
    });
    expect(await world.redeem('TEST-APPROVED', 'B1')).toEqual(good);
    expect(world.backup().equals(before)).toBe(true);
    expect((await world.box.basket('B1')).codes).toEqual([]);
  });

  it('TEST-SLOW is approved after three seconds', async () => {
    let isDone = false;
    const slow = world.validate('TEST-SLOW', 'B1').then((decision) => {
      isDone = true;
      return decision;
    });
    await world.pass(2_999);
    expect(isDone).toBe(false);
    await world.pass(1);
    expect(await slow).toMatchObject({ decision: 'approved' });
  });

  it('one code twice by normal form is no request', async () => {
    const twice = await world.box.validate(sale([ONE, ONE.toLowerCase()], 'B1'));
    expect(twice).toEqual({ ok: false, error: 'duplicate_code' });
  });

  describe('of imported codes', () => {
    const VENDOR = codeFormSchema.parse({ length: { min: 9, max: 9 }, alphabet: 'alphanumeric', prefix: 'VEND' });
    const IMPORTED = codeOf('VENDOR-O1A', [VENDOR]);
    beforeEach(() => world.connect([card({ forms: [VENDOR] })]));

    it('are those of its cards: what fits none costs no call, with the line up or cut', async () => {
      const before = world.sent.length;
      expect(await world.validate('BAND-0001', 'B1')).toMatchObject({ reason: 'not_a_coupon' });
      await world.cut();
      expect(await world.validate('BAND-0001', 'B1')).toMatchObject({ reason: 'not_a_coupon' });
      expect(await world.validate('VENDOR01A', 'B1')).toMatchObject({
        decision: 'undetermined',
        reason: 'cannot_verify',
      });
      expect(world.sent.length).toBe(before);
    });

    it('are asked of the cloud where the code is not here, by its hash alone [T1]', async () => {
      const decision = world.validate('vendor 01a', 'B1');
      await turn();
      expect(world.lastSent('want')).toMatchObject({ codeHash: hashOf(IMPORTED), basket: 'B1' });
      await world.hear('refuse', { want: world.lastSent('want')?.want ?? '', reason: 'unknown_code', facts: {} });
      expect(await decision).toMatchObject({ reason: 'unknown_code', code: 'VEND0R01A' });
    });

    it('are known after a restart with the line cut: what is stocked is redeemed, however it is typed [L3]', async () => {
      await world.stock(IMPORTED);
      await world.cut();
      world.crash();
      await world.start();
      expect(await world.redeem('Vendor-01-a', 'B1')).toMatchObject({ decision: 'approved', code: 'VEND0R01A' });
      expect(await world.validate('VENDORO1A', 'B2')).toMatchObject({ reason: 'already_redeemed' });
      expect(await world.box.history('vendor01a')).toMatchObject({ state: 'redeemed' });
      expect((await world.box.basket('B1')).codes).toMatchObject([{ code: 'R01A', state: 'redeemed' }]);
    });

    it('are learned from a changed card, and from no older one', async () => {
      const wider = codeFormSchema.parse({ ...VENDOR, length: { min: 9, max: 12 } });
      await world.hear('policy', { cards: [card({ version: 2, forms: [wider] })] });
      await world.hear('policy', { cards: [card({ version: 1, forms: [VENDOR] })] });
      await world.cut();
      expect(await world.validate('VENDOR-01A-XYZ', 'B1')).toMatchObject({ reason: 'cannot_verify' });
    });
  });

  it('an industry coupon is a code with a serial number, and without one the register’s', async () => {
    await world.connect();
    await world.stock(codeOf('(8112)017777777666666223456789', []));
    expect(await world.redeem(']C1\u001d8112017777777666666223456789', 'B1')).toMatchObject({
      decision: 'approved',
      code: '(8112)017777777666666223456789',
    });
    expect(await world.validate('8112017777777666666223456789', 'B2')).toMatchObject({ reason: 'already_redeemed' });
    expect(await world.validate('8110106141416543213500110000310123196000', 'B2')).toMatchObject({
      decision: 'refused',
      reason: 'not_single_use',
      text: 'Ordinary coupon: use the register',
      facts: { scheme: '8110' },
    });
    expect(await world.validate('8112209988459000', 'B2')).toMatchObject({
      reason: 'not_single_use',
      text: 'Several coupons in one: use the register',
    });
  });
});

describe('a code that is stocked here', () => {
  beforeEach(async () => {
    await world.connect();
    await world.stock(ONE, TWO);
  });

  it('is approved, redeemed, and refused to another basket with when and where [G3, P1]', async () => {
    expect(await world.validate(ONE, 'B1')).toMatchObject({
      decision: 'approved',
      mode: 'reserved',
      text: 'OK $5.00 OFF',
      reservation: { holder: 'store:0042', until: '2026-11-23T10:15:00Z' },
      redemption: null,
    });
    await world.pass(MINUTE);
    expect(await world.redeem(ONE, 'B1')).toMatchObject({
      decision: 'approved',
      redemption: {
        at: '2026-11-23T10:00:59.988Z',
        door: DOOR,
        store: '0042',
        lane: '3',
        basket: 'B1',
        settled: false,
      },
    });
    expect(await world.redeem(ONE, 'B2')).toMatchObject({
      decision: 'refused',
      reason: 'already_redeemed',
      facts: { redeemedWhere: 'Main Street', lane: '3' },
    });
  });

  it('is redeemed with the line cut, and the entry says that the time is still proven [L3, A2]', async () => {
    await world.cut();
    expect(await world.redeem(ONE, 'B1')).toMatchObject({ decision: 'approved', mode: 'reserved' });
    expect(world.store.entries(1, 1, 99).at(-1)?.body).toMatchObject({
      kind: 'redeemed',
      timeProven: true,
      oldTerms: false,
    });
  });

  it('answers a repeat the same, also after a restart, but for settled and backlog [G9, S4]', async () => {
    const first = await world.redeem(ONE, 'B1');
    expect(await world.redeem(ONE, 'B1')).toEqual(first);
    expect(await world.validate(ONE, 'B1')).toEqual(first);
    world.crash();
    await world.start();
    expect(await world.redeem(ONE, 'B1')).toEqual({ ...first, backlog: first.backlog + 1 });
    await world.connect();
    const head = world.store.box().head;
    await world.hear('ack', { acknowledged: head, evidence: null, exceptions: [] });
    expect(await world.redeem(ONE, 'B1')).toMatchObject({
      backlog: 0,
      redemption: { ...first.redemption, settled: true },
    });
  });

  it('is a conflict for the same basket with another lane or total [P4]', async () => {
    await world.redeem(ONE, 'B1');
    const conflict = { ok: false, error: 'basket_conflict' };
    expect(await world.box.redeem(sale([ONE], 'B1', { lane: '4' }))).toEqual(conflict);
    expect(await world.box.redeem(sale([ONE], 'B1', { total: null }))).toEqual(conflict);
    expect(await world.box.redeem(sale([ONE], 'B1', { total: { amount: 4200, currency: 'EUR' } }))).toEqual(conflict);
    expect(await world.box.redeem(sale([ONE, TWO], 'B1', { lane: '4' }))).toEqual(conflict);
    expect((await world.box.basket('B1')).codes).toHaveLength(1);
  });

  it('in use by one basket is in use for another, with the lane and when it is free [P2]', async () => {
    await world.validate(ONE, 'B1');
    expect(await world.redeem(ONE, 'B2')).toMatchObject({
      reason: 'in_use',
      facts: { lane: '3', freeAt: '2026-11-23T10:15:00Z' },
    });
  });

  it('moves with its suspended sale to another lane [P2]', async () => {
    await world.validate(ONE, 'B1');
    expect(await world.redeem(ONE, 'B1', { lane: '9' })).toMatchObject({
      decision: 'approved',
      redemption: { lane: '9' },
    });
  });

  it('a lane that forgot its sale lets go of all that the sale held, and of nothing else', async () => {
    await world.validate(ONE, 'B1');
    await world.validate(TWO, 'B2');
    await world.box.leave('B1');
    expect(await world.validate(ONE, 'B3')).toMatchObject({ decision: 'approved' });
    expect(await world.validate(TWO, 'B3')).toMatchObject({ reason: 'in_use' });
  });

  it('is free again after a release or fifteen minutes, and stays here [P2, G7]', async () => {
    await world.validate(ONE, 'B1');
    await world.box.release({ code: ONE, basket: 'B1' });
    expect((await world.box.basket('B1')).codes).toEqual([
      { code: ONE.slice(-4), state: 'released', redemption: null },
    ]);
    expect(await world.validate(ONE, 'B2')).toMatchObject({ decision: 'approved' });
    await world.pass(USE_MS + 1_000);
    await world.box.tick();
    expect(await world.validate(ONE, 'B3')).toMatchObject({ decision: 'approved', mode: 'reserved' });
    expect(world.journal()).not.toContain('returned released');
  });

  it('stops at its end by the early edge of proven time, and is journalled as returned [G7, Z2]', async () => {
    await world.cut();
    await world.pass(RESERVATION_MS - 2 * MINUTE);
    expect(await world.validate(ONE, 'B1')).toMatchObject({ decision: 'approved' });
    await world.pass(2 * MINUTE);
    expect(await world.redeem(ONE, 'B1')).toMatchObject({ decision: 'undetermined', reason: 'cannot_verify' });
    await world.box.tick();
    expect(world.journal().filter((line) => line === 'returned end')).toHaveLength(1);
    await world.pass(USE_MS);
    await world.box.tick();
    await world.box.tick();
    expect(world.journal().filter((line) => line === 'returned end')).toHaveLength(2);
  });

  it('goes on by `hold` after a restart without proven time [Z3]', async () => {
    world.crash();
    world.lineIsOpen = false;
    await world.start();
    expect(world.box.status().clock).toEqual({ proven: false, earliest: T0 });
    expect(await world.redeem(ONE, 'B1')).toMatchObject({ decision: 'approved' });
    expect(world.store.entries(1, 1, 99).at(-1)?.body).toMatchObject({ kind: 'redeemed', timeProven: false });
  });

  it.each([0, Number.NaN, -5, 1e18, Date.UTC(2090, 0)])('a wall clock of %d is never fatal [Z1, Z3]', async (wall) => {
    world.crash();
    world.wall = wall;
    await world.start();
    expect(await world.redeem(ONE, 'B1')).toMatchObject({ decision: 'approved' });
    world.wall = T0;
    await world.connect();
    expect(await world.redeem(TWO, 'B2')).toMatchObject({ decision: 'approved' });
  });
});

describe('a code that is not reserved here', () => {
  it('cannot be verified with the line down, at once and without a want [P7]', async () => {
    expect(await world.redeem(ONE, 'B1')).toMatchObject({ decision: 'undetermined', reason: 'cannot_verify' });
    expect(world.lastSent('want')).toBeUndefined();
  });

  describe('with the line up', () => {
    beforeEach(() => world.connect());

    const wanted = async (code = ONE, basket = 'B1') => {
      const decision = world.validate(code, basket);
      await turn();
      const want = world.lastSent('want');
      if (want === undefined) throw new Error('nothing was asked');
      return { decision, want };
    };
    const grantFor = (want: string, code = ONE, changes = {}) =>
      world.hear('grant', world.grant([world.reservation(code, changes)], { cause: { kind: 'want', want } }));

    it('is asked for by its hash, and approved as online when it is granted [A2, T1]', async () => {
      const { decision, want } = await wanted();
      expect(want).toMatchObject({ codeHash: hashOf(ONE), basket: 'B1', lane: '3', waitMs: 800, customer: null });
      await grantFor(want.want);
      expect(await decision).toMatchObject({ decision: 'approved', mode: 'online' });
      expect(await world.redeem(ONE, 'B1')).toMatchObject({ decision: 'approved', mode: 'online' });
    });

    it('a customer’s number leaves the box as a hash', async () => {
      void world.validate(ONE, 'B1', { customer: '4711' });
      await turn();
      expect(world.lastSent('want')?.customer).toMatch(/^[0-9a-f]{64}$/);
    });

    it('is refused with the cloud’s reason and facts', async () => {
      const { decision, want } = await wanted();
      await world.hear('refuse', {
        want: want.want,
        reason: 'held_elsewhere',
        facts: { heldBy: 'Elm Street', retryAfterSeconds: 300 },
      });
      expect(await decision).toMatchObject({
        decision: 'refused',
        reason: 'held_elsewhere',
        facts: { retryAfterSeconds: 300 },
      });
    });

    it('cannot be verified after the deadline; what is granted then is installed and returned at once [G2]', async () => {
      const { decision, want } = await wanted();
      await world.pass(800);
      expect(await decision).toMatchObject({ decision: 'undetermined', reason: 'cannot_verify' });
      await grantFor(want.want);
      expect(world.journal().slice(-2)).toEqual(['granted', 'returned want_closed']);
      expect(world.box.status().holding).toBe(0);
    });

    it('a want that cannot be sent is over at once', async () => {
      world.lineIsOpen = false;
      expect(await world.validate(ONE, 'B1')).toMatchObject({ reason: 'cannot_verify' });
    });

    it('a line that goes down answers all who wait', async () => {
      const { decision } = await wanted();
      await world.cut();
      expect(await decision).toMatchObject({ reason: 'cannot_verify' });
    });

    it('the same basket joins a want that is open; another one is told that it is in use', async () => {
      const { decision, want } = await wanted();
      const joined = world.redeem(ONE, 'B1');
      expect(await world.validate(ONE, 'B2')).toMatchObject({ reason: 'in_use', facts: { lane: '3' } });
      await turn();
      expect(world.sent.filter(({ type }) => type === 'want')).toHaveLength(1);
      await grantFor(want.want);
      expect(await decision).toMatchObject({ decision: 'approved' });
      expect(await joined).toMatchObject({ decision: 'approved', mode: 'online', redemption: { basket: 'B1' } });
    });

    it('a sale that joins in the very turn of the answer hears it too', async () => {
      const { decision, want } = await wanted();
      const joined = world.validate(ONE, 'B1');
      await world.hear('refuse', { want: want.want, reason: 'voided', facts: {} });
      expect(await joined).toMatchObject({ reason: 'voided' });
      expect(await decision).toMatchObject({ reason: 'voided' });
    });

    it('a released basket waits no more, and its grant is returned', async () => {
      const { decision, want } = await wanted();
      await world.box.release({ code: ONE, basket: 'B1' });
      expect(await decision).toMatchObject({ reason: 'cannot_verify' });
      await grantFor(want.want);
      expect(world.journal().at(-1)).toBe('returned want_closed');
    });

    it('fetched and released online goes back; released while cut off it stays and goes back at the next contact [G7, P2]', async () => {
      const first = await wanted();
      await grantFor(first.want.want);
      await first.decision;
      await world.box.release({ code: ONE, basket: 'B1' });
      expect(world.journal().at(-1)).toBe('returned released');

      const second = await wanted(TWO, 'B2');
      await grantFor(second.want.want, TWO);
      await second.decision;
      await world.cut();
      await world.box.release({ code: TWO, basket: 'B2' });
      expect(world.journal().at(-1)).toBe('granted');
      expect(await world.validate(TWO, 'B3', { lane: '7' })).toMatchObject({ decision: 'approved', mode: 'reserved' });
      await world.box.release({ code: TWO, basket: 'B3' });
      await world.back();
      expect(world.journal().filter((line) => line === 'returned released')).toHaveLength(2);
    });

    it('granted to a basket that the box itself finds not eligible goes straight back', async () => {
      await world.hear('policy', { cards: [card({ version: 2, minimumBasket: { amount: 9900, currency: 'USD' } })] });
      const { decision, want } = await wanted();
      await grantFor(want.want, ONE, { cardVersion: 2 });
      expect(await decision).toMatchObject({
        reason: 'basket_too_small',
        facts: { short: { amount: 5700, currency: 'USD' } },
      });
      expect(world.journal().at(-1)).toBe('returned released');
    });

    it('a tombstone that comes with the grant keeps its basket from redeeming', async () => {
      const { decision, want } = await wanted();
      const tombstones = [{ codeHash: hashOf(ONE), basket: 'B1' }];
      await world.hear(
        'grant',
        world.grant([world.reservation(ONE)], { cause: { kind: 'want', want: want.want }, tombstones }),
      );
      expect(await decision).toMatchObject({ reason: 'reversed_first' });
      expect(world.box.status().holding).toBe(0);
    });

    it('a want whose reservation was just returned is asked again when the cloud has read of it', async () => {
      const first = await wanted();
      const item = world.reservation(ONE);
      await world.hear('grant', world.grant([item], { cause: { kind: 'want', want: first.want.want } }));
      await first.decision;
      await world.box.release({ code: ONE, basket: 'B1' });
      const second = await wanted(ONE, 'B2');
      await world.hear('grant', world.grant([item], { cause: { kind: 'want', want: second.want.want } }));
      world.sent.length = 0;
      await world.hear('ack', { acknowledged: world.store.box().head, evidence: null, exceptions: [] });
      expect(world.lastSent('want')).toEqual(second.want);
      await grantFor(second.want.want);
      expect(await second.decision).toMatchObject({ decision: 'approved', mode: 'online' });
    });
  });
});

describe('several codes in one basket', () => {
  beforeEach(async () => {
    await world.connect();
    await world.stock(ONE, TWO);
  });
  const answers = async (result: ReturnType<World['box']['redeem']>) => {
    const given = await result;
    return given.ok ? given.value.map(({ decision, reason }) => reason ?? decision) : given.error;
  };
  const refuseWant = async () => {
    await turn();
    await world.hear('refuse', { want: world.lastSent('want')?.want ?? '', reason: 'unknown_code', facts: {} });
  };

  it('are answered each for itself, in the order of the request', async () => {
    const result = answers(world.box.redeem(sale([TWO, THREE, ONE], 'B1')));
    await refuseWant();
    expect(await result).toEqual(['approved', 'unknown_code', 'approved']);
    expect(world.journal().filter((line) => line === 'redeemed')).toHaveLength(2);
  });

  it('all or none: the good ones are basket_incomplete and untouched, the others keep their own reason', async () => {
    await world.redeem(TWO, 'B0');
    const before = world.journal();
    const result = answers(world.box.redeem(sale([ONE, TWO, THREE], 'B1', { allOrNone: true })));
    await refuseWant();
    expect(await result).toEqual(['basket_incomplete', 'already_redeemed', 'unknown_code']);
    expect(world.journal()).toEqual(before);
    expect((await world.box.basket('B1')).codes).toEqual([]);
    expect(await world.validate(ONE, 'B2')).toMatchObject({ decision: 'approved' });
  });

  it('all or none: what another call of the basket has begun stays in use', async () => {
    await world.validate(ONE, 'B1');
    const result = answers(world.box.validate(sale([ONE, THREE], 'B1', { allOrNone: true })));
    await refuseWant();
    expect(await result).toEqual(['basket_incomplete', 'unknown_code']);
    expect(await world.validate(ONE, 'B2')).toMatchObject({ reason: 'in_use' });
  });

  it('all or none: what was fetched for it goes back', async () => {
    const result = answers(world.box.redeem(sale([THREE, 'TEST-EXPIRED'], 'B1', { allOrNone: true })));
    await turn();
    const want = world.lastSent('want')?.want ?? '';
    await world.hear('grant', world.grant([world.reservation(THREE)], { cause: { kind: 'want', want } }));
    expect(await result).toEqual(['basket_incomplete', 'expired']);
    expect(world.journal().slice(-2)).toEqual(['granted', 'returned released']);
  });

  it('all or none: with all good, all are redeemed in one transaction [P3]', async () => {
    let commits = 0;
    world.beforePort = (act) => {
      if (act === 'commit') commits += 1;
    };
    expect(await answers(world.box.redeem(sale([ONE, TWO, 'TEST-APPROVED'], 'B1', { allOrNone: true })))).toEqual([
      'approved',
      'approved',
      'approved',
    ]);
    expect(commits).toBe(1);
    expect(world.journal().slice(-2)).toEqual(['redeemed', 'redeemed']);
  });

  it('all or none: of every kind, ours, imported, industry and test codes [P3]', async () => {
    const forms = [codeFormSchema.parse({ length: { min: 6, max: 6 }, alphabet: 'alphanumeric', prefix: '' })];
    await world.hear('policy', { cards: [card({ version: 2, forms })] });
    const coupon = '(8112)017777777666666223456789';
    await world.stock(codeOf('SAVE50', forms), codeOf(coupon, []));
    const codes = [ONE, 'save-50', ']C1\u001d8112017777777666666223456789', 'TEST-APPROVED'];
    const redeem = (more: string[]) => answers(world.box.redeem(sale([...codes, ...more], 'B1', { allOrNone: true })));
    const none = codes.map(() => 'basket_incomplete');
    expect(await redeem(['4006381333931'])).toEqual([...none, 'not_a_coupon']);
    expect(await redeem(['TEST-EXPIRED'])).toEqual([...none, 'expired']);
    expect(await redeem(['SAVE 50'])).toBe('duplicate_code');
    expect(await redeem([coupon])).toBe('duplicate_code');
    expect(await redeem([])).toEqual(codes.map(() => 'approved'));
  });

  it('a conflict that comes up while the cloud is asked leaves nothing of the call behind', async () => {
    const result = answers(world.box.redeem(sale([ONE, TWO, THREE], 'B1')));
    await turn();
    await world.redeem(TWO, 'B1', { lane: '9' });
    await refuseWant();
    expect(await result).toBe('basket_conflict');
    expect(await world.validate(ONE, 'B2')).toMatchObject({ decision: 'approved' });
  });

  it('none is taken by another basket while the rest of them is asked for', async () => {
    const result = answers(world.box.redeem(sale([ONE, THREE], 'B1')));
    await turn();
    expect(await world.redeem(ONE, 'B2')).toMatchObject({ reason: 'in_use' });
    await refuseWant();
    expect(await result).toEqual(['approved', 'unknown_code']);
  });
});

describe('reversals', () => {
  beforeEach(async () => {
    await world.connect();
    await world.stock(ONE, TWO);
  });
  const reverse = (code: string, basket: string, door: string | null = null) =>
    world.box.reverse({ code, basket, reason: 'sale cancelled', door });

  it('undo what the basket redeemed, repeat the same answer, and close the basket for that code [G9, S4]', async () => {
    const { redemption } = await world.redeem(ONE, 'B1');
    expect(await reverse(ONE, 'B1')).toEqual({ reversed: true, redemption });
    expect(await reverse(ONE, 'B1')).toEqual({ reversed: true, redemption });
    expect(world.journal().filter((line) => line === 'reversed')).toHaveLength(1);
    expect(await world.redeem(ONE, 'B1')).toMatchObject({ decision: 'refused', reason: 'reversed_first' });
    expect((await world.box.basket('B1')).codes).toMatchObject([{ state: 'reversed', redemption: { basket: 'B1' } }]);
  });

  it('named by this door’s own name are this door’s', async () => {
    await world.redeem(ONE, 'B1');
    expect(await reverse(ONE, 'B1', DOOR)).toMatchObject({ reversed: true, redemption: { basket: 'B1' } });
  });

  it('of a basket that never redeemed leave a tombstone in the journal [G9]', async () => {
    await world.validate(ONE, 'B1');
    expect(await reverse(ONE, 'B1')).toEqual({ reversed: true, redemption: null });
    expect(world.store.entries(1, 1, 99).at(-1)?.body).toMatchObject({
      kind: 'reversed',
      door: DOOR,
      basket: 'B1',
      reservation: null,
    });
    expect(await world.redeem(ONE, 'B1')).toMatchObject({ reason: 'reversed_first' });
    expect(await world.redeem(ONE, 'B2')).toMatchObject({ decision: 'approved' });
  });

  it('hold after a restart, and after as long as answers are kept [G9]', async () => {
    await world.redeem(ONE, 'B1');
    await reverse(ONE, 'B1');
    world.crash();
    await world.start();
    await world.pass(KEEP_MS);
    expect(await world.redeem(ONE, 'B1')).toMatchObject({ reason: 'reversed_first' });
  });

  it('while cut off leave the code unusable here until the line is back [G9]', async () => {
    await world.cut();
    await world.redeem(ONE, 'B1');
    await reverse(ONE, 'B1');
    expect(await world.redeem(ONE, 'B2')).toMatchObject({ decision: 'undetermined', reason: 'cannot_verify' });
    await world.back();
    const again = world.redeem(ONE, 'B2');
    await turn();
    const want = world.lastSent('want')?.want ?? '';
    await world.hear(
      'grant',
      world.grant([world.reservation(ONE, { generation: 1 })], { cause: { kind: 'want', want } }),
    );
    expect(await again).toMatchObject({ decision: 'approved' });
    expect(await world.redeem(ONE, 'B1')).toMatchObject({ reason: 'reversed_first' });
  });

  it('for another door are journalled naming it, and pending until the cloud reports the outcome', async () => {
    const door = 'gateway:gw-00000002';
    await world.redeem(ONE, 'B1');
    expect(await reverse(ONE, 'B1', door)).toEqual({ reversed: 'pending', redemption: null });
    expect(world.store.entries(1, 1, 99).at(-1)?.body).toMatchObject({
      kind: 'reversed',
      door,
      reservation: null,
      redemption: null,
    });
    expect(await world.redeem(ONE, 'B1')).toMatchObject({ decision: 'approved' });
    expect(await reverse(ONE, 'B1', door)).toEqual({ reversed: 'pending', redemption: null });
    await world.hear('outcome', { door, codeHash: hashOf(ONE), basket: 'B1', redemption: null });
    expect(await reverse(ONE, 'B1', door)).toEqual({ reversed: true, redemption: null });
    expect(world.journal().filter((line) => line === 'reversed')).toHaveLength(1);
  });

  it('asked by the cloud are done once, however often the message comes', async () => {
    await world.redeem(ONE, 'B1');
    const message = { door: DOOR, codeHash: hashOf(ONE), basket: 'B1', redemption: null, reason: 'returned goods' };
    await world.hear('reverse', message);
    await world.hear('reverse', message);
    expect(world.journal().filter((line) => line === 'reversed')).toHaveLength(1);
    expect(await world.redeem(ONE, 'B1')).toMatchObject({ reason: 'reversed_first' });
  });

  it('of what is no code are answered: it never could be redeemed', async () => {
    expect(await reverse('TEST-APPROVED', 'B1')).toEqual({ reversed: true, redemption: null });
  });
});

describe('recalls', () => {
  const recall = (
    item: { reservation: string; codeHash: ReturnType<typeof hashOf> },
    deadline: number | null = T0 + RECALL_DEADLINE_MS,
  ) =>
    world.hear('recall', {
      reservations: [{ reservation: item.reservation, epoch: 1, codeHash: item.codeHash, generation: 0 }],
      why: deadline === null ? 'void' : 'wanted',
      deadline,
    });
  beforeEach(() => world.connect());

  it('of an unknown reservation bury it: its grant, still under way, is never installed', async () => {
    const item = world.reservation(ONE);
    await recall(item);
    expect(world.lastSent('recalled')).toMatchObject({ reservations: [{ answer: 'returned' }] });
    await world.hear('grant', world.grant([item]));
    expect(world.box.status().holding).toBe(0);
  });

  it('in use: no other basket takes it, and at the use’s end it goes back, also when cut off', async () => {
    const [item] = await world.stock(ONE);
    if (item === undefined) throw new Error('not stocked');
    await world.validate(ONE, 'B1');
    await recall(item);
    expect(world.lastSent('recalled')).toMatchObject({ reservations: [{ answer: 'in_use', lane: '3' }] });
    await world.cut();
    world.crash();
    await world.start();
    expect(await world.validate(ONE, 'B2')).toMatchObject({ reason: 'in_use' });
    await world.box.release({ code: ONE, basket: 'B1' });
    expect(world.journal().at(-1)).toBe('returned recall');
    expect(await world.validate(ONE, 'B2')).toMatchObject({ reason: 'cannot_verify' });
  });

  it('lapse at their deadline, but not those for a void', async () => {
    const [lapsing, standing] = await world.stock(ONE, TWO);
    if (lapsing === undefined || standing === undefined) throw new Error('not stocked');
    await world.validate(ONE, 'B1');
    await world.validate(TWO, 'B1');
    await recall(lapsing, T0 + MINUTE);
    await recall(standing, null);
    await world.pass(2 * MINUTE);
    await world.box.tick();
    await world.box.release({ code: ONE, basket: 'B1' });
    await world.box.release({ code: TWO, basket: 'B1' });
    expect(world.journal().filter((line) => line === 'returned recall')).toHaveLength(1);
    expect(world.box.status().holding).toBe(1);
  });

  it('of what was redeemed are answered so', async () => {
    const [item] = await world.stock(ONE);
    if (item === undefined) throw new Error('not stocked');
    await world.redeem(ONE, 'B1');
    await recall(item);
    expect(world.lastSent('recalled')).toMatchObject({ reservations: [{ answer: 'redeemed' }] });
  });
});

describe('a witness that cannot be written', () => {
  beforeEach(async () => {
    await world.connect();
    await world.stock(ONE, TWO);
  });

  it('stops the answering, and not one more entry is committed until it can be [G4, W1]', async () => {
    world.witness.isBroken = true;
    await expect(world.redeem(ONE, 'B1')).rejects.toBeInstanceOf(TillUnavailable);
    const length = world.journal().length;
    await expect(world.redeem(TWO, 'B2')).rejects.toBeInstanceOf(TillUnavailable);
    await expect(world.redeem(ONE, 'B1')).rejects.toBeInstanceOf(TillUnavailable);
    await expect(world.box.basket('B1')).rejects.toBeInstanceOf(TillUnavailable);
    expect(world.journal()).toHaveLength(length);
    world.witness.isBroken = false;
    expect(await world.redeem(ONE, 'B1')).toMatchObject({ decision: 'approved' });
    expect(world.witness.head).toEqual(world.store.box().head);
  });

  it('lets nothing be uploaded that it does not cover [G4, S5]', async () => {
    const covered = world.witness.head?.n;
    world.witness.isBroken = true;
    await expect(world.redeem(ONE, 'B1')).rejects.toBeInstanceOf(TillUnavailable);
    expect(world.box.unsettled(null)?.head.n).toBe(covered);
    expect(world.box.heartbeat().head.n).toBe(covered);
  });

  it('leaves no want open that would keep its code from other baskets', async () => {
    const waiting = world.redeem(THREE, 'B1');
    waiting.catch(() => {});
    await turn();
    world.witness.isBroken = true;
    await expect(world.redeem(ONE, 'B9')).rejects.toBeInstanceOf(TillUnavailable);
    await world.pass(800);
    await expect(waiting).rejects.toBeInstanceOf(TillUnavailable);
    world.witness.isBroken = false;
    const other = world.redeem(THREE, 'B2');
    await turn();
    await world.hear('refuse', { want: world.lastSent('want')?.want ?? '', reason: 'voided', facts: {} });
    expect(await other).toMatchObject({ reason: 'voided' });
  });

  it('at a start leaves the box starting; a later tick validates it, with one boot entry', async () => {
    world.crash();
    world.witness.isBroken = true;
    await world.start();
    expect(world.box.status().state).toBe('starting');
    await expect(world.redeem(ONE, 'B1')).rejects.toBeInstanceOf(TillUnavailable);
    await expect(world.box.tick()).rejects.toBeInstanceOf(TillUnavailable);
    world.witness.isBroken = false;
    await world.box.tick();
    expect(world.box.status().state).toBe('validated');
    expect(world.journal().filter((line) => line === 'boot')).toHaveLength(2);
    expect(await world.redeem(ONE, 'B1')).toMatchObject({ decision: 'approved' });
  });
});

describe('a restored data directory', () => {
  beforeEach(async () => {
    await world.connect();
    await world.stock(ONE, TWO);
    const image = world.backup();
    await world.redeem(ONE, 'B1');
    world.restore(image);
    await world.start();
  });

  it('is found out at the start, offline: everything cannot be verified, nothing is shown or journalled [G6, W3]', async () => {
    const before = world.backup();
    expect(world.box.status().state).toBe('disagreement');
    expect(await world.redeem(ONE, 'B2')).toMatchObject({ decision: 'undetermined', reason: 'cannot_verify' });
    expect(await world.redeem(TWO, 'B2')).toMatchObject({ decision: 'undetermined', reason: 'cannot_verify' });
    await expect(world.box.reverse({ code: ONE, basket: 'B1', reason: 'x', door: null })).rejects.toBeInstanceOf(
      TillUnavailable,
    );
    await expect(world.box.basket('B1')).rejects.toBeInstanceOf(TillUnavailable);
    await world.box.tick();
    expect(world.backup().equals(before)).toBe(true);
  });

  it('uploads evidence alone, and leaves its witness as it is', async () => {
    const witness = world.witness.head;
    expect(world.box.unsettled(null)).toMatchObject({ evidence: true, from: 1 });
    await world.stock(THREE);
    await world.box.release({ code: ONE, basket: 'B1' });
    expect(world.witness.head).toEqual(witness);
    expect(world.box.status().holding).toBe(2);
  });

  it('reports the disagreement when it attests, and is fenced from then on, whatever comes back', async () => {
    const { nonce } = world.box.hello();
    await world.hear('challenge', { nonce, challenge: 'chal-0001', epoch: 1, n: 0 });
    expect(world.lastSent('attest')).toMatchObject({
      disagreement: { epoch: 1, n: world.witness.head?.n },
      hashAtChallenge: GENESIS_HASH,
    });
    expect(world.box.status().state).toBe('fenced');
    world.witness.head = world.store.box().head;
    world.crash();
    await world.start();
    expect(world.box.status().state).toBe('fenced');
  });

  it('is judged anew when the witness agrees again, before it was reported', async () => {
    world.witness.head = world.store.box().head;
    await world.box.tick();
    expect(world.box.status().state).toBe('validated');
    expect(await world.redeem(TWO, 'B2')).toMatchObject({ decision: 'approved' });
  });
});

describe('a missing or unreadable witness', () => {
  it.each(['missing', 'unreadable'])('%s beside a journal is a disagreement until it is back', async (kind) => {
    await world.connect();
    await world.stock(ONE);
    const { head } = world.witness;
    world.crash();
    if (kind === 'missing') world.witness.head = null;
    else world.witness.isUnreadable = true;
    await world.start();
    expect(world.box.status().state).toBe('disagreement');
    world.witness.head = head;
    world.witness.isUnreadable = false;
    await world.box.tick();
    expect(world.box.status().state).toBe('validated');
  });
});

describe('a fence', () => {
  beforeEach(async () => {
    await world.connect();
    await world.stock(ONE, TWO);
    await world.redeem(ONE, 'B1');
    await world.hear('fence', { epoch: 2, why: 'clone' }, { epoch: 2 });
  });

  it('holds over a restart: nothing is decided, the journal is evidence', async () => {
    world.crash();
    await world.start();
    expect(world.box.status().state).toBe('fenced');
    expect(await world.redeem(TWO, 'B2')).toMatchObject({ reason: 'cannot_verify' });
    expect(await world.redeem(ONE, 'B1')).toMatchObject({ reason: 'cannot_verify' });
    expect(world.box.unsettled(null)).toMatchObject({ evidence: true, from: 1 });
  });

  it('received as evidence counts as settled for a new enrolment', async () => {
    expect(hasUnsettled(world.store)).toBe(true);
    const { head } = world.store.box();
    await world.hear('ack', {
      acknowledged: { epoch: 1, n: 0, hash: GENESIS_HASH },
      evidence: { ...head, n: head.n - 1 },
      exceptions: [],
    });
    expect(hasUnsettled(world.store)).toBe(true);
    await world.hear('ack', { acknowledged: { epoch: 1, n: 0, hash: GENESIS_HASH }, evidence: head, exceptions: [] });
    expect(hasUnsettled(world.store)).toBe(false);
    expect(world.box.unsettled(null)).toBeNull();
  });
});

describe('the link’s side', () => {
  it('a fresh box starts, with its boot as its first entry', async () => {
    expect(world.journal()).toEqual(['boot']);
    expect(world.box.sender()).toEqual({ gateway: GATEWAY, incarnation: INCARNATION, epoch: 1, bootId: 1 });
    expect(hasUnsettled(new World().store)).toBe(false);
  });

  it('the boot id rises by one at each start [G8]', async () => {
    for (const bootId of [2, 3]) {
      world.crash();
      await world.start();
      expect(world.box.sender().bootId).toBe(bootId);
    }
  });

  it('an unclean start is told by a strict box, and a stop in good order makes it clean', async () => {
    const attest = async () => {
      const { nonce } = world.box.hello();
      await world.hear('challenge', { nonce, challenge: 'chal-0001', epoch: 1, n: 0 });
      return world.lastSent('attest')?.cleanStart;
    };
    world.crash();
    world.strict = true;
    await world.start();
    expect(await attest()).toBe(false);
    world.box.close();
    world.crash();
    await world.start();
    expect(await attest()).toBe(true);
    world.crash();
    world.strict = false;
    await world.start();
    expect(await attest()).toBe(true);
  });

  it('uploads follow what is under way, at most five hundred entries each', async () => {
    for (let n = 0; n < 600; n += 1) await world.box.reverse({ code: ONE, basket: `B${n}`, reason: 'x', door: null });
    const first = world.box.unsettled(null);
    expect(first).toMatchObject({ epoch: 1, from: 1, before: GENESIS_HASH, evidence: false });
    expect(first?.entries).toHaveLength(500);
    const second = world.box.unsettled(first?.head ?? null);
    expect(second).toMatchObject({ from: 501, before: first?.head.hash });
    expect(second?.entries).toHaveLength(101);
    expect(world.box.unsettled(second?.head ?? null)).toBeNull();
    await world.hear('ack', { acknowledged: second?.head ?? world.ackAt(0), evidence: null, exceptions: [] });
    expect(world.box.unsettled(null)).toBeNull();
    expect(world.box.status()).toMatchObject({ backlog: 0, acknowledged: 601 });
  });

  it('an upload of large entries stays a message', async () => {
    await world.connect();
    const many = Array.from({ length: 500 }, () => world.reservation(ONE));
    for (let part = 0; part < 12; part += 1)
      await world.hear('grant', world.grant(many.map((item) => ({ ...item, reservation: world.id() }))));
    const upload = world.box.unsettled(null);
    expect(JSON.stringify(upload).length).toBeLessThan(1024 * 1024 * 0.75);
    expect(world.box.unsettled(upload?.head ?? null)?.from).toBe((upload?.head.n ?? 0) + 1);
  });

  it('lists what is held, in parts, with the floor and the head', async () => {
    await world.connect();
    expect(world.box.holdings()).toMatchObject([{ part: 0, parts: 1, floor: 0, holdings: [] }]);
    const [item] = await world.stock(ONE);
    expect(world.box.holdings()).toMatchObject([
      { floor: 1, holdings: [item?.reservation], head: { n: world.store.box().head.n } },
    ]);
  });

  it('the first anchor of a boot and each hour that has passed make an entry, and no tick else', async () => {
    await world.connect();
    const times = () => world.journal().filter((line) => line === 'time').length;
    expect(times()).toBe(1);
    const beat = async () => world.hear('beat', { beat: world.box.heartbeat().beat, now: world.wall });
    await world.pass(30_000);
    await beat();
    await world.box.tick();
    expect(times()).toBe(1);
    await world.pass(61 * MINUTE);
    await beat();
    await world.box.tick();
    expect(times()).toBe(2);
    await world.pass(61 * MINUTE);
    await world.box.tick();
    expect(times()).toBe(3);
    expect(world.box.status().clock.proven).toBe(true);
  });

  it('the anchor’s uncertainty is the time since the question', async () => {
    await world.connect();
    const { beat } = world.box.heartbeat();
    await world.pass(250);
    await world.hear('beat', { beat, now: world.wall });
    expect(world.box.status().clock).toEqual({ proven: true, earliest: T0 + 250, latest: T0 + 500 });
  });

  it('is welcomed once for its own attest', async () => {
    await world.connect();
    expect(world.welcomes).toBe(1);
  });
});

describe('the desk', () => {
  beforeEach(async () => {
    await world.connect();
    await world.stock(ONE);
  });

  it('sees a code’s history', async () => {
    expect(await world.box.history(TWO)).toBeNull();
    expect(await world.box.history('nonsense')).toBeNull();
    expect(await world.box.history(ONE)).toMatchObject({ state: 'reserved', campaign: 'spring', holder: 'store:0042' });
    await world.validate(ONE, 'B1');
    expect(await world.box.history(ONE)).toMatchObject({
      state: 'in_use',
      history: [{ what: 'in_use', basket: 'B1' }],
    });
    await world.redeem(ONE, 'B1');
    expect(await world.box.history(ONE)).toMatchObject({
      state: 'redeemed',
      holder: null,
      redemption: { basket: 'B1' },
    });
    await world.box.reverse({ code: ONE, basket: 'B1', reason: 'x', door: null });
    expect(await world.box.history(ONE)).toMatchObject({
      state: 'reversed',
      history: [{ what: 'redeemed' }, { what: 'reversed' }],
    });
  });

  it('sees a basket: in use, redeemed', async () => {
    await world.validate(ONE, 'B1');
    expect((await world.box.basket('B1')).codes).toEqual([{ code: ONE.slice(-4), state: 'in_use', redemption: null }]);
    await world.redeem(ONE, 'B1');
    expect((await world.box.basket('B1')).codes).toMatchObject([{ state: 'redeemed', redemption: { lane: '3' } }]);
    expect((await world.box.basket('B9')).codes).toEqual([]);
  });
});

describe('group commit', () => {
  it('commands of one turn are one transaction and one write of the witness; one of two baskets gets the code', async () => {
    await world.connect();
    await world.stock(ONE, TWO);
    const acts: string[] = [];
    world.afterPort = (act) => acts.push(act);
    const [a, b, c] = await Promise.all([world.redeem(ONE, 'B1'), world.redeem(ONE, 'B2'), world.redeem(TWO, 'B3')]);
    expect(acts).toEqual(['commit', 'witness']);
    expect([a?.decision, b?.reason, c?.decision]).toEqual(['approved', 'already_redeemed', 'approved']);
  });

  it('more commands than one batch takes are all answered, a code still once', async () => {
    await world.connect();
    await world.stock(ONE);
    const all = await Promise.all(Array.from({ length: 250 }, (_, index) => world.redeem(ONE, `B${index}`)));
    expect(all.filter(({ decision }) => decision === 'approved')).toHaveLength(1);
  });

  it('a transaction that fails fails them all, and leaves nothing behind', async () => {
    await world.connect();
    await world.stock(ONE, TWO);
    const before = world.backup();
    world.beforePort = () => {
      throw new TillUnavailable('the disk is full');
    };
    const both = await Promise.allSettled([world.redeem(ONE, 'B1'), world.redeem(TWO, 'B2')]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    world.beforePort = () => {};
    expect(world.backup().equals(before)).toBe(true);
    expect(await world.redeem(ONE, 'B2')).toMatchObject({ decision: 'approved' });
  });

  it('after close nothing is decided any more, and who waits is told', async () => {
    await world.connect();
    const waiting = world.validate(ONE, 'B1');
    await turn();
    world.box.close();
    await expect(waiting).rejects.toBeInstanceOf(TillUnavailable);
    await expect(world.validate(ONE, 'B1')).rejects.toBeInstanceOf(TillUnavailable);
  });
});

it('data of another gateway are refused', async () => {
  world.store = new SqliteTillStore(':memory:');
  world.store.make({ gateway: 'gw-00000002', incarnation: INCARNATION, epoch: 1 });
  await expect(world.start()).rejects.toThrow('gw-00000002');
});
