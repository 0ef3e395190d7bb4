import type { CodeHash } from '../../protocol/code.ts';
import { isValidated, type Known, type KnownCodes, type Now, type Reservation } from './box-rules.ts';
import { type Decided, Draft, ORDER, type Plan, NOT_JOURNALLED } from './draft-rules.ts';
import { hasEnded, hasLapsed, raiseHighWater } from './time-rules.ts';
import { endUse, giveBack, goesBackWhenIdle, hasTimedOut, stopUsing } from './use-rules.ts';

/** What ends: uses, recalls, reservations, wants and the line. */

/** [G4] A return is seen by the cloud, which frees the code: not before the witness covers it. */
const SHOW_RETURN: Plan = ORDER;

/** The end of a use that a basket asks for. A release of what this basket does not use changes nothing. */
export function decideRelease(known: KnownCodes, codeHash: CodeHash, basket: string): Decided<void> {
  const draft = new Draft(known.box);
  stopUsing(draft, known, { codeHash, basket }, true, { reason: 'cannot_verify', facts: {} });
  return draft.decided(undefined, isValidated(known) ? SHOW_RETURN : NOT_JOURNALLED);
}

/** @param due reservations with something that may be over by now */
export function decideTick(known: Known, due: readonly Reservation[], now: Now): Decided<void> {
  const draft = new Draft(known.box);
  if (!isValidated(known)) return draft.decided(undefined, NOT_JOURNALLED);
  for (const reservation of due) endWhatIsOver(draft, known, reservation, now);
  raiseHighWater(draft, known, now.clock);
  return draft.decided(undefined, SHOW_RETURN);
}

function endWhatIsOver(draft: Draft, known: Known, reservation: Reservation, now: Now): void {
  const isLapsed = reservation.mark !== null && hasLapsed(reservation.mark.deadline, now.clock);
  if (isLapsed) draft.change({ do: 'unmark', reservation: reservation.reservation });
  const present = isLapsed ? { ...reservation, mark: null } : reservation;
  if (present.use !== null) {
    if (hasTimedOut(present.use, now)) endUse(draft, known, present, true);
  } else if (hasEnded(present.notAfter, now.clock)) {
    giveBack(draft, present, 'end');
  } else if (goesBackWhenIdle(known, present)) {
    giveBack(draft, present, 'released');
  }
}

/** The cloud did not answer in time: what it grants from now on is returned at once [G2]. */
export function decideWantDeadline(known: Known, want: string): Decided<void> {
  const draft = new Draft(known.box);
  if (known.session.wants.has(want)) draft.endWant(want, { reason: 'cannot_verify', facts: {} });
  return draft.decided(undefined, NOT_JOURNALLED);
}

/** Without a line nobody will answer: who waits is told at once. */
export function decideLineDown(known: Known): Decided<void> {
  const draft = new Draft(known.box);
  for (const want of known.session.wants.keys()) draft.endWant(want, { reason: 'cannot_verify', facts: {} });
  return draft.decided(undefined, NOT_JOURNALLED);
}
