import { type CodeHash, hashCode } from '../../protocol/code.ts';
import type { CodeReading } from '../../protocol/code-reading.ts';
import { GRANT_RESERVATIONS_MAX } from '../../protocol/limits.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import type { CodeView, GatewayRow } from '../ledger/code-rules.ts';
import type { Group } from '../ledger/group.ts';
import { grant, mayGrantAgain } from '../ledger/handover-rules.ts';
import { alreadyRedeemed, heldElsewhere, inUse, standsAgainst } from '../ledger/sale-rules.ts';
import type { LedgerStore } from '../ledger/store.ts';
import type { Unit } from '../ledger/unit.ts';

/** What a store reserves ahead: explicit lists, and a campaign's codes dealt in turn to its named stores. */

export type StockPorts = {
  readonly group: Group;
  readonly store: LedgerStore;
  readonly fleetKey: Uint8Array;
  readonly read: (raw: string) => CodeReading;
  readonly stockUnitsMax: number;
  readonly now: () => number;
  readonly newId: () => string;
};

export type Stocked = {
  readonly granted: number;
  readonly refused: readonly { readonly code: string; readonly reason: string }[];
};

/** Reserves these codes in that store's box. What cannot be had is named with its reason; the rest is granted. */
export async function stockList(
  ports: StockPorts,
  store: string,
  codes: readonly string[],
): Promise<Result<Stocked, 'unknown_store'>> {
  const known = await ports.store.read(async (tx) => (await tx.stores()).some(({ id }) => id === store));
  if (!known) return err('unknown_store');
  const refused: { code: string; reason: string }[] = [];
  const wanted = new Map<CodeHash, string>();
  for (const code of codes) {
    const reading = ports.read(code);
    if (reading.kind === 'code') wanted.set(hashCode(ports.fleetKey, reading.code), code);
    else refused.push({ code, reason: reading.kind === 'test' ? 'not_a_coupon' : reading.kind });
  }
  let granted = 0;
  const hashes = [...wanted.keys()];
  for (let at = 0; at < hashes.length; at += GRANT_RESERVATIONS_MAX) {
    const part = hashes.slice(at, at + GRANT_RESERVATIONS_MAX);
    const outcome = await ports.group.run(part, (unit) => stockPart(ports, unit, store, part));
    granted += outcome.granted;
    for (const { hash, reason } of outcome.refused) refused.push({ code: wanted.get(hash) ?? '', reason });
  }
  return ok({ granted, refused });
}

type PartOutcome = {
  readonly granted: number;
  readonly refused: readonly { readonly hash: CodeHash; readonly reason: string }[];
};

async function stockPart(
  ports: StockPorts,
  unit: Unit,
  store: string,
  hashes: readonly CodeHash[],
): Promise<PartOutcome> {
  const gateway = await boxOf(unit, store);
  // A silent store would keep the codes from everybody and could not redeem them either.
  if (gateway === null) return { granted: 0, refused: hashes.map((hash) => ({ hash, reason: 'store_not_connected' })) };
  let room = ports.stockUnitsMax - (await held(unit, gateway.id));
  const refused: { hash: CodeHash; reason: string }[] = [];
  const good: CodeView[] = [];
  const timeZone = (await unit.store(store))?.timeZone ?? 'UTC';
  for (const hash of hashes) {
    const view = await unit.view(hash);
    const reason = view === null ? 'unknown_code' : whyNot(view, gateway, store, timeZone, ports.now());
    if (reason === 'here') continue;
    if (reason !== null || view === null) refused.push({ hash, reason: reason ?? 'unknown_code' });
    else if (room <= 0) refused.push({ hash, reason: 'limit_reached' });
    else {
      room -= 1;
      good.push(view);
    }
  }
  const already = hashes.length - refused.length - good.length;
  return { granted: already + (await give(ports, unit, gateway.id, good)), refused };
}

/** `here`: that box has it already. Null: it can be granted. */
function whyNot(view: CodeView, gateway: GatewayRow, store: string, timeZone: string, now: number): string | null {
  if (mayGrantAgain(gateway, view)) return 'here';
  const against = standsAgainst(view, { channel: 'store', store, timeZone, total: null }, now);
  // What starts later is stocked before it starts: that is what stock is for.
  if (against !== null && against.reason !== 'not_yet_valid') return against.reason;
  switch (view.code.state) {
    case 'issued':
      return null;
    case 'held':
      return inUse(view).reason;
    case 'reserved':
    case 'void_pending':
    case 'in_doubt':
      return heldElsewhere(view).reason;
    case 'redeemed':
      return alreadyRedeemed(view).reason;
    case 'voided':
      return 'voided';
  }
}

/** Deals the codes of campaigns with named stores, in turn, to their connected boxes, up to the cap of each. */
export async function deal(ports: StockPorts): Promise<void> {
  const { store, group, now } = ports;
  const campaigns = await store.read((tx) => tx.allCampaigns());
  for (const { id, card } of campaigns) {
    if (card.stores === 'all') continue;
    const stores = card.stores;
    const hashes = await store.read((tx) => tx.codesToDeal(id, now(), GRANT_RESERVATIONS_MAX));
    if (hashes.length > 0) await group.run(hashes, (unit) => dealPart(ports, unit, stores, hashes));
  }
}

async function dealPart(
  ports: StockPorts,
  unit: Unit,
  stores: readonly string[],
  hashes: readonly CodeHash[],
): Promise<void> {
  const hands: { readonly gateway: string; readonly store: string; room: number; readonly views: CodeView[] }[] = [];
  for (const store of stores) {
    const gateway = await boxOf(unit, store);
    if (gateway !== null)
      hands.push({ gateway: gateway.id, store, room: ports.stockUnitsMax - (await held(unit, gateway.id)), views: [] });
  }
  let turn = 0;
  for (const hash of hashes) {
    const view = await unit.view(hash);
    const open = hands.filter(({ room }) => room > 0);
    const hand = open[turn % open.length];
    if (hand === undefined) break;
    if (view === null || view.code.state !== 'issued') continue;
    const timeZone = (await unit.store(hand.store))?.timeZone ?? 'UTC';
    const against = standsAgainst(view, { channel: 'store', store: hand.store, timeZone, total: null }, ports.now());
    if (against !== null && against.reason !== 'not_yet_valid') continue;
    hand.room -= 1;
    hand.views.push(view);
    turn += 1;
  }
  for (const { gateway, views } of hands) await give(ports, unit, gateway, views);
}

async function give(ports: StockPorts, unit: Unit, id: string, views: readonly CodeView[]): Promise<number> {
  const gateway = await unit.gateway(id);
  if (gateway === null || views.length === 0) return 0;
  const codes = await Promise.all(
    views.map(async (view) => ({
      view,
      reservationId: ports.newId(),
      tombstones: await unit.tombstones(id, view.code.hash),
    })),
  );
  const granted = grant(gateway, codes, { kind: 'stock', request: null }, ports.now());
  unit.apply(granted.changes);
  return granted.granted;
}

/** The box of a store that can take stock now; the first by its id where there are several. */
async function boxOf(unit: Unit, store: string): Promise<GatewayRow | null> {
  const rows = (await unit.reads.allGateways()).filter((row) => row.store === store);
  for (const { id } of rows) {
    const row = await unit.gateway(id);
    if (row !== null && row.state === 'active' && row.connected && row.welcomedBoot !== null) return row;
  }
  return null;
}

async function held(unit: Unit, gateway: string): Promise<number> {
  const counts = await unit.reads.countHeldBy([gateway]);
  return counts.reduce((sum, { units }) => sum + units, 0);
}
