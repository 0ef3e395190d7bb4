import { type CodeHash, hashCode } from '../../protocol/code.ts';
import type { CodeReading } from '../../protocol/code-reading.ts';
import { GRANT_RESERVATIONS_MAX, RECALL_WAIT_CART_MS } from '../../protocol/limits.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import type { CodeView, GatewayRow } from '../ledger/code-rules.ts';
import { mayGrantAgain } from '../ledger/handover-rules.ts';
import type { Placed } from '../ledger/port.ts';
import { canAnswer, recall } from '../ledger/sale-rules.ts';
import type { Unit } from '../ledger/unit.ts';
import type { PlacesStore } from './places-store.ts';
import { give, openHand, put, type StockPorts } from './stock-hand.ts';
import { CHOSEN_SCORE, whyNotStocked } from './stocking-rules.ts';

/** What somebody asks a store to reserve ahead: a list of codes, or one code whose owner chooses the store. */

export type ListPorts = StockPorts & { readonly fleetKey: Uint8Array; readonly read: (raw: string) => CodeReading };

export type PlacePorts = StockPorts & { readonly places: PlacesStore };

export type Stocked = {
  readonly granted: number;
  readonly refused: readonly { readonly code: string; readonly reason: string }[];
};

/** Reserves these codes in that store's box. What cannot be had is named with its reason; the rest is granted. */
export async function stockList(
  ports: ListPorts,
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
  const hand = await openHand(unit, store, ports.stockMax);
  const refused: { hash: CodeHash; reason: string }[] = [];
  let already = 0;
  for (const hash of hashes) {
    const view = await unit.view(hash);
    const reason =
      hand === null || view === null ? 'unknown_code' : whyNotStocked(view, hand.gateway, hand.place, ports.now());
    if (reason === 'here') already += 1;
    else if (reason !== null || view === null || hand === null)
      refused.push({ hash, reason: reason ?? 'unknown_code' });
    else if (!put(hand, view)) refused.push({ hash, reason: 'limit_reached' });
  }
  return { granted: already + (hand === null ? 0 : await give(ports, unit, hand)), refused };
}

/**
 * Reserves one code in that store, or lets go of it (null). What another store has is recalled, which takes a moment, and
 * so is what gives way where the store is full. Asked for again it is answered the same.
 */
export async function placeCode(ports: PlacePorts, hash: CodeHash, store: string | null): Promise<Placed> {
  const { group, now } = ports;
  const until = now() + RECALL_WAIT_CART_MS;
  for (let asked = 0; ; asked += 1) {
    const mayAsk = asked < ASKED_BACK_MAX && now() < until;
    const attempt = await group.run([hash], (unit) =>
      store === null ? letGo(ports, unit, hash) : placeIn(ports, unit, hash, store, mayAsk),
    );
    if (typeof attempt === 'string') return attempt;
    if (!mayAsk) return attempt.else;
    await group.moved(attempt.waitsFor, until);
  }
}

/** The coupon itself, and one that makes room for it. */
const ASKED_BACK_MAX = 2;
/** More choices of one store at one instant than this find it full. */
const GIVE_WAY_MAX = 20;

/** A code was asked back from a store; `else`: what it comes to where that takes too long. */
type Attempt = Placed | { readonly waitsFor: CodeHash; readonly else: Placed };

async function placeIn(
  ports: PlacePorts,
  unit: Unit,
  hash: CodeHash,
  store: string,
  mayAsk: boolean,
): Promise<Attempt> {
  const hand = await openHand(unit, store, ports.stockMax);
  const view = await unit.view(hash);
  if (hand === null || view === null) return 'not_usable';
  const reason = whyNotStocked(view, hand.gateway, hand.place, ports.now());
  if (reason === 'here') return 'stocked';
  if (reason === 'in_use' || reason === 'store_not_connected') return reason;
  if (reason !== null && reason !== 'held_elsewhere') return 'not_usable';
  // Nothing is taken from where it is for a store that cannot have it, and nothing gives way to what cannot come.
  if (hand.gateway === null) return 'store_not_connected';
  const isElsewhere = reason === 'held_elsewhere';
  if (isElsewhere && !canAnswer(view)) return askBack(ports, unit, view);
  if (!put(hand, view)) return mayAsk ? makeRoom(ports, unit, hand.gateway) : 'store_full';
  if (isElsewhere) return askBack(ports, unit, view);
  await give(ports, unit, hand);
  return 'stocked';
}

/** What one owner chose goes before what was guessed of another. */
async function makeRoom(ports: PlacePorts, unit: Unit, gateway: GatewayRow): Promise<Attempt> {
  const guessed = await ports.places.read((tx) => tx.dealtTo(gateway.id, CHOSEN_SCORE, GIVE_WAY_MAX));
  // Those that are recalled already give way to somebody else.
  const weakest = (await unit.views(guessed)).find((view) => mayGrantAgain(gateway, view));
  if (weakest === undefined) return 'store_full';
  unit.apply(recall(weakest, 'wanted', ports.now()));
  return { waitsFor: weakest.code.hash, else: 'store_full' };
}

async function letGo(ports: PlacePorts, unit: Unit, hash: CodeHash): Promise<Attempt> {
  const view = await unit.view(hash);
  if (view === null) return 'not_usable';
  switch (view.code.state) {
    case 'issued':
    case 'held':
      return 'let_go';
    case 'reserved':
      return askBack(ports, unit, view);
    case 'in_doubt':
      return 'held_elsewhere';
    case 'void_pending':
    case 'redeemed':
    case 'voided':
      return 'not_usable';
  }
}

function askBack({ now }: PlacePorts, unit: Unit, view: CodeView): Attempt {
  if (view.code.state !== 'reserved') return 'held_elsewhere';
  const busy = view.reservation?.inUse ?? null;
  if (busy !== null && busy.until > now()) return 'in_use';
  unit.apply(recall(view, 'wanted', now()));
  return canAnswer(view) ? { waitsFor: view.code.hash, else: 'held_elsewhere' } : 'held_elsewhere';
}
