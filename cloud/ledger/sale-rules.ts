import { ineligible, validityIn } from '../../protocol/card.ts';
import type { Facts, Reason } from '../../protocol/decision.ts';
import { RECALL_DEADLINE_MS, RETRY_AFTER_SECONDS } from '../../protocol/limits.ts';
import type { Money } from '../../protocol/money.ts';
import type { Change, CodeRow, CodeView, ReservationRow } from './code-rules.ts';

/** What stands against a code at the cloud: the same words for a cart and for a store's want. */

export type Refusal = { readonly reason: Reason; readonly facts: Facts };
export type Place = {
  readonly channel: 'store' | 'online';
  readonly store: string | null;
  readonly timeZone: string;
  readonly total: Money | null;
};

/** The end of the code's life, then the offer: 'already used' is truer than 'expired'. */
export function standsAgainst(view: CodeView, place: Place, now: number): Refusal | null {
  const { code, card } = view;
  if (code.state === 'redeemed') return alreadyRedeemed(view);
  if (code.state === 'voided') return { reason: 'voided', facts: {} };
  return ineligible(card, validityIn(card, place.timeZone), place, { proven: true, earliest: now, latest: now });
}

export function alreadyRedeemed({ redemption, redeemedWhere }: CodeView): Refusal {
  if (redemption === null) return { reason: 'already_redeemed', facts: {} };
  return {
    reason: 'already_redeemed',
    facts: {
      redeemedAt: redemption.at,
      redeemedWhere: redeemedWhere ?? 'online',
      ...(redemption.lane === null ? {} : { lane: redemption.lane }),
    },
  };
}

/** Held by a cart, or by a store that says a basket is using it. */
export function inUse(view: CodeView): Refusal {
  const { hold } = view.code;
  if (hold !== null) return { reason: 'in_use', facts: { heldBy: 'online', freeAt: hold.until } };
  const use = view.reservation?.inUse ?? null;
  return {
    reason: 'in_use',
    facts: {
      ...(view.holder === null ? {} : { heldBy: view.holder.storeName }),
      ...(use === null ? {} : { freeAt: use.until }),
      ...(use?.lane == null ? {} : { lane: use.lane }),
    },
  };
}

export function heldElsewhere({ holder }: CodeView): Refusal {
  const silentSince = holder === null || holder.gateway.connected ? null : holder.gateway.silentSince;
  return {
    reason: 'held_elsewhere',
    facts: {
      ...(holder === null ? {} : { heldBy: holder.storeName }),
      ...(silentSince === null ? {} : { silentSince }),
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    },
  };
}

/** Asks the store for the code, unless it was asked already; the recall goes on when nobody waits any more. */
export function recall({ code, reservation }: CodeView, why: 'wanted' | 'void' | 'sync', now: number): Change[] {
  if (reservation === null || reservation.state !== 'open') return [];
  const asked = reservation.recall;
  const lapsed = asked !== null && asked.deadline !== null && asked.deadline <= now;
  if (asked !== null && !lapsed && (asked.why === why || asked.why === 'void')) return [];
  return askBack(code, reservation, { why, deadline: why === 'void' ? null : now + RECALL_DEADLINE_MS });
}

/** Its code is gone whatever the store says: asked back without an end [C15]. */
export function recallForGood({ code, reservation }: CodeView): Change[] {
  if (reservation === null || reservation.state !== 'open') return [];
  return askBack(code, reservation, { why: reservation.recall?.why === 'void' ? 'void' : 'sync', deadline: null });
}

function askBack(code: CodeRow, reservation: ReservationRow, recall: NonNullable<ReservationRow['recall']>): Change[] {
  return [
    { do: 'reservation', row: { ...reservation, recall } },
    {
      do: 'send',
      gateway: reservation.gateway,
      message: {
        type: 'recall',
        body: {
          reservations: [
            {
              reservation: reservation.id,
              epoch: reservation.epoch,
              codeHash: code.hash,
              generation: reservation.generation,
            },
          ],
          ...recall,
        },
      },
    },
  ];
}

/** A store that can be asked: its box is welcomed, connected and not in a drill. */
export function canAnswer({ holder }: CodeView): boolean {
  return holder !== null && holder.gateway.state === 'active' && holder.gateway.connected;
}

/** Who waited for a code that is redeemed is told so. */
export function disappoint(view: CodeView): Change[] {
  return view.waits.flatMap((wait): Change[] => [
    { do: 'wait_ends', wait },
    ...(wait.who.kind === 'want' ? [refuseWant(wait.who.gateway, wait.who.want, alreadyRedeemed(view))] : []),
  ]);
}

/** A box's want is told no. */
export function refuseWant(gateway: string, want: string, { reason, facts }: Refusal): Change {
  return { do: 'send', gateway, message: { type: 'refuse', body: { want, reason, facts } } };
}
