import type { DistributionStore } from '../distribution/store.ts';
import type { CodeHash, RefusedAttempt } from '../ledger/port.ts';
import { Coupons } from './coupons.ts';
import { dayIn } from './days.ts';
import { leakOf } from './event-rules.ts';
import type { Leak } from './events.ts';

/** Refused attempts become leaks of the coupon that was tried [E3]. */

export type LeakPorts = {
  readonly distribution: Pick<DistributionStore, 'read'>;
  /** The number of whose coupon this is, hashed as it travels; null: nobody's, or the retailer has no number for them. */
  readonly ownerOf: (code: CodeHash) => Promise<string | null>;
};

/** With the source of the coupon that was tried: that of its assignment. */
export async function leaksOf({ distribution, ownerOf }: LeakPorts, told: readonly RefusedAttempt[]): Promise<Leak[]> {
  const attempts = (await Promise.all(told.map((one) => byAnother(ownerOf, one)))).flatMap((one) => one ?? []);
  if (attempts.length === 0) return [];
  return distribution.read(async (tx) => {
    const coupons = new Coupons(tx);
    const leaks: Leak[] = [];
    for (const { codeHash, reason, at, door, basket } of attempts) {
      const why = leakOf(reason);
      const coupon = await coupons.of(codeHash);
      if (why === null || coupon === null) continue;
      const day = dayIn(at, coupon.timeZone);
      const store = await coupons.storeOf(door);
      leaks.push({ ...coupon.about, kind: 'leaked', at, day, codeHash, door, store, basket, why, money: null });
    }
    return leaks;
  });
}

/** Null: the sale named the very customer whose coupon it is, or nobody can tell. */
async function byAnother(ownerOf: LeakPorts['ownerOf'], attempt: RefusedAttempt): Promise<RefusedAttempt | null> {
  if (attempt.customer === undefined) return attempt;
  const owner = await ownerOf(attempt.codeHash);
  return owner === null || owner === attempt.customer ? null : attempt;
}
