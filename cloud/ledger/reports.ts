import { type Card, validityIn } from '../../protocol/card.ts';
import type { CodeHash } from '../../protocol/code.ts';
import { faceValue } from '../../protocol/offer.ts';
import { personalCard } from '../../protocol/personal-offer.ts';
import { redemptionView } from './carts.ts';
import type { CodeState, LedgerEntry } from './code-rules.ts';
import type { Campaign, CodeHistory, ExceptionView, Exposure, GatewayView } from './port.ts';
import type { HoldingCount, LedgerReads, LedgerStore } from './store.ts';
import { worthOf } from './worth-rules.ts';

/** What the ledger tells people: a code's history, a campaign's exposure, the fleet, the exceptions. */

export async function codeHistory(store: LedgerStore, hash: CodeHash, now: number): Promise<CodeHistory | null> {
  return store.read(async (tx) => {
    const code = (await tx.codes([hash]))[0];
    if (code === undefined) return null;
    const names = await placeNames(tx);
    const campaign = (await tx.campaigns([code.campaign]))[0];
    const card = campaign === undefined ? null : personalCard(campaign.card, code.personal);
    const ended = card !== null && validityIn(card, card.timeZone).endsAt <= now;
    const redemption = code.redemption === null ? null : ((await tx.redemptions([code.redemption]))[0] ?? null);
    const reservation = code.reservation === null ? null : ((await tx.reservations([code.reservation]))[0] ?? null);
    const entries = await tx.entriesOfCode(hash);
    return {
      state: ended && (code.state === 'issued' || code.state === 'held') ? 'expired' : code.state,
      campaign: code.campaign,
      holder:
        code.hold !== null
          ? `cart:${code.hold.client}`
          : reservation === null
            ? null
            : `store:${names.storeOf(reservation.gateway)}`,
      redemption:
        redemption === null
          ? null
          : redemptionView(redemption, redemption.fedStore ?? names.storeOfDoor(redemption.door)),
      history: entries.map(({ at, body }) => {
        const entry = JSON.parse(body) as LedgerEntry;
        return {
          at: new Date(at).toISOString(),
          what: entry.kind,
          where: 'door' in entry && entry.door !== undefined ? names.doorName(entry.door) : null,
          basket: 'basket' in entry ? (entry.basket ?? null) : null,
        };
      }),
    };
  });
}

/** The campaign's card as it is for this code; null: there is no such code. */
export async function cardOfCode(store: Pick<LedgerStore, 'read'>, hash: CodeHash): Promise<Card | null> {
  return store.read(async (tx) => {
    const code = (await tx.codes([hash]))[0];
    const campaign = code === undefined ? undefined : (await tx.campaigns([code.campaign]))[0];
    return code === undefined || campaign === undefined ? null : personalCard(campaign.card, code.personal);
  });
}

export async function placeNames(tx: LedgerReads) {
  const stores = new Map((await tx.stores()).map((row) => [row.id, row.name]));
  const storesByGateway = new Map((await tx.allGateways()).map((row) => [row.id, row.store]));
  const storeOf = (gateway: string) => storesByGateway.get(gateway) ?? gateway;
  const gatewayOf = (door: string) => (door.startsWith('gateway:') ? door.slice('gateway:'.length) : null);
  return {
    storeOf,
    storeOfDoor(door: string) {
      const gateway = gatewayOf(door);
      return gateway === null ? null : storeOf(gateway);
    },
    doorName(door: string) {
      if (door.startsWith('feed:')) return `told by ${door.slice('feed:'.length)}`;
      const gateway = gatewayOf(door);
      return gateway === null ? 'online' : (stores.get(storeOf(gateway)) ?? storeOf(gateway));
    },
  };
}

const open: readonly CodeState[] = ['issued', 'held', 'reserved', 'void_pending', 'in_doubt'];
/** After the campaign's end these may still turn out to be redeemed. */
const notSettled: readonly CodeState[] = ['reserved', 'void_pending', 'in_doubt'];

export async function exposureOf(store: LedgerStore, id: string, now: number): Promise<Exposure | null> {
  return store.read(async (tx) => {
    const campaign = (await tx.campaigns([id]))[0];
    if (campaign === undefined) return null;
    const { units, own } = await tx.counts(id);
    const { discount } = campaign.card.offer;
    const valueIn = (states: readonly CodeState[]) =>
      states.reduce((sum, state) => sum + worthOf(units[state], own[state], faceValue(discount)), 0);
    const ended = validityIn(campaign.card, campaign.card.timeZone).endsAt <= now;
    const stillOpen = ended ? notSettled : open;
    const over = ended ? NOTHING_OVER : await endedByItself(tx, campaign, now);
    return {
      campaign: id,
      units,
      open: {
        units: stillOpen.reduce((sum, state) => sum + units[state], 0) - over.units,
        value: valueIn(stillOpen) - worthOf(over.units, over.own, faceValue(discount)),
      },
      redeemed: { units: units.redeemed, value: valueIn(['redeemed']) },
      cap: campaign.cap,
      currency: discount.currency,
    };
  });
}

const NOTHING_OVER = { units: 0, own: { units: 0, value: 0 } };

/** Coupons whose own end is past while the campaign goes on [P13]. */
async function endedByItself(tx: LedgerReads, { id, card }: Campaign, now: number) {
  const ends = await tx.ownEnds(id, now);
  return ends
    .filter(({ endsAt }) => validityIn({ startsAt: card.startsAt, endsAt }, card.timeZone).endsAt <= now)
    .reduce(
      (sum, { units, own }) => ({
        units: sum.units + units,
        own: { units: sum.own.units + own.units, value: sum.own.value + own.value },
      }),
      NOTHING_OVER,
    );
}

export async function gatewayViews(store: LedgerStore): Promise<GatewayView[]> {
  return store.read(async (tx) => {
    const rows = await tx.allGateways();
    const worths = new Map((await tx.allCampaigns()).map(({ id, card }) => [id, faceValue(card.offer.discount)]));
    const counts = await tx.countHeldBy(rows.map(({ id }) => id));
    const blanks = new Map<string, { units: number; value: number }>();
    for (const { id } of rows) {
      // None has a value of its own: it is for whoever will have it.
      const held = (await tx.blanksHeldBy(id)).map((count) => ({ ...count, own: { units: 0, value: 0 } }));
      blanks.set(id, total(held, worths));
    }
    const sum = (gateway: string, states: readonly CodeState[]) =>
      total(
        counts.filter((c) => c.gateway === gateway && states.includes(c.state)),
        worths,
      );
    return rows.map(({ id, store, state, connected, lastHeard, version, epoch, backlog, drillUntil }) => ({
      ...{ id, store, state, connected, lastHeard, version, epoch, backlog, drillUntil },
      holds: sum(id, ['reserved', 'void_pending']),
      blanks: blanks.get(id) ?? { units: 0, value: 0 },
      inDoubt: sum(id, ['in_doubt']),
    }));
  });
}

function total(
  counts: readonly Pick<HoldingCount, 'campaign' | 'units' | 'own'>[],
  worths: ReadonlyMap<string, number>,
) {
  return counts.reduce(
    (sum, { campaign, units, own }) => ({
      units: sum.units + units,
      value: sum.value + worthOf(units, own, worths.get(campaign) ?? 0),
    }),
    { units: 0, value: 0 },
  );
}

const EXCEPTIONS_SHOWN_MAX = 1_000;

export async function exceptionViews(store: LedgerStore): Promise<ExceptionView[]> {
  return store.read(async (tx) => {
    const worths = new Map((await tx.allCampaigns()).map(({ id, card }) => [id, faceValue(card.offer.discount)]));
    const rows = await tx.exceptions(EXCEPTIONS_SHOWN_MAX);
    return rows.map(({ id, at, what, gateway, lastFour, campaign, ownValue, ours, theirs }) => ({
      ...{ id, at, what, gateway, lastFour, ours, theirs },
      value: campaign === null ? null : (ownValue ?? worths.get(campaign) ?? null),
    }));
  });
}
