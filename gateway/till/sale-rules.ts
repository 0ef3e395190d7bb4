import { ineligible, sameTerms } from '../../protocol/card.ts';
import type { CodeHash } from '../../protocol/code.ts';
import type { Money } from '../../protocol/money.ts';
import type { Offer } from '../../protocol/offer.ts';
import {
  type Answer,
  answerOf,
  type Box,
  isValidated,
  type Known,
  type KnownCodes,
  type Now,
  newestTermsFor,
  type Redemption,
  type Reservation,
  type Scan,
  type Terms,
  type Told,
  termsFor,
  type Use,
  type Want,
} from './box-rules.ts';
import { type Decided, Draft, NOT_JOURNALLED, ORDER, type Plan } from './draft-rules.ts';
import { hasEnded } from './time-rules.ts';
import { endUse, resumed, useFor } from './use-rules.ts';

/**
 * Validate and redeem: one basket, one or more codes, one transaction. Where the cloud must be asked, the decision is to
 * wait; the same command is decided again when the cloud has told, or the time is over.
 */

export type SaleCommand = {
  readonly intent: 'validate' | 'redeem';
  readonly items: readonly SaleItem[];
  readonly allOrNone: boolean;
  readonly basket: string;
  readonly lane: string | null;
  readonly total: Money | null;
  readonly customer: string | null;
  readonly discount: Money | null;
  readonly waitMs: number;
  /** False once this call has asked and waited. */
  readonly mayAsk: boolean;
  /** Codes whose use this very call began. */
  readonly begun: ReadonlySet<CodeHash>;
};

/** `fixed`: answered by its form alone. Ids are made ahead: most are never used. */
export type SaleItem =
  | { readonly kind: 'fixed'; readonly verdict: Verdict }
  | {
      readonly kind: 'code';
      readonly codeHash: CodeHash;
      readonly lastFour: string;
      readonly told: Told | null;
      readonly wantId: string;
      readonly redemptionId: string;
    };
type CodeItem = Extract<SaleItem, { kind: 'code' }>;

export type Verdict =
  | {
      readonly approved: true;
      readonly mode: Use['mode'];
      readonly offer: Offer;
      /** The earliest of the use's end, notAfter and the offer's end; null once redeemed. */
      readonly until: number | null;
      readonly redemption: Redemption | null;
    }
  | ({ readonly approved: false } & Told);

export type SaleAnswer =
  | { readonly kind: 'answered'; readonly verdicts: readonly Verdict[] }
  | { readonly kind: 'basket_conflict' }
  | { readonly kind: 'waiting'; readonly wants: readonly WantOf[]; readonly begun: ReadonlySet<CodeHash> };

type WantOf = Pick<Want, 'want' | 'codeHash'>;

/** [G4] An approval is shown when the witness covers its entry. */
const SHOW_APPROVAL: Plan = ORDER;
/** [G4] So is a stored answer that is shown again: the first time may never have been. */
const SHOW_STORED: Plan = ORDER;

export function decideSale(known: KnownCodes, sale: SaleCommand, now: Now): Decided<SaleAnswer> {
  const draft = new Draft(known.box);
  const findings = sale.items.map((item) => look(known, sale, item, now));
  const plan = planFor(known, findings);
  if (findings.some(({ is }) => is === 'conflict')) {
    for (const finding of findings) undo(draft, known, sale, finding);
    return draft.decided({ kind: 'basket_conflict' }, plan);
  }
  if (findings.some(({ is }) => is === 'ask' || is === 'join')) return wait(draft, sale, findings, now, plan);
  const isIncomplete = sale.allOrNone && !findings.every(isGood);
  const verdicts = findings.map((finding) => conclude(draft, known, sale, finding, isIncomplete, now));
  if (isValidated(known)) for (const [i, verdict] of verdicts.entries()) tellScan(draft, sale, i, verdict, now);
  return draft.decided({ kind: 'answered', verdicts }, plan);
}

/** May what is stored be shown, to a desk or to a register that lost an answer? By the same law as an approval. */
export function decideShow(known: Known): Decided<boolean> {
  return new Draft(known.box).decided(isValidated(known), isValidated(known) ? SHOW_STORED : NOT_JOURNALLED);
}

function planFor(known: Known, findings: readonly Finding[]): Plan {
  if (!isValidated(known)) return NOT_JOURNALLED;
  return findings.some(({ is }) => is === 'stored' || is === 'conflict') ? SHOW_STORED : SHOW_APPROVAL;
}

/** What is so with one code, before anything is done about it. */
type Finding =
  | { readonly is: 'fixed'; readonly verdict: Verdict }
  | { readonly is: 'stored'; readonly redemption: Redemption }
  | { readonly is: 'conflict' }
  | { readonly is: 'takeable'; readonly item: CodeItem; readonly reservation: Reservation; readonly terms: Terms }
  /** `mine`: in use by this very basket all the same. */
  | { readonly is: 'no'; readonly told: Told; readonly mine: Reservation | null }
  | { readonly is: 'join'; readonly want: Want }
  | { readonly is: 'ask'; readonly item: CodeItem };

/** In the order of the design: this box's journal, its reservations, the cloud, the offline policy. */
function look(known: KnownCodes, sale: SaleCommand, item: SaleItem, now: Now): Finding {
  if (item.kind === 'fixed') return { is: 'fixed', verdict: item.verdict };
  const { open, answers } = known.codes.get(item.codeHash) ?? { open: [], answers: [] };
  // A blank is nobody's coupon yet [I3].
  const held = open.find(({ epoch, origin }) => epoch === known.box.epoch && origin !== 'blank') ?? null;
  const mine = held?.use?.basket === sale.basket ? held : null;
  const no = (reason: Told['reason'], facts: Told['facts'] = {}): Finding => ({
    is: 'no',
    told: { reason, facts },
    mine,
  });
  if (!isValidated(known)) return no('cannot_verify'); // [G6]
  const given = answerOf(known, known.self.door, item.codeHash, sale.basket);
  if (given !== null && given.reversal !== null) return no('reversed_first'); // [G9]
  if (given !== null && given.redemption !== null)
    return isSameSale(given.redemption, sale) ? { is: 'stored', redemption: given.redemption } : { is: 'conflict' };
  const spent = answers.map(standingRedemption).find((redemption) => redemption !== null);
  if (spent && (held === null || held.generation <= spent.generation))
    return no('already_redeemed', factsOf(known, spent));
  if (held !== null && held.use !== null && held.use.basket !== sale.basket) return no('in_use', factsOfUse(held.use));
  if (held !== null && mayRedeem(known.box, held, sale.basket, given, now)) {
    const terms = termsTold(known, held);
    if (terms === null) return no('cannot_verify');
    const store = { channel: 'store', store: known.self.store, total: sale.total } as const;
    const wrong = ineligible(terms.card, terms.validity, store, now.clock);
    return wrong === null ? { is: 'takeable', item, reservation: held, terms } : no(wrong.reason, wrong.facts);
  }
  const asked = [...known.session.wants.values()].find(({ codeHash }) => codeHash === item.codeHash);
  if (asked && asked.basket !== sale.basket) return no('in_use', asked.lane === null ? {} : { lane: asked.lane });
  if (item.told !== null) return no(item.told.reason, item.told.facts);
  if (!sale.mayAsk || known.session.line === 'down') return no('cannot_verify');
  return asked ? { is: 'join', want: asked } : { is: 'ask', item };
}

/** [G3] That the box is validated [G6] was asked before. */
function mayRedeem(box: Box, reservation: Reservation, basket: string, given: Answer | null, now: Now): boolean {
  return (
    reservation.state === 'active' &&
    reservation.epoch === box.epoch &&
    (reservation.use === null ? reservation.mark === null : reservation.use.basket === basket) &&
    !hasEnded(reservation.notAfter, now.clock) &&
    given === null
  );
}

function isSameSale(redemption: Redemption, sale: SaleCommand): boolean {
  return (
    redemption.lane === sale.lane &&
    redemption.total?.amount === sale.total?.amount &&
    redemption.total?.currency === sale.total?.currency
  );
}

function standingRedemption({ redemption, reversal }: Answer): Redemption | null {
  return reversal === null ? redemption : null;
}

function factsOf({ self }: KnownCodes, { at, lane }: Redemption): Told['facts'] {
  return { redeemedAt: at, redeemedWhere: self.storeName, ...(lane === null ? {} : { lane }) };
}

function factsOfUse({ lane, until }: Use): Told['facts'] {
  return { freeAt: until, ...(lane === null ? {} : { lane }) };
}

/** A basket gets the terms that it was told; a new one the newest that are known here. */
function termsTold(known: KnownCodes, held: Reservation): Terms | null {
  if (held.use !== null) return termsFor(known, held, held.use.cardVersion);
  const newest = newestTermsFor(known, held);
  return newest !== null && newest.card.version >= held.cardVersion ? newest : null;
}

/** What is here is kept for this basket meanwhile; for the rest the cloud is asked. */
function wait(
  draft: Draft,
  sale: SaleCommand,
  findings: readonly Finding[],
  now: Now,
  plan: Plan,
): Decided<SaleAnswer> {
  const wants: WantOf[] = [];
  const begun = new Set<CodeHash>();
  for (const finding of findings) {
    if (finding.is === 'takeable') {
      if (finding.reservation.use === null) begun.add(finding.item.codeHash);
      take(draft, sale, finding.reservation, finding.terms, now);
    } else if (finding.is === 'join') {
      wants.push(finding.want);
    } else if (finding.is === 'ask') {
      begun.add(finding.item.codeHash);
      wants.push(ask(draft, sale, finding.item));
    }
  }
  return draft.decided({ kind: 'waiting', wants, begun }, plan);
}

function ask(draft: Draft, sale: SaleCommand, { codeHash, wantId }: CodeItem): Want {
  const { basket, lane, total, customer, waitMs } = sale;
  const want: Want = { want: wantId, codeHash, basket, lane, total, customer, waitMs, againAfter: null };
  draft.remember({ do: 'want', want });
  draft.effect({ do: 'ask', want });
  return want;
}

/** What the ledger will not learn from a want or from the journal [E7]. */
function tellScan(draft: Draft, sale: SaleCommand, i: number, verdict: Verdict, now: Now): void {
  const item = sale.items[i];
  const what = item === undefined ? null : untold(sale, item, verdict);
  if (item?.kind !== 'code' || what === null) return;
  const { basket, lane, customer } = sale;
  draft.change({ do: 'scan', scan: { codeHash: item.codeHash, basket, lane, customer, at: now.at, what } });
}

/** A fetched coupon's want has named the customer; what the cloud refused, it has counted. */
function untold(sale: SaleCommand, item: SaleItem, verdict: Verdict): Scan['what'] | null {
  if (item.kind === 'fixed') return null;
  if (verdict.approved) return sale.customer !== null && verdict.mode === 'reserved' ? 'named' : null;
  const { reason } = verdict;
  if (reason === 'cannot_verify') return reason;
  return item.told === null && (reason === 'in_use' || reason === 'already_redeemed') ? reason : null;
}

const isGood = (finding: Finding): boolean =>
  finding.is === 'fixed' ? finding.verdict.approved : finding.is === 'takeable' || finding.is === 'stored';

/** @param isIncomplete all or none, and not all: what was good stays untouched, what this call began is undone */
function conclude(
  draft: Draft,
  known: KnownCodes,
  sale: SaleCommand,
  finding: Finding,
  isIncomplete: boolean,
  now: Now,
): Verdict {
  switch (finding.is) {
    case 'fixed':
      return isIncomplete && finding.verdict.approved ? INCOMPLETE : finding.verdict;
    case 'stored':
      return shownAgain(finding.redemption);
    case 'no':
      undo(draft, known, sale, finding);
      return { approved: false, ...finding.told };
    case 'takeable':
      if (!isIncomplete) return approve(draft, known, sale, finding, now);
      undo(draft, known, sale, finding);
      return INCOMPLETE;
    case 'conflict':
    case 'join':
    case 'ask':
      throw new Error(`a sale is concluded over a code that is not settled: ${finding.is}`);
  }
}

/** What this call began it ends, where the code is not approved after all; what was in use before stays so. */
function undo(draft: Draft, known: KnownCodes, sale: SaleCommand, finding: Finding): void {
  const held = finding.is === 'takeable' ? finding.reservation : finding.is === 'no' ? finding.mine : null;
  if (held?.use && sale.begun.has(held.codeHash)) endUse(draft, known, held, false);
}

const INCOMPLETE: Verdict = { approved: false, reason: 'basket_incomplete', facts: {} };

function shownAgain(redemption: Redemption): Verdict {
  return { approved: true, mode: redemption.mode, offer: redemption.offer, until: null, redemption };
}

/** [P8] Not a version alone: some term is another by now. */
function isOld(known: KnownCodes, reservation: Reservation, { card }: Terms): boolean {
  const newest = newestTermsFor(known, reservation);
  return newest !== null && !sameTerms(card, newest.card);
}

type Takeable = Extract<Finding, { is: 'takeable' }>;

function approve(draft: Draft, known: KnownCodes, sale: SaleCommand, finding: Takeable, now: Now): Verdict {
  if (sale.intent === 'redeem') return redeem(draft, known, sale, finding, now);
  const { reservation, terms } = finding;
  const use = take(draft, sale, reservation, terms, now);
  const until = Math.min(use.until, reservation.notAfter, terms.validity.endsAt);
  return { approved: true, mode: use.mode, offer: terms.card.offer, until, redemption: null };
}

/** An accepted code is in use by this basket: from now, or again. What this very sale began is written already. */
function take(draft: Draft, sale: SaleCommand, reservation: Reservation, terms: Terms, now: Now): Use {
  const present = reservation.use;
  if (present !== null && present.lane === sale.lane && sale.begun.has(reservation.codeHash)) return present;
  const use =
    present === null
      ? useFor(sale, 'reserved', terms.card.version, now)
      : resumed(reservation, present, sale.lane, now);
  draft.change({ do: 'use', of: reservation, use });
  return use;
}

/** [G3] One transaction: reservation closed, journal entry, stored answer. */
function redeem(draft: Draft, known: KnownCodes, sale: SaleCommand, finding: Takeable, now: Now): Verdict {
  const { item, reservation, terms } = finding;
  const { offer, version } = terms.card;
  const { reservation: id, codeHash, generation, lastFour } = reservation;
  if (reservation.use !== null) draft.change({ do: 'end_use', reservation: id, kept: false });
  draft.change({ do: 'close', reservation: id, as: 'redeemed' });
  const { basket, lane, total, discount } = sale;
  const entry = draft.journal({
    kind: 'redeemed',
    redemption: item.redemptionId,
    reservation: id,
    codeHash,
    generation,
    basket,
    lane,
    total,
    discount,
    at: now.at,
    timeProven: now.clock.proven,
    oldTerms: isOld(known, reservation, terms),
    cardVersion: version,
  });
  const mode = reservation.use?.mode ?? 'reserved';
  const redemption = {
    id: item.redemptionId,
    reservation: id,
    generation,
    entry,
    at: now.at,
    lane,
    total,
    mode,
    offer,
  };
  draft.change({
    do: 'answer',
    answer: { door: known.self.door, codeHash, basket, lastFour, redemption, reversal: null },
  });
  return shownAgain(redemption);
}
