import type { Language } from './language.ts';

/** Times as they are read at a place, by its own clock and in one language. Instants in milliseconds. */
export type Times = {
  /** `9:50` */
  clock(instant: number): string;
  /** `9:50:41` */
  seconds(instant: number): string;
  /** `15 Nov`, with the year where it is not the present one. */
  date(instant: number): string;
  /** `Sun 15 Nov`, with the year where it is not the present one. */
  day(instant: number): string;
  /** `26 Nov, 9:40` */
  full(instant: number): string;
  /** `Thu 26 Nov, 9:40` */
  withDay(instant: number): string;
  /** `9:50` today, `26 Nov, 9:40` else. */
  short(instant: number): string;
};

export function timesIn(timeZone: string, now: number, language: Language): Times {
  const write = (shape: Shape, instant: number) => formatOf(language, timeZone, shape).format(instant);
  const isOf = (shape: Shape, instant: number) => write(shape, instant) === write(shape, now);
  const dated = (shape: 'date' | 'day' | 'full' | 'withDay', instant: number) =>
    write(isOf('year', instant) ? shape : `${shape}InYear`, instant);
  return {
    clock: (instant) => write('clock', instant),
    seconds: (instant) => write('seconds', instant),
    date: (instant) => dated('date', instant),
    day: (instant) => dated('day', instant),
    full: (instant) => dated('full', instant),
    withDay: (instant) => dated('withDay', instant),
    short: (instant) => (isOf('dateInYear', instant) ? write('clock', instant) : dated('full', instant)),
  };
}

const day = { day: 'numeric', month: 'short' } as const;
const year = { year: 'numeric' } as const;
const weekday = { weekday: 'short' } as const;
const clock = { hour: 'numeric', minute: '2-digit', hourCycle: 'h23' } as const;
const shapes = {
  clock,
  seconds: { ...clock, second: '2-digit' },
  year,
  date: day,
  dateInYear: { ...day, ...year },
  day: { ...weekday, ...day },
  dayInYear: { ...weekday, ...day, ...year },
  full: { ...day, ...clock },
  fullInYear: { ...day, ...year, ...clock },
  withDay: { ...weekday, ...day, ...clock },
  withDayInYear: { ...weekday, ...day, ...year, ...clock },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;
type Shape = keyof typeof shapes;

/** English as the pages have it: the day before the month. */
const locales: Readonly<Record<Language, string>> = { en: 'en-GB', es: 'es', fr: 'fr', de: 'de' };

/** Slow to make, and a page is made anew each second: at most eleven for each zone and language. */
const formatsByKey = new Map<string, Intl.DateTimeFormat>();

function formatOf(language: Language, timeZone: string, shape: Shape): Intl.DateTimeFormat {
  const key = `${language} ${timeZone} ${shape}`;
  const known = formatsByKey.get(key);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat(locales[language], { timeZone, calendar: 'gregory', ...shapes[shape] });
  formatsByKey.set(key, made);
  return made;
}
