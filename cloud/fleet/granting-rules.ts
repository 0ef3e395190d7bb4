import { EXTEND_UNDER_MS, RECALL_WAIT_STORE_MS, RESERVATION_MS } from '../../protocol/limits.ts';
import type { UpBody } from '../../protocol/messages.ts';
import type { Change, CodeView, GatewayRow, ReversalRow, WaitRow } from '../ledger/code-rules.ts';
import { type Granted, grant, mayGrantAgain } from '../ledger/handover-rules.ts';
import {
  alreadyRedeemed,
  canAnswer,
  heldElsewhere,
  inUse,
  type Refusal,
  recall,
  standsAgainst,
  refuseWant,
} from '../ledger/sale-rules.ts';

/** A scan wants a code; stock; extensions [C1, C14]. */

export type Want = UpBody<'want'>;
export type WantCase = {
  readonly view: CodeView | null;
  readonly reversal: ReversalRow | null;
  readonly store: { readonly id: string; readonly timeZone: string };
  readonly reservationId: string;
  readonly waitId: string;
  readonly tombstones: readonly string[];
};

export function decideWant(
  gateway: GatewayRow,
  want: Want,
  { view, reversal, ...given }: WantCase,
  now: number,
): readonly Change[] {
  const refuse = (refusal: Refusal): Change => refuseWant(gateway.id, want.want, refusal);
  if (view === null) return [refuse({ reason: 'unknown_code', facts: {} })];
  if (reversal !== null) return [refuse({ reason: 'reversed_first', facts: {} })];
  const place = { channel: 'store' as const, store: given.store.id, timeZone: given.store.timeZone, total: want.total };
  const against = standsAgainst(view, place, now);
  if (against !== null) return [refuse(against)];
  switch (view.code.state) {
    case 'issued':
      return granted(gateway, want, { view, ...given }, now);
    case 'held':
      return [refuse(inUse(view))];
    case 'reserved':
      // In use by nobody: its own box knows what it has issued.
      if (view.code.blank && view.reservation?.gateway === gateway.id)
        return [refuse({ reason: 'unknown_code', facts: {} })];
      if (mayGrantAgain(gateway, view)) return granted(gateway, want, { view, ...given }, now);
      return wantedElsewhere(gateway, want, view, given.waitId, now);
    case 'void_pending':
      // Its own box lacks it: never granted again [C1], recalled so that it can never be installed.
      if (view.reservation?.gateway === gateway.id)
        return [...recall(view, 'void', now), refuse({ reason: 'voided', facts: {} })];
      return [refuse(heldElsewhere(view))];
    case 'in_doubt':
      return [refuse(heldElsewhere(view))];
    case 'redeemed':
      return [refuse(alreadyRedeemed(view))];
    case 'voided':
      return [refuse({ reason: 'voided', facts: {} })];
  }
}

function granted(gateway: GatewayRow, want: Want, code: Granted, now: number): readonly Change[] {
  return grant(gateway, [code], { kind: 'want', want: want.want }, now).changes;
}

function wantedElsewhere(
  gateway: GatewayRow,
  want: Want,
  view: CodeView,
  waitId: string,
  now: number,
): readonly Change[] {
  const recalled = recall(view, 'wanted', now);
  const busy = view.reservation?.inUse ?? null;
  if (busy !== null && busy.until > now && canAnswer(view))
    return [...recalled, refuseWant(gateway.id, want.want, inUse(view))];
  if (!canAnswer(view)) return [...recalled, refuseWant(gateway.id, want.want, heldElsewhere(view))];
  const until = now + Math.min(RECALL_WAIT_STORE_MS, want.waitMs);
  const who = { kind: 'want' as const, gateway: gateway.id, want: want.want, basket: want.basket };
  const wait: WaitRow = { id: waitId, codeHash: view.code.hash, until, who };
  return [...recalled, { do: 'wait', row: wait }];
}

/** Somebody stopped waiting: a want is told why, a cart asks again by itself. */
export function stopWaiting(view: CodeView, wait: WaitRow): readonly Change[] {
  const ends: Change = { do: 'wait_ends', wait };
  if (wait.who.kind === 'cart') return [ends];
  const refusal = view.reservation?.inUse
    ? inUse(view)
    : view.code.state === 'redeemed'
      ? alreadyRedeemed(view)
      : heldElsewhere(view);
  return [ends, refuseWant(wait.who.gateway, wait.who.want, refusal)];
}

export type Extension =
  | { readonly kind: 'none' }
  /** Everything at or below the number may end later. */
  | { readonly kind: 'extend'; readonly changes: readonly Change[] }
  /** Something among them is recalled or in doubt: these are granted again, one by one. */
  | { readonly kind: 'grant_again'; readonly views: readonly CodeView[] };

/**
 * Under 66 h left, a heartbeat is answered with an extension to 72 h. It is queued only when every open reservation of
 * the box at or below its number is reserved and not recalled [C14, B19].
 */
export function extend(gateway: GatewayRow, open: readonly CodeView[], now: number): Extension {
  const ending = open.filter(({ reservation }) => reservation !== null && reservation.notAfter < now + EXTEND_UNDER_MS);
  const renewable = ending.filter((view) => mayGrantAgain(gateway, view) && (view.reservation?.notAfter ?? 0) > now);
  if (renewable.length === 0) return { kind: 'none' };
  const { number } = gateway;
  const covered = open.every((view) => mayGrantAgain(gateway, view));
  if (!covered) return { kind: 'grant_again', views: renewable };
  const notAfter = now + RESERVATION_MS;
  const changes = open.flatMap(({ reservation }): Change[] =>
    reservation === null || reservation.notAfter >= notAfter
      ? []
      : [{ do: 'reservation', row: { ...reservation, notAfter } }],
  );
  return {
    kind: 'extend',
    changes: [...changes, { do: 'send', gateway: gateway.id, message: { type: 'extend', body: { number, notAfter } } }],
  };
}

/**
 * Sync never frees [C9]: what the ledger thinks is there and the box lacks is granted again or recalled by its id; what
 * the box has and the ledger does not expect is recalled.
 */
export function compareHoldings(
  gateway: GatewayRow,
  open: readonly CodeView[],
  holdings: ReadonlySet<string>,
  now: number,
): {
  readonly again: readonly CodeView[];
  readonly changes: readonly Change[];
  readonly unexpected: readonly string[];
} {
  const expected = new Set(open.map(({ reservation }) => reservation?.id));
  const lacking = open.filter(({ reservation }) => reservation !== null && !holdings.has(reservation.id));
  const again = lacking.filter((view) => mayGrantAgain(gateway, view));
  const recalled = open.filter((view) => !mayGrantAgain(gateway, view)).flatMap((view) => repeatRecall(view, now));
  return { again, changes: recalled, unexpected: [...holdings].filter((id) => !expected.has(id)) };
}

/** A recall that may have been lost is sent again as it stands; void_pending and in_doubt are recalled, never granted again. */
function repeatRecall(view: CodeView, now: number): readonly Change[] {
  const { reservation } = view;
  if (reservation === null) return [];
  const why = view.code.voidMark ? 'void' : (reservation.recall?.why ?? 'sync');
  return recall({ ...view, reservation: { ...reservation, recall: null } }, why, now);
}
