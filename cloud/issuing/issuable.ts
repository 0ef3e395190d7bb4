import { type Code, hashCode, lastFour } from '../../protocol/code.ts';
import { faceValue } from '../../protocol/offer.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import type { Campaign, CodeHash, IssueRefusal } from '../ledger/port.ts';
import type { LedgerStore } from '../ledger/store.ts';
import { isWithin, unitsLeft } from './cap-rules.ts';
import type { CodeSeal } from './seal.ts';

/** What every stack needs, made here or elsewhere. */

export type IssuingPorts = {
  readonly store: LedgerStore;
  readonly fleetKey: Uint8Array;
  readonly seal: CodeSeal;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly now: () => number;
  readonly newId: () => string;
};

/** One transaction of issuing: short enough that a register's redemption hardly waits for it. */
export const CODES_PER_CHUNK = 2_000;

/** What a sealed chunk is bound to. */
export const place = (stack: string, chunk: number): string => `${stack}/${chunk}`;

/** Registers and carts come between two chunks. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A code as the ledger keeps it. */
export function issuable(fleetKey: Uint8Array, code: Code): { readonly hash: CodeHash; readonly lastFour: string } {
  return { hash: hashCode(fleetKey, code), lastFour: lastFour(code) };
}

/**
 * The caps are taken for a stack as a whole.
 * @param own the values of those codes among them that have one of their own, minor units [P13]
 * @returns the campaign with so many more codes issued
 */
export function takeCap(
  campaign: Campaign | undefined,
  count: number,
  own: readonly number[] = [],
): Result<Campaign, IssueRefusal> {
  if (campaign === undefined) return err({ why: 'unknown_campaign' });
  const { cap, issuedUnits, issuedValue } = campaign;
  const worth = faceValue(campaign.card.offer.discount);
  const after = {
    units: issuedUnits + count,
    value: issuedValue + own.reduce((sum, value) => sum + value, (count - own.length) * worth),
  };
  if (!isWithin(cap, after))
    return err({ why: 'cap_exceeded', unitsLeft: unitsLeft(cap, { units: issuedUnits, value: issuedValue }, worth) });
  return ok({ ...campaign, issuedUnits: after.units, issuedValue: after.value });
}
