import type { Ledger } from '../ledger/port.ts';
import type { PlaceChosen } from './port.ts';
import type { DistributionStore } from './store.ts';

/** 'Use it in this store': the owner of a coupon says where. */

export type PlacesPorts = {
  readonly store: DistributionStore;
  readonly ledger: Pick<Ledger, 'place'>;
  readonly now: () => number;
};

/** Somebody who cannot decide changes it a few times; each change may cost a store a message and two ledger entries. */
const CHOICES_PER_HOUR_MAX = 12;
const HOUR_MS = 3_600_000;

export async function choosePlace(
  { store, ledger, now }: PlacesPorts,
  assignment: string,
  chosen: string | null,
): Promise<PlaceChosen> {
  const startsAt = Math.floor(now() / HOUR_MS) * HOUR_MS;
  const span = { startsAt, endsAt: startsAt + HOUR_MS };
  const found = await store.transaction(async (tx) => {
    const [row] = await tx.assignments([assignment]);
    if (row === undefined || row.replacedBy !== null) return 'unknown_coupon';
    return (await tx.countTry(`place ${assignment}`, span, CHOICES_PER_HOUR_MAX)) ? row : 'too_often';
  });
  if (typeof found === 'string') return found;
  return ledger.place({ assignment, codeHash: found.codeHash, store: chosen });
}
