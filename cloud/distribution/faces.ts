import type { Card } from '../../protocol/card.ts';
import type { Discount } from '../../protocol/offer.ts';
import type { Ledger, Standing, Store } from '../ledger/port.ts';
import { type CouponTerms, couponTerms } from './coupon-terms.ts';
import { type FaceFacts, type FaceState, faceStateOf, lookAgainAt, validityAnywhere } from './face-rules.ts';
import type { Coupon, Distribution, PlaceChosen } from './port.ts';

/** The live face of one coupon: what its person sees, now. */

export type Face = {
  readonly coupon: Coupon;
  readonly state: FaceState;
  readonly terms: CouponTerms;
  readonly person: { readonly name: string | null; readonly language: string; readonly timeZone: string | null } | null;
  /** Where it works, in the order of their names; empty where it works online alone. */
  readonly stores: readonly Store[];
  readonly storesById: StoresById;
  /** The store that has it ready. */
  readonly keptAt: Store | null;
  /** Of the coupon that took its place. */
  readonly newLink: string | null;
  /** When to look again, milliseconds since 1970; null: only when something moves. */
  readonly lookAgainAt: number | null;
};

export type FacePorts = {
  readonly distribution: Pick<Distribution, 'byLink' | 'coupon' | 'customer' | 'choosePlace'>;
  readonly ledger: Pick<Ledger, 'standing' | 'campaign' | 'stores' | 'watchCode' | 'watchCampaign'>;
  readonly now: () => number;
};

export interface Faces {
  /** Null: whatever the reason. */
  face(link: string): Promise<Face | null>;
  /** @param store null: lets go of it */
  choosePlace(face: Face, store: string | null): Promise<PlaceChosen>;
  /** @param changed something that its face shows may have changed @returns what ends it */
  watch(face: Face, changed: () => void): () => void;
}

export function createFaces(ports: FacePorts): Faces {
  const { distribution, ledger } = ports;
  const stores = keptStores(ports);
  return {
    async face(link) {
      const coupon = await distribution.byLink(link);
      return coupon === null ? null : faceOf(ports, coupon, await stores());
    },
    async choosePlace({ coupon, stores: good }, store) {
      if (store !== null && !good.some(({ id }) => id === store)) return 'not_usable';
      return distribution.choosePlace(coupon.id, store);
    },
    watch({ coupon }, changed) {
      const ends = [ledger.watchCode(coupon.codeHash, changed), ledger.watchCampaign(coupon.campaign, changed)];
      return () => {
        for (const end of ends) end();
      };
    },
  };
}

async function faceOf(ports: FacePorts, coupon: Coupon, storesById: StoresById): Promise<Face> {
  const { distribution, ledger, now } = ports;
  const [campaign, standing, person, newer] = await Promise.all([
    ledger.campaign(coupon.campaign),
    ledger.standing(coupon.codeHash),
    coupon.customer === null ? null : distribution.customer(coupon.customer),
    coupon.replacedBy === null ? null : distribution.coupon(coupon.replacedBy),
  ]);
  if (campaign === null || standing === null)
    throw new Error(`the campaign or the code of the assignment ${coupon.id} is missing`);
  const terms = couponTerms(campaign, standing.personal, coupon.at);
  const stores = storesOf(terms.card, [...storesById.values()]);
  const zones = stores.map(({ timeZone }) => timeZone);
  const facts: FaceFacts = {
    standing,
    validity: validityAnywhere(terms.card, zones),
    discount: discountThen(terms, standing),
    isReplaced: newer !== null,
  };
  return {
    coupon,
    state: faceStateOf(facts, now()),
    terms,
    person,
    stores,
    storesById,
    keptAt: keptAt(standing, storesById),
    newLink: newer?.link ?? null,
    lookAgainAt: lookAgainAt(facts, now()),
  };
}

/** As it was when the coupon was used; null: it was changed since. */
function discountThen({ card, changedAt }: CouponTerms, { redemption }: Standing): Discount | null {
  return redemption !== null && changedAt !== null && changedAt > redemption.at ? null : card.offer.discount;
}

function keptAt({ state, reservation }: Standing, storesById: StoresById): Store | null {
  if (state !== 'reserved' || reservation === null || !reservation.isStock || reservation.store === null) return null;
  return storesById.get(reservation.store) ?? null;
}

function storesOf({ channels, stores }: Card, all: readonly Store[]): readonly Store[] {
  if (!channels.includes('store')) return [];
  return stores === 'all' ? all : all.filter(({ id }) => stores.includes(id));
}

/** In the order of their names. */
type StoresById = ReadonlyMap<string, Store>;

/** A store that opens is on faces within this time; every face asks for all of them. */
const STORES_KEPT_MS = 10_000;

function keptStores({ ledger, now }: FacePorts): () => Promise<StoresById> {
  let kept: StoresById = new Map();
  let keptUntil = 0;
  return async () => {
    if (keptUntil > now()) return kept;
    const stores = await ledger.stores();
    const sorted = [...stores].sort((one, other) => one.name.localeCompare(other.name));
    kept = new Map(sorted.map((store) => [store.id, store]));
    keptUntil = now() + STORES_KEPT_MS;
    return kept;
  };
}
