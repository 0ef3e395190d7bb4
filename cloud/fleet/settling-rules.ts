import type { CodeHash } from '../../protocol/code.ts';
import type { EntryOf } from '../../protocol/journal.ts';
import {
  backAt,
  type Change,
  type CodeView,
  type GatewayRow,
  move,
  type NewOwner,
  type RedemptionRow,
  type ReservationRow,
} from '../ledger/code-rules.ts';
import { type CampaignVersion, oldTermsOf } from '../ledger/campaign-rules.ts';
import { type HandOver, handOver } from '../ledger/handover-rules.ts';
import { disappoint } from '../ledger/sale-rules.ts';
import { undo } from '../ledger/undo-rules.ts';
import { type Named, ownershipOf } from './owner-rules.ts';

/** What a journal's entry does to the ledger [C2, C11]. `evidence`: of an older epoch, or of a box that is not validated. */

export type Applied = { readonly changes: readonly Change[]; readonly exception: string | null };
const nothing: Applied = { changes: [], exception: null };

/** The reservation that an entry names, open or closed, with the code that it is of; null: the ledger never granted it. */
export type EntryCase = {
  readonly view: CodeView | null;
  readonly reservation: ReservationRow | null;
  /** The redemption that the ledger has under the entry's redemption id. */
  readonly known: RedemptionRow | null;
  /** Of the terms, the oldest first; none where the newest were used. */
  readonly versions: readonly CampaignVersion[];
  readonly epoch: number;
  readonly evidence: boolean;
};

export function applyRedeemed(gateway: GatewayRow, entry: EntryOf<'redeemed'>, given: EntryCase): Applied {
  const { view, reservation, known } = given;
  const door = `gateway:${gateway.id}`;
  if (known !== null) {
    // Closed by this same entry before: nothing. An id that something else was redeemed under is no such entry.
    const isSame = known.door === door && known.reservation === entry.reservation && known.codeHash === entry.codeHash;
    return isSame ? nothing : exception('redeemed_twice', gateway, entry, view);
  }
  // The till's own log was faster than its box: one sale, told twice [C15].
  if (view?.redemption != null && wasFed(view.redemption, gateway, entry)) return nothing;
  const fits =
    view !== null &&
    reservation !== null &&
    reservation.gateway === gateway.id &&
    reservation.codeHash === entry.codeHash &&
    reservation.state === 'open' &&
    view.code.reservation === reservation.id &&
    view.code.generation === entry.generation;
  if (!fits)
    return exception(view?.code.state === 'voided' ? 'redeemed_after_void' : 'redeemed_twice', gateway, entry, view);
  const event = given.evidence ? 'evidence_redeemed' : 'redeemed';
  const details = { reservation: reservation.id, redemption: entry.redemption, door, basket: entry.basket };
  const moved = move(view.code, event, { redemption: entry.redemption }, details);
  if (typeof moved === 'string') return exception('redeemed_twice', gateway, entry, view);
  const oldTerms = oldTermsOf(entry, reservation.cardVersion, given.versions, view.code.personal);
  const row: RedemptionRow = {
    id: entry.redemption,
    codeHash: entry.codeHash,
    generation: entry.generation,
    door,
    reservation: reservation.id,
    epoch: given.epoch,
    basket: entry.basket,
    lane: entry.lane,
    total: entry.total,
    discount: entry.discount,
    at: entry.at,
    oldTerms: oldTerms !== null,
    reversed: false,
    fedStore: null,
  };
  const after: CodeView = { ...view, code: moved.row, redemption: row, redeemedWhere: view.holder?.storeName ?? null };
  return {
    changes: [
      ...moved.changes,
      { do: 'reservation', row: { ...reservation, state: 'redeemed', inUse: null } },
      { do: 'redemption', row },
      ...(oldTerms === null ? [] : [{ do: 'old_terms', row: { redemption: row.id, ...oldTerms } } as const]),
      ...disappoint(after),
    ],
    exception: null,
  };
}

const wasFed = (
  { door, basket, fedStore }: RedemptionRow,
  { store }: GatewayRow,
  entry: EntryOf<'redeemed'>,
): boolean => door.startsWith('feed:') && basket === entry.basket && fedStore === store;

/**
 * @param issued the code that this basket has already of this campaign; null: none
 * @param named the customer whom the till named; null: nobody
 */
export function applyIssued(
  gateway: GatewayRow,
  entry: EntryOf<'issued'>,
  given: EntryCase,
  issued: CodeHash | null,
  named: Named | null,
): Applied {
  const { view, reservation } = given;
  if (issued === entry.codeHash) return nothing;
  const fits =
    view !== null &&
    reservation !== null &&
    reservation.gateway === gateway.id &&
    reservation.state === 'open' &&
    view.code.reservation === reservation.id &&
    view.code.campaign === entry.campaign &&
    view.code.blank;
  if (!fits) return exception('issued_unknown', gateway, entry, view);
  const door = `gateway:${gateway.id}`;
  const { codeHash, campaign, basket, at } = entry;
  const moved = move(view.code, 'blank_issued', { blank: false }, { reservation: reservation.id, door, basket });
  if (typeof moved === 'string') return exception('issued_unknown', gateway, entry, view);
  const put = (owner: NewOwner | null): Change => ({
    do: 'issue',
    row: { door, campaign, basket, codeHash, at, blank: { owner } },
  });
  // One too many is in somebody's hand as well: it is a coupon, of nobody, and an exception with its money.
  const beside = ({ changes, exception: what }: Applied): Applied => ({
    changes: [...moved.changes, put(null), ...changes],
    exception: what,
  });
  if (issued !== null) return beside(exception('issued_twice', gateway, entry, view));
  const ownership = named === null ? null : ownershipOf(named);
  if (ownership?.kind === 'too_many')
    return beside(exception('issued_beside', gateway, entry, view, ownership.has.lastFour));
  return { changes: [...moved.changes, put(ownership?.owner ?? null)], exception: null };
}

/** [I7] A customer's own coupon was given to one more basket: no code moves. */
export function applyOwnIssued(
  gateway: GatewayRow,
  entry: EntryOf<'own_issued'>,
  view: CodeView | null,
  issued: CodeHash | null,
): Applied {
  if (issued === entry.codeHash) return nothing;
  const { codeHash, campaign, basket, at } = entry;
  if (view === null || view.code.campaign !== campaign || view.code.blank)
    return exception('issued_unknown', gateway, entry, view);
  if (issued !== null) return exception('issued_twice', gateway, entry, view);
  const row = { door: `gateway:${gateway.id}`, campaign, basket, codeHash, at, blank: null };
  return { changes: [{ do: 'issue', row }], exception: null };
}

/** Frees a code only if the reservation's epoch = the entry's epoch = the gateway's current epoch [C2, B10]. */
export function applyReturned(
  gateway: GatewayRow,
  entry: EntryOf<'returned'>,
  given: EntryCase,
  handover: HandOver,
  now: number,
): Applied {
  const { view, reservation } = given;
  if (given.evidence || given.epoch !== gateway.epoch) return nothing;
  if (view === null || reservation === null || reservation.gateway !== gateway.id) return nothing;
  if (reservation.id !== entry.reservation || reservation.codeHash !== entry.codeHash) return nothing;
  if (reservation.epoch !== given.epoch || reservation.state !== 'open') return nothing;
  const closed: ReservationRow = { ...reservation, state: 'returned', inUse: null };
  // The code has gone on without it, as when a feed told that it was redeemed [C15]: now the store cannot redeem it either.
  if (view.code.reservation !== reservation.id)
    return { changes: [{ do: 'reservation', row: closed }], exception: null };
  const details = { reservation: reservation.id, door: `gateway:${gateway.id}` };
  const moved = move(view.code, 'returned', backAt(now), details);
  if (typeof moved === 'string') return nothing;
  const free: CodeView = { ...view, code: moved.row, reservation: null, holder: null };
  return {
    changes: [...moved.changes, { do: 'reservation', row: closed }, ...handOver(free, handover, now)],
    exception: null,
  };
}

/**
 * The reversal of this box's own redemption: only the redeeming door's entry moves the code, and only the redemption that
 * it names [C13, B13]. One of an older epoch is an exception: the code stays redeemed.
 * @param askedAt when it was asked for elsewhere; null: at this box
 */
export function applyReversed(
  gateway: GatewayRow,
  entry: EntryOf<'reversed'>,
  given: EntryCase,
  askedAt: number | null,
  handover: HandOver,
  now: number,
): Applied {
  const { view, known } = given;
  if (entry.redemption === null) return nothing;
  if (known === null || view === null || known.door !== `gateway:${gateway.id}`)
    return exception('reversed_unknown', gateway, entry, view);
  if (known.reversed) return nothing;
  const reversed: Change = { do: 'redemption', row: { ...known, reversed: true } };
  if (
    given.evidence ||
    known.epoch !== gateway.epoch ||
    given.epoch !== gateway.epoch ||
    view.code.redemption !== known.id
  ) {
    const late = exception('reversed_old_epoch', gateway, entry, view);
    return { changes: [reversed, ...late.changes], exception: late.exception };
  }
  const changes = undo(view, known, Math.min(entry.at, askedAt ?? entry.at), handover, now);
  return changes === null ? exception('reversed_unknown', gateway, entry, view) : { changes, exception: null };
}

function exception(
  what: string,
  gateway: GatewayRow,
  entry: EntryOf<'redeemed'> | EntryOf<'reversed'> | EntryOf<'issued'> | EntryOf<'own_issued'>,
  view: CodeView | null,
  beside: string | null = null,
): Applied {
  const row = {
    what,
    gateway: gateway.id,
    codeHash: view === null ? null : view.code.hash,
    ours: beside !== null ? `the customer has …${beside}` : view === null ? 'unknown code' : ours(view),
    theirs: `${entry.kind} by basket ${entry.basket}${'redemption' in entry ? `, redemption ${entry.redemption}` : ''}`,
  };
  return { changes: [{ do: 'exception', row }], exception: what };
}

function ours({ code, redemption }: CodeView): string {
  const by =
    redemption === null ? '' : ` by ${redemption.door}, basket ${redemption.basket}, redemption ${redemption.id}`;
  return `${code.state}${by}, generation ${code.generation}`;
}

/** A reservation's own end, as the cloud sees it: not before the latest moment at which the store could still redeem [B1, B2, B4]. */
export function pastDeadline(view: CodeView): readonly Change[] {
  const { reservation } = view;
  if (reservation === null) return [];
  const moved = move(view.code, 'deadline', {}, { reservation: reservation.id });
  return typeof moved === 'string' ? [] : moved.changes;
}
