import type { CodeHash } from '../../protocol/code.ts';
import { type Answer, answerOf, isValidated, type KnownCodes, type Now } from './box-rules.ts';
import { type Decided, Draft, NOT_JOURNALLED, ORDER, type Plan } from './draft-rules.ts';
import { stopUsing } from './use-rules.ts';

/** [C13] A reversal is of a door, a code and a basket, resolved once, and repeated as it was answered. */

export type ReversalCommand = {
  readonly codeHash: CodeHash;
  /** Null where the cloud asks: it sends hashes alone. */
  readonly lastFour: string | null;
  readonly basket: string;
  /** Null: this door [C13]. */
  readonly door: string | null;
  /** The redemption to undo, where the cloud names it. */
  readonly redemption: string | null;
  readonly reason: string;
};

/** `not_validated`: nothing may be written now; the caller sends it again. */
export type ReversalAnswer =
  | { readonly kind: 'reversed'; readonly answer: Answer }
  | { readonly kind: 'not_validated' };

/** An outcome that does not come was lost, as with a box that died before it took it in: the cloud is asked again [C13, L5]. */
const OUTCOME_ASKED_AGAIN_MS = 5_000;

/** [G4] An answered reversal is in the journal and under the witness. */
const SHOW_REVERSAL: Plan = ORDER;

export function decideReversal(known: KnownCodes, command: ReversalCommand, now: Now): Decided<ReversalAnswer> {
  const draft = new Draft(known.box);
  if (!isValidated(known)) return draft.decided({ kind: 'not_validated' }, NOT_JOURNALLED);
  const door = command.door ?? known.self.door;
  const given = answerOf(known, door, command.codeHash, command.basket);
  const answer =
    given !== null && isSettled(given, command, now) ? given : reverse(draft, known, command, door, given, now);
  return draft.decided({ kind: 'reversed', answer }, SHOW_REVERSAL);
}

/** Reversed before, and if elsewhere its outcome is known or may still come; or what the cloud names is not what this basket redeemed, and that is never undone [B13]. */
function isSettled({ redemption, reversal }: Answer, command: ReversalCommand, now: Now): boolean {
  if (reversal !== null) return !reversal.pending || now.at < reversal.at + OUTCOME_ASKED_AGAIN_MS;
  return command.redemption !== null && redemption !== null && redemption.id !== command.redemption;
}

function reverse(
  draft: Draft,
  known: KnownCodes,
  { codeHash, lastFour, basket, reason }: ReversalCommand,
  door: string,
  given: Answer | null,
  now: Now,
): Answer {
  const redemption = given?.redemption ?? null;
  const answer: Answer = {
    door,
    codeHash,
    basket,
    lastFour: given?.lastFour ?? lastFour,
    redemption,
    reversal: { at: now.at, pending: door !== known.self.door },
  };
  draft.change({ do: 'answer', answer });
  // Also the tombstone of a basket that has not redeemed: outside the journal a restore would lose it unseen [G8, B22].
  draft.journal({
    kind: 'reversed',
    door,
    codeHash,
    basket,
    reservation: redemption?.reservation ?? null,
    redemption: redemption?.id ?? null,
    reason,
    at: now.at,
  });
  if (door === known.self.door) stopUsing(draft, known, answer, false, { reason: 'reversed_first', facts: {} });
  return answer;
}

/** The cloud reports what became of a reversal that was journalled here for another door. */
export function decideOutcome(
  known: KnownCodes,
  { door, codeHash, basket }: { readonly door: string; readonly codeHash: CodeHash; readonly basket: string },
): Decided<void> {
  const draft = new Draft(known.box);
  const given = answerOf(known, door, codeHash, basket);
  if (isValidated(known) && given?.reversal?.pending)
    draft.change({ do: 'answer', answer: { ...given, reversal: { ...given.reversal, pending: false } } });
  return draft.decided(undefined, NOT_JOURNALLED);
}
