import type { CodeHash } from '../../protocol/code.ts';
import { releaseCart, reverseCart, stopWaitingCart } from './cart-rules.ts';
import type { Change, CodeView, RedemptionRow, ReversalRow } from './code-rules.ts';
import { reverseFed } from './feed-rules.ts';
import { resolveReversal, type ReversalRequest } from './reversal-rules.ts';
import type { Unit } from './unit.ts';

/**
 * A reversal at the cloud, of whichever door, asked by a cart or forwarded by a box [C13]. A cart's redemption, or its
 * hold, and what was fed are undone here and now; a box's own entry undoes a box's.
 * @returns null: the ledger does not know the code, so nothing was redeemed with it
 */
export async function reverseAt(
  unit: Unit,
  hash: CodeHash,
  request: ReversalRequest,
  now: number,
): Promise<{ readonly row: ReversalRow; readonly redemption: RedemptionRow | null } | null> {
  const view = await unit.view(hash);
  if (view === null) return null;
  const { door, basket } = request;
  const gateway = door.startsWith('gateway:') ? await unit.gateway(door.slice('gateway:'.length)) : null;
  const redemption = await unit.redemptionAt(door, hash, basket);
  const resolved = resolveReversal(request, {
    view,
    redemption,
    stored: await unit.reversal(door, hash, basket),
    box: gateway === null ? null : { id: gateway.id, epoch: gateway.epoch, active: gateway.state === 'active' },
  });
  unit.apply(resolved.changes);
  if (resolved.kind === 'here' && redemption !== null)
    unit.apply(await undoHere(unit, view, redemption, resolved.row.at, now));
  if (resolved.kind === 'done' && door.startsWith('cart:')) {
    const client = door.slice('cart:'.length);
    unit.apply(releaseCart(view, client, basket, await unit.handOver(hash), now));
    unit.apply(stopWaitingCart(view, client, basket));
  }
  const { row } = resolved;
  return { row, redemption: row.redemption === null ? null : await unit.redemption(row.redemption) };
}

/** The cloud itself is the door of carts and of feeds. */
async function undoHere(
  unit: Unit,
  view: CodeView,
  redemption: RedemptionRow,
  askedAt: number,
  now: number,
): Promise<readonly Change[]> {
  const handover = await unit.handOver(view.code.hash);
  if (redemption.door.startsWith('cart:')) return reverseCart(view, redemption.id, askedAt, handover, now);
  const left = redemption.reservation === null ? null : await unit.reservation(redemption.reservation);
  return reverseFed(view, redemption, left, askedAt, handover, now);
}
