import { z } from 'zod';

/** A date (`2026-11-30`) or an instant (`2026-11-30T18:00:00Z`). A date starts at 00:00 and ends with its day, by place. */
export const dateOrInstantSchema = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);

const formats = new Map<string, Intl.DateTimeFormat>();

/** The calendar day of an instant in a zone, as `2026-11-30`. */
export function dayIn(instant: number, timeZone: string): string {
  const known = formats.get(timeZone);
  // The order of the parts is Sweden's.
  const format =
    known ?? new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  formats.set(timeZone, format);
  return format.format(instant);
}
