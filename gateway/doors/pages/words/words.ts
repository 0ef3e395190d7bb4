import type { Reason } from '../../../../protocol/decision.ts';

/**
 * Every word of the lane page and of the page before it, in one language. What is put in is text already: dates, times
 * and money as that language writes them. The answer's word is read at one metre and has room for about 16 characters.
 */
export type Words = {
  readonly page: {
    readonly lane: (lane: string) => string;
    readonly where: (store: string, lane: string) => string;
    readonly line: string;
    readonly answer: string;
    readonly scan: string;
    readonly ready: string;
    readonly check: string;
    readonly settings: string;
    readonly online: string;
    readonly sale: (number: string) => string;
    readonly practiceSale: string;
  };
  readonly line: {
    readonly up: string;
    readonly downFor: (lasting: string) => string;
    readonly downSince: (time: string) => string;
    readonly keepScanning: string;
    readonly drill: string;
    readonly drillLeft: (lasting: string) => string;
    readonly drillUntil: (time: string) => string;
    readonly holding: (count: number) => string;
    readonly worksHere: (count: number, until: string) => string;
    readonly noneHeld: string;
    readonly starting: string;
    readonly mayNotDecide: string;
    readonly untilMended: string;
    readonly plain: string;
    readonly plainRest: string;
    /** A time follows, then a full stop. */
    readonly lostSince: string;
    readonly lostRest: string;
    readonly minutes: (count: number) => string;
    readonly hours: (count: number) => string;
    readonly days: (count: number) => string;
  };
  readonly discount: {
    readonly off: (amount: string) => string;
    readonly free: (item: string) => string;
    readonly freeItem: string;
    readonly freeShort: string;
    readonly atMost: (amount: string) => string;
    readonly takenOff: (what: string) => string;
    readonly coupons: (count: number) => string;
  };
  readonly card: {
    readonly idle: Saying;
    readonly checking: Saying;
    readonly redeeming: Saying;
    readonly good: string;
    readonly heldForSale: string;
    readonly redeemWhenPaid: string;
    readonly held: string;
    readonly heldUntil: string;
    /** Two short lines. */
    readonly lineNotNeeded: readonly [string, string];
    readonly redeemed: string;
    readonly tornOff: (count: number) => string;
    readonly coupon: string;
    readonly notUsed: string;
    readonly usedTornOff: string;
    readonly givenBack: (count: number) => Saying;
    readonly undone: (number: string) => Saying;
    /** @param until when its coupons are free again; null: it holds none */
    readonly suspended: (number: string, until: string | null) => Saying;
    readonly resumed: (number: string) => Saying;
    readonly scanAgain: (codes: string) => string;
    readonly leftOut: (count: number) => Saying;
    readonly cannotVerify: string;
    readonly whyLineDown: string;
    readonly whyLimit: string;
    readonly whyUnknown: string;
    readonly unsureSteps: readonly string[];
    readonly lost: string;
    readonly lostSteps: readonly string[];
    readonly stuck: string;
    readonly stuckMaybeDone: string;
    readonly stuckSteps: readonly string[];
    readonly practiceGood: string;
    readonly practiceNext: string;
    readonly practiceRedeemed: string;
    readonly practice: string;
    readonly realCoupon: Refusal;
    readonly noPractice: Refusal;
    readonly mistyped: Refusal;
  };
  readonly refusals: { readonly [R in Reason]: (facts: RefusalFacts) => Refusal };
  readonly basket: {
    readonly title: string;
    readonly total: string;
    readonly totalShort: string;
    /** With an example. */
    readonly totalForm: (example: string) => string;
    readonly none: string;
    readonly coupons: string;
    readonly coupon: string;
    readonly states: { readonly held: string; readonly redeemed: string; readonly unsure: string };
    readonly and: (others: string) => string;
    readonly redeem: (worth: string) => string;
    readonly giveBack: (count: number) => string;
    readonly suspend: string;
    readonly again: string;
    readonly next: string;
    readonly undo: string;
    readonly undoAsks: (number: string, worth: string) => string;
    readonly suspendedSales: string;
    readonly suspendedAt: (lane: string, time: string) => string;
    readonly resume: string;
    readonly resumeSale: (number: string) => string;
  };
  readonly supervisor: {
    readonly title: string;
    readonly pin: string;
    readonly open: string;
    readonly back: string;
    readonly wrong: string;
    readonly locked: (minutes: number) => string;
    readonly without: string;
    readonly honour: string;
    readonly honourNot: string;
    readonly logged: string;
  };
  readonly settings: {
    readonly sound: string;
    readonly volume: string;
    readonly soundNote: string;
    readonly sounds: {
      readonly good: string;
      readonly redeemed: string;
      readonly refused: string;
      readonly unsure: string;
    };
    readonly scanner: string;
    readonly scannerNote: string;
    readonly scannerGood: string;
    readonly scannerCaps: string;
    readonly scannerOther: string;
    readonly barcode: string;
  };
  readonly training: {
    readonly title: string;
    readonly note: string;
    readonly begin: string;
    readonly strong: string;
    readonly rest: (until: string) => string;
    readonly end: string;
  };
  readonly session: {
    readonly title: string;
    readonly registerToken: string;
    readonly boxToken: string;
    readonly hint: string;
    readonly open: string;
    readonly tooMany: string;
    readonly otherScope: (token: string) => string;
    readonly unknown: (token: string) => string;
  };
};

/** A word and what to do, where there is no why. */
export type Saying = { readonly word: string; readonly next: string };
/** The answer at one metre, then why, then what to do. */
export type Refusal = { readonly word: string; readonly why: string; readonly next: string };

/** What a reason is about, as text; null: not known. */
export type RefusalFacts = {
  readonly startsOn: string | null;
  readonly endedOn: string | null;
  /** When, where, which lane, as far as it is known; empty where nothing is. */
  readonly usedAt: string;
  readonly heldBy: string | null;
  readonly isOnline: boolean;
  readonly lane: string | null;
  readonly freeAt: string | null;
  readonly retryMinutes: number | null;
  readonly needs: string | null;
  readonly short: string | null;
};

/** A sentence: what ends with an abbreviation's point has its full stop. */
export const stop = (text: string): string => (text.endsWith('.') ? text : `${text}.`);
