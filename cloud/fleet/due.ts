import type { CodeHash } from '../../protocol/code.ts';
import {
  cloudActsAt,
  DRIFT_PPM,
  GRANT_RESERVATIONS_MAX,
  MARGIN_MS,
  RESERVATION_MS,
  SILENT_AFTER_MS,
} from '../../protocol/limits.ts';
import { expireHold } from '../ledger/cart-rules.ts';
import type { Group } from '../ledger/group.ts';
import type { LedgerStore } from '../ledger/store.ts';
import type { Unit } from '../ledger/unit.ts';
import { stopWaiting } from './granting-rules.ts';
import { pastDeadline } from './settling-rules.ts';

/** What ends by the cloud's own clock: holds, waits, recalls, reservations, and the belief that a box is there. */

export type DuePorts = {
  readonly group: Group;
  readonly store: LedgerStore;
  readonly now: () => number;
  /** That box has not been heard for too long. */
  readonly gone: (gateway: string) => Promise<void>;
};

/** Ends what is due, a bounded part of it at a time. Call once a second. */
export async function endWhatIsDue({ group, store, now, gone }: DuePorts): Promise<void> {
  const at = now();
  const most = GRANT_RESERVATIONS_MAX;
  const due = await store.read(async (tx) => ({
    holds: await tx.holdsEnded(at, most),
    waits: await tx.waitsEnded(at),
    lapsed: await tx.recallsLapsed(at, most),
    ended: await tx.reservationsEnded(actsBefore(at), most),
    silent: (await tx.allGateways()).filter((row) => row.connected && (row.lastHeard ?? 0) + SILENT_AFTER_MS <= at),
  }));
  const end = async (hashes: readonly CodeHash[], how: typeof endHolds) => {
    if (hashes.length > 0) await group.run(hashes, (unit) => how(unit, hashes, at));
  };
  await Promise.all([
    end(due.holds, endHolds),
    end(due.waits, endWaits),
    end(due.lapsed, lapseRecalls),
    end(due.ended, endReservations),
    ...due.silent.map(({ id }) => gone(id)),
  ]);
}

/** The newest notAfter at which the cloud may act by now. */
const actsBefore = (now: number): number => now - MARGIN_MS - Math.ceil((RESERVATION_MS * DRIFT_PPM) / 1_000_000);

async function endHolds(unit: Unit, hashes: readonly CodeHash[], at: number): Promise<void> {
  for (const view of await unit.views(hashes)) unit.apply(expireHold(view, await unit.handOver(view.code.hash), at));
}

export async function endWaits(unit: Unit, hashes: readonly CodeHash[], at: number): Promise<void> {
  for (const view of await unit.views(hashes))
    for (const wait of view.waits) if (wait.until <= at) unit.apply(stopWaiting(view, wait));
}

/** A recall that is not for a void lapses at its deadline [G5]; the store did so by its own clock. */
async function lapseRecalls(unit: Unit, hashes: readonly CodeHash[], at: number): Promise<void> {
  for (const { reservation } of await unit.views(hashes)) {
    const deadline = reservation?.recall?.deadline ?? null;
    if (reservation !== null && deadline !== null && deadline <= at)
      unit.apply([{ do: 'reservation', row: { ...reservation, recall: null, inUse: null } }]);
  }
}

async function endReservations(unit: Unit, hashes: readonly CodeHash[], at: number): Promise<void> {
  for (const view of await unit.views(hashes))
    if (view.reservation !== null && cloudActsAt(view.reservation.notAfter) <= at) unit.apply(pastDeadline(view));
}
