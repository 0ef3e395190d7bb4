import { formatMoney } from '../../../protocol/money.ts';
import type { Answer, CouponView, Step, Verdict } from '../../lanes/sale.ts';
import { amountWord, atMostWord, codeWord, countWord, offWord, saysNoMore, sumOf, worthWord } from './coupon-words.ts';
import type { Shape } from './icons.ts';
import { readFacts, refusalWords } from './refusal-words.ts';
import type { Times } from './times.ts';

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

export function cardOf(answer: Answer, sale: { readonly number: string }, times: Times): Card {
  switch (answer.kind) {
    case 'idle':
      return idle('Scan a coupon', 'The answer shows here.');
    case 'waiting':
      return waitingCard(answer.during, answer.lastFour);
    case 'decided':
      return verdictCard(answer.verdict, answer.lastFour, times);
    case 'redeemed':
      return redeemedCard(answer.coupons, `Sale ${sale.number}`, times.clock(Date.parse(answer.at)));
    case 'given_back':
      return idle('Given back', answer.count === 1 ? 'The coupon is not used.' : 'The coupons are not used.');
    case 'undone':
      return idle(`Sale ${answer.number} undone`, 'Its coupons are not used. Ring it up again in this new sale.');
    case 'stuck':
      return stuckCard(answer.during);
  }
}

/** No answer, because nobody answered: shown by the page itself. */
export const unreachableCard: Card = unsure('This box does not answer. The coupon may be good.', [
  'Finish the sale without it.',
  'The customer keeps the coupon.',
  'Call store IT.',
]);

function idle(word: string, next: string): Card {
  return { look: 'idle', torn: false, shape: null, word, why: null, next, stub: null, isWaiting: false, sound: null };
}

function unsure(why: string, next: readonly string[]): Card {
  return {
    look: 'unsure',
    torn: false,
    shape: 'unsure',
    word: 'Cannot verify',
    why,
    next,
    stub: null,
    isWaiting: false,
    sound: 'unsure',
  };
}

function waitingCard(during: 'check' | 'redeem', lastFour: string): Card {
  const card = idle(during === 'check' ? 'Checking' : 'Redeeming', 'One second at most.');
  if (during === 'redeem') return { ...card, isWaiting: true };
  const stub = { label: 'Coupon', amount: null, code: codeWord(lastFour), notes: [] };
  return { ...card, next: 'Asking the cloud. One second at most.', isWaiting: true, stub };
}

function verdictCard(verdict: Verdict, lastFour: string, times: Times): Card {
  switch (verdict.decision) {
    case 'approved':
      return approvedCard(verdict, lastFour, times);
    case 'refused':
      return refusedCard(verdict, lastFour, times);
    case 'undetermined':
      return unsure(whyUnsure(verdict), [
        'Finish the sale without it.',
        'The customer keeps the coupon. It is not used up.',
        'If the customer insists, call a supervisor.',
      ]);
  }
}

function approvedCard({ offer, heldUntil, line }: Verdict, lastFour: string, times: Times): Card {
  const discount = offer?.discount ?? null;
  const notes = line === 'down' ? ['held here,', 'line not needed'] : untilNotes(heldUntil, times);
  return {
    look: 'good',
    torn: false,
    shape: 'good',
    word: discount === null ? 'Coupon is good' : offWord(discount),
    why: `${offer === null || saysNoMore(offer.title, offer.discount) ? 'Coupon is good' : short(offer.title)}. Held for this sale.`,
    next: `${atMostWord(discount)}Redeem when the customer pays.`,
    stub: { label: null, amount: discount === null ? null : amountWord(discount), code: codeWord(lastFour), notes },
    isWaiting: false,
    sound: 'good',
  };
}

function redeemedCard(coupons: readonly CouponView[], sale: string, at: string): Card {
  const [only, ...others] = coupons;
  const isOne = only !== undefined && others.length === 0;
  const sum = sumOf(coupons);
  return {
    look: 'redeemed',
    torn: true,
    shape: 'redeemed',
    word: 'Redeemed',
    why: `${isOne ? worthWord(coupons).replace(/ off$/, '') : `${countWord(coupons.length)}${sum === null ? '' : `, ${formatMoney(sum)}`}`} taken off.`,
    next: isOne ? 'Done. The customer’s coupon is torn off.' : 'Done. The customer’s coupons are torn off.',
    stub: {
      label: null,
      amount: sum === null ? (isOne ? amountWord(only.offer?.discount ?? null) : null) : `−${formatMoney(sum)}`,
      code: isOne ? codeWord(only.lastFour) : countWord(coupons.length),
      notes: [at, sale],
    },
    isWaiting: false,
    sound: 'redeemed',
  };
}

function refusedCard({ reason, facts }: Verdict, lastFour: string, times: Times): Card {
  const torn = reason === 'already_redeemed';
  return {
    look: 'refused',
    torn,
    shape: 'refused',
    // A refusal has a reason; without one it is as good as unknown.
    ...refusalWords[reason ?? 'unknown_code'](readFacts(facts), times),
    stub: { label: 'Coupon', amount: null, code: codeWord(lastFour), notes: [torn ? 'used, torn off' : 'not used'] },
    isWaiting: false,
    // Groceries go over the same scanner: what is no coupon makes no noise.
    sound: reason === 'not_a_coupon' ? null : 'refused',
  };
}

function stuckCard(during: Step): Card {
  const card = unsure('This box cannot read or write its store. The coupon may be good.', [
    'Try again.',
    'If that fails, finish the sale without it. The customer keeps the coupon.',
    'Call store IT.',
  ]);
  return during === 'check' ? card : { ...card, why: 'This box cannot read or write its store. It may not be done.' };
}

function whyUnsure({ reason, line }: Verdict): string {
  if (reason === 'stand_in_limit') return 'The limit for coupons without the line is reached. It may be good.';
  if (line === 'down') return 'The line is down and this coupon is not held here. It may be good.';
  return 'It cannot be checked just now. It may be good.';
}

function untilNotes(heldUntil: string | null, times: Times): string[] {
  return heldUntil === null ? ['held'] : ['held until', times.short(Date.parse(heldUntil))];
}

/** A title longer than this would push the next step off the card. */
const TITLE_CHARACTERS_SHOWN = 60;
function short(title: string): string {
  return title.length <= TITLE_CHARACTERS_SHOWN ? title : `${title.slice(0, TITLE_CHARACTERS_SHOWN - 1).trimEnd()}…`;
}
