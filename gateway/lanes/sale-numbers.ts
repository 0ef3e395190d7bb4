export type SaleNumber = { readonly day: string; readonly n: number };

/** Numbers that never come again, also after a restart: the day as `YYYYMMDD`, never one before the last. */
export interface SaleNumbers {
  /** The newest of each lane. */
  last(): readonly (SaleNumber & { readonly lane: string })[];
  /** On disk before it returns. @throws TillUnavailable where that fails */
  next(lane: string, day: string): SaleNumber;
}

/** A sale's number as its lane shows it, and its basket id: store, lane, business day, number. */
export function saleId(store: string, lane: string, { day, n }: SaleNumber) {
  const number = String(n).padStart(4, '0');
  return { number, basket: `${store}-${lane}-${day}-${number}` };
}

/** The calendar day by the store's clock, `20261123`. */
export function dayIn(timeZone: string, instant: number): string {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  const parts = format.formatToParts(instant);
  const value = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
  return `${value('year')}${value('month')}${value('day')}`;
}
