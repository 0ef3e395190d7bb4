import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { brief, type Door } from './calls.ts';
import { signal, type Store, Town } from './harness.ts';
import { until } from './processes.ts';

/** A marketer brings codes that were made elsewhere, and everybody takes them as they take ours. */

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
const idSchema = z.object({ id: z.string() });

async function campaign(title: string, other: object = {}): Promise<string> {
  const discount = { type: 'amount', amount: 300, currency: 'USD' };
  const body = { title, discount, timeZone: 'America/New_York', startsAt: day(-2), endsAt: day(30), ...other };
  return (await town.admin('/v1/campaigns', idSchema, { body })).id;
}

const send = (to: string, csv: string) =>
  town.askAdmin(`/v1/campaigns/${to}/stacks`, { body: csv, headers: { 'content-type': 'text/csv' } });

/** @returns the stack's id, when the codes can be scanned in both stores */
async function imported(to: string, lines: readonly string[]): Promise<string> {
  const csv = lines.map((line) => (/[",]/.test(line) ? `"${line.replaceAll('"', '""')}"` : line));
  const answer = await send(to, `code\n${csv.join('\n')}\n`);
  expect([answer.status, answer.text]).toEqual([201, expect.stringContaining(`"count":${lines.length}`)]);
  await until('both boxes have the card', async () => {
    const stores = await Promise.all([one, two].map((store) => store.validate(lines[0] ?? '', 'probe')));
    await Promise.all([one, two].map((store) => store.release(lines[0] ?? '', 'probe')));
    return stores.every(({ reason }) => reason !== 'not_a_coupon');
  });
  await until('it is given back', async () => (await town.look(lines[0] ?? '')).state === 'issued');
  return idSchema.parse(answer.json).id;
}

const many = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, i) => `${prefix}-${String(i).padStart(6, '0')}`);
const exposure = (id: string) =>
  town.admin(`/v1/campaigns/${id}/exposure`, z.object({ open: z.object({ units: z.int(), value: z.int() }) }));

describe('a stack made elsewhere', () => {
  test('is redeemed at a till, and then refused in the shop and in the other store', async () => {
    const codes = many(2_500, 'VENDOR');
    const stack = await imported(await campaign('Vendor'), codes);
    const { text } = await town.askAdmin(`/v1/stacks/${stack}/codes.csv`);
    expect(text).toBe(`code\n${codes.join('\n')}\n`);

    const [first = '', second = ''] = codes;
    expect(await one.redeem(first, town.basket())).toMatchObject({ decision: 'approved', text: 'OK $3.00 OFF' });
    const other = first.toLowerCase().replace('-', ' ');
    expect(brief(await town.cart.redeem(other, town.basket()))).toBe('refused: already_redeemed');
    expect(brief(await two.redeem(first, town.basket()))).toBe('refused: already_redeemed');
    expect(brief(await town.cart.redeem(second, town.basket()))).toBe('approved');
    expect(brief(await one.redeem(second, town.basket()))).toBe('refused: already_redeemed');
    expect(brief(await one.redeem('VENDOR-999999', town.basket()))).toBe('refused: unknown_code');
    expect(await town.look(first)).toMatchObject({ state: 'redeemed', redemption: { store: '0001' } });
  });

  test('that waits in a store is redeemed with the line cut, also after a restart of the box', async () => {
    const [stocked = '', free = ''] = await (async () => {
      const codes = many(2, 'STOCKED');
      await imported(await campaign('Stocked'), codes);
      return codes;
    })();
    await town.stock(one, [stocked]);
    await one.drill('cut');
    await one.lineIs('down');
    const { pid } = town.demo().gateways[0] ?? { pid: 0 };
    signal(pid, 'SIGKILL');
    await until('the box is there again', async () => (await one.readiness()).state === 'validated');
    expect(await one.redeem(stocked.toLowerCase(), town.basket())).toMatchObject({ decision: 'approved' });
    expect(brief(await one.validate(free, town.basket()))).toBe('undetermined: cannot_verify');
    expect(brief(await one.validate('BREAD-000001', town.basket()))).toBe('refused: not_a_coupon');
    expect(brief(await one.redeem('TEST-APPROVED', town.basket()))).toBe('approved');
    expect(brief(await one.redeem('TEST-EXPIRED', town.basket()))).toBe('refused: expired');
    expect(brief(await town.cart.redeem(stocked, town.basket()))).toBe('refused: held_elsewhere');
    await one.drill('open');
    await town.settled();
    expect(brief(await town.cart.redeem(stocked, town.basket()))).toBe('refused: already_redeemed');
  });

  test('may have any printable character in its codes, and they are looked up and voided by it', async () => {
    const codes = ['A/B?C#D%20"E', 'x,y;<z>&=+ {1}', '../..\\%2F'];
    const stack = await imported(await campaign('Odd'), codes);
    const { text } = await town.askAdmin(`/v1/stacks/${stack}/codes.csv`);
    expect(text).toBe('code\n"A/B?C#D%20""E"\n"x,y;<z>&=+ {1}"\n../..\\%2F\n');
    for (const code of codes) {
      expect(await town.look(code)).toMatchObject({ state: 'issued' });
      expect(brief(await one.redeem(code, town.basket()))).toBe('approved');
      expect(await one.lookAt(code)).toMatchObject({ state: 'redeemed' });
      const { status } = await town.askAdmin(`/v1/codes/${encodeURIComponent(code)}/void`, { method: 'POST' });
      expect([code, status]).toEqual([code, 409]);
    }
  });

  test('of GS1 coupons is one coupon each, whichever way it is scanned', async () => {
    const codes = [
      '8112017777777666666223456789',
      '(255)1313131313130123456789012',
      '(8112)009988459000019133924009755364',
    ];
    await imported(await campaign('Industry'), codes);
    const [coupon, gcn, third] = [']C18112017777777666666223456789', ']C12551313131313130123456789012', codes[2] ?? ''];
    const approved = await one.redeem(coupon, town.basket());
    expect(approved).toMatchObject({ decision: 'approved', code: '(8112)017777777666666223456789' });
    expect(brief(await town.cart.redeem('(8112)017777777666666223456789', town.basket()))).toBe(
      'refused: already_redeemed',
    );
    expect(brief(await town.cart.redeem(gcn, town.basket()))).toBe('approved');
    expect(brief(await two.redeem('(255)1313131313130123456789012', town.basket()))).toBe('refused: already_redeemed');
    expect(await town.look(third)).toMatchObject({ state: 'issued' });
    for (const door of [one, town.cart] as const) {
      expect(await door.redeem('8110106141416543213500110000310123196000', town.basket())).toMatchObject({
        reason: 'not_single_use',
        text: 'Ordinary coupon: use the register',
      });
      expect(await door.redeem('8112209988459000', town.basket())).toMatchObject({
        reason: 'not_single_use',
        text: 'Several coupons in one: use the register',
      });
    }
  });

  test('goes into one basket with ours, industry coupons and test codes, all or none, at both doors', async () => {
    const codes = [...many(2, 'BASKET'), '8112009988459000039133772240739897', '8112009988459000049133939957096441'];
    await imported(await campaign('Basket'), codes);
    const ours = await town.newCodes(2);
    const baskets = [
      [one, [ours[0], codes[0], `]C1${codes[2]}`, 'TEST-APPROVED']],
      [town.cart, [ours[1], codes[1], codes[3], 'TEST-APPROVED']],
    ] as const satisfies [Door, (string | undefined)[]][];
    for (const [door, list] of baskets) {
      const good = list.map((code) => code ?? '');
      const reasons = async (codes: string[], basket: string) =>
        (await door.redeemAll(codes, basket, true)).map(({ reason, decision }) => reason ?? decision);
      expect(await reasons([...good, 'TEST-EXPIRED'], town.basket())).toEqual([
        ...good.map(() => 'basket_incomplete'),
        'expired',
      ]);
      expect(await reasons(good, town.basket())).toEqual(good.map(() => 'approved'));
    }
  });
});

test('an item coupon says what is free, at every door, and counts with what it may cost at most', async () => {
  const discount = { type: 'item', title: 'Coffee', maxAmount: 400, currency: 'USD' };
  const id = await campaign('A coffee', { discount });
  await imported(id, many(3, 'COFFEE'));
  expect((await exposure(id)).open).toEqual({ units: 3, value: 1_200 });
  const [atTill, online] = [
    await one.redeem('COFFEE-000000', town.basket()),
    await town.cart.redeem('COFFEE-000001', town.basket()),
  ];
  for (const decision of [atTill, online])
    expect(decision).toMatchObject({ decision: 'approved', text: 'OK FREE COFFEE', offer: { discount } });
  await until('it is settled', async () => (await exposure(id)).open.units === 1);
  expect((await exposure(id)).open).toEqual({ units: 1, value: 400 });
});

describe('a bad file', () => {
  let id: string;
  beforeAll(async () => {
    id = await campaign('Bad files', { cap: { units: 50 } });
  });
  const errorsSchema = z.object({
    type: z.string(),
    errors: z.array(z.object({ line: z.int(), why: z.string() })).optional(),
  });
  const left = async () => {
    const { issued } = await town.admin(`/v1/campaigns/${id}`, z.object({ issued: z.object({ units: z.int() }) }));
    return [issued.units, (await exposure(id)).open.units];
  };

  test.each([
    ['with bad lines', 'code\nGOOD-1\n\nTEST-APPROVED\nGOOD-2\n8110106141416543213500110000310123196000\n', [4, 6]],
    ['with a code twice', 'GOOD-1\nGOOD-2\ng o o d 1\n', [3]],
    ['with a code that is too long', `GOOD-1\n${'A'.repeat(97)}\n`, [2]],
    ['with a control character', 'GOOD-1\nGO\u0007OD\n', [2]],
    ['in another encoding', 'GOOD-1\nGRÜN\n', [2]],
    ['of products', '4006381333931\n5012345678900\n', [1, 2]],
    ['whose quote is not closed', 'GOOD-1\n"GOOD-2\nGOOD-3\n', [2]],
    ['with a code that exists', 'GOOD-1\nVENDOR-000007\n', [2]],
    ['of nothing', '', undefined],
    ['over the cap', many(51, 'GOOD').join('\n'), undefined],
  ])('%s is told by its lines and leaves nothing behind', async (_, csv, lines) => {
    const answer = await send(id, csv);
    const problem = errorsSchema.parse(answer.json);
    expect([answer.status, problem.errors?.map(({ line }) => line)]).toEqual([422, lines]);
    expect(await left()).toEqual([0, 0]);
    expect(brief(await town.cart.redeem('GOOD-1', town.basket()))).toMatch(/not_a_coupon|unknown_code/);
  });

  test('that is cut off on its way leaves nothing behind', async () => {
    const { adminToken, cloud } = town.demo();
    const socket = connect(Number(new URL(cloud).port), '127.0.0.1');
    socket.write(
      `POST /v1/campaigns/${id}/stacks HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${adminToken}\r\n` +
        'content-type: text/csv\r\ncontent-length: 1000\r\n\r\nGOOD-1\nGOOD-2\n',
    );
    await sleep(200);
    socket.destroy();
    // The same codes come whole a moment later, and nothing of before stands against them.
    expect((await send(id, 'GOOD-1\nGOOD-2\n')).status).toBe(201);
    expect(await left()).toEqual([2, 2]);
  });
});

test.each([
  ['being taken in', "SELECT count(*) FROM codes WHERE state = 'staged'"],
  ['being issued', "SELECT count(*) FROM stacks WHERE import = 'whole' AND issued > 0 AND issued < count"],
])('the cloud killed while a stack is %s: it is whole or not there, and can be sent again', async (_, begun) => {
  const id = await campaign('Killed');
  const codes = many(20_000, `KILLED${begun.length}`);
  const csv = codes.join('\n');
  const ledger = new Sqlite(join(town.folder, 'cloud', 'ledger.sqlite'), { readonly: true });
  const hasBegun = ledger.prepare(begun).pluck();
  const first = send(id, csv).catch(() => null);
  while (hasBegun.get() === 0) await sleep(1);
  ledger.close();
  signal(town.demo().cloudPid, 'SIGKILL');
  expect(await first).toBeNull();
  await until('it is there or can be sent', async () => [201, 422].includes((await send(id, csv)).status));
  const again = await send(id, csv);
  expect([again.status, again.text]).toEqual([422, expect.stringContaining(`${codes.length} lines are bad`)]);
  expect((await exposure(id)).open.units).toBe(codes.length);
  expect(brief(await town.cart.redeem(codes.at(-1) ?? '', town.basket()))).toBe('approved');
});

test('at the end everything is settled, the books verify, and no code is in a log', async () => {
  expect(await town.judge()).toEqual([]);
});
