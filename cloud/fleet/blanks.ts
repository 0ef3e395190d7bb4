import { sealBlank } from '../../protocol/blank-seal.ts';
import { validityIn } from '../../protocol/card.ts';
import { makeCodes } from '../../protocol/code.ts';
import { GRANT_RESERVATIONS_MAX } from '../../protocol/limits.ts';
import type { DownBody, UpBody } from '../../protocol/messages.ts';
import { capLeft } from '../distribution/pools.ts';
import type { RowIds } from '../distribution/row-ids.ts';
import { codePlace, type Secrets } from '../distribution/secrets.ts';
import { issuable, takeCap } from '../issuing/issuable.ts';
import { chain, entryOf } from '../ledger/chain.ts';
import type { Group } from '../ledger/group.ts';
import { grant } from '../ledger/handover-rules.ts';
import { recall } from '../ledger/sale-rules.ts';
import { DuplicateCode, type LedgerStore, type MadeBlanks } from '../ledger/store.ts';
import type { Unit } from '../ledger/unit.ts';
import { BLANKS_PER_CHUNK, blanksToMove, blanksWanted, canTake } from './blank-rules.ts';

/** Codes that a box may issue while it is cut off: made under the cap, sealed for that box, and nobody's until issued. */

export type BlankPorts = {
  readonly group: Group;
  readonly store: LedgerStore;
  readonly fleetKey: Uint8Array;
  readonly secrets: Secrets;
  /** Of the face of a coupon, by its link. */
  readonly faceUrl: (link: string) => string;
  readonly randomBytes: (size: number) => Buffer;
  readonly now: () => number;
  readonly newId: () => string;
  readonly newRowId: RowIds;
};

type Request = NonNullable<UpBody<'blanks'>['request']>;
type Why = Extract<DownBody<'no_blanks'>['why'], 'unknown_campaign' | 'campaign_ended' | 'none_left'>;

/** One turn of what is due: sealing so many takes less than a second, and others have their turn. */
const BLANKS_PER_TURN_MAX = 1_000;

/**
 * Fills up what every welcomed box should have, and calls back what it has too many.
 * @returns whether more is to be done soon
 */
export async function replenishBlanks(ports: BlankPorts): Promise<boolean> {
  const { store, now } = ports;
  const { campaigns, gateways, stores } = await store.read(async (tx) => ({
    campaigns: await tx.allCampaigns(),
    gateways: (await tx.allGateways()).filter(canTake),
    stores: new Map((await tx.stores()).map(({ id, timeZone }) => [id, timeZone])),
  }));
  let left = BLANKS_PER_TURN_MAX;
  for (const { id, store: place } of gateways) {
    const held = new Map((await store.read((tx) => tx.blanksHeldBy(id))).map((row) => [row.campaign, row.units]));
    for (const campaign of campaigns) {
      const wanted = blanksWanted(campaign, place, stores.get(place) ?? 'UTC', now());
      const move = blanksToMove(wanted, held.get(campaign.id) ?? 0);
      if (move === null) continue;
      if ('recall' in move) await recallBlanks(ports, id, campaign.id, move.recall);
      else if (left === 0) return true;
      else left -= await makeBlanks(ports, id, campaign.id, Math.min(left, move.make));
    }
  }
  return left === 0;
}

/** A register waits for a coupon, and its box has no blank of that campaign. */
export async function answerBlankRequest(ports: BlankPorts, gateway: string, { id, campaign }: Request): Promise<void> {
  const made = await makeChunk(ports, gateway, campaign, 1, id);
  if (typeof made === 'number' || made === 'not_now') return;
  await ports.group.run([], async (unit) =>
    unit.apply([{ do: 'send', gateway, message: { type: 'no_blanks', body: { request: id, why: made } } }]),
  );
}

/** @returns how many were made: fewer than asked for where the caps allow no more */
async function makeBlanks(ports: BlankPorts, gateway: string, campaign: string, count: number): Promise<number> {
  for (let made = 0; ; ) {
    const more = await makeChunk(ports, gateway, campaign, Math.min(count - made, BLANKS_PER_CHUNK), null);
    if (typeof more !== 'number') return made;
    made += more;
    if (made === count) return made;
  }
}

/** @returns how many were made and granted; fewer than asked for where the caps allow no more */
async function makeChunk(
  ports: BlankPorts,
  gateway: string,
  campaign: string,
  count: number,
  request: string | null,
): Promise<number | Why | 'not_now'> {
  const key = (await ports.store.read((tx) => tx.gateways([gateway])))[0]?.sealingKey ?? null;
  if (key === null) return 'not_now';
  // Outside of the transaction: sealing takes longer than all else of it.
  const blanks = newBlanks(ports, gateway, key, count);
  if (blanks === null) return 'not_now';
  try {
    return await ports.group.run([], (unit) => putBlanks(ports, unit, { gateway, key, campaign, blanks, request }));
  } catch (error) {
    // One code in 2^75 was there already.
    if (error instanceof DuplicateCode) return 'not_now';
    throw error;
  }
}

/** Null: nothing can be sealed for that key. */
function newBlanks(ports: BlankPorts, gateway: string, key: string, count: number): MadeBlanks['blanks'] | null {
  const { fleetKey, secrets, faceUrl, newRowId, randomBytes } = ports;
  const blanks: MadeBlanks['blanks'][number][] = [];
  for (const code of makeCodes(count, randomBytes)) {
    const assignment = newRowId();
    const link = secrets.linkOf(assignment);
    const { hash, lastFour } = issuable(fleetKey, code);
    const sealedForBox = sealBlank(key, { code, link: faceUrl(link) }, { gateway, codeHash: hash });
    if (sealedForBox === null) return null;
    const sealedCode = secrets.seal(code, codePlace(assignment));
    blanks.push({ hash, lastFour, sealedForBox, assignment, sealedCode, linkHash: secrets.hashLink(link) });
  }
  return blanks;
}

type Chunk = {
  readonly gateway: string;
  readonly key: string;
  readonly campaign: string;
  readonly blanks: MadeBlanks['blanks'];
  readonly request: string | null;
};

/** Cap, codes, their entries, reservations and the grant: one transaction. */
async function putBlanks({ newId }: BlankPorts, unit: Unit, chunk: Chunk): Promise<number | Why | 'not_now'> {
  const { now, reads: tx } = unit;
  const gateway = await unit.gateway(chunk.gateway);
  if (gateway === null || !canTake(gateway) || gateway.sealingKey !== chunk.key) return 'not_now';
  const campaign = (await tx.campaigns([chunk.campaign]))[0];
  if (campaign === undefined) return 'unknown_campaign';
  const timeZone = (await unit.store(gateway.store))?.timeZone ?? 'UTC';
  if (validityIn(campaign.card, timeZone).endsAt <= now) return 'campaign_ended';
  const blanks = chunk.blanks.slice(0, capLeft(campaign) ?? chunk.blanks.length);
  const taken = takeCap(campaign, blanks.length);
  if (blanks.length === 0 || !taken.ok) return 'none_left';
  await tx.putCampaign(taken.value);
  const news = blanks.map(({ hash }) =>
    entryOf(hash, now, { kind: 'issue', campaign: campaign.id, count: 1, blank: true }),
  );
  const heads = await tx.heads([...new Set(news.map(({ partition }) => partition))]);
  await tx.makeBlanks({ campaign: campaign.id, gateway: gateway.id, blanks, entries: chain(heads, news) });
  const sealedByHash = new Map(blanks.map(({ hash, sealedForBox }) => [hash, sealedForBox]));
  const codes = (await unit.views([...sealedByHash.keys()])).map((view) => ({
    ...{ view, reservationId: newId(), tombstones: [] },
    sealed: sealedByHash.get(view.code.hash) ?? null,
  }));
  unit.apply(grant(gateway, codes, { kind: 'stock', request: chunk.request }, now).changes);
  return blanks.length;
}

async function recallBlanks(
  { store, group, now }: BlankPorts,
  gateway: string,
  campaign: string,
  count: number,
): Promise<void> {
  const most = Math.min(count, GRANT_RESERVATIONS_MAX);
  const hashes = await store.read((tx) => tx.blanksIn(gateway, campaign, most));
  if (hashes.length === 0) return;
  await group.run(hashes, async (unit) => {
    for (const view of await unit.views(hashes))
      if (view.code.blank && view.reservation?.gateway === gateway) unit.apply(recall(view, 'wanted', now()));
  });
}
