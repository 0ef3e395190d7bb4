import { faceValue } from '../../protocol/offer.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { unitsLeft } from '../issuing/cap-rules.ts';
import { codeOf } from '../issuing/imported-code.ts';
import { CODES_PER_CHUNK, issuable, place } from '../issuing/issuable.ts';
import { openCodes } from '../issuing/seal.ts';
import type { Campaign, CodeHash } from '../ledger/port.ts';
import type { DistributionReads, DistributionTx } from './store.ts';

/** Stacks whose codes are given to customers: codes that another system made, or knows. */

export async function giveStack(
  tx: DistributionTx,
  id: string,
): Promise<Result<{ readonly campaign: string; readonly left: number }, 'unknown_stack' | 'unfinished'>> {
  const stack = await tx.stack(id);
  if (stack === null) return err('unknown_stack');
  if (stack.issued < stack.count) return err('unfinished');
  const { campaign, count } = stack;
  await tx.putPool({ stack: id, campaign, count });
  return ok({ campaign, left: (await tx.poolLeft(campaign)) ?? 0 });
}

/** How many coupons of this campaign can still be had; null: any number; undefined: there is no such campaign. */
export async function couponsLeft(tx: DistributionReads, id: string): Promise<number | null | undefined> {
  const campaign = (await tx.campaigns([id]))[0];
  return campaign === undefined ? undefined : ((await tx.poolLeft(id)) ?? capLeft(campaign));
}

/** How many codes the caps still allow to be made; null: any number. */
export function capLeft({ cap, issuedUnits, issuedValue, card }: Campaign): number | null {
  return unitsLeft(cap, { units: issuedUnits, value: issuedValue }, faceValue(card.offer.discount));
}

/** `text`: as it is shown: ours in its normal form, one made elsewhere as it was given. */
export type Drawn = { readonly hash: CodeHash; readonly text: string };

/** The next code of the campaign's stacks, which nobody else gets; null: none is left. */
export async function nextOfPool(
  tx: DistributionTx,
  { sealKey, fleetKey }: { readonly sealKey: Uint8Array; readonly fleetKey: Uint8Array },
  campaign: string,
): Promise<Drawn | null> {
  const next = await tx.takeFromPool(campaign);
  if (next === null) return null;
  const chunk = Math.floor(next.place / CODES_PER_CHUNK);
  const sealed = await tx.stackChunk(next.stack, chunk);
  if (sealed === null) throw new Error(`chunk ${chunk} of the stack ${next.stack} is missing`);
  const codes = openCodes({ key: sealKey }, sealed, place(next.stack, chunk));
  const text = codes[next.place % CODES_PER_CHUNK] ?? '';
  return { hash: issuable(fleetKey, codeOf(text)).hash, text };
}
