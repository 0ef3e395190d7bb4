import { backAt, type Change, type CodeView, move, type RedemptionRow } from './code-rules.ts';
import { type HandOver, handOver } from './handover-rules.ts';

/** As long as retail usually takes goods back; after it a returned sale does not give its coupon back either. */
export const REVERSAL_DAYS = 30;

/**
 * What the reversal of a code's own redemption does to the code [C16]: within the campaign's window the code is free
 * again, in its next generation; after it the redemption is undone all the same, and the code is void.
 * @param askedAt when the reversal was asked for at its door: a line that was down meanwhile costs nobody his coupon
 * @returns null: the code cannot move so
 */
export function undo(
  view: CodeView,
  redemption: RedemptionRow,
  askedAt: number,
  handover: HandOver,
  now: number,
): readonly Change[] | null {
  const event = isLate(view, redemption, askedAt) ? 'reversed_late' : 'reversed';
  const kept = { generation: view.code.generation + 1, ...backAt(now) };
  const details = { door: redemption.door, basket: redemption.basket, redemption: redemption.id };
  const moved = move(view.code, event, kept, details);
  if (typeof moved === 'string') return null;
  const free: CodeView = { ...view, code: moved.row, redemption: null, reservation: null, holder: null };
  return [
    ...moved.changes,
    { do: 'redemption', row: { ...redemption, reversed: true } },
    ...handOver(free, handover, now),
  ];
}

export const isLate = (view: CodeView, redemption: RedemptionRow, askedAt: number): boolean =>
  askedAt - redemption.at > view.reversalWindowMs;
