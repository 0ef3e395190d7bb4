import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TillUnavailable } from '../../gateway/till/port.ts';
import { formatCode, hashCustomer } from '../../protocol/code.ts';
import type { IssueView } from '../../protocol/issue-api.ts';
import { BLANK_KEY, card, codeAt, faceOf, hashOf, turn, World } from './till-world.ts';

/** A register prints a coupon: from blanks, with the line or without. */

async function opened(...codes: number[]): Promise<World> {
  const world = new World();
  await world.start();
  await world.connect();
  if (codes.length > 0) await world.hear('grant', world.grant(codes.map((at) => world.blank(codeAt(at)))));
  return world;
}

const issue = (world: World, basket: string, campaign = 'spring'): Promise<IssueView> =>
  world.box.issue({ campaign, basket });

const codesOf = (count: number) => Array.from({ length: count }, (_, at) => formatCode(codeAt(at)));

describe('a register whose line is cut', () => {
  test('gives a basket a coupon, the same one also after the power went, and another basket another [I1, I4]', async () => {
    const world = await opened(0, 1);
    await world.cut();
    const first = await issue(world, 'A');
    expect(first).toMatchObject({
      ...{ decision: 'issued', reason: null, text: 'COUPON $5.00 OFF', basket: 'A', link: null },
      ...{ offer: { campaign: 'spring', title: '$5 off' }, until: '2027-01-01T05:00:00.000Z', facts: {} },
    });
    expect(codesOf(2)).toContain(first.code);
    expect(await issue(world, 'A')).toEqual(first);
    world.crash();
    await world.start();
    expect(await issue(world, 'A')).toEqual(first);
    const second = await issue(world, 'B');
    expect([first.code, second.code].sort()).toEqual(codesOf(2).sort());
    expect(await issue(world, 'C')).toMatchObject({
      ...{ decision: 'undetermined', reason: 'no_blanks', code: null },
      facts: { retryAfterSeconds: 300 },
    });
    expect(world.journal().filter((kind) => kind === 'issued')).toHaveLength(2);
  });

  test('redeems what it has issued, and no blank before it is issued [I3, I4]', async () => {
    const world = await opened(0);
    await world.cut();
    expect(await world.redeem(codeAt(0), 'B')).toMatchObject({ reason: 'cannot_verify' });
    await issue(world, 'A');
    expect(await world.redeem(codeAt(0), 'B')).toMatchObject({ decision: 'approved', mode: 'reserved' });
    expect(await issue(world, 'A')).toMatchObject({ code: formatCode(codeAt(0)) });
    expect(await issue(world, 'C')).toMatchObject({ reason: 'no_blanks' });
  });

  test('has no coupon of a campaign that is over, or that is not known here [I1]', async () => {
    const world = await opened(0);
    await world.cut();
    expect(await issue(world, 'A', 'autumn')).toMatchObject({ decision: 'undetermined', reason: 'no_blanks' });
    await world.pass(45 * 86_400_000);
    expect(await issue(world, 'A')).toMatchObject({ decision: 'refused', reason: 'campaign_ended' });
  });
});

test('nothing is shown of a coupon whose entry the witness does not cover, and it is the same one then [I4, G4]', async () => {
  const world = await opened(0, 1);
  world.witness.isBroken = true;
  await expect(issue(world, 'A')).rejects.toThrow('witness');
  world.witness.isBroken = false;
  const issued = await issue(world, 'A');
  expect(issued.decision).toBe('issued');
  expect(world.witness.head).toEqual(world.box.status().head);
  expect(world.journal().filter((kind) => kind === 'issued')).toHaveLength(1);
});

test('a box that is not validated issues nothing [I4, G6]', async () => {
  const world = await opened(0);
  const old = world.backup();
  await issue(world, 'A');
  world.restore(old);
  await world.start();
  expect(await issue(world, 'B')).toMatchObject({ decision: 'undetermined', reason: 'not_ready', code: null });
});

test('with the line up the face is told, and the code goes back to be free everywhere [I4]', async () => {
  const world = await opened(0);
  expect(await issue(world, 'A')).toMatchObject({ link: faceOf(codeAt(0)) });
  await world.box.tick();
  expect(world.journal().slice(-2)).toEqual(['issued', 'returned released']);
  expect(await issue(world, 'A')).toMatchObject({ code: formatCode(codeAt(0)) });
  await world.cut();
  expect(await issue(world, 'A')).toMatchObject({ link: null });
  await world.hear('ack', { acknowledged: world.box.status().head, evidence: null, exceptions: [] });
  expect(await issue(world, 'A')).toMatchObject({ link: faceOf(codeAt(0)) });
});

test('a blank that is called back, or whose time is over, is given to nobody [I3]', async () => {
  const world = await opened(0, 1);
  const called = world.store.code(hashOf(codeAt(0))).open[0];
  const { codeHash, generation } = world.blank(codeAt(0));
  const reservations = [{ reservation: called?.reservation ?? '', epoch: 1, codeHash, generation }];
  await world.hear('recall', { reservations, why: 'wanted', deadline: null });
  expect(world.box.status()).toMatchObject({ blanks: 1, holding: 0 });
  await world.cut();
  await world.pass(73 * 3_600_000);
  expect(await issue(world, 'A')).toMatchObject({ reason: 'no_blanks' });
  await world.box.tick();
  expect(world.box.status().blanks).toBe(0);
  expect(world.journal().filter((kind) => kind.startsWith('returned'))).toEqual(['returned recall', 'returned end']);
});

test('blanks are in the list of what is held, and no coupons of an outage [I3, C9]', async () => {
  const world = await opened(0);
  expect(world.box.holdings()[0]?.holdings).toHaveLength(1);
  expect(world.box.status()).toMatchObject({ holding: 0, blanks: 1 });
  expect(await world.box.history(codeAt(0))).toBeNull();
});

describe('a register whose box has no blank', () => {
  async function asked(world: World) {
    const waits = issue(world, 'A');
    await turn();
    const request = world.lastSent('blanks')?.request;
    expect(request).toMatchObject({ campaign: 'spring' });
    return { waits, request: request?.id ?? '' };
  }

  test('asks the cloud, and has the coupon when the grant comes [I6]', async () => {
    const world = await opened();
    expect(world.lastSent('blanks')).toEqual({ publicKey: BLANK_KEY.publicKey, request: null });
    const { waits, request } = await asked(world);
    const about = { cause: { kind: 'stock', request } as const };
    await world.hear('grant', world.grant([world.blank(codeAt(0))], about));
    expect(await waits).toMatchObject({ decision: 'issued', code: formatCode(codeAt(0)) });
  });

  test.each(['unknown_campaign', 'campaign_ended', 'none_left'] as const)('is told %s [I6]', async (why) => {
    const world = await opened();
    const { waits, request } = await asked(world);
    await world.hear('no_blanks', { request, why });
    expect(await waits).toMatchObject({ decision: 'refused', reason: why });
  });

  test('is not kept waiting by a cloud that does not answer, and what comes late is there the next time [I6]', async () => {
    const world = await opened();
    const { waits, request } = await asked(world);
    await world.pass(800);
    expect(await waits).toMatchObject({ decision: 'undetermined', reason: 'no_blanks' });
    const about = { cause: { kind: 'stock', request } as const, cards: [card({ version: 2 })] };
    await world.hear('grant', world.grant([world.blank(codeAt(0))], about));
    expect(await issue(world, 'A')).toMatchObject({ decision: 'issued' });
  });
});

describe('a register that names its customer', () => {
  const CUSTOMER = hashCustomer(new Uint8Array(32).fill(7), 'C-1');
  const named = (world: World, basket: string) => world.box.issue({ campaign: 'spring', basket, customer: 'C-1' });
  const printed = (at: number) => formatCode(codeAt(at));
  const issuedEntries = (world: World) =>
    world.store.entries(1, 1, 100).flatMap(({ body }) => (body.kind.endsWith('issued') ? [body] : []));

  async function asked(world: World, basket = 'A') {
    const before = world.sent.length;
    const waits = named(world, basket);
    await turn();
    expect(world.sent.length).toBe(before + 1);
    const request = world.lastSent('blanks')?.request;
    expect(request).toMatchObject({ campaign: 'spring', customer: CUSTOMER });
    return { waits, request: request?.id ?? '' };
  }

  test('asks the cloud, though it has blanks, and gives that customer’s own, the same again, also when cut off [I7]', async () => {
    const world = await opened(0);
    const { waits, request } = await asked(world);
    await world.hear('coupon', world.coupon(codeAt(5), request));
    const first = await waits;
    expect(first).toMatchObject({
      ...{ decision: 'issued', reason: null, text: 'COUPON $5.00 OFF', code: printed(5), link: faceOf(codeAt(5)) },
      until: '2027-01-01T05:00:00.000Z',
    });
    expect(issuedEntries(world)).toMatchObject([
      { kind: 'own_issued', codeHash: hashOf(codeAt(5)), basket: 'A', customer: CUSTOMER },
    ]);
    await world.cut();
    world.crash();
    await world.start();
    expect(await named(world, 'A')).toEqual(first);
    expect(await issue(world, 'A')).toEqual(first);
    expect(world.box.status()).toMatchObject({ blanks: 1, holding: 0 });
  });

  test('in two baskets gives both the same, and a basket that has one keeps it when a customer is named later [I7, I1]', async () => {
    const world = await opened(0);
    for (const basket of ['A', 'B']) {
      const { waits, request } = await asked(world, basket);
      await world.hear('coupon', world.coupon(codeAt(5), request));
      expect(await waits).toMatchObject({ code: printed(5) });
    }
    expect(await issue(world, 'C')).toMatchObject({ code: printed(0) });
    expect(await named(world, 'C')).toMatchObject({ code: printed(0) });
    expect(issuedEntries(world).map(({ kind }) => kind)).toEqual(['own_issued', 'own_issued', 'issued']);
  });

  test('gives a blank when the cloud does not answer in time, and journals whom it is for; late it is too late [I7]', async () => {
    const world = await opened(0);
    const { waits, request } = await asked(world);
    await world.pass(800);
    expect(await waits).toMatchObject({ code: printed(0) });
    await world.hear('coupon', world.coupon(codeAt(5), request));
    expect(await named(world, 'A')).toMatchObject({ code: printed(0) });
    expect(issuedEntries(world)).toMatchObject([{ kind: 'issued', basket: 'A', customer: CUSTOMER }]);
  });

  test('gives a blank at once while its line is cut [I7]', async () => {
    const world = await opened(0);
    await world.cut();
    world.sent.length = 0;
    expect(await named(world, 'A')).toMatchObject({ code: printed(0), link: null });
    expect(world.sent).toEqual([]);
    expect(issuedEntries(world)).toMatchObject([{ kind: 'issued', customer: CUSTOMER }]);
  });

  test.each(['already_redeemed', 'expired', 'voided', 'campaign_ended', 'unknown_campaign'] as const)(
    'is told %s, and keeps its blank [I7]',
    async (why) => {
      const world = await opened(0);
      const { waits, request } = await asked(world);
      await world.hear('no_blanks', { request, why });
      expect(await waits).toMatchObject({ decision: 'refused', reason: why, code: null });
      expect(world.box.status().blanks).toBe(1);
    },
  );

  test.each(['none_left', 'none_left_today'] as const)(
    'is told %s, and gives a blank, which is counted already; where it has none, no coupon [I7, I2]',
    async (why) => {
      const world = await opened(0);
      for (const expected of [{ code: printed(0) }, { decision: 'refused', reason: why }]) {
        const { waits, request } = await asked(world, `basket ${JSON.stringify(expected)}`);
        await world.hear('no_blanks', { request, why });
        expect(await waits).toMatchObject(expected);
      }
    },
  );

  test('stores nothing that it cannot read, and shows nothing that the witness does not cover [I7, G4]', async () => {
    const world = await opened();
    const { waits, request } = await asked(world);
    await world.hear('coupon', { ...world.coupon(codeAt(5), request), codeHash: hashOf(codeAt(6)) });
    expect(await waits).toMatchObject({ decision: 'undetermined', reason: 'no_blanks' });
    expect(issuedEntries(world)).toEqual([]);
    const again = await asked(world);
    world.witness.isBroken = true;
    const failed = expect(again.waits).rejects.toThrow('witness');
    await world.hear('coupon', world.coupon(codeAt(5), again.request)).catch(() => undefined);
    await failed;
    world.witness.isBroken = false;
    expect(await named(world, 'A')).toMatchObject({ code: printed(5) });
    expect(issuedEntries(world)).toHaveLength(1);
  });

  test('keeps no number: neither its file, its journal nor its messages have it [I7]', async () => {
    const world = await opened();
    const { waits, request } = await asked(world);
    await world.hear('coupon', world.coupon(codeAt(5), request));
    await waits;
    const everything = `${world.backup().toString('latin1')}${JSON.stringify(world.sent)}`;
    expect(everything).not.toContain('C-1');
    expect(everything).not.toContain(codeAt(5));
  });
});

test('a scan never gets a blank, whatever the cloud grants [I3, G2]', async () => {
  const world = await opened();
  const waits = world.validate(codeAt(0), 'B');
  await turn();
  const want = world.lastSent('want')?.want ?? '';
  await world.hear('grant', world.grant([world.blank(codeAt(0))], { cause: { kind: 'want', want } }));
  await world.pass(800);
  expect(await waits).toMatchObject({ reason: 'cannot_verify' });
  expect(world.box.status()).toMatchObject({ inUse: 0, blanks: 0 });
});

/** Baskets ask, the power goes at any port, the cloud calls back; whoever was shown a coupon is shown it for good. */
test('no basket has two, no blank goes to two, and each that was shown stays, through every power cut [I1, I2, I4]', async () => {
  const basket = fc.nat(5).map((n) => `basket-${n}`);
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ op: fc.constant('issue' as const), basket }) },
    { weight: 3, arbitrary: fc.record({ op: fc.constant('power' as const), port: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('recall' as const), code: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ op: fc.constant('tick' as const) }) },
    { weight: 1, arbitrary: fc.record({ op: fc.constant('crash' as const) }) },
  );
  let shownInAll = 0;
  let cuts = 0;
  const play = async (steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[]) => {
    const world = await opened(0, 1, 2, 3);
    const held = [0, 1, 2, 3].map((at) => world.store.code(hashOf(codeAt(at))).open[0]?.reservation ?? '');
    await world.cut();
    const shown = new Map<string, string>();
    const again = async () => {
      [world.beforePort, world.afterPort] = [() => {}, () => {}];
      world.crash();
      await world.start();
      await world.cut();
    };
    for (const one of steps) {
      try {
        if (one.op === 'issue') {
          const { code } = await issue(world, one.basket);
          if (code !== null) expect(shown.get(one.basket) ?? code).toBe(code);
          if (code !== null) shown.set(one.basket, code);
        } else if (one.op === 'power') {
          const cut = (act: 'commit' | 'witness') => {
            if (act === (one.port < 2 ? 'commit' : 'witness')) throw new TillUnavailable('the power is off');
          };
          if (one.port % 2 === 0) world.beforePort = cut;
          else world.afterPort = cut;
        } else if (one.op === 'recall') {
          const reservation = held[one.code] ?? '';
          const item = { reservation, epoch: 1, codeHash: hashOf(codeAt(one.code)), generation: 0 };
          await world.hear('recall', { reservations: [item], why: 'wanted', deadline: null });
        } else if (one.op === 'tick') await world.box.tick();
        else await again();
      } catch (error) {
        if (!(error instanceof TillUnavailable)) throw error;
        cuts += 1;
        await again();
      }
    }
    await again();
    for (const [basket, code] of shown) expect((await issue(world, basket)).code).toBe(code);
    expect(new Set(shown.values()).size).toBe(shown.size);
    const entries = world.store.entries(1, 1, 10_000).flatMap(({ body }) => (body.kind === 'issued' ? [body] : []));
    expect(new Set(entries.map(({ basket }) => basket)).size).toBe(entries.length);
    expect(new Set(entries.map(({ codeHash }) => codeHash)).size).toBe(entries.length);
    shownInAll += shown.size;
  };
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), play), {
    ...{ numRuns: 60, seed: 20_261_123, endOnFailure: false },
  });
  expect(shownInAll).toBeGreaterThan(40);
  expect(cuts).toBeGreaterThan(20);
}, 60_000);
