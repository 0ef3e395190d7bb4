import type { Card } from '../../protocol/card.ts';
import type { CodeHash } from '../../protocol/code.ts';
import { GRANT_RESERVATIONS_MAX } from '../../protocol/limits.ts';
import type { Campaign } from '../ledger/port.ts';
import type { Unit } from '../ledger/unit.ts';
import type { PlacesStore } from './places-store.ts';
import { give, type Hand, openHand, put, type StockPorts, worthOf } from './stock-hand.ts';
import { dealOut, dealtOf, isInSeason, type Offered, whyNotStocked } from './stocking-rules.ts';
import { Weighing } from './weighing.ts';

export type DealPorts = StockPorts & {
  readonly places: PlacesStore;
  /** Percent: what can be used online too is reserved ahead where it is at least so likely to be used. */
  readonly likelihoodMin: number;
};

/** Stock is dealt this often, and soon after a box is welcomed. */
const DEAL_MS = 30_000;
/** Stores looked at in one turn: each costs a count of what it holds and a look at each campaign, a millisecond or two. */
const STORES_PER_TURN = 100;
/** Of these in one transaction: others wait no longer than for it. */
const STORES_PER_TRANSACTION = 20;

type Job = InTurn | { readonly kind: 'store'; readonly store: string };

/** Once over the campaign's stores: with which of them it goes on, how many each gets, how many were dealt. */
type InTurn = {
  readonly kind: 'in_turn';
  readonly campaign: string;
  readonly from: number;
  readonly each: number;
  readonly dealt: number;
};

/** What a job did, and how it goes on after others; null: there is nothing more to deal by it in this round. */
type Done = { readonly codes: number; readonly stores: number; readonly next: Job | null };

/**
 * Reserves codes ahead in rounds, a bounded part of one each second: the codes of campaigns that name their stores in turn,
 * then people's coupons where they are most likely to be used.
 */
export class Dealing {
  readonly #ports: DealPorts;
  readonly #weighing: Weighing;
  #startedAt = 0;
  /** Stores for which something new was found since the round began. */
  readonly #wanted = new Set<string>();
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
    for (const store of await this.#weighing.turn()) this.#wanted.add(store);
    if (this.#jobs.length === 0) await this.#begin();
    for (let codes = 0, stores = 0; codes < GRANT_RESERVATIONS_MAX && stores < STORES_PER_TURN; ) {
      const job = this.#jobs.shift();
      if (job === undefined) return;
      const done = await this.#do(job, GRANT_RESERVATIONS_MAX - codes);
      if (done.next !== null) this.#jobs.push(done.next);
      codes += done.codes;
      stores += done.stores;
    }
  }

  /** All stores every half minute; between, those for which there is something new. */
  async #begin(): Promise<void> {
    const { store, now } = this.#ports;
    const isDue = this.#startedAt + DEAL_MS <= now();
    if (!isDue && this.#wanted.size === 0) return;
    if (isDue) this.#startedAt = now();
    const { campaigns, stores } = await store.read(async (tx) => ({
      campaigns: await tx.allCampaigns(),
      stores: await tx.stores(),
    }));
    this.#campaigns = campaigns;
    this.#jobs = [
      ...campaigns.flatMap(({ id, card }): Job[] =>
        isDue && isDealtInTurn(card, now()) ? [{ kind: 'in_turn', campaign: id, from: 0, each: 0, dealt: 0 }] : [],
      ),
      ...stores.flatMap(({ id }): Job[] => (isDue || this.#wanted.has(id) ? [{ kind: 'store', store: id }] : [])),
    ];
    this.#wanted.clear();
  }

  async #do(job: Job, most: number): Promise<Done> {
    switch (job.kind) {
      case 'in_turn':
        return dealInTurn(this.#ports, job);
      case 'store': {
        const { codes, isDone } = await dealToStore(this.#ports, job.store, this.#campaigns, most);
        return { codes, stores: 1, next: isDone ? null : job };
      }
    }
  }
}

function isDealtInTurn(card: Card, now: number): boolean {
  if (card.stores === 'all') return false;
  return card.stores.some((store) => isInSeason(card, { store, timeZone: card.timeZone }, now));
}

/** The codes of a campaign with named stores that are nobody's, evenly to their connected boxes, up to the caps of each. */
async function dealInTurn(ports: DealPorts, job: InTurn): Promise<Done> {
  const { row, hashes } = await ports.store.read(async (tx) => ({
    row: (await tx.campaigns([job.campaign]))[0],
    hashes: await tx.codesToDeal(job.campaign, ports.now(), GRANT_RESERVATIONS_MAX),
  }));
  if (row === undefined || row.card.stores === 'all' || hashes.length === 0) return { codes: 0, stores: 0, next: null };
  const all = row.card.stores;
  const stores = all.slice(job.from, job.from + STORES_PER_TRANSACTION);
  const each = job.from === 0 ? Math.max(1, Math.floor(hashes.length / all.length)) : job.each;
  const some = hashes.slice(0, each * stores.length);
  const codes = await ports.group.run(some, (unit) => dealEvenly(ports, unit, stores, some, each));
  const dealt = job.dealt + codes;
  const from = job.from + stores.length;
  const isLast = from >= all.length;
  // Once round and nothing dealt: what is left fits nowhere.
  const next = isLast && dealt === 0 ? null : { ...job, each, from: isLast ? 0 : from, dealt: isLast ? 0 : dealt };
  return { codes, stores: stores.length, next };
}

async function dealEvenly(
  ports: StockPorts,
  unit: Unit,
  stores: readonly string[],
  hashes: readonly CodeHash[],
  each: number,
): Promise<number> {
  const hands: Hand[] = [];
  for (const store of stores) {
    const hand = await openHand(unit, store, dealtOf(ports.stockMax));
    if (hand?.gateway != null) hands.push({ ...hand, room: { ...hand.room, units: Math.min(each, hand.room.units) } });
  }
  let turn = 0;
  for (const view of await unit.views(hashes)) {
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
async function dealToStore(
  ports: DealPorts,
  id: string,
  campaigns: readonly Campaign[],
  most: number,
): Promise<{ readonly codes: number; readonly isDone: boolean }> {
  const { codes, isDone, never } = await ports.group.run([], async (unit) => {
    const hand = await openHand(unit, id, dealtOf(ports.stockMax));
    if (hand?.gateway == null || hand.room.units < 1) return { codes: 0, isDone: true, never: [] };
    const asked = Math.min(most, hand.room.units);
    const inSeason = campaigns.filter(({ card }) => isInSeason(card, hand.place, ports.now()));
    const offered = await offersTo(ports, id, inSeason, asked);
    const chosen = dealOut(offered, new Map([[id, { ...hand.room, units: asked }]]));
    const never: CodeHash[] = [];
    for (const view of await unit.views(chosen.map(({ hash }) => hash))) {
      const reason = whyNotStocked(view, hand.gateway, hand.place, ports.now());
      // What was free a moment ago may not be any more.
      if (reason === null) put(hand, view);
      else if (reason === 'expired') never.push(view.code.hash);
    }
    const granted = await give(ports, unit, hand);
    return { codes: chosen.length, isDone: granted === 0 || chosen.length < asked || hand.room.units < 1, never };
  });
  // Over by an end of their own, while the campaign goes on: they must not stand before others again and again.
  if (never.length > 0)
    await ports.places.transaction((tx) => tx.putWeights(never.map((hash) => ({ hash, weight: null }))));
  return { codes, isDone: isDone && never.length === 0 };
}

async function offersTo(
  { places, now, likelihoodMin }: DealPorts,
  store: string,
  campaigns: readonly Campaign[],
  most: number,
): Promise<Offered[]> {
  return places.read(async (tx) => {
    const offered: Offered[] = [];
    for (const { id, card } of campaigns) {
      // What no cart can want costs nobody anything where it is.
      const scoreMin = card.channels.includes('online') ? likelihoodMin : 0;
      for (const { hash, score } of await tx.toStock({ store, campaign: id, scoreMin }, now(), most))
        offered.push({ hash, store, score, value: worthOf({ card }) });
    }
    return offered;
  });
}
