import type { Reason } from '../decision.ts';

/**
 * The two-digit `cc` of an answer. Its first digit says what kind of answer it is:
 * 0 approved; 1 and 4 declined (known to be no good); 2 cannot be known now, which is never a decline; 3 the request was
 * not done, as it stands; 9 not now: the same frame again.
 */
export const APPROVED = '00';
export const NOT_UNDERSTOOD = '30';
/** The basket was redeemed with another lane or total. */
export const BASKET_CONFLICT = '31';
/** The `seq` was another request's in this basket. */
export const SEQ_REUSED = '32';
/** Asked what became of a request: it was not done, or nothing is known of it. */
export const NOT_DONE = '33';
export const BUSY = '90';
/** The gateway cannot read or write its own data. */
export const UNAVAILABLE = '91';

type Row = {
  readonly cc: string;
  /** For the display where the whole text is too long for it: printable ASCII, at most 20 characters. */
  readonly text: string;
};

/** Every reason has one, and its own. */
export const REASON_ROWS: Readonly<Record<Reason, Row>> = {
  already_redeemed: { cc: '10', text: 'ALREADY USED' },
  unknown_code: { cc: '11', text: 'CODE NOT KNOWN' },
  expired: { cc: '12', text: 'EXPIRED' },
  wrong_store: { cc: '13', text: 'NOT FOR THIS STORE' },
  held_elsewhere: { cc: '14', text: 'HELD ELSEWHERE' },
  reversed_first: { cc: '15', text: 'UNDONE: NEW SALE' },
  in_use: { cc: '16', text: 'IN USE ELSEWHERE' },
  voided: { cc: '17', text: 'WITHDRAWN' },
  not_yet_valid: { cc: '18', text: 'NOT STARTED YET' },
  limit_reached: { cc: '19', text: 'OFFER LIMIT REACHED' },
  cannot_verify: { cc: '20', text: 'CANNOT VERIFY: KEEP' },
  stand_in_limit: { cc: '21', text: 'CANNOT VERIFY: LIMIT' },
  not_a_coupon: { cc: '40', text: 'NOT A COUPON' },
  not_single_use: { cc: '41', text: 'ORDINARY COUPON' },
  malformed_code: { cc: '42', text: 'CODE INCOMPLETE' },
  wrong_channel: { cc: '43', text: 'ONLINE ONLY' },
  wrong_customer: { cc: '44', text: 'OTHER CUSTOMER' },
  wrong_currency: { cc: '45', text: 'OTHER CURRENCY' },
  basket_too_small: { cc: '46', text: 'SALE TOO SMALL' },
  basket_incomplete: { cc: '47', text: 'NOT ALL GOOD' },
};

/** What a register may do about an answer, by its first digit alone. */
export type AnswerKind = 'approved' | 'declined' | 'undetermined' | 'not_done' | 'not_now';

/** @param cc two digits */
export function kindOf(cc: string): AnswerKind {
  if (cc === APPROVED) return 'approved';
  switch (cc.charAt(0)) {
    case '1':
    case '4':
      return 'declined';
    case '3':
      return 'not_done';
    case '9':
      return 'not_now';
    // What is not known here is not known to be no good either.
    default:
      return 'undetermined';
  }
}
