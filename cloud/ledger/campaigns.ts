import { isDeepStrictEqual } from 'node:util';
import type { Card } from '../../protocol/card.ts';
import { err, ok } from '../../protocol/result.ts';
import type { Change } from './code-rules.ts';
import type { Group } from './group.ts';
import type { Campaign, Ledger } from './port.ts';
import { newTerms } from './terms-rules.ts';
import type { Unit } from './unit.ts';

/** Campaigns made and changed. Every version of their terms is kept, and told to the boxes, in the transaction that makes it. */

export function createCampaign(
  group: Group,
  campaign: Parameters<Ledger['createCampaign']>[0],
  now: number,
): ReturnType<Ledger['createCampaign']> {
  return group.run([], async (unit) => {
    if ((await unit.findCampaign(campaign.id)) !== null) return err('exists');
    const created: Campaign = { ...campaign, changedAt: now, issuedUnits: 0, issuedValue: 0 };
    unit.apply([{ do: 'version', row: created }, ...recorded(null, created)]);
    return ok(created);
  });
}

export function changeCampaign(
  group: Group,
  id: string,
  change: Parameters<Ledger['changeCampaign']>[1],
  now: number,
): ReturnType<Ledger['changeCampaign']> {
  return group.run([], async (unit) => {
    const before = await unit.findCampaign(id);
    if (before === null) return err('unknown_campaign');
    const { version } = before.card;
    const after = change(before);
    if (isDeepStrictEqual({ ...after, card: { ...after.card, version } }, before)) return ok(before);
    const changed: Campaign = { ...after, card: { ...after.card, version: version + 1 }, changedAt: now };
    unit.apply([{ do: 'version', row: changed }, ...recorded(before, changed)]);
    await tellCard(unit, changed.card);
    return ok(changed);
  });
}

const recorded = (before: Campaign | null, after: Campaign): Change[] =>
  newTerms(before, after).map((body) => ({ do: 'terms', body }));

/** The boxes that have codes of it, or may get them, are told. */
export async function tellCard(unit: Unit, card: Card): Promise<void> {
  const boxes = (await unit.reads.allGateways()).filter(({ state }) => state === 'active');
  unit.apply(
    boxes.map(({ id: gateway }) => ({ do: 'send', gateway, message: { type: 'policy', body: { cards: [card] } } })),
  );
}
