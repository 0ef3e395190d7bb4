import type { CodeHash } from '../../protocol/code.ts';
import { cloudActsAt } from '../../protocol/limits.ts';
import type { Group } from './group.ts';
import type { Ledger } from './port.ts';
import { decideVoid } from './void-rules.ts';

/** Kills a code for good: at once where the cloud holds it, else when the store answers or its reservation has ended. */
export async function voidCode(group: Group, hash: CodeHash, now: number): ReturnType<Ledger['voidCode']> {
  return group.run([hash], async (unit) => {
    const view = await unit.view(hash);
    if (view === null) return 'unknown_code';
    const ended = view.reservation !== null && cloudActsAt(view.reservation.notAfter) <= now;
    const { answer, changes } = decideVoid(view, ended, now);
    unit.apply(changes);
    return answer;
  });
}
