import type { CodeHash } from '../../protocol/code.ts';
import { releaseCart, reverseCart, stopWaitingCart } from './cart-rules.ts';
import type { RedemptionRow, ReversalRow } from './code-rules.ts';
import { resolveReversal, type ReversalRequest } from './reversal-rules.ts';
import type { Unit } from './unit.ts';

/**
 * A reversal at the cloud, of whichever door, asked by a cart or forwarded by a box [C13]. A cart's redemption, or its
 * hold, is undone here and now; a box's own entry undoes a box's.
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
  const resolved = resolveReversal(
    request,
    {
      view,
      redemption,
      stored: await unit.reversal(door, hash, basket),
      box: gateway === null ? null : { id: gateway.id, epoch: gateway.epoch, active: gateway.state === 'active' },
    },
    now,
  );
  unit.apply(resolved.changes);
  const handover = await unit.handOver(hash);
  if (resolved.kind === 'cart' && redemption !== null) unit.apply(reverseCart(view, redemption.id, handover, now));
  if (resolved.kind === 'done' && door.startsWith('cart:')) {
    const client = door.slice('cart:'.length);
    unit.apply(releaseCart(view, client, basket, handover, now));
    unit.apply(stopWaitingCart(view, client, basket));
  }
  const { row } = resolved;
  return { row, redemption: row.redemption === null ? null : await unit.redemption(row.redemption) };
}
