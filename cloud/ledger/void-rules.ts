import { type Change, type CodeView, move } from './code-rules.ts';
import { recall } from './sale-rules.ts';

/**
 * Void is a lasting mark. A code that a store may still redeem is void_pending: recalled without end, final when it is
 * returned or when its reservation has ended for certain; a redemption wins.
 */
export function decideVoid(
  view: CodeView,
  reservationEnded: boolean,
  now: number,
): { readonly answer: 'voided' | 'void_pending' | 'already_redeemed'; readonly changes: readonly Change[] } {
  const { code, reservation } = view;
  const event = reservationEnded ? 'void_after_deadline' : 'void';
  const moved = move(code, event, { voidMark: true }, reservation === null ? {} : { reservation: reservation.id });
  if (moved === 'refused') return { answer: 'already_redeemed', changes: [] };
  if (typeof moved === 'string') return { answer: code.state === 'voided' ? 'voided' : 'void_pending', changes: [] };
  if (moved.row.state === 'voided') return { answer: 'voided', changes: moved.changes };
  return { answer: 'void_pending', changes: [...moved.changes, ...recall(view, 'void', now)] };
}
