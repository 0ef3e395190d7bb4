import type { Money } from '../../../protocol/money.ts';
import type { Answer, CouponView, Step, Verdict } from '../../lanes/sale.ts';
import { amountWord, atMostWord, codeWord, offWord, saysNoMore, sumOf, takenOffWord } from './coupon-words.ts';
import type { Shape } from '../../../protocol/pages/shapes.ts';
import type { Locale } from './locale.ts';
import { refusalOf } from './refusal-facts.ts';
import type { Refusal, Saying } from './words/words.ts';

/** What the lane's card says and how it looks: the answer, then why, then what to do. */
export type Card = {
  readonly look: 'idle' | 'good' | 'redeemed' | 'refused' | 'unsure';
  readonly torn: boolean;
  /** Null: a ticket, or nothing while it waits. */
  readonly shape: Shape | null;
  readonly word: string;
  readonly why: string | null;
  /** One next step, or several. */
  readonly next: string | readonly string[];
  readonly stub: Stub | null;
  readonly isWaiting: boolean;
  readonly sound: Sound | null;
};

export type Stub = {
  readonly label: string | null;
  readonly amount: string | null;
  readonly code: string;
  /** One or two short lines. */
  readonly notes: readonly string[];
};

export type Sound = 'good' | 'redeemed' | 'refused' | 'unsure';

type SaleShown = { readonly number: string; readonly training: number | null };

export function cardOf(answer: Answer, sale: SaleShown, locale: Locale): Card {
  const { card: words } = locale.words;
  const isPractice = sale.training !== null;
  switch (answer.kind) {
    case 'idle':
      return idle(words.idle);
    case 'waiting':
      return waitingCard(answer.during, answer.lastFour, locale);
    case 'decided':
      return verdictCard(answer.verdict, answer.lastFour, isPractice, locale);
    case 'redeemed':
      return redeemedCard(answer.coupons, sale, Date.parse(answer.at), locale);
    case 'given_back':
      return idle(words.givenBack(answer.count));
    case 'undone':
      return idle(words.undone(answer.number));
    case 'suspended': {
      const { number, heldUntil } = answer;
      return idle(words.suspended(number, heldUntil === null ? null : locale.times.short(heldUntil)));
    }
    case 'resumed':
      return resumedCard(answer.number, answer.missing, locale);
    case 'left_out':
      return idle(words.leftOut(answer.count));
    case 'not_practice': {
      const refusal = answer.isReal ? words.realCoupon : words.noPractice;
      // What may be groceries makes no noise.
      return refused(refusal, answer.lastFour, answer.isReal ? 'refused' : null, locale);
    }
    case 'mistyped':
      return { ...refused(words.mistyped, '', 'refused', locale), stub: null };
    case 'stuck':
      return stuckCard(answer.during, locale);
  }
}

/** No answer, because nobody answered: shown by the page itself. */
export function lostCard({ words }: Locale): Card {
  return unsure(words.card.lost, words.card.lostSteps, words.card.cannotVerify);
}

function idle({ word, next }: Saying): Card {
  return { look: 'idle', torn: false, shape: null, word, why: null, next, stub: null, isWaiting: false, sound: null };
}

function unsure(why: string, next: readonly string[], word: string): Card {
  const shape = 'unsure';
  return { look: 'unsure', torn: false, shape, word, why, next, stub: null, isWaiting: false, sound: 'unsure' };
}

function refused(refusal: Refusal, lastFour: string, sound: Sound | null, { words }: Locale): Card {
  const stub = { label: words.card.coupon, amount: null, code: codeWord(lastFour), notes: [words.card.notUsed] };
  return { look: 'refused', torn: false, shape: 'refused', ...refusal, stub, isWaiting: false, sound };
}

function waitingCard(during: 'check' | 'redeem', lastFour: string, { words }: Locale): Card {
  if (during === 'redeem') return { ...idle(words.card.redeeming), isWaiting: true };
  const stub = { label: words.card.coupon, amount: null, code: codeWord(lastFour), notes: [] };
  return { ...idle(words.card.checking), isWaiting: true, stub };
}

function resumedCard(number: string, missing: readonly string[], { words }: Locale): Card {
  const card = idle(words.card.resumed(number));
  return missing.length === 0 ? card : { ...card, next: words.card.scanAgain(missing.map(codeWord).join(', ')) };
}

function verdictCard(verdict: Verdict, lastFour: string, isPractice: boolean, locale: Locale): Card {
  const { card: words } = locale.words;
  switch (verdict.decision) {
    case 'approved':
      return approvedCard(verdict, lastFour, isPractice, locale);
    case 'refused':
      return refusedCard(verdict, lastFour, locale);
    case 'undetermined':
      return unsure(whyUnsure(verdict, locale), words.unsureSteps, words.cannotVerify);
  }
}

function approvedCard(
  { offer, heldUntil, line }: Verdict,
  lastFour: string,
  isPractice: boolean,
  locale: Locale,
): Card {
  const { card: words } = locale.words;
  const discount = offer?.discount ?? null;
  const what = offer === null || saysNoMore(offer.title, offer.discount, locale) ? words.good : short(offer.title);
  const notes = line === 'down' ? words.lineNotNeeded : untilNotes(heldUntil, locale);
  return {
    look: 'good',
    torn: false,
    shape: 'good',
    word: discount === null ? words.good : offWord(discount, locale),
    why: isPractice ? words.practiceGood : `${what}. ${words.heldForSale}`,
    next: isPractice ? words.practiceNext : `${atMostWord(discount, locale)}${words.redeemWhenPaid}`,
    stub: {
      label: null,
      amount: discount === null ? null : amountWord(discount, locale),
      code: codeWord(lastFour),
      notes: isPractice ? [words.practice] : notes,
    },
    isWaiting: false,
    sound: 'good',
  };
}

function redeemedCard(coupons: readonly CouponView[], sale: SaleShown, at: number, locale: Locale): Card {
  const { words, times } = locale;
  const isPractice = sale.training !== null;
  const [only, ...others] = coupons;
  const isOne = only !== undefined && others.length === 0;
  return {
    look: 'redeemed',
    torn: true,
    shape: 'redeemed',
    word: words.card.redeemed,
    why: takenOffWord(coupons, locale),
    next: isPractice ? words.card.practiceRedeemed : words.card.tornOff(coupons.length),
    stub: {
      label: null,
      amount: sumWord(sumOf(coupons), locale) ?? (isOne ? amountWord(only.offer?.discount ?? null, locale) : null),
      code: isOne ? codeWord(only.lastFour) : words.discount.coupons(coupons.length),
      notes: [times.clock(at), isPractice ? words.card.practice : words.page.sale(sale.number)],
    },
    isWaiting: false,
    sound: 'redeemed',
  };
}

function sumWord(sum: Money | null, { money }: Locale): string | null {
  return sum === null ? null : `−${money(sum)}`;
}

function refusedCard({ reason, facts }: Verdict, lastFour: string, locale: Locale): Card {
  // A refusal has a reason; without one it is as good as unknown.
  const refusal = refusalOf(reason ?? 'unknown_code', facts, locale);
  // Groceries go over the same scanner: what is no coupon makes no noise.
  const card = refused(refusal, lastFour, reason === 'not_a_coupon' ? null : 'refused', locale);
  if (reason !== 'already_redeemed' || card.stub === null) return card;
  return { ...card, torn: true, stub: { ...card.stub, notes: [locale.words.card.usedTornOff] } };
}

function stuckCard(during: Step, { words }: Locale): Card {
  const { stuck, stuckMaybeDone, stuckSteps, cannotVerify } = words.card;
  return unsure(during === 'check' ? stuck : stuckMaybeDone, stuckSteps, cannotVerify);
}

function whyUnsure({ reason, line }: Verdict, { words }: Locale): string {
  if (reason === 'stand_in_limit') return words.card.whyLimit;
  return line === 'down' ? words.card.whyLineDown : words.card.whyUnknown;
}

function untilNotes(heldUntil: string | null, { words, times }: Locale): string[] {
  return heldUntil === null ? [words.card.held] : [words.card.heldUntil, times.short(Date.parse(heldUntil))];
}

/** A title longer than this would push the next step off the card. */
const TITLE_CHARACTERS_SHOWN = 60;
function short(title: string): string {
  return title.length <= TITLE_CHARACTERS_SHOWN ? title : `${title.slice(0, TITLE_CHARACTERS_SHOWN - 1).trimEnd()}…`;
}
