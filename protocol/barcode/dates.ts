/** A day as GS1 writes it, YYMMDD, that the calendar has. Every fourth year is a leap year: 00 is 2000 until 2050. */
export function isDay(yymmdd: string): boolean {
  if (!/^[0-9]{6}$/.test(yymmdd)) return false;
  const day = Number(yymmdd.slice(4));
  return day >= 1 && day <= daysOfMonth(yymmdd);
}

/** As isDay; day 00 stands for the last day of the month, as (17) may have it. Null: no such day. */
export function dayOrMonthEnd(yymmdd: string): string | null {
  const day = /^[0-9]{4}00$/.test(yymmdd) ? yymmdd.slice(0, 4) + daysOfMonth(yymmdd) : yymmdd;
  return isDay(day) ? day : null;
}

/**
 * The day with its century, YYYY-MM-DD: within 49 years before and 50 years after `year`, by the window of the GS1
 * General Specifications (7.12). A barcode is read without a clock, so this is for who knows the year.
 * @param yymmdd a day that isDay found good
 * @param year the year that it is now, four digits
 */
export function dayOf(yymmdd: string, year: number): string {
  const century = year - (year % 100);
  const ahead = Number(yymmdd.slice(0, 2)) - (year % 100);
  const shift = ahead >= 51 ? -100 : ahead <= -50 ? 100 : 0;
  return `${century + shift + Number(yymmdd.slice(0, 2))}-${yymmdd.slice(2, 4)}-${yymmdd.slice(4)}`;
}

function daysOfMonth(yymmdd: string): number {
  const month = Number(yymmdd.slice(2, 4));
  if (month === 2) return Number(yymmdd.slice(0, 2)) % 4 === 0 ? 29 : 28;
  return [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0;
}
