import { type Card, validityIn } from '../../protocol/card.ts';
import type { GatewayRow } from '../ledger/code-rules.ts';

/** How many blanks a box should have of a campaign [I6]. Pure. */

/** One transaction makes so many: short enough that a register's redemption hardly waits for it. */
export const BLANKS_PER_CHUNK = 100;

type Campaign = { readonly card: Card; readonly blanks: { readonly perStore: number } | null };

/** May texts be sealed for this box and sent to it? */
export const canTake = ({ state, connected, welcomedBoot, sealingKey }: GatewayRow): boolean =>
  state === 'active' && connected && welcomedBoot !== null && sealingKey !== null;

/** None where the campaign is over, or is not for that store. */
export function blanksWanted({ blanks, card }: Campaign, store: string, timeZone: string, now: number): number {
  const isHere = card.stores === 'all' || card.stores.includes(store);
  return isHere && validityIn(card, timeZone).endsAt > now ? (blanks?.perStore ?? 0) : 0;
}

/** Below half it is filled up; what is too many goes back. */
export function blanksToMove(
  wanted: number,
  held: number,
): { readonly make: number } | { readonly recall: number } | null {
  if (held > wanted) return { recall: held - wanted };
  return held * 2 < wanted ? { make: wanted - held } : null;
}
