import { RESERVATION_MS, USE_MS } from '../../protocol/limits.ts';
import type { DownBody, GrantCause } from '../../protocol/messages.ts';
import { forBoxes } from '../../protocol/personal-offer.ts';
import { type Change, type CodeView, type GatewayRow, move, type ReservationRow, type WaitRow } from './code-rules.ts';
import { refuseWant } from './sale-rules.ts';

/**
 * Who gets a code that is free: the transaction that frees it hands it to who waits [C3]; a grant takes its number under
 * the gateway's row [C1].
 */

/** What a hand-over may need: the boxes that wait, ids, and the baskets whose reversal came first. */
export type HandOver = {
  readonly gatewaysById: ReadonlyMap<string, GatewayRow>;
  readonly reservationId: string;
  /** By `gateway`: the baskets of its door that must never redeem this code. */
  readonly tombstonesByGateway: ReadonlyMap<string, readonly string[]>;
};

/** @returns the changes that give a free code to the first who still waits; the others go on waiting */
export function handOver(view: CodeView, handover: HandOver, now: number): readonly Change[] {
  if (view.code.state !== 'issued') return view.waits.flatMap(tellVoided);
  const isThere = (wait: WaitRow) => wait.until >= now && canReceive(wait, handover);
  const next = view.waits.find(isThere);
  const gone = view.waits.filter((wait) => wait === next || !isThere(wait));
  const ends = gone.map((wait): Change => ({ do: 'wait_ends', wait }));
  return next === undefined ? ends : [...ends, ...give(view, next, handover, now)];
}

/** Who stopped waiting, or may not be given anything, gets nothing [C3]. */
function canReceive({ who }: WaitRow, { gatewaysById }: HandOver): boolean {
  return who.kind === 'cart' || gatewaysById.get(who.gateway)?.state === 'active';
}

/** What was waited for is withdrawn for good. */
function tellVoided(wait: WaitRow): Change[] {
  const ends: Change = { do: 'wait_ends', wait };
  if (wait.who.kind === 'cart') return [ends];
  return [ends, refuseWant(wait.who.gateway, wait.who.want, { reason: 'voided', facts: {} })];
}

function give(view: CodeView, { who }: WaitRow, handover: HandOver, now: number): readonly Change[] {
  if (who.kind === 'want') {
    const gateway = handover.gatewaysById.get(who.gateway);
    if (gateway === undefined) return [];
    const granted = grant(
      gateway,
      [{ view, reservationId: handover.reservationId, tombstones: handover.tombstonesByGateway.get(gateway.id) ?? [] }],
      { kind: 'want', want: who.want },
      now,
    );
    return granted.changes;
  }
  const hold = { client: who.client, basket: who.basket, until: now + USE_MS };
  const moved = move(view.code, 'hold', { hold }, { door: `cart:${who.client}`, basket: who.basket });
  if (typeof moved === 'string') return [];
  const use = {
    door: `cart:${who.client}`,
    basket: who.basket,
    codeHash: view.code.hash,
    lastFour: view.code.lastFour,
    state: 'in_use' as const,
    redemption: null,
  };
  return [...moved.changes, { do: 'use', row: use }];
}

export type Granted = {
  readonly view: CodeView;
  readonly reservationId: string;
  readonly tombstones: readonly string[];
  /** Of a blank: its text for that box. */
  readonly sealed?: string | null;
};

/**
 * One grant message: each code moves from issued to reserved, or keeps its reservation under the new number [C1].
 * Rows, states and the outgoing message are one transaction. Codes that cannot be granted are left out.
 */
export function grant(
  gateway: GatewayRow,
  codes: readonly Granted[],
  cause: GrantCause,
  now: number,
): { readonly gateway: GatewayRow; readonly granted: number; readonly changes: readonly Change[] } {
  const number = gateway.number + 1;
  const changes: Change[] = [];
  const manifest: DownBody<'grant'>['manifest'] = [];
  for (const { view, reservationId, sealed } of codes) {
    // Without its text a box would take a blank for a coupon [I3].
    if (view.code.blank && sealed == null) continue;
    const reserved = reserve(gateway, view, reservationId, number, cause, now);
    if (reserved === null) continue;
    changes.push(...reserved.changes);
    const { id, generation, notAfter } = reserved.row;
    const { hash: codeHash, lastFour, campaign } = view.code;
    const personal = forBoxes(view.code.personal);
    manifest.push({
      reservation: id,
      codeHash,
      lastFour,
      generation,
      notAfter,
      campaign,
      cardVersion: view.campaignCard.version,
      ...(personal === null ? {} : { personal }),
      ...(sealed == null ? {} : { sealed }),
    });
  }
  if (manifest.length === 0) return { gateway, granted: 0, changes };
  const numbered = { ...gateway, number };
  const cards = [...new Map(codes.map(({ view }) => [view.code.campaign, view.campaignCard])).values()];
  const tombstones = codes.flatMap(({ view, tombstones }) =>
    tombstones.map((basket) => ({ codeHash: view.code.hash, basket })),
  );
  return {
    gateway: numbered,
    granted: manifest.length,
    changes: [
      ...changes,
      { do: 'gateway', row: numbered },
      {
        do: 'send',
        gateway: gateway.id,
        message: { type: 'grant', body: { number, cause, manifest, cards, tombstones } },
      },
    ],
  };
}

function reserve(
  gateway: GatewayRow,
  view: CodeView,
  id: string,
  number: number,
  cause: GrantCause,
  now: number,
): { readonly row: ReservationRow; readonly changes: readonly Change[] } | null {
  const { code, reservation } = view;
  const again = mayGrantAgain(gateway, view);
  const row: ReservationRow =
    again && reservation !== null
      ? { ...reservation, number, notAfter: Math.max(reservation.notAfter, now + RESERVATION_MS) }
      : {
          id,
          codeHash: code.hash,
          generation: code.generation,
          gateway: gateway.id,
          epoch: gateway.epoch,
          number,
          notAfter: now + RESERVATION_MS,
          cause: cause.kind === 'want' ? 'want' : 'stock',
          cardVersion: view.card.version,
          state: 'open',
          recall: null,
          inUse: null,
        };
  const moved = move(
    code,
    again ? 'grant_again' : 'grant',
    { reservation: row.id },
    { reservation: row.id, door: `gateway:${gateway.id}` },
  );
  if (typeof moved === 'string') return null;
  return { row, changes: [...moved.changes, { do: 'reservation', row }] };
}

/** The same reservation under a new number, to the box that has it in its present epoch, only while reserved and not recalled [C1]. */
export function mayGrantAgain(gateway: GatewayRow, { code, reservation }: CodeView): boolean {
  return (
    reservation !== null &&
    code.state === 'reserved' &&
    reservation.gateway === gateway.id &&
    reservation.epoch === gateway.epoch &&
    reservation.recall === null
  );
}
