import { formatMoneyShort, type Money } from '../../../protocol/money.ts';
import type { Discount } from '../../../protocol/offer.ts';
import type { CouponView } from '../../lanes/sale.ts';
import type { Locale } from './locale.ts';

/** `$5.00 off`, `10% off`, `Free coffee`. */
export function offWord(discount: Discount, locale: Locale): string {
  switch (discount.type) {
    case 'amount':
      return locale.words.discount.off(locale.money(discount));
    case 'percent':
      return locale.words.discount.off(percentWord(discount.percent, locale));
    case 'item':
      return freeItem(discount.title, locale);
  }
}

/** What is taken off, where it is known here: the register works out the rest. */
export function amountWord(discount: Discount | null, locale: Locale): string {
  if (discount === null) return '–';
  switch (discount.type) {
    case 'amount':
      return `−${locale.money(discount)}`;
    case 'percent':
      return `−${percentWord(discount.percent, locale)}`;
    case 'item':
      return locale.words.discount.freeShort;
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
export function worthWord(coupons: readonly CouponView[], locale: Locale): string {
  const sum = sumOf(coupons);
  if (sum !== null) return locale.money(sum);
  const discount = coupons.length === 1 ? coupons[0]?.offer?.discount : undefined;
  return discount === undefined ? locale.words.discount.coupons(coupons.length) : offWord(discount, locale);
}

/** `$5.00 taken off.`, `2 coupons, $8.10 taken off.` */
export function takenOffWord(coupons: readonly CouponView[], locale: Locale): string {
  const { discount: words } = locale.words;
  const sum = sumOf(coupons);
  if (coupons.length > 1)
    return words.takenOff(`${words.coupons(coupons.length)}${sum === null ? '' : `, ${locale.money(sum)}`}`);
  const discount = coupons[0]?.offer?.discount;
  if (discount?.type === 'percent') return words.takenOff(percentWord(discount.percent, locale));
  return words.takenOff(worthWord(coupons, locale));
}

export const codeWord = (lastFour: string): string => (lastFour === '' ? '…' : `…${lastFour}`);

/** Whether an offer's title is its discount in other words. */
export function saysNoMore(title: string, discount: Discount, locale: Locale): boolean {
  const plain = title.toLowerCase();
  const words = [offWord(discount, locale)];
  // Campaigns are often titled so, whatever the store speaks.
  if (discount.type === 'amount') words.push(`${formatMoneyShort(discount)} off`);
  return words.some((word) => word.toLowerCase() === plain);
}

/** `At most $10.00. `, where only the most is known; else empty. */
export function atMostWord(discount: Discount | null, { words, money }: Locale): string {
  return discount?.type === 'percent'
    ? `${words.discount.atMost(money({ amount: discount.maxAmount, currency: discount.currency }))} `
    : '';
}

function percentWord(percent: number, { language }: Locale): string {
  return new Intl.NumberFormat(language, { style: 'percent' }).format(percent / 100);
}

/** As many as the answer's large type has room for. */
const ITEM_CHARACTERS_SHOWN = 24;

/** A title that says itself that it is free stands as it is, in whichever of our languages. */
function freeItem(title: string, { words }: Locale): string {
  const item = /\b(free|gratis|offerte?s?|gratuite?s?|kostenlos\w*)\b/i.test(title)
    ? title
    : words.discount.free(title);
  return item.length <= ITEM_CHARACTERS_SHOWN ? item : words.discount.freeItem;
}
