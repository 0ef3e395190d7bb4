import { ownValue } from '../../protocol/personal-offer.ts';
import type { CodeRow, CodeState } from './code-rules.ts';

/** What codes are worth together: most are worth what their campaign's discount is, some have a value of their own [P13]. */

/** Codes with a value of their own, and their value in minor units. */
export type Own = { readonly units: number; readonly value: number };
export type OwnByState = Readonly<Record<CodeState, Own>>;

/** @param face what a code without a value of its own is worth, minor units */
export const worthOf = (units: number, own: Own, face: number): number => (units - own.units) * face + own.value;

type Moved = { readonly seen: CodeRow; readonly row: CodeRow };
/** By campaign: how many more codes are in a state. */
export type UnitMoves = ReadonlyMap<string, Partial<Record<CodeState, number>>>;
/** By campaign: how many more codes with a value of their own are in a state, and how much more they are worth. */
export type OwnMoves = ReadonlyMap<string, Partial<Record<CodeState, Own>>>;

/** How the counts of a campaign's states change: what S10 adds up. */
export function countMoves(moves: readonly Moved[]): UnitMoves {
  const byCampaign = new Map<string, Partial<Record<CodeState, number>>>();
  for (const { seen, row } of moves) {
    const units = byCampaign.get(row.campaign) ?? {};
    units[seen.state] = (units[seen.state] ?? 0) - 1;
    units[row.state] = (units[row.state] ?? 0) + 1;
    byCampaign.set(row.campaign, units);
  }
  return byCampaign;
}

/** The same of those that have a value of their own. */
export function countOwn(moves: readonly Moved[]): OwnMoves {
  const byCampaign = new Map<string, Partial<Record<CodeState, Own>>>();
  const count = ({ campaign, state, personal }: CodeRow, by: 1 | -1) => {
    const value = ownValue(personal);
    if (value === null) return;
    const own = byCampaign.get(campaign) ?? {};
    const { units, value: worth } = own[state] ?? { units: 0, value: 0 };
    own[state] = { units: units + by, value: worth + by * value };
    byCampaign.set(campaign, own);
  };
  for (const { seen, row } of moves) {
    count(seen, -1);
    count(row, 1);
  }
  return byCampaign;
}
