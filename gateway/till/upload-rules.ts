import type { EntryBody } from '../../protocol/journal.ts';
import { isValidated, type Known } from './box-rules.ts';

/** How much of the journal may leave the box, and as what. Null: nothing may. */
export type Uploadable = { readonly n: number; readonly isEvidence: boolean };

/**
 * [G6] Before it is judged a box uploads nothing. In quarantine and behind a fence all it has is evidence.
 * @param witnessed the last number of this epoch that the witness is known to cover
 */
export function uploadable(known: Known, witnessed: number): Uploadable | null {
  if (isValidated(known)) return { n: witnessed, isEvidence: false }; // [G4] never ahead of the witness
  if (known.session.standing === 'starting') return null;
  return { n: known.box.head.n, isEvidence: true }; // [B18]
}

/** Does the cloud move a code by it, for which somebody may wait? All else it only keeps. */
export function isAwaited({ kind }: EntryBody): boolean {
  switch (kind) {
    case 'redeemed':
    case 'returned':
    case 'reversed':
    case 'issued':
    case 'own_issued':
      return true;
    case 'boot':
    case 'granted':
    case 'time':
    case 'policy':
      return false;
  }
}
