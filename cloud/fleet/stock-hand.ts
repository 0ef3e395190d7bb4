import { faceValue } from '../../protocol/offer.ts';
import type { CodeView, GatewayRow } from '../ledger/code-rules.ts';
import type { Group } from '../ledger/group.ts';
import { grant } from '../ledger/handover-rules.ts';
import type { LedgerStore } from '../ledger/store.ts';
import type { Unit } from '../ledger/unit.ts';
import { type Room, roomBeside, type StorePlace, take } from './stocking-rules.ts';

/** One store's hand while codes are reserved ahead: its box, what still fits, and what it is given. */

export type StockPorts = {
  readonly group: Group;
  readonly store: LedgerStore;
  /** What one store may hold: units, and face value in minor units. */
  readonly stockMax: Room;
  readonly now: () => number;
  readonly newId: () => string;
};

export type Hand = {
  /** Null: no box of it can take stock now. */
  readonly gateway: GatewayRow | null;
  readonly place: StorePlace;
  room: Room;
  readonly views: CodeView[];
};

/** @returns null where there is no such store */
export async function openHand(unit: Unit, id: string, most: Room): Promise<Hand | null> {
  const store = await unit.store(id);
  if (store === null) return null;
  const gateway = await boxOf(unit, id);
  const place = { store: id, timeZone: store.timeZone };
  return { gateway, place, room: gateway === null ? most : roomBeside(most, await unit.heldBy(gateway.id)), views: [] };
}

/** @returns false: it does not fit */
export function put(hand: Hand, view: CodeView): boolean {
  const room = take(hand.room, worthOf(view));
  if (room === null) return false;
  hand.room = room;
  hand.views.push(view);
  return true;
}

export const worthOf = ({ card }: Pick<CodeView, 'card'>): number => faceValue(card.offer.discount);

/** Grants what is in the hand. @returns how many */
export async function give({ newId, now }: StockPorts, unit: Unit, { gateway, views }: Hand): Promise<number> {
  // Anew: another hand of this group may have taken a grant number of this box.
  const row = gateway === null ? null : await unit.gateway(gateway.id);
  if (row === null || views.length === 0) return 0;
  const codes = await Promise.all(
    views.map(async (view) => ({
      view,
      reservationId: newId(),
      tombstones: await unit.tombstones(row.id, view.code.hash),
    })),
  );
  const granted = grant(row, codes, { kind: 'stock', request: null }, now());
  unit.apply(granted.changes);
  return granted.granted;
}

/** The box of a store that can take stock now; the first by its id where there are several. */
async function boxOf(unit: Unit, store: string): Promise<GatewayRow | null> {
  for (const { id } of await unit.reads.gatewaysOf(store)) {
    const row = await unit.gateway(id);
    if (row !== null && row.state === 'active' && row.connected && row.welcomedBoot !== null) return row;
  }
  return null;
}
