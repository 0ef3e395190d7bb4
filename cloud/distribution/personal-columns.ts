import type { Discount } from '../../protocol/offer.ts';

/** A personal offer as the columns of a list tell it: what a cell leaves out is the campaign's. */

export const PERSONAL_COLUMNS = [
  'value',
  'percent',
  'title',
  'terms',
  'starts_at',
  'ends_at',
  'minimum_basket',
] as const;
type Cells = Readonly<Partial<Record<(typeof PERSONAL_COLUMNS)[number], string>>>;

/**
 * For a schema to judge: a cell that is no number becomes none.
 * @param campaign its discount: `value` is what the coupon is worth at most, in minor units of that currency
 * @returns null: nothing of its own
 */
export function personalOf(cells: Cells, campaign: Discount): Record<string, unknown> | null {
  const told = {
    title: cells.title,
    terms: cells.terms,
    startsAt: cells.starts_at,
    endsAt: cells.ends_at,
    discount: discountOf(cells, campaign),
    minimumBasket:
      cells.minimum_basket === undefined
        ? undefined
        : { amount: numberOf(cells.minimum_basket), currency: campaign.currency },
  };
  const own = Object.entries(told).filter(([, value]) => value !== undefined);
  return own.length === 0 ? null : Object.fromEntries(own);
}

function discountOf({ value, percent }: Cells, campaign: Discount): unknown {
  if (value === undefined && percent === undefined) return undefined;
  const most = value === undefined ? {} : { [campaign.type === 'amount' ? 'amount' : 'maxAmount']: numberOf(value) };
  return { ...campaign, ...most, ...(percent === undefined ? {} : { percent: numberOf(percent) }) };
}

const numberOf = (cell: string): number => (/^[0-9]{1,15}(\.[0-9]{1,4})?$/.test(cell) ? Number(cell) : Number.NaN);
