import { faceValue } from '../../protocol/offer.ts';
import type { Money } from '../../protocol/money.ts';
import type { TillStore } from './store.ts';

/** What registers here can issue while the line is down. */
export type BlanksHeld = {
  readonly campaign: string;
  readonly units: number;
  /** Their face value together, by the newest terms; null: the campaign's card is not here. */
  readonly value: Money | null;
  /** The earliest end, milliseconds since 1970. */
  readonly until: number;
};

/** By campaign. @throws TillUnavailable */
export function blanksHeld(store: Pick<TillStore, 'blanks' | 'cards'>): BlanksHeld[] {
  return store.blanks().map(({ campaign, units, until }) => {
    const discount = store.cards(campaign).at(-1)?.offer.discount;
    const value = discount === undefined ? null : { amount: units * faceValue(discount), currency: discount.currency };
    return { campaign, units, value, until };
  });
}
