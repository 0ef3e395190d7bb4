import type { Code, CodeHash } from '../../protocol/code.ts';
import { hashCode } from '../../protocol/code.ts';
import type { CodeReading } from '../../protocol/code-reading.ts';
import type { FedReason } from './code-rules.ts';
import { collisionUndone, decideFedRedemption, fedRow, type Told } from './feed-rules.ts';
import type { Group } from './group.ts';
import type { FedAnswer, FedItem } from './port.ts';
import { reverseAt } from './reversing.ts';
import { isLate } from './undo-rules.ts';
import type { Unit } from './unit.ts';

/** What a till or a shop that redeems by itself tells afterwards, at the ledger [C15]: read, load, decide, commit, answer. */

export type FeedPorts = {
  readonly group: Group;
  readonly fleetKey: Uint8Array;
  readonly read: (raw: string) => CodeReading;
  readonly now: () => number;
  readonly newId: () => string;
};

/** A till's clock may be ahead of ours by this; what is later has not been done. */
const AHEAD_MS = 5 * 60_000;

/** One transaction for all; each item is answered in its place. */
export async function feed(ports: FeedPorts, client: string, items: readonly FedItem[]): Promise<FedAnswer[]> {
  const read = items.map((item) => ({ item, code: codeOf(ports.read(item.code)) }));
  const hashed = read.map(({ item, code }) => ({
    item,
    hash: typeof code === 'string' ? hashCode(ports.fleetKey, code) : null,
    refusal: typeof code === 'string' ? null : code.refused,
  }));
  const hashes = hashed.flatMap(({ hash }) => hash ?? []);
  return ports.group.run(hashes, async (unit) => {
    const answers: FedAnswer[] = [];
    for (const { item, hash, refusal } of hashed)
      answers.push(hash === null ? refused(refusal ?? 'not_a_coupon') : await take(ports, unit, client, item, hash));
    return answers;
  });
}

type FormRefusal = 'not_a_coupon' | 'malformed_code' | 'not_single_use';

function codeOf(reading: CodeReading): Code | { readonly refused: FormRefusal } {
  if (reading.kind === 'code') return reading.code;
  return { refused: reading.kind === 'test' ? 'not_a_coupon' : reading.kind };
}

const refused = (reason: Extract<FedAnswer, { outcome: 'refused' }>['reason']): FedAnswer => ({
  outcome: 'refused',
  reason,
});

async function take(ports: FeedPorts, unit: Unit, client: string, item: FedItem, hash: CodeHash): Promise<FedAnswer> {
  const now = ports.now();
  if (item.at > now + AHEAD_MS) return refused('in_the_future');
  const store = item.store === null ? null : await unit.store(item.store);
  if (item.store !== null && store === null) return refused('unknown_store');
  const told: Told = { ...item, door: `feed:${client}`, at: Math.min(item.at, now) };
  if (item.what === 'reversed') return reversed(unit, told, hash, now);
  const view = await unit.view(hash);
  if (view === null) return refused('unknown_code');
  const fed = decideFedRedemption(
    told,
    {
      view,
      before: await unit.fed(told.door, hash, told.basket),
      reversal: await unit.reversal(told.door, hash, told.basket),
      redeemedIn: view.redemption === null ? null : await unit.storeOfDoor(view.redemption.door),
      storeName: store?.name ?? 'online',
      redemptionId: ports.newId(),
    },
    now,
  );
  if (fed.kind === 'conflict') return refused('basket_conflict');
  unit.apply([...fed.changes, { do: 'seen', row: { codeHash: hash, store: told.store, at: told.at } }]);
  const { outcome, reason, redemption } = fed.row;
  return { outcome, reason, redemption, again: fed.again };
}

async function reversed(unit: Unit, told: Told, hash: CodeHash, now: number): Promise<FedAnswer> {
  const before = await unit.fed(told.door, hash, told.basket);
  const same = before.find(({ what }) => what === 'reversed');
  if (same !== undefined)
    return { outcome: same.outcome, reason: same.reason, redemption: same.redemption, again: true };
  const view = await unit.view(hash);
  if (view === null) return refused('unknown_code');
  const { door, basket, at } = told;
  const asked = { door, basket, reason: 'fed', askedAt: at, asker: null };
  const redemption = (await reverseAt(unit, hash, asked, now))?.redemption ?? null;
  let reason: FedReason | null = null;
  if (redemption === null) {
    const collided = before.some(({ outcome }) => outcome === 'exception');
    reason = collided ? 'collision_undone' : 'not_redeemed';
    if (collided) unit.apply([collisionUndone(told, view)]);
  } else if ((await unit.view(hash))?.code.redemption === redemption.id) reason = 'reserved_in_store';
  else if (isLate(view, redemption, at)) reason = 'window_over';
  const outcome = reason === 'reserved_in_store' ? 'exception' : 'taken';
  const became = { outcome, reason, redemption: redemption?.id ?? null } as const;
  unit.apply([{ do: 'fed', row: fedRow('reversed', told, view, became, now) }]);
  return { ...became, again: false };
}
