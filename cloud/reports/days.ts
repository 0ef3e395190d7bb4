/** The calendar day of an instant in a time zone, as `2026-11-23`. */
export function dayIn(instant: number, timeZone: string): string {
  const quarter = Math.floor(instant / QUARTER_MS);
  const key = `${quarter} ${timeZone}`;
  const known = days.get(key);
  if (known !== undefined) return known;
  const day = formatterOf(timeZone).format(instant);
  if (days.size >= DAYS_KEPT_MAX) days.clear();
  days.set(key, day);
  return day;
}

/** Calendars are slow to ask. Days begin at a quarter of an hour in every zone that there is. */
const QUARTER_MS = 900_000;
const DAYS_KEPT_MAX = 4_096;
const days = new Map<string, string>();
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  const known = formatters.get(timeZone);
  if (known !== undefined) return known;
  // Sweden writes its dates as ISO 8601 does.
  const made = new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  formatters.set(timeZone, made);
  return made;
}
