import type { Change, CodeView, RedemptionRow, ReversalRow } from './code-rules.ts';

/** A reversal is resolved once, to a redemption or to none, stored, and its answer repeated [C13]. */

export type ReversalRequest = {
  readonly door: string;
  readonly basket: string;
  readonly reason: string;
  /** When it was asked for at its door. */
  readonly askedAt: number;
  /** A box that forwards it; null: a cart asked. */
  readonly asker: string | null;
};

export type ReversalCase = {
  readonly view: CodeView;
  /** What was resolved before. */
  readonly stored: ReversalRow | null;
  /** What that door redeemed with this code in that basket, if the ledger knows. */
  readonly redemption: RedemptionRow | null;
  /** The door's box: its id and whether its redemptions can still move codes; null: a cart's door. */
  readonly box: { readonly id: string; readonly epoch: number; readonly active: boolean } | null;
};

export type Reversal =
  | { readonly kind: 'repeated'; readonly row: ReversalRow; readonly changes: readonly Change[] }
  /** A cart's redemption, or one that was fed: the caller undoes it in this transaction. */
  | { readonly kind: 'here'; readonly row: ReversalRow; readonly changes: readonly Change[] }
  | { readonly kind: 'done' | 'pending'; readonly row: ReversalRow; readonly changes: readonly Change[] };

export function resolveReversal(request: ReversalRequest, given: ReversalCase): Reversal {
  const { stored, redemption, view, box } = given;
  const unanswerable = redemption !== null && box !== null && (redemption.epoch !== box.epoch || !box.active);
  if (stored !== null && (stored.state === 'done' || !unanswerable)) return repeated(request, stored);
  const row: ReversalRow = {
    door: request.door,
    codeHash: view.code.hash,
    basket: request.basket,
    redemption: redemption?.id ?? null,
    state: 'done',
    reason: request.reason,
    at: request.askedAt,
    askers: [],
  };
  if (box === null) return { kind: redemption === null ? 'done' : 'here', row, changes: [{ do: 'reversal', row }] };
  if (unanswerable) return asException(stored, row, redemption, box.id);
  const mayStillLand =
    view.reservation !== null &&
    view.reservation.gateway === box.id &&
    ['reserved', 'void_pending', 'in_doubt'].includes(view.code.state);
  if (redemption === null && !mayStillLand) return { kind: 'done', row, changes: [{ do: 'reversal', row }] };
  const pending: ReversalRow = { ...row, state: 'pending', askers: request.asker === null ? [] : [request.asker] };
  return { kind: 'pending', row: pending, changes: [{ do: 'reversal', row: pending }, askDoor(box.id, pending)] };
}

function repeated(request: ReversalRequest, stored: ReversalRow): Reversal {
  if (stored.state === 'done' || request.asker === null || stored.askers.includes(request.asker)) {
    const again = stored.state === 'pending' && stored.door.startsWith('gateway:');
    return {
      kind: 'repeated',
      row: stored,
      changes: again ? [askDoor(stored.door.slice('gateway:'.length), stored)] : [],
    };
  }
  const row = { ...stored, askers: [...stored.askers, request.asker] };
  return { kind: 'repeated', row, changes: [{ do: 'reversal', row }] };
}

/** Only the redeeming door's own entry moves the code; the cloud never does it for a live box. */
function askDoor(gateway: string, { door, codeHash, basket, redemption, reason }: ReversalRow): Change {
  return { do: 'send', gateway, message: { type: 'reverse', body: { door, codeHash, basket, redemption, reason } } };
}

/** Of an older epoch, or of a revoked or replaced box, also where it became so meanwhile: acknowledged, the code stays redeemed. */
function asException(
  stored: ReversalRow | null,
  row: ReversalRow,
  redemption: RedemptionRow,
  gateway: string,
): Reversal {
  const exception = {
    what: 'reversed_old_epoch',
    gateway,
    codeHash: row.codeHash,
    ours: `redeemed in epoch ${redemption.epoch}, redemption ${redemption.id}`,
    theirs: `reversal of basket ${row.basket}`,
  };
  const undone: RedemptionRow = { ...redemption, reversed: true };
  const changes: readonly Change[] = [
    ...reversalSettled(stored, row),
    { do: 'redemption', row: undone },
    { do: 'exception', row: exception },
  ];
  return { kind: 'done', row, changes };
}

/** The redeeming door's entry came: the reversal is done, and whoever forwarded it hears so. */
export function reversalSettled(
  stored: ReversalRow | null,
  row: Omit<ReversalRow, 'state' | 'askers'>,
): readonly Change[] {
  const askers = stored?.askers ?? [];
  const { door, codeHash, basket } = row;
  const redemption = row.redemption ?? stored?.redemption ?? null;
  const outcomes = askers.map(
    (gateway): Change => ({
      do: 'send',
      gateway,
      message: { type: 'outcome', body: { door, codeHash, basket, redemption } },
    }),
  );
  return [{ do: 'reversal', row: { ...row, redemption, state: 'done', askers: [] } }, ...outcomes];
}
