import { formatMoney, formatMoneyShort, type Money } from '../../../protocol/money.ts';
import type { Discount } from '../../../protocol/offer.ts';
import type { CouponView } from '../../lanes/sale.ts';

/** `$5.00 off`, `10% off`, `Free coffee`. */
export function offWord(discount: Discount): string {
  switch (discount.type) {
    case 'amount':
      return `${formatMoney(discount)} off`;
    case 'percent':
      return `${discount.percent}% off`;
    case 'item':
      return freeItem(discount.title);
  }
}

/** What is taken off, where it is known here: the register works out the rest. */
export function amountWord(discount: Discount | null): string {
  if (discount === null) return '–';
  switch (discount.type) {
    case 'amount':
      return `−${formatMoney(discount)}`;
    case 'percent':
      return `−${discount.percent}%`;
    case 'item':
      return 'free';
  }
}

/** All that these coupons take off; null where it is not known here, or in several currencies. */
export function sumOf(coupons: readonly CouponView[]): Money | null {
  const amounts = coupons.flatMap(({ offer }) => (offer?.discount.type === 'amount' ? [offer.discount] : []));
  const currency = amounts[0]?.currency;
  if (currency === undefined || amounts.length < coupons.length) return null;
  if (amounts.some((money) => money.currency !== currency)) return null;
  return { amount: amounts.reduce((sum, { amount }) => sum + amount, 0), currency };
}

/** `$5.00`, `10% off` or `2 coupons`: what the button redeems. */
export function worthWord(coupons: readonly CouponView[]): string {
  const sum = sumOf(coupons);
  if (sum !== null) return formatMoney(sum);
  const discount = coupons.length === 1 ? coupons[0]?.offer?.discount : undefined;
  return discount === undefined ? countWord(coupons.length) : offWord(discount);
}

export const countWord = (count: number): string => (count === 1 ? '1 coupon' : `${count} coupons`);

export const codeWord = (lastFour: string): string => (lastFour === '' ? '…' : `…${lastFour}`);

/** Whether an offer's title is its discount in other words. */
export function saysNoMore(title: string, discount: Discount): boolean {
  const plain = title.toLowerCase();
  const words = [offWord(discount)];
  if (discount.type === 'amount') words.push(`${formatMoneyShort(discount)} off`);
  return words.some((word) => word.toLowerCase() === plain);
}

/** `At most $10.00. `, where only the most is known; else empty. */
export function atMostWord(discount: Discount | null): string {
  return discount?.type === 'percent'
    ? `At most ${formatMoney({ amount: discount.maxAmount, currency: discount.currency })}. `
    : '';
}

/** As many as the answer's large type has room for. */
const ITEM_CHARACTERS_SHOWN = 24;

function freeItem(title: string): string {
  const item = /^free\b/i.test(title) ? title : `Free ${title.slice(0, 1).toLowerCase()}${title.slice(1)}`;
  return item.length <= ITEM_CHARACTERS_SHOWN ? item : 'Free item';
}
