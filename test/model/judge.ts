import { boxId } from './fixed.ts';
import type { BoxState } from './box.ts';
import type { State } from './state.ts';

/** What must hold in every state. */

export const including = (all: readonly string[], one: string): readonly string[] =>
  all.includes(one) ? all : [...all, one].sort();

/** Codes whose reservation was redeemed by this step. */
export function redeemedBy(before: BoxState, after: BoxState): string[] {
  return [...after.data.reservations.values()].flatMap(({ reservation, state, codeHash }) =>
    state === 'redeemed' && before.data.reservations.get(reservation)?.state === 'active' ? codeHash : [],
  );
}

/** S4: who was told that it is undone is not told afterwards that it stands. */
export function see(state: State, approved: readonly string[]): State {
  const again = approved.find((who) => state.undone.includes(who));
  if (again !== undefined) return { ...state, broken: `S4: approved after its reversal was answered: ${again}` };
  return judged({ ...state, shown: approved.reduce(including, state.shown) });
}

export const isVoidFinal = (state: State, hash: string): boolean =>
  state.voids.includes(hash) && state.cloud.codes.get(hash)?.state === 'voided';

/** The invariants that one state shows. */
export function judged(state: State): State {
  if (state.broken !== null) return state;
  const broken = twiceApproved(state) ?? falselyFenced(state);
  return broken === null ? state : { ...state, broken };
}

/** S1, counted at the callers. */
function twiceApproved({ shown, asked }: State): string | null {
  const standing = shown.filter((who) => !asked.includes(who));
  const codes = standing.map((who) => who.split(' ')[1]);
  return new Set(codes).size < codes.length ? `S1: approved twice: ${standing.join(', ')}` : null;
}

/** A box whose disk was never put back is fenced by nobody but an operator. */
function falselyFenced({ cloud, boxes }: State): string | null {
  const found = boxes.findIndex(
    ({ restores }, i) =>
      restores === 0 &&
      ['behind', 'fork', 'disagreement'].some((why) => cloud.exceptions.includes(`fenced_${why} ${boxId(i)}`)),
  );
  return found < 0 ? null : `a box that was never put back is fenced: store ${found}`;
}
