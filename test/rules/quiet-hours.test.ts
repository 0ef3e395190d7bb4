import { describe, expect, test } from 'vitest';
import { QUIET_HOURS_DEFAULT, type QuietHours, whenNotQuiet } from '../../cloud/distribution/post/quiet-rules.ts';

const at = (text: string) => Date.parse(text);
const when = (text: string, zone: string, quiet: QuietHours | null = QUIET_HOURS_DEFAULT) =>
  new Date(whenNotQuiet(at(text), quiet, zone)).toISOString();

describe('quiet hours', () => {
  test.each([
    ['in the day it may be sent at once', '2026-06-01T12:00:30Z', 'UTC', '2026-06-01T12:00:30.000Z'],
    ['in the evening it waits for the morning', '2026-06-01T21:00:00Z', 'UTC', '2026-06-02T08:00:00.000Z'],
    ['after midnight it waits for the same morning', '2026-06-02T03:12:45Z', 'UTC', '2026-06-02T08:00:00.000Z'],
    ['the last minute before them is free', '2026-06-01T20:59:59Z', 'UTC', '2026-06-01T20:59:59.000Z'],
    ['their end is free', '2026-06-02T08:00:00Z', 'UTC', '2026-06-02T08:00:00.000Z'],
    ['each person’s zone counts', '2026-06-01T20:00:00Z', 'Asia/Kolkata', '2026-06-02T02:30:00.000Z'],
    ['also where it is day here', '2026-06-01T12:00:00Z', 'Pacific/Auckland', '2026-06-01T20:00:00.000Z'],
    ['a night of 23 hours ends an hour sooner', '2026-03-29T00:00:00Z', 'Europe/Berlin', '2026-03-29T06:00:00.000Z'],
    ['a night of 25 hours ends an hour later', '2026-10-24T20:00:00Z', 'Europe/Berlin', '2026-10-25T07:00:00.000Z'],
  ])('%s', (_, text, zone, expected) => {
    expect(when(text, zone)).toBe(expected);
  });

  test('none are none', () => {
    expect(when('2026-06-01T23:00:00Z', 'UTC', null)).toBe('2026-06-01T23:00:00.000Z');
  });

  // The oracle looks at every minute.
  const localMinutes = (start: number, count: number, zone: string): number[] => {
    const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeStyle: 'short' });
    return Array.from({ length: count }, (_, i) => {
      const [hour = 0, minute = 0] = format
        .format(start + i * 60_000)
        .split(':')
        .map(Number);
      return hour * 60 + minute;
    });
  };
  const isQuiet = (minute: number, { fromMinute: from, toMinute: to }: QuietHours) =>
    from <= to ? minute >= from && minute < to : minute >= from || minute < to;

  test.each([
    ['Europe/Berlin', '2026-03-28T18:00:00Z', '2026-10-24T18:00:00Z'],
    ['America/New_York', '2026-03-07T23:00:00Z', '2026-10-31T23:00:00Z'],
    // Half an hour, in the middle of the night.
    ['Australia/Lord_Howe', '2026-04-04T06:00:00Z', '2026-10-03T06:00:00Z'],
    // At midnight.
    ['America/Santiago', '2026-04-04T20:00:00Z', '2026-09-05T20:00:00Z'],
  ])('are the first minute that is not quiet over every change of clocks in %s', (zone, ...starts) => {
    const nights = [QUIET_HOURS_DEFAULT, { fromMinute: 1_380, toMinute: 150 }, { fromMinute: 60, toMinute: 125 }];
    for (const start of starts.map(at)) {
      const minutes = localMinutes(start, 48 * 60, zone);
      for (const quiet of nights)
        for (let from = 0; from < 16 * 60; from += 7) {
          const first = minutes.findIndex((minute, i) => i >= from && !isQuiet(minute, quiet));
          const when = whenNotQuiet(start + from * 60_000, quiet, zone);
          expect((when - start) / 60_000, `${zone} ${from} ${JSON.stringify(quiet)}`).toBe(first);
        }
    }
  });
});
