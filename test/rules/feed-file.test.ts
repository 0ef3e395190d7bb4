import { describe, expect, test } from 'vitest';
import { FEED_ITEMS_MAX, takeFeedFile } from '../../cloud/feeds/feed-file.ts';
import type { FedAnswer, FedItem } from '../../cloud/ledger/port.ts';
import { csv } from './ledger-world.ts';

/** Files of what tills redeemed by themselves, as they are read. */

const TAKEN: FedAnswer = { outcome: 'taken', reason: null, redemption: 'redemption-1', again: false };
const LINE = 'ABC,2026-11-23T09:59:00Z,sale-1';

async function read(bytes: AsyncIterable<Uint8Array>, answer: (item: FedItem) => FedAnswer = () => TAKEN) {
  const batches: (readonly FedItem[])[] = [];
  const summary = await takeFeedFile(bytes, async (items) => {
    batches.push(items);
    return items.map(answer);
  });
  return { items: batches.flat(), sizes: batches.map(({ length }) => length), summary };
}

test('a line is read by its header, whatever the order of the columns [C15]', async () => {
  const { items, summary } = await read(
    csv(
      'basket,code,what,at,store,lane,total,discount,currency',
      'sale-1,"A,B",reversed,2026-11-23T10:00:00+01:00,0001,3,4200,500,USD',
      'sale-2,C,,2026-11-23T09:00:00Z,,,,,',
    ),
  );
  const at = Date.parse('2026-11-23T09:00:00Z');
  const none = { store: null, lane: null, total: null, discount: null };
  expect(items).toEqual([
    {
      ...{ what: 'reversed', code: 'A,B', at, store: '0001', lane: '3', basket: 'sale-1' },
      ...{ total: { amount: 4200, currency: 'USD' }, discount: { amount: 500, currency: 'USD' } },
    },
    { what: 'redeemed', code: 'C', at, basket: 'sale-2', ...none },
  ]);
  expect(summary).toMatchObject({ ok: true, value: { lines: 2, taken: 2, refused: { count: 0 } } });
});

test('what each line became is counted, and what was not taken is named by line, without its code [C15]', async () => {
  const answers: Record<string, FedAnswer> = {
    B: { outcome: 'exception', reason: 'already_redeemed', redemption: null, again: false },
    C: { outcome: 'refused', reason: 'unknown_code' },
    D: { ...TAKEN, again: true },
  };
  const lines = ['A', 'B', 'C', 'D'].map((code) => `${code},2026-11-23T09:59:00Z,sale-1`);
  const { summary } = await read(csv('code,at,basket', ...lines), ({ code }) => answers[code] ?? TAKEN);
  expect(summary).toEqual({
    ok: true,
    value: {
      ...{ lines: 4, taken: 1, again: 1 },
      exceptions: { count: 1, first: [{ line: 3, why: 'already_redeemed' }] },
      refused: { count: 1, first: [{ line: 4, why: 'unknown_code' }] },
    },
  });
});

describe('a bad line', () => {
  test.each([
    ['a time that is none', 'A,yesterday,sale-1,,', 'at: '],
    ['a time without its zone', 'A,2026-11-23T09:59:00,sale-1,,', 'at: '],
    ['no basket', 'A,2026-11-23T09:59:00Z,,,', 'basket: '],
    ['no code', ',2026-11-23T09:59:00Z,sale-1,,', 'code: '],
    ['an amount with a point', 'A,2026-11-23T09:59:00Z,sale-1,42.00,USD', 'total: '],
    ['an amount below nothing', 'A,2026-11-23T09:59:00Z,sale-1,-1,USD', 'total: '],
    ['an amount of no currency', 'A,2026-11-23T09:59:00Z,sale-1,4200,', 'currency: '],
    ['a currency that is none', 'A,2026-11-23T09:59:00Z,sale-1,4200,DOLLARS', 'currency: '],
  ])('with %s is named, and the lines around it are taken [C15]', async (_, bad, why) => {
    const { items, summary } = await read(csv('code,at,basket,total,currency', LINE, bad, LINE));
    expect(items.length).toBe(2);
    expect(summary).toMatchObject({
      ok: true,
      value: { lines: 3, taken: 2, refused: { count: 1, first: [{ line: 3, why: expect.stringContaining(why) }] } },
    });
  });

  test('with a broken quote ends the file there; what stood before it is taken [C15]', async () => {
    const { items, summary } = await read(csv('code,at,basket', LINE, 'A,"2026,sale-1', LINE));
    expect(items.length).toBe(1);
    expect(summary).toMatchObject({
      ok: true,
      value: { taken: 1, refused: { count: 1, first: [{ line: 3, why: expect.stringContaining('quote') }] } },
    });
  });
});

test.each([
  ['an unknown column', ['code,at,basket,totl', `${LINE},4200`], "there is no column 'totl'"],
  ['nothing in it', [], 'the file is empty'],
])('a file with %s is refused, and nothing of it is taken [C15]', async (_, lines, why) => {
  const { items, summary } = await read(csv(...lines));
  expect([items, summary]).toEqual([[], { ok: false, error: { line: 1, why: expect.stringContaining(why) } }]);
});

test('a file of any length is taken in parts, in its order [C15]', async () => {
  const lines = Array.from({ length: 1_001 }, (_, i) => `C${i},2026-11-23T09:59:00Z,sale-${i}`);
  const { items, sizes } = await read(csv('code,at,basket', ...lines));
  expect(items.map(({ code }) => code)).toEqual(lines.map((_, i) => `C${i}`));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(FEED_ITEMS_MAX);
});
