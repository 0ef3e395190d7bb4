import type { IssueReason } from '../../protocol/issue-api.ts';
import type { Money } from '../../protocol/money.ts';
import {
  type Issue,
  type IssueTold,
  isValidated,
  type KnownCodes,
  type Now,
  newestTerms,
  type OwnCoupon,
  type Reservation,
  type Terms,
} from './box-rules.ts';
import { type Decided, Draft, NOT_JOURNALLED, ORDER, type Plan } from './draft-rules.ts';
import { hasEnded } from './time-rules.ts';

/** A register gives a coupon to a basket [I4]: from the blanks that are held here, with the line or without. */

export type IssueCommand = {
  readonly campaign: string;
  readonly basket: string;
  readonly lane: string | null;
  readonly total: Money | null;
  /** Hashed. */
  readonly customer: string | null;
  /** What the cloud has said of this very call; null: it was not asked, has not answered, or has granted a blank. */
  readonly told: IssueTold | null;
  /** False once this call has asked and waited. */
  readonly mayAsk: boolean;
  readonly request: string;
};

export type KnownForIssue = KnownCodes & {
  /** What this basket has of the campaign. */
  readonly issue: Issue | null;
  /** One of the campaign's blanks. */
  readonly blank: Reservation | null;
};

export type IssueAnswer =
  | { readonly kind: 'issued'; readonly issue: Issue }
  | { readonly kind: 'none'; readonly reason: IssueReason }
  /** The cloud is asked for a blank, or for the customer's own coupon. */
  | { readonly kind: 'asked' };

/** [G4] A coupon is shown when the witness covers its entry; so is one that is shown again. */
const SHOW_ISSUE: Plan = ORDER;

export function decideIssue(known: KnownForIssue, command: IssueCommand, now: Now): Decided<IssueAnswer> {
  const draft = new Draft(known.box);
  if (!isValidated(known)) return draft.decided({ kind: 'none', reason: 'not_ready' }, NOT_JOURNALLED); // [G6]
  if (known.issue !== null) return draft.decided({ kind: 'issued', issue: known.issue }, SHOW_ISSUE);
  const terms = newestTerms(known.terms, command.campaign);
  if (terms !== null && now.clock.earliest >= terms.validity.endsAt)
    return draft.decided({ kind: 'none', reason: 'campaign_ended' }, SHOW_ISSUE);
  return draft.decided(answer(draft, known, command, terms, now), SHOW_ISSUE);
}

function answer(draft: Draft, known: KnownForIssue, command: IssueCommand, terms: Terms | null, now: Now): IssueAnswer {
  const { told, customer, campaign, request } = command;
  const blank = known.blank !== null && isGood(known.blank, known, now) ? known.blank : null;
  const canIssue = blank !== null && terms !== null;
  if (told?.kind === 'own' && customer !== null)
    return { kind: 'issued', issue: issueOwn(draft, { ...command, customer }, told.coupon, now) };
  // What the caps have left is counted in the blank already [I2].
  const isFinal = told?.kind === 'none' && told.reason !== 'none_left' && told.reason !== 'none_left_today';
  if (told?.kind === 'none' && (isFinal || !canIssue)) return { kind: 'none', reason: told.reason };
  // The customer may have a coupon, which the cloud knows [I7].
  if (command.mayAsk && known.session.line === 'up' && (customer !== null || !canIssue)) {
    draft.effect({ do: 'ask_blank', request, campaign, customer });
    return { kind: 'asked' };
  }
  if (!canIssue) return { kind: 'none', reason: 'no_blanks' };
  return { kind: 'issued', issue: issue(draft, command, blank, terms, now) };
}

/** As for a redemption [G3]. */
const isGood = ({ epoch, notAfter }: Reservation, { box }: KnownForIssue, { clock }: Now): boolean =>
  epoch === box.epoch && !hasEnded(notAfter, clock);

/** One transaction: journal entry and stored answer, with its text. */
function issueOwn(
  draft: Draft,
  command: IssueCommand & { readonly customer: string },
  own: OwnCoupon,
  now: Now,
): Issue {
  const { campaign, basket, lane, total, customer } = command;
  const { codeHash, offer, until, sealed } = own;
  const entry = draft.journal({
    ...{ kind: 'own_issued', codeHash, campaign, basket, lane, total, customer },
    ...{ at: now.at, timeProven: now.clock.proven },
  });
  const issued = { campaign, basket, reservation: null, codeHash, ...entry, offer, until };
  draft.change({ do: 'issue', issue: issued, sealed });
  return issued;
}

/** One transaction: the blank is one no more, journal entry, stored answer. */
function issue(draft: Draft, command: IssueCommand, blank: Reservation, terms: Terms, now: Now): Issue {
  const { campaign, basket, lane, total, customer } = command;
  const { reservation, codeHash, generation } = blank;
  const entry = draft.journal({
    ...{ kind: 'issued', reservation, codeHash, generation },
    ...{ campaign, basket, lane, total, customer },
    ...{ at: now.at, timeProven: now.clock.proven },
  });
  const { offer } = terms.card;
  const issued = { campaign, basket, reservation, codeHash, ...entry, offer, until: terms.validity.endsAt };
  draft.change({ do: 'issue', issue: issued });
  return issued;
}
