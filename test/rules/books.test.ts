import { describe, expect, test } from 'vitest';
import { type BookLine, bookLines, type Day, type Flow, type Terms } from '../../cloud/reports/books-rules.ts';

/** The books of one campaign, by value. */

const DAY_MS = 86_400_000;
const START = Date.parse('2026-11-20');
const HOUR = 3_600_000;
const dayName = (i: number) => new Date(START + i * DAY_MS).toISOString().slice(0, 10);
const days = (count: number, first = 0): Day[] =>
  Array.from({ length: count }, (_, i) => {
    const startsAt = START + (first + i) * DAY_MS;
    return { day: dayName(first + i), startsAt, endsAt: startsAt + DAY_MS, asOf: startsAt + DAY_MS };
  });
const terms = (version: number, at: number, worth = 500, endsAt = START + 100 * DAY_MS): Terms => ({
  ...{ version, at, worth, endsAt },
});
const flow = (i: number, from: Flow['from'], to: Flow['to'], units = 1, version = 1): Flow => ({
  ...{ day: i < 0 ? '' : dayName(i), from, to, units, version, ends: null, own: { units: 0, value: 0 } },
});
const none = { units: 0, value: 0 };
const at500 = (units: number) => ({ units, value: units * 500 });
const only = (lines: readonly BookLine[]) => {
  const [line] = lines;
  if (line === undefined || lines.length > 1) throw new Error(`${lines.length} lines`);
  return line;
};
const forever = [terms(1, 0)];

test('a day opens with what the day before closed with, and closes with what moved [C17]', () => {
  const flows = [
    flow(0, null, 'issued', 10),
    flow(0, 'issued', 'redeemed', 3),
    flow(0, 'issued', 'reserved', 2),
    flow(1, 'reserved', 'redeemed', 1),
    flow(1, 'redeemed', 'issued', 2),
    flow(1, 'issued', 'voided', 1),
  ];
  const calm = { revalued: 0, expired: none };
  expect(bookLines(forever, [], flows, days(2))).toEqual([
    {
      ...{
        day: dayName(0),
        opening: none,
        issued: at500(10),
        reversed: none,
        redeemed: at500(3),
        voided: none,
        ...calm,
      },
      closing: at500(7),
    },
    {
      ...{ day: dayName(1), opening: at500(7), issued: none, reversed: at500(2), redeemed: at500(1), ...calm },
      ...{ voided: at500(1), closing: at500(7) },
    },
  ]);
});

test('the days before the first are its opening, and days of nothing have no line [C17]', () => {
  const before = [flow(-1, null, 'issued', 4, 0), flow(-1, 'issued', 'redeemed', 1, 0)];
  expect(only(bookLines(forever, before, [], days(1, 5)))).toMatchObject({ opening: at500(3), closing: at500(3) });
  expect(bookLines(forever, [], [], days(3))).toEqual([]);
});

test('a changed face value is a line of its own, and moves have the value of their moment [C17]', () => {
  const changed = [terms(1, 0, 500), terms(2, START + 12 * HOUR, 300)];
  const flows = [flow(0, null, 'issued', 10), flow(0, 'issued', 'redeemed', 2), flow(0, 'issued', 'redeemed', 3, 2)];
  expect(only(bookLines(changed, [], flows, days(1)))).toMatchObject({
    issued: { units: 10, value: 5000 },
    redeemed: { units: 5, value: 2 * 500 + 3 * 300 },
    revalued: 8 * -200,
    closing: { units: 5, value: 1500 },
  });
});

test('codes with a value of their own keep it: when they get it, when they move, when the face value changes [C17]', () => {
  const changed = [terms(1, 0, 500), terms(2, START + DAY_MS, 300)];
  const own = (units: number, value: number) => ({ own: { units, value } });
  const flows = [
    { ...flow(0, null, 'issued', 10), ...own(2, 1600) },
    { ...flow(0, 'issued', 'issued', 0), ...own(1, 700) },
    { ...flow(1, 'issued', 'redeemed', 2, 2), ...own(1, 700) },
  ];
  expect(bookLines(changed, [], flows, days(2))).toMatchObject([
    { issued: { units: 10, value: 8 * 500 + 1600 }, revalued: 200, closing: { units: 10, value: 7 * 500 + 2300 } },
    { revalued: 7 * -200, redeemed: { units: 2, value: 1000 }, closing: { units: 8, value: 6 * 300 + 1600 } },
  ]);
});

describe('the end of a campaign', () => {
  const end = START + DAY_MS + 12 * HOUR;
  const ending = [terms(1, 0, 500, end)];
  const issued = flow(0, null, 'issued', 10);

  test('expires what is free or held by a cart; what stores have is still open [C17]', () => {
    const flows = [issued, flow(0, 'issued', 'held'), flow(0, 'issued', 'reserved', 4)];
    expect(bookLines(ending, [], flows, days(2))[1]).toMatchObject({ expired: at500(6), closing: at500(4) });
  });

  test('expires what comes back after it: reversed, and no liability [C17, C16]', () => {
    const flows = [issued, flow(0, 'issued', 'redeemed'), flow(2, 'redeemed', 'issued')];
    expect(bookLines(ending, [], flows, days(3))[2]).toMatchObject({
      ...{ opening: none, reversed: at500(1), expired: at500(1), closing: none },
    });
  });

  test('is undone for what turns out to be redeemed after it [C17]', () => {
    const flows = [issued, flow(2, 'issued', 'redeemed')];
    expect(bookLines(ending, [], flows, days(3))[2]).toMatchObject({
      ...{ opening: none, redeemed: at500(1), expired: at500(-1), closing: none },
    });
  });

  test('that was moved brings codes back to life on that day, and leaves the days before as they were [C17]', () => {
    const extended = [terms(1, 0, 500, end), terms(2, START + 3 * DAY_MS, 500, START + 9 * DAY_MS)];
    const lines = bookLines(extended, [], [issued], days(4));
    expect(lines.map(({ closing }) => closing.units)).toEqual([10, 0, 10]);
    expect(lines.at(-1)).toMatchObject({ day: dayName(3), expired: at500(-10) });
  });

  test('is not before its moment, on a day that is not over [C17]', () => {
    const [today] = days(1, 1).map((day) => ({ ...day, asOf: end - 1 }));
    if (today === undefined) throw new Error('no day');
    const before = [flow(-1, null, 'issued', 10, 0)];
    expect(only(bookLines(ending, before, [], [today]))).toMatchObject({ expired: none, closing: at500(10) });
    expect(only(bookLines(ending, before, [], [{ ...today, asOf: end }]))).toMatchObject({ expired: at500(10) });
  });
});

describe('a coupon that ends by itself', () => {
  const noon = START + DAY_MS + 12 * HOUR;
  const own = (units: number, value: number) => ({ own: { units, value } });
  const ending = (one: Flow): Flow => ({ ...one, ends: noon });

  test('is no liability from that instant on, and the others stay one [C17, P13]', () => {
    const flows = [flow(0, null, 'issued', 6), ending({ ...flow(0, null, 'issued', 4), ...own(3, 2100) })];
    expect(bookLines(forever, [], flows, days(3))).toMatchObject([
      { issued: { units: 10, value: 7 * 500 + 2100 }, expired: none, closing: { units: 10, value: 5600 } },
      { expired: { units: 4, value: 500 + 2100 }, closing: at500(6) },
      { opening: at500(6), expired: none, closing: at500(6) },
    ]);
  });

  test('that got its end later was one of those without until then [C17, P13]', () => {
    const got = flow(1, 'issued', 'issued', -1);
    const flows = [flow(0, null, 'issued', 3), got, ending({ ...got, units: 1, ...own(1, 700) })];
    expect(bookLines(forever, [], flows, days(2))).toMatchObject([
      { closing: at500(3) },
      { revalued: 200, expired: { units: 1, value: 700 }, closing: at500(2) },
    ]);
  });

  test('expires at the face value of its moment, and ends with its campaign where that ends before it [C17, P13]', () => {
    const changed = [terms(1, 0, 500), terms(2, noon + HOUR, 300), terms(3, START + 2 * DAY_MS, 300, noon + 20 * HOUR)];
    const flows = [flow(0, null, 'issued', 2), ending(flow(0, null, 'issued', 1))];
    expect(bookLines(changed, [], flows, days(3))).toMatchObject([
      { closing: at500(3) },
      { expired: at500(1), revalued: -400, closing: { units: 2, value: 600 } },
      { expired: { units: 2, value: 600 }, closing: none },
    ]);
    const short = [terms(1, 0, 500, noon - HOUR)];
    const today = days(1, 1).map((day) => ({ ...day, asOf: noon - 1 }));
    expect(bookLines(short, [ending(flow(-1, null, 'issued', 1, 0))], [], today)).toMatchObject([
      { expired: at500(1) },
    ]);
  });

  test('stays one while a store has it, and expires when it comes back [C17, P13]', () => {
    const flows = [flow(0, null, 'issued', 1), flow(0, 'issued', 'reserved'), flow(2, 'reserved', 'issued')].map(
      ending,
    );
    expect(bookLines(forever, [], flows, days(3))).toMatchObject([
      ...[{ closing: at500(1) }, { expired: none, closing: at500(1) }, { expired: at500(1), closing: none }],
    ]);
  });
});

test('what is reversed too late is reversed and voided [C17, C16]', () => {
  const flows = [flow(0, null, 'issued'), flow(0, 'issued', 'redeemed'), flow(1, 'redeemed', 'voided')];
  expect(bookLines(forever, [], flows, days(2))[1]).toMatchObject({
    ...{ reversed: at500(1), voided: at500(1), closing: none },
  });
});

test('a move of which the clocks disagree about the day still counts [C17]', () => {
  const changed = [terms(2, START, 500), terms(3, START + 5 * DAY_MS, 300)];
  const flows = [flow(0, null, 'issued', 1, 1), flow(1, null, 'issued', 1, 3)];
  expect(bookLines(changed, [], flows, days(2)).at(-1)).toMatchObject({ closing: at500(2) });
});
