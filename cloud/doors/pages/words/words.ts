import type { PlaceChosen } from '../../../distribution/port.ts';

/**
 * Every word of the pages for customers, in one language. What is put in is text already: dates, times, money and names.
 * No jargon: the reader stands at a till, or on a bus.
 */
export type Words = {
  readonly couponFor: (name: string) => string;
  readonly ready: string;
  /** It waits in a store that does not answer. */
  readonly onlyAt: (store: string) => string;
  readonly square: string;
  readonly bars: string;
  readonly kindOfBarcode: string;
  readonly squareLabel: string;
  readonly barsLabel: string;
  /** @param day by the end of which it is over */
  readonly untilDay: (day: string) => string;
  readonly untilTime: (time: string) => string;
  readonly minimum: (amount: string) => string;
  readonly changed: (time: string) => string;
  readonly held: {
    readonly say: string;
    /** @param where the store and the lane, or online */
    readonly where: (where: string, since: string | null) => string;
    readonly back: (time: string) => string;
    readonly backLater: string;
  };
  readonly silent: { readonly say: (store: string | null) => string; readonly rest: string };
  readonly redeemed: { readonly say: string; readonly saved: (amount: string) => string };
  readonly expired: {
    readonly say: (day: string) => string;
    readonly unused: string;
    readonly unsure: string;
  };
  readonly voided: { readonly say: string; readonly rest: string };
  readonly early: { readonly say: (day: string) => string; readonly rest: string };
  readonly replaced: { readonly say: string; readonly rest: string; readonly open: string };
  readonly lane: (lane: string) => string;
  readonly online: string;
  readonly terms: {
    readonly title: string;
    readonly once: string;
    readonly allStores: (count: number) => string;
    readonly theseStores: string;
    readonly online: string;
    readonly shop: string;
    readonly find: string;
  };
  readonly place: {
    readonly kept: (store: string) => string;
    readonly letGo: string;
    /** Lets go of it, too: no store keeps it from then on. */
    readonly useOnline: string;
    readonly choose: string;
    readonly title: string;
    readonly why: string;
    readonly search: string;
    readonly find: string;
    readonly useHere: string;
    readonly none: string;
    readonly more: (count: number) => string;
    readonly back: string;
    /** Why it is not kept there. */
    readonly refusals: { readonly [R in Exclude<PlaceChosen, 'stocked' | 'let_go'>]: string };
  };
  readonly notYou: (contact: string) => string;
  readonly live: string;
  readonly notLive: string;
  readonly reload: string;
  readonly closed: { readonly title: string; readonly unknown: string; readonly tooMany: string };
  readonly claim: {
    readonly title: string;
    readonly address: string;
    readonly addressHint: string;
    readonly send: string;
    readonly consent: (retailer: string) => string;
    readonly noneLeft: string;
    readonly noneLeftRest: string;
    readonly noneLeftToday: string;
    readonly noneLeftTodayRest: string;
    readonly ended: string;
    readonly endedRest: (day: string) => string;
    readonly oneError: string;
    readonly errors: { readonly empty: string; readonly phone: string; readonly email: string };
    readonly noChannel: { readonly phone: string; readonly email: string };
    readonly tooMany: {
      readonly address: (minutes: number) => string;
      readonly network: (minutes: number) => string;
      readonly campaign: (minutes: number) => string;
    };
  };
  readonly proof: {
    readonly title: string;
    readonly sent: string;
    readonly code: string;
    readonly hint: string;
    readonly show: string;
    readonly again: string;
    readonly digits: string;
    readonly wrong: string;
  };
};

/** A sentence: what ends with an abbreviation's point has its full stop. */
export const stop = (text: string): string => (text.endsWith('.') ? text : `${text}.`);
