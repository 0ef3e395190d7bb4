import type { DownBody } from '../../protocol/messages.ts';
import type { ReservationGrant } from '../../protocol/reservation.ts';
import {
  answerOf,
  isValidated,
  type KnownCodes,
  type Now,
  newestTerms,
  newestTermsFor,
  type Reservation,
  type Want,
} from './box-rules.ts';
import { type Decided, Draft, NOT_JOURNALLED, ORDER, type Plan } from './draft-rules.ts';
import { keepCards } from './policy-rules.ts';
import { hasEnded } from './time-rules.ts';
import { giveBack, useFor } from './use-rules.ts';

/** Grants and extensions: how a reservation comes to this box, and how long it stays. */

/** Reservations by id: those that the message names and this box has ever known in this epoch, closed ones too. */
export type KnownReservations = KnownCodes & { readonly reservations: ReadonlyMap<string, Reservation> };

/** [G4] */
const SHOW_GRANTED: Plan = ORDER;

/**
 * [G1] [G2] The signature was checked before, and the incarnation as for every message [C8].
 * @param epoch the gateway's, as the message's header says
 */
export function decideGrant(
  known: KnownReservations,
  epoch: number,
  grant: DownBody<'grant'>,
  now: Now,
): Decided<void> {
  const draft = new Draft(known.box);
  if (!isValidated(known)) return draft.decided(undefined, NOT_JOURNALLED); // left unread [G1]
  if (epoch !== known.box.epoch) return draft.decided(undefined, NOT_JOURNALLED);
  if (grant.number <= known.box.floor) return draft.decided(undefined, NOT_JOURNALLED);
  draft.change({ do: 'floor', number: grant.number });
  keepCards(draft, known.terms, grant.cards);
  bury(draft, known, grant.tombstones, now);
  const unknown = distinct(grant.manifest).filter(({ reservation }) => !known.reservations.has(reservation));
  const installable = unknown.filter(({ notAfter }) => !hasEnded(notAfter, now.clock));
  if (installable.length > 0) install(draft, known, grant, installable);
  for (const item of grant.manifest) renew(draft, known, item, now);
  answerWant(draft, known, grant, installable, now);
  if (grant.cause.kind === 'stock' && grant.cause.request !== null)
    draft.effect({ do: 'end_ask', request: grant.cause.request, told: null });
  return draft.decided(undefined, SHOW_GRANTED);
}

/** The first item of each reservation: a message that names one twice says no more than once. */
export function distinct<T extends { readonly reservation: string }>(items: readonly T[]): T[] {
  return [...new Map(items.toReversed().map((item) => [item.reservation, item])).values()].toReversed();
}

/** [C13] Reversals that came to the cloud before their redemption came here; journalled as every tombstone is [B22]. */
function bury(draft: Draft, known: KnownCodes, tombstones: DownBody<'grant'>['tombstones'], now: Now): void {
  const { door } = known.self;
  for (const { codeHash, basket } of tombstones) {
    if (answerOf(known, door, codeHash, basket) !== null) continue;
    const reversal = { at: now.at, pending: false };
    draft.change({ do: 'answer', answer: { door, codeHash, basket, lastFour: null, redemption: null, reversal } });
    const none = { reservation: null, redemption: null };
    draft.journal({ kind: 'reversed', door, codeHash, basket, ...none, reason: 'reversed before', at: now.at });
  }
}

function install(
  draft: Draft,
  { box }: KnownReservations,
  { number, cause }: DownBody<'grant'>,
  items: readonly ReservationGrant[],
): void {
  for (const { sealed, ...item } of items) {
    const origin = sealed !== undefined ? 'blank' : cause.kind === 'want' ? 'scan' : 'stock';
    const personal = item.personal ?? null;
    const reservation = { ...item, personal, epoch: box.epoch, number, state: 'active', origin } as const;
    draft.change({ do: 'install', reservation, ...(sealed === undefined ? {} : { sealed }) });
  }
  draft.journal({
    kind: 'granted',
    number,
    reservations: items.map(({ reservation, codeHash, generation, notAfter }) => ({
      reservation,
      codeHash,
      generation,
      notAfter,
    })),
  });
}

/** [C1] [C14] The same reservation under a new number may end later. */
function renew(draft: Draft, { box, reservations }: KnownReservations, item: ReservationGrant, now: Now): void {
  const held = reservations.get(item.reservation);
  if (held === undefined || held.state !== 'active' || held.epoch !== box.epoch || held.mark !== null) return;
  if (item.notAfter <= held.notAfter || hasEnded(item.notAfter, now.clock)) return;
  draft.change({ do: 'move_end', reservation: held.reservation, notAfter: item.notAfter });
}

/** [G2] A grant names the want that it answers. */
function answerWant(
  draft: Draft,
  known: KnownReservations,
  { cause, manifest }: DownBody<'grant'>,
  installed: readonly ReservationGrant[],
  now: Now,
): void {
  if (cause.kind !== 'want') return;
  const want = known.session.wants.get(cause.want);
  // A blank answers no scan.
  const taken = installed.find(({ codeHash, sealed }) => codeHash === want?.codeHash && sealed === undefined);
  for (const item of installed) {
    if (want !== undefined && item === taken) useAtOnce(draft, known, item, want, now);
    else giveBack(draft, item, 'want_closed');
  }
  if (want === undefined || taken !== undefined) return;
  const held = manifest.find(({ codeHash }) => codeHash === want.codeHash);
  const reservation = held && known.reservations.get(held.reservation);
  if (reservation && reservation.origin !== 'blank') answerFromKnown(draft, known, reservation, want, now);
}

function useAtOnce(draft: Draft, known: KnownReservations, item: ReservationGrant, want: Want, now: Now): void {
  const reservation = asInstalled(known, item);
  draft.change({ do: 'use', of: reservation, use: useFor(want, 'online', cardVersionFor(known, reservation), now) });
  draft.endWant(want.want, null);
}

/** What the rules read of a reservation that this very decision installs. */
function asInstalled({ box }: KnownReservations, item: ReservationGrant): Reservation {
  const fresh = { epoch: box.epoch, number: 0, state: 'active', origin: 'scan', use: null, mark: null } as const;
  return { ...item, personal: item.personal ?? null, ...fresh };
}

function answerFromKnown(draft: Draft, known: KnownReservations, held: Reservation, want: Want, now: Now): void {
  if (held.state !== 'active') {
    // The cloud has not read of the return yet: asked again once it has.
    draft.remember({ do: 'want', want: { ...want, againAfter: known.box.head.n } });
  } else if (held.use !== null || held.mark !== null) {
    draft.endWant(want.want, { reason: 'in_use', facts: {} });
  } else {
    draft.change({ do: 'use', of: held, use: useFor(want, 'online', cardVersionFor(known, held), now) });
    draft.endWant(want.want, null);
  }
}

function cardVersionFor({ terms }: KnownReservations, { campaign, cardVersion }: Reservation): number {
  return Math.max(cardVersion, newestTerms(terms, campaign)?.card.version ?? 0);
}

/** The cloud says no. */
export function decideRefuse(known: KnownCodes, { want, reason, facts }: DownBody<'refuse'>): Decided<void> {
  const draft = new Draft(known.box);
  if (known.session.wants.has(want)) draft.endWant(want, { reason, facts });
  return draft.decided(undefined, NOT_JOURNALLED);
}

/**
 * [C14] Moves ends, and only of what the named grants installed.
 * @param candidates active reservations; the rule chooses among them
 */
export function decideExtend(
  known: KnownCodes,
  epoch: number,
  { number, notAfter }: DownBody<'extend'>,
  candidates: readonly Reservation[],
  now: Now,
): Decided<void> {
  const draft = new Draft(known.box);
  if (!isValidated(known)) return draft.decided(undefined, NOT_JOURNALLED);
  if (epoch !== known.box.epoch) return draft.decided(undefined, NOT_JOURNALLED);
  for (const reservation of candidates) {
    if (reservation.epoch !== known.box.epoch) continue;
    if (reservation.state !== 'active') continue;
    if (reservation.number > number) continue; // [B19]
    if (reservation.mark !== null) continue;
    if (hasEnded(reservation.notAfter, now.clock)) continue;
    const offerEnd = newestTermsFor(known, reservation)?.validity.endsAt ?? 0;
    const end = Math.min(notAfter, offerEnd);
    if (end > reservation.notAfter)
      draft.change({ do: 'move_end', reservation: reservation.reservation, notAfter: end });
  }
  return draft.decided(undefined, NOT_JOURNALLED);
}
