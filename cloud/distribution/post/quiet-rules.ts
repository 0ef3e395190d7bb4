/** When nobody may be disturbed. Pure. */

/** Minutes of the local day; over midnight where it ends before it begins. */
export type QuietHours = { readonly fromMinute: number; readonly toMinute: number };

/** Nine in the evening to eight in the morning: what the strictest of the usual laws ask for. */
export const QUIET_HOURS_DEFAULT: QuietHours = { fromMinute: 21 * 60, toMinute: 8 * 60 };

const MINUTES_PER_DAY = 1_440;
const MINUTE_MS = 60_000;

/**
 * @returns the first moment from `at` on at which it is not quiet in that zone, in milliseconds since 1970; never a moment
 * too early, also where clocks change in the night
 */
export function whenNotQuiet(at: number, quiet: QuietHours | null, timeZone: string): number {
  if (quiet === null) return at;
  let [quietAt, free] = [at, at];
  // A clock that is put back within the quiet hours makes them longer than they look: then once more.
  while (isQuiet(localMinute(free, timeZone), quiet)) {
    quietAt = free;
    free = startOfMinute(free) + minutesFrom(localMinute(free, timeZone), quiet.toMinute) * MINUTE_MS;
  }
  return free === at ? at : firstFree(startOfMinute(quietAt), free, quiet, timeZone);
}

/** A clock that was put forward has made them shorter: their end lies between a quiet minute and one that is not. */
function firstFree(quietAt: number, free: number, quiet: QuietHours, timeZone: string): number {
  const minutes = (free - quietAt) / MINUTE_MS;
  if (minutes <= 1) return free;
  const between = quietAt + Math.floor(minutes / 2) * MINUTE_MS;
  return isQuiet(localMinute(between, timeZone), quiet)
    ? firstFree(between, free, quiet, timeZone)
    : firstFree(quietAt, between, quiet, timeZone);
}

function isQuiet(minute: number, { fromMinute, toMinute }: QuietHours): boolean {
  if (fromMinute <= toMinute) return minute >= fromMinute && minute < toMinute;
  return minute >= fromMinute || minute < toMinute;
}

const minutesFrom = (minute: number, to: number): number => (to - minute + MINUTES_PER_DAY) % MINUTES_PER_DAY;
const startOfMinute = (at: number): number => at - (at % MINUTE_MS);

/** Slow to make, and every message has one: as many as there are zones. */
const clocks = new Map<string, Intl.DateTimeFormat>();

function localMinute(at: number, timeZone: string): number {
  let clock = clocks.get(timeZone);
  if (clock === undefined) {
    clock = new Intl.DateTimeFormat('en-GB', { timeZone, hourCycle: 'h23', hour: '2-digit', minute: '2-digit' });
    clocks.set(timeZone, clock);
  }
  const [hour = '0', minute = '0'] = clock.format(at).split(':');
  return Number(hour) * 60 + Number(minute);
}
