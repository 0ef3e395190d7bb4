import { LostRace } from '../../ledger/store.ts';
import { isToBeSent, type MessageEvent, step } from './message-rules.ts';
import type { MessageRow, PostTx } from './store.ts';

/** Facts that are written with an event. */
export type Beside = Partial<Pick<MessageRow, 'assignment' | 'consent' | 'sender'>>;

/** @returns the message after the event; null: nothing changed */
export async function apply(
  tx: PostTx,
  id: string,
  event: MessageEvent,
  at: number,
  beside: Beside = {},
): Promise<MessageRow | null> {
  const before = await tx.message(id);
  if (before === null) return null;
  const standing = step(before, event, at, before.kind === 'proof');
  if (standing === null) return null;
  const sealed = isToBeSent(standing.state) ? before.sealed : null;
  const after = { ...before, ...standing, ...beside, sealed };
  if (!(await tx.changeMessage(after))) throw new LostRace();
  return after;
}
