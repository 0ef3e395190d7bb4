import type { CodeHash } from '../../protocol/code.ts';
import { USE_MS } from '../../protocol/limits.ts';
import {
  isValidated,
  type Known,
  type KnownCodes,
  type Now,
  type Reservation,
  type Told,
  type Use,
} from './box-rules.ts';
import type { Draft } from './draft-rules.ts';

/** A code is in use by one basket, on whichever lane that basket is resumed. */

export function useFor(
  sale: { readonly basket: string; readonly lane: string | null },
  mode: Use['mode'],
  cardVersion: number,
  now: Now,
): Use {
  return { basket: sale.basket, lane: sale.lane, mode, until: now.at + USE_MS, cardVersion };
}

/** The same basket again: it may have moved to another lane. Once recalled, no use is extended [G5]. */
export function resumed(of: Reservation, use: Use, lane: string | null, now: Now): Use {
  return { ...use, lane, until: of.mark === null ? now.at + USE_MS : use.until };
}

/** Also a use from a clock that was far ahead: it would never end. */
export function hasTimedOut(use: Use, now: Now): boolean {
  return use.until <= now.at || use.until > now.at + USE_MS;
}

/**
 * A use ends without a redemption. What was recalled goes back, also when cut off [G5]; what was reserved at the scan
 * goes back where the cloud can hear it, else at the next contact [G7]; stock stays.
 * @param kept the basket's record shows it as released
 */
export function endUse(draft: Draft, known: Known, reservation: Reservation, kept: boolean): void {
  draft.change({ do: 'end_use', reservation: reservation.reservation, kept });
  if (!isValidated(known)) return;
  tellScan(draft, reservation);
  if (reservation.mark !== null) giveBack(draft, reservation, 'recall');
  else if (goesBackWhenIdle(known, reservation)) giveBack(draft, reservation, 'released');
}

/** A scan that was answered by what is reserved here and led to nothing: no entry says that it was [E7]. */
function tellScan(draft: Draft, { codeHash, use }: Reservation): void {
  if (use?.mode !== 'reserved') return;
  const { basket, lane, until } = use;
  draft.change({
    do: 'scan',
    scan: { codeHash, basket, lane, customer: null, at: Math.max(0, until - USE_MS), what: 'scanned' },
  });
}

/**
 * A basket that will not redeem needs its use no more, nor what it waits for.
 * @param told what its waiting scan hears
 */
export function stopUsing(
  draft: Draft,
  known: KnownCodes,
  { codeHash, basket }: { readonly codeHash: CodeHash; readonly basket: string },
  kept: boolean,
  told: Told,
): void {
  for (const reservation of known.codes.get(codeHash)?.open ?? [])
    if (reservation.use?.basket === basket) endUse(draft, known, reservation, kept);
  for (const want of known.session.wants.values())
    if (want.codeHash === codeHash && want.basket === basket) draft.endWant(want.want, told);
}

/** [G7] Cut off, the code stays here and another lane may redeem it. */
export function goesBackWhenIdle({ session }: Known, { origin }: Reservation): boolean {
  return origin === 'scan' && session.line === 'up';
}

export function giveBack(
  draft: Draft,
  { reservation, codeHash, generation }: Pick<Reservation, 'reservation' | 'codeHash' | 'generation'>,
  why: 'end' | 'recall' | 'released' | 'want_closed',
): void {
  draft.change({ do: 'close', reservation, as: 'returned' });
  draft.journal({ kind: 'returned', reservation, codeHash, generation, why });
}
