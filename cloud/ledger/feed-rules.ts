import type { Money } from '../../protocol/money.ts';
import { use } from './cart-rules.ts';
import {
  type Change,
  type CodeView,
  type FedReason,
  type FedRow,
  move,
  type RedemptionRow,
  type ReservationRow,
  type ReversalRow,
} from './code-rules.ts';
import type { HandOver } from './handover-rules.ts';
import { disappoint, recallForGood } from './sale-rules.ts';
import { undo } from './undo-rules.ts';

/**
 * What a till or a shop that redeems by itself tells afterwards [C15]. It is evidence: the money is gone whatever the
 * ledger thinks, so the code is redeemed wherever it can be, and what is redeemed or void already is an exception.
 */

export type Told = {
  /** `feed:CLIENT`. */
  readonly door: string;
  readonly basket: string;
  readonly store: string | null;
  readonly lane: string | null;
  readonly total: Money | null;
  readonly discount: Money | null;
  readonly at: number;
};

export type ToldCase = {
  readonly view: CodeView;
  /** What this feed told of this code and basket before. */
  readonly before: readonly FedRow[];
  readonly reversal: ReversalRow | null;
  /** The store in which the code stands as redeemed; null: online, unknown, or not redeemed. */
  readonly redeemedIn: string | null;
  readonly storeName: string;
  readonly redemptionId: string;
};

export type Fed =
  | { readonly kind: 'noted'; readonly row: FedRow; readonly again: boolean; readonly changes: readonly Change[] }
  /** Told before with another lane or total. */
  | { readonly kind: 'conflict' };

export function decideFedRedemption(told: Told, given: ToldCase, now: number): Fed {
  const before = given.before.find(({ what }) => what === 'redeemed');
  if (before !== undefined)
    return isSameSale(before, told) ? { kind: 'noted', row: before, again: true, changes: [] } : { kind: 'conflict' };
  const { view, reversal } = given;
  const noted = (
    outcome: FedRow['outcome'],
    reason: FedReason | null,
    redemption: string | null,
    ...rest: Change[]
  ) => {
    const row = fedRow('redeemed', told, view, { outcome, reason, redemption }, now);
    return { kind: 'noted' as const, row, again: false, changes: [...rest, { do: 'fed' as const, row }] };
  };
  // A file need not be in the order of what was done: undone before it was heard of, it costs nothing.
  if (reversal !== null) return noted('taken', 'reversed_first', null);
  if (isKnown(told, given)) return noted('taken', 'known', view.redemption?.id ?? null);
  const { redemptionId: id } = given;
  const { reservation } = view.code;
  const details = {
    door: told.door,
    basket: told.basket,
    redemption: id,
    ...(reservation === null ? {} : { reservation }),
  };
  const moved = move(view.code, 'fed_redeemed', { redemption: id }, details);
  if (typeof moved === 'string') {
    const isVoid = view.code.state === 'voided';
    const what = isVoid ? 'fed_after_void' : 'fed_redeemed_twice';
    return noted('exception', isVoid ? 'voided' : 'already_redeemed', null, exception(what, told, view));
  }
  const row = redemptionOf(told, view, id);
  const after: CodeView = { ...view, code: moved.row, redemption: row, redeemedWhere: given.storeName };
  const changes: Change[] = [...moved.changes, { do: 'redemption', row }, ...tellHolder(view), ...disappoint(after)];
  return noted('taken', null, id, ...changes);
}

/** The cart that held it is told at its next call; the store that has it is asked for it until it answers. */
function tellHolder(view: CodeView): Change[] {
  const { hold } = view.code;
  return hold === null ? recallForGood(view) : [use(hold, view.code, 'released', null)];
}

/** A till that asks us and feeds its whole log besides: the same code, basket and place are one sale. */
function isKnown({ door, basket, store }: Told, { view, redeemedIn }: ToldCase): boolean {
  const { redemption } = view;
  if (redemption === null || redemption.basket !== basket) return false;
  const isOwnCart = redemption.door === door.replace(/^feed:/, 'cart:');
  return isOwnCart || (store !== null && store === redeemedIn && redemption.door.startsWith('gateway:'));
}

const isSameSale = (was: Pick<Told, 'lane' | 'total'>, is: Pick<Told, 'lane' | 'total'>): boolean =>
  was.lane === is.lane && was.total?.amount === is.total?.amount && was.total?.currency === is.total?.currency;

export function fedRow(
  what: FedRow['what'],
  { door, basket, store, lane, total, at }: Told,
  { code }: CodeView,
  became: Pick<FedRow, 'outcome' | 'reason' | 'redemption'>,
  now: number,
): FedRow {
  return { door, codeHash: code.hash, basket, what, store, lane, total, at, fedAt: now, ...became };
}

function redemptionOf({ store, ...told }: Told, { code }: CodeView, id: string): RedemptionRow {
  const { door, basket, lane, total, discount, at } = told;
  return {
    ...{ id, codeHash: code.hash, generation: code.generation, door, basket, lane, total, discount, at },
    // The store that may still redeem it: as long as it may, no reversal brings the code back.
    ...{ reservation: code.reservation, epoch: 0, oldTerms: false, reversed: false, fedStore: store },
  };
}

/**
 * A fed redemption undone, by its feed or through another door. While the store that had the code may still redeem it,
 * the reversal is an exception and the code stays redeemed: else it could be spent in two places [C15].
 * @param left the reservation from which the code was fed away; null: there was none
 */
export function reverseFed(
  view: CodeView,
  redemption: RedemptionRow,
  left: ReservationRow | null,
  askedAt: number,
  handover: HandOver,
  now: number,
): readonly Change[] {
  if (redemption.reversed || view.code.redemption !== redemption.id) return [];
  if (left !== null && left.state !== 'returned') {
    const row = {
      what: 'reversed_while_reserved',
      gateway: left.gateway,
      codeHash: view.code.hash,
      ours: `${view.code.state} by ${redemption.door}, its reservation ${left.state} at ${left.gateway}`,
      theirs: `reversal of basket ${redemption.basket}`,
    };
    return [
      { do: 'redemption', row: { ...redemption, reversed: true } },
      { do: 'exception', row },
    ];
  }
  return undo(view, redemption, askedAt, handover, now) ?? [];
}

/** Money that was gone twice has come back: whoever works on the exception must know. */
export const collisionUndone = (told: Told, view: CodeView): Change => exception('fed_collision_undone', told, view);

function exception(what: string, { door, basket, store, lane, total }: Told, { code, redemption }: CodeView): Change {
  const by =
    redemption === null ? '' : ` by ${redemption.door}, basket ${redemption.basket}, redemption ${redemption.id}`;
  const where = `${store === null ? '' : `, store ${store}`}${lane === null ? '' : `, lane ${lane}`}`;
  const money = total === null ? '' : `, total ${total.amount} ${total.currency}`;
  return {
    do: 'exception',
    row: {
      what,
      gateway: null,
      codeHash: code.hash,
      ours: `${code.state}${by}, generation ${code.generation}`,
      theirs: `redeemed by ${door}${where}, basket ${basket}${money}`,
    },
  };
}
