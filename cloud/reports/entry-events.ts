import { z } from 'zod';
import type { DistributionReads } from '../distribution/store.ts';
import { CODE_STATES, type RedemptionRow } from '../ledger/code-rules.ts';
import type { StoredEntry } from '../ledger/store.ts';
import type { Coupons } from './coupons.ts';
import { dayIn } from './days.ts';
import { happened, moneyOf } from './event-rules.ts';
import type { NewEvent } from './events.ts';

/** As much of an entry as is read here; codes that were issued have no `from`. */
const movedSchema = z.object({
  kind: z.string(),
  from: z.enum(CODE_STATES),
  to: z.enum(CODE_STATES),
  reservation: z.string().optional(),
  redemption: z.string().optional(),
  door: z.string().optional(),
  basket: z.string().optional(),
});

/** @returns the events that an entry tells of; none where it moves no coupon in a way that is reported */
export async function eventsOf(
  tx: DistributionReads,
  coupons: Coupons,
  { codeHash, body, at }: StoredEntry,
): Promise<NewEvent[]> {
  const moved = movedSchema.safeParse(JSON.parse(body));
  if (codeHash === null || !moved.success) return [];
  const { reservation, redemption: id, door = null, basket = null } = moved.data;
  const cause = reservation === undefined ? null : ((await tx.reservations([reservation]))[0]?.cause ?? null);
  const kinds = happened(moved.data, cause);
  const coupon = kinds.length === 0 ? null : await coupons.of(codeHash);
  if (coupon === null) return [];
  const redemption = id === undefined ? null : ((await tx.redemptions([id]))[0] ?? null);
  const store = redemption?.fedStore ?? (door === null ? null : await coupons.storeOf(door));
  const { timeZone, discount } = coupon;
  return kinds.map((kind) => {
    const when = timeOf(kind, redemption, at);
    const money = kind === 'scanned' || redemption === null ? null : moneyOf(redemption, discount);
    return { ...coupon.about, kind, at: when, day: dayIn(when, timeZone), store, door, basket, money, why: null };
  });
}

/** A store that was cut off redeemed when it did, not when it was heard; a reversal is the ledger's. */
const timeOf = (kind: NewEvent['kind'], redemption: RedemptionRow | null, entryAt: number): number =>
  kind === 'reversed' ? entryAt : (redemption?.at ?? entryAt);
