import type { Head } from '../../protocol/journal.ts';
import type { Known, WitnessPlace } from './box-rules.ts';
import { type Decided, Draft, ORDER, type Plan, NOT_JOURNALLED } from './draft-rules.ts';

/** [G6] What must hold before a box shows, redeems, returns or uploads anything. */

export type WitnessReading =
  | { readonly kind: 'head'; readonly head: Head }
  | { readonly kind: 'missing' | 'unreadable' };

/** The witness is brought up to the journal's head, the boot is committed and witnessed, only then is it seen. */
const START_ORDER: Plan = ['witness', ...ORDER];

/**
 * @param hashAtWitness the journal's own hash at the witness's epoch and number; null: it does not reach there
 */
export function decideStart(known: Known, witness: WitnessReading, hashAtWitness: string | null): Decided<void> {
  const draft = new Draft(known.box);
  draft.remember({ do: 'clean_start', clean: known.box.stoppedClean });
  draft.change({ do: 'running' });
  if (known.box.fence !== null) {
    draft.remember({ do: 'standing', standing: 'fenced', disagreement: known.box.fence.witness });
    return draft.decided(undefined, NOT_JOURNALLED);
  }
  const disagreement = disagreementOf(known.box.head, witness, hashAtWitness);
  if (disagreement !== null) {
    draft.remember({ do: 'standing', standing: 'disagreement', disagreement });
    return draft.decided(undefined, NOT_JOURNALLED);
  }
  const bootId = known.box.bootId + 1;
  draft.change({ do: 'boot', bootId });
  draft.journal({ kind: 'boot', bootId, incarnation: known.box.incarnation, keyId: known.self.keyId, cause: 'start' });
  draft.remember({ do: 'standing', standing: 'validated', disagreement: null });
  return draft.decided(undefined, START_ORDER);
}

/** @returns null where the journal reaches the witness's number and agrees with its hash */
export function disagreementOf(head: Head, witness: WitnessReading, hashAtWitness: string | null): WitnessPlace | null {
  switch (witness.kind) {
    case 'missing':
    case 'unreadable':
      return head.n === 0 ? null : { epoch: head.epoch, n: 0 };
    case 'head':
      return hashAtWitness === witness.head.hash ? null : { epoch: witness.head.epoch, n: witness.head.n };
  }
}

/** A stop in good order: the next start can say so. Nobody waits any more. */
export function decideStop(known: Known): Decided<void> {
  const draft = new Draft(known.box);
  for (const want of known.session.wants.keys()) draft.endWant(want, { reason: 'cannot_verify', facts: {} });
  draft.change({ do: 'stopped' });
  return draft.decided(undefined, NOT_JOURNALLED);
}
