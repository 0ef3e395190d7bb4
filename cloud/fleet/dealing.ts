import type { CodeHash } from '../../protocol/code.ts';
import { GRANT_RESERVATIONS_MAX } from '../../protocol/limits.ts';
import type { Campaign } from '../ledger/port.ts';
import type { Unit } from '../ledger/unit.ts';
import type { PlacesStore } from './places-store.ts';
import { give, type Hand, openHand, put, type StockPorts, worthOf } from './stock-hand.ts';
import { dealOut, dealtOf, isInSeason, type Offered, whyNotStocked } from './stocking-rules.ts';
import { Weighing } from './weighing.ts';

export type DealPorts = StockPorts & { readonly places: PlacesStore };

/** Stock is dealt this often, and soon after a box is welcomed. */
const DEAL_MS = 30_000;
/** Stores looked at in one turn: each costs a count of what it holds and a look at each campaign. */
const STORES_PER_TURN = 20;

type Job = { readonly kind: 'in_turn'; readonly campaign: string } | { readonly kind: 'store'; readonly store: string };

/**
 * Reserves codes ahead in rounds, a bounded part of one each second: the codes of campaigns that name their stores in turn,
 * then people's coupons where they are most likely to be used.
 */
export class Dealing {
  readonly #ports: DealPorts;
  readonly #weighing: Weighing;
  #startedAt = 0;
  /** What is left of the round, and the campaigns at its beginning. */
  #jobs: Job[] = [];
  #campaigns: readonly Campaign[] = [];

  constructor(ports: DealPorts) {
    this.#ports = ports;
    this.#weighing = new Weighing(ports.places, ports.now);
  }

  /** A box was welcomed or asks for stock. */
  soon(): void {
    this.#startedAt = 0;
  }

  /** Call once a second. */
  async turn(): Promise<void> {
    const hasMore = await this.#weighing.turn();
    if (this.#jobs.length === 0) await this.#begin(hasMore);
    for (let left = GRANT_RESERVATIONS_MAX, stores = 0; left > 0 && stores < STORES_PER_TURN; ) {
      const job = this.#jobs.shift();
      if (job === undefined) return;
      const { looked, isDone } = await this.#do(job, left);
      // Not again in this round where nothing was dealt: what is left fits nowhere.
      if (!isDone) this.#jobs.push(job);
      left -= looked;
      stores += 1;
    }
  }

  async #begin(hasMore: boolean): Promise<void> {
    const { store, now } = this.#ports;
    const isDue = this.#startedAt + DEAL_MS <= now();
    if (!isDue && !hasMore) return;
    if (isDue) this.#startedAt = now();
    const { campaigns, stores } = await store.read(async (tx) => ({
      campaigns: await tx.allCampaigns(),
      stores: await tx.stores(),
    }));
    this.#campaigns = campaigns;
    this.#jobs = [
      // With many stores this looks at all of them: not for every new coupon.
      ...campaigns.flatMap(({ id, card }): Job[] =>
        isDue && card.stores !== 'all' ? [{ kind: 'in_turn', campaign: id }] : [],
      ),
      ...stores.map(({ id }): Job => ({ kind: 'store', store: id })),
    ];
  }

  #do(job: Job, most: number): Promise<Done> {
    switch (job.kind) {
      case 'in_turn':
        return dealInTurn(this.#ports, job.campaign);
      case 'store':
        return dealToStore(this.#ports, job.store, this.#campaigns, most);
    }
  }
}

type Done = { readonly looked: number; readonly isDone: boolean };
const NOTHING: Done = { looked: 0, isDone: true };

/** The codes of a campaign with named stores that are nobody's, in turn to their connected boxes, up to the caps of each. */
async function dealInTurn(ports: DealPorts, campaign: string): Promise<Done> {
  const { row, hashes } = await ports.store.read(async (tx) => ({
    row: (await tx.campaigns([campaign]))[0],
    hashes: await tx.codesToDeal(campaign, ports.now(), GRANT_RESERVATIONS_MAX),
  }));
  if (row === undefined || row.card.stores === 'all' || hashes.length === 0) return NOTHING;
  const { stores } = row.card;
  const granted = await ports.group.run(hashes, (unit) => dealPart(ports, unit, stores, hashes));
  return { looked: hashes.length, isDone: granted === 0 || hashes.length < GRANT_RESERVATIONS_MAX };
}

async function dealPart(
  ports: StockPorts,
  unit: Unit,
  stores: readonly string[],
  hashes: readonly CodeHash[],
): Promise<number> {
  const hands: Hand[] = [];
  for (const store of stores) {
    const hand = await openHand(unit, store, dealtOf(ports.stockMax));
    if (hand?.gateway != null) hands.push(hand);
  }
  let turn = 0;
  for (const hash of hashes) {
    const view = await unit.view(hash);
    if (view === null || view.code.state !== 'issued') continue;
    const open = hands.filter(({ room }) => room.units > 0 && room.value >= worthOf(view));
    const hand = open[turn % open.length];
    if (hand === undefined) break;
    if (whyNotStocked(view, hand.gateway, hand.place, ports.now()) === null && put(hand, view)) turn += 1;
  }
  let granted = 0;
  for (const hand of hands) granted += await give(ports, unit, hand);
  return granted;
}

/** People's coupons that are best reserved in this store, the likeliest first. */
async function dealToStore(ports: DealPorts, id: string, campaigns: readonly Campaign[], most: number): Promise<Done> {
  return ports.group.run([], async (unit) => {
    const hand = await openHand(unit, id, dealtOf(ports.stockMax));
    if (hand?.gateway == null || hand.room.units < 1) return NOTHING;
    const asked = Math.min(most, hand.room.units);
    const inSeason = campaigns.filter(({ card }) => isInSeason(card, hand.place, ports.now()));
    const offered = await offersTo(ports, id, inSeason, asked);
    const chosen = dealOut(offered, new Map([[id, { ...hand.room, units: asked }]]));
    // What was free a moment ago may not be any more.
    for (const view of await unit.views(chosen.map(({ hash }) => hash)))
      if (whyNotStocked(view, hand.gateway, hand.place, ports.now()) === null) put(hand, view);
    const granted = await give(ports, unit, hand);
    return { looked: chosen.length, isDone: granted === 0 || chosen.length < asked || hand.room.units < 1 };
  });
}

async function offersTo(
  { places, now }: DealPorts,
  store: string,
  campaigns: readonly Campaign[],
  most: number,
): Promise<Offered[]> {
  return places.read(async (tx) => {
    const offered: Offered[] = [];
    for (const { id, card } of campaigns)
      for (const { hash, score } of await tx.toStock({ store, campaign: id }, now(), most))
        offered.push({ hash, store, score, value: worthOf({ card }) });
    return offered;
  });
}
