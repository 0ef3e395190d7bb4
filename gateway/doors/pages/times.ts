/** Times as they are read in a store, by its own clock. Instants in milliseconds. */
export type Times = {
  /** `9:50` */
  clock(instant: number): string;
  /** `9:50:41` */
  seconds(instant: number): string;
  /** `15 Nov`, with the year where it is not the present one. */
  date(instant: number): string;
  /** `26 Nov, 9:40` */
  full(instant: number): string;
  /** `Thu 26 Nov, 9:40` */
  withDay(instant: number): string;
  /** `9:50` today, `26 Nov, 9:40` else. */
  short(instant: number): string;
};

export function timesIn(timeZone: string, now: number): Times {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    weekday: 'short',
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
  const read = (instant: number) => {
    const parts = format.formatToParts(instant);
    const value = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
    const clock = `${Number(value('hour'))}:${value('minute')}`;
    const year = value('year');
    return {
      weekday: value('weekday'),
      day: `${value('day')} ${value('month')}`,
      year,
      clock,
      second: value('second'),
    };
  };
  const present = read(now);
  const dateOf = ({ day, year }: { day: string; year: string }) => (year === present.year ? day : `${day} ${year}`);
  return {
    clock: (instant) => read(instant).clock,
    seconds: (instant) => `${read(instant).clock}:${read(instant).second}`,
    date: (instant) => dateOf(read(instant)),
    full(instant) {
      const at = read(instant);
      return `${dateOf(at)}, ${at.clock}`;
    },
    withDay(instant) {
      const at = read(instant);
      return `${at.weekday} ${dateOf(at)}, ${at.clock}`;
    },
    short(instant) {
      const at = read(instant);
      return dateOf(at) === dateOf(present) ? at.clock : `${dateOf(at)}, ${at.clock}`;
    },
  };
}

/** `12 min`, `3 h`, `2 days`: how long something has lasted. */
export function lasting(durationMs: number): string {
  const minutes = Math.max(0, Math.floor(durationMs / 60_000));
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}
