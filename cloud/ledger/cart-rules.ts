import { RECALL_WAIT_CART_MS, USE_MS } from '../../protocol/limits.ts';
import type { Money } from '../../protocol/money.ts';
import {
  type Change,
  type CodeRow,
  type CodeView,
  move,
  type ReversalRow,
  type UseRow,
  type WaitRow,
} from './code-rules.ts';
import { handOver, type HandOver } from './handover-rules.ts';
import { alreadyRedeemed, canAnswer, heldElsewhere, inUse, type Refusal, recall, standsAgainst } from './sale-rules.ts';
import { undo } from './undo-rules.ts';

/** A cart's calls: the cloud is the holder, so each is one transaction [C3]. */

export type Cart = {
  readonly client: string;
  readonly basket: string;
  readonly lane: string | null;
  readonly total: Money | null;
  readonly discount: Money | null;
};

/** One code of a cart's basket with what the rules need; null: the ledger does not know it. */
export type CartCode = {
  readonly view: CodeView | null;
  readonly reversal: ReversalRow | null;
  readonly redemptionId: string;
  readonly waitId: string;
};

export type CartOutcome =
  | { readonly kind: 'held'; readonly row: CodeRow; readonly changes: readonly Change[] }
  | {
      readonly kind: 'redeemed';
      readonly redemption: string;
      readonly again: boolean;
      readonly changes: readonly Change[];
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly changes: readonly Change[] }
  | { readonly kind: 'conflict' }
  /** A store that answers has it: recalled, and this basket waits. */
  | { readonly kind: 'waits'; readonly until: number; readonly changes: readonly Change[] };

const refused = (refusal: Refusal, changes: readonly Change[] = []): CartOutcome => ({
  kind: 'refused',
  refusal,
  changes,
});

export const cartDoor = (client: string): string => `cart:${client}`;

export function decideCart(
  call: 'validate' | 'redeem',
  cart: Cart,
  { view, reversal, redemptionId, waitId }: CartCode,
  mayWait: boolean,
  now: number,
): CartOutcome {
  if (view === null) return refused({ reason: 'unknown_code', facts: {} });
  const door = cartDoor(cart.client);
  // After any reversal that code is over for that basket [G9].
  if (reversal !== null) return refused({ reason: 'reversed_first', facts: {} });
  const mine = view.redemption;
  if (view.code.state === 'redeemed' && mine !== null && mine.door === door && mine.basket === cart.basket)
    return sameSale(mine, cart)
      ? { kind: 'redeemed', redemption: mine.id, again: true, changes: [] }
      : { kind: 'conflict' };

  const { card } = view;
  const against = standsAgainst(
    view,
    { channel: 'online', store: null, timeZone: card.timeZone, total: cart.total },
    now,
  );
  if (against !== null) return refused(against);
  const { hold } = view.code;
  const own = hold !== null && hold.client === cart.client && hold.basket === cart.basket;
  switch (view.code.state) {
    case 'held':
      if (!own) return refused(inUse(view));
      return call === 'redeem' ? redeemed(cart, view, redemptionId, now) : held(cart, view, now);
    case 'issued':
      return call === 'redeem' ? redeemed(cart, view, redemptionId, now) : held(cart, view, now);
    case 'reserved':
      return wanted(cart, view, waitId, mayWait, now);
    case 'void_pending':
    case 'in_doubt':
      return refused(heldElsewhere(view));
    case 'redeemed':
      return refused(alreadyRedeemed(view));
    case 'voided':
      return refused({ reason: 'voided', facts: {} });
  }
}

function sameSale(
  was: { readonly lane: string | null; readonly total: Money | null },
  is: { readonly lane: string | null; readonly total: Money | null },
): boolean {
  return was.lane === is.lane && was.total?.amount === is.total?.amount && was.total?.currency === is.total?.currency;
}

function held(cart: Cart, view: CodeView, now: number): CartOutcome {
  if (view.code.state === 'held') return { kind: 'held', row: view.code, changes: [] };
  const hold = { client: cart.client, basket: cart.basket, until: now + USE_MS };
  const moved = move(view.code, 'hold', { hold }, { door: cartDoor(cart.client), basket: cart.basket });
  if (typeof moved === 'string') return refused(heldElsewhere(view));
  return { kind: 'held', row: moved.row, changes: [...moved.changes, use(cart, view.code, 'in_use', null)] };
}

function redeemed(cart: Cart, view: CodeView, id: string, now: number): CartOutcome {
  const door = cartDoor(cart.client);
  const moved = move(view.code, 'cart_redeems', { redemption: id }, { door, basket: cart.basket, redemption: id });
  if (typeof moved === 'string') return refused(heldElsewhere(view));
  const { hash: codeHash, generation } = view.code;
  const row = {
    id,
    codeHash,
    generation,
    door,
    reservation: null,
    epoch: 0,
    basket: cart.basket,
    lane: cart.lane,
    total: cart.total,
    discount: cart.discount,
    at: now,
    oldTerms: false,
    reversed: false,
    fedStore: null,
  };
  const changes: Change[] = [...moved.changes, { do: 'redemption', row }, use(cart, view.code, 'redeemed', id)];
  return { kind: 'redeemed', redemption: id, again: false, changes };
}

/** A store holds it: recall it; wait where the store can answer and says nothing of a basket using it. */
function wanted(cart: Cart, view: CodeView, waitId: string, mayWait: boolean, now: number): CartOutcome {
  const changes = recall(view, 'wanted', now);
  const busy = view.reservation?.inUse ?? null;
  if (busy !== null && busy.until > now && canAnswer(view)) return refused(inUse(view), changes);
  if (!canAnswer(view) || !mayWait) return refused(heldElsewhere(view), changes);
  const until = now + RECALL_WAIT_CART_MS;
  const wait: WaitRow = {
    id: waitId,
    codeHash: view.code.hash,
    until,
    who: { kind: 'cart', client: cart.client, basket: cart.basket },
  };
  return { kind: 'waits', until, changes: [...changes, { do: 'wait', row: wait }] };
}

/** What a cart's basket did, for its question after a lost answer. */
export function use(
  cart: Pick<Cart, 'client' | 'basket'>,
  code: CodeRow,
  state: UseRow['state'],
  redemption: string | null,
): Change {
  const row = {
    door: cartDoor(cart.client),
    basket: cart.basket,
    codeHash: code.hash,
    lastFour: code.lastFour,
    state,
    redemption,
  };
  return { do: 'use', row };
}

/** A basket that will not redeem: its hold ends, and whoever waits gets the code. Nothing else is touched. */
export function releaseCart(
  view: CodeView,
  client: string,
  basket: string,
  handover: HandOver,
  now: number,
): readonly Change[] {
  const { hold } = view.code;
  if (view.code.state !== 'held' || hold === null || hold.client !== client || hold.basket !== basket) return [];
  return endHold(view, handover, now);
}

/** A hold's own end, by the cloud's clock in its own transaction. */
export function expireHold(view: CodeView, handover: HandOver, now: number): readonly Change[] {
  const { hold } = view.code;
  return hold === null || hold.until > now ? [] : endHold(view, handover, now);
}

function endHold(view: CodeView, handover: HandOver, now: number): readonly Change[] {
  const { hold } = view.code;
  const moved = move(
    view.code,
    'hold_ends',
    {},
    hold === null ? {} : { door: cartDoor(hold.client), basket: hold.basket },
  );
  if (typeof moved === 'string') return [];
  const released = hold === null ? [] : [use(hold, view.code, 'released', null)];
  return [...moved.changes, ...released, ...handOver({ ...view, code: moved.row }, handover, now)];
}

/** A cart's own redemption undone: the cloud is its door, so it moves the code at once [C13]. */
export function reverseCart(
  view: CodeView,
  redemption: string,
  askedAt: number,
  handover: HandOver,
  now: number,
): readonly Change[] {
  const row = view.redemption;
  // By the redemption, never by the basket: a repeated reversal must not free a later generation [C13].
  if (row === null || row.id !== redemption || view.code.redemption !== redemption) return [];
  const changes = undo(view, row, askedAt, handover, now);
  if (changes === null) return [];
  const undone: UseRow = {
    door: row.door,
    basket: row.basket,
    codeHash: row.codeHash,
    lastFour: view.code.lastFour,
    state: 'reversed',
    redemption,
  };
  return [...changes, { do: 'use', row: undone }];
}

/** A basket that has its answer, or that never will redeem, waits no more: nothing is held for it behind its back [C3]. */
export function stopWaitingCart(view: CodeView, client: string, basket: string): readonly Change[] {
  const own = view.waits.filter(({ who }) => who.kind === 'cart' && who.client === client && who.basket === basket);
  return own.map((wait) => ({ do: 'wait_ends', wait }));
}
