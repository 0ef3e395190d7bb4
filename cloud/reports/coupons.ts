import type { Discount } from '../../protocol/offer.ts';
import { personalCard } from '../../protocol/personal-offer.ts';
import type { DistributionReads } from '../distribution/store.ts';
import type { Campaign, CodeHash } from '../ledger/port.ts';
import { cleanSource } from './event-rules.ts';
import type { NewEvent } from './events.ts';

/** Whose coupon a code is, and where a door stands: what events are told with. Of one batch, each asked for once. */
export class Coupons {
  readonly #tx: DistributionReads;
  readonly #campaigns = new Map<string, Campaign | null>();
  readonly #stores = new Map<string, string | null>();

  constructor(tx: DistributionReads) {
    this.#tx = tx;
  }

  /** Its source is that of its assignment, the first touch. Null: no such code. */
  async of(hash: CodeHash): Promise<Known | null> {
    const code = (await this.#tx.codes([hash]))[0];
    const campaign = code === undefined ? null : await this.campaign(code.campaign);
    if (code === undefined || campaign === null) return null;
    const assigned = await this.#tx.assignmentByCode(hash);
    return {
      timeZone: campaign.card.timeZone,
      discount: personalCard(campaign.card, code.personal).offer.discount,
      about: {
        campaign: campaign.id,
        assignment: assigned?.id ?? null,
        channel: assigned?.channel ?? null,
        source: cleanSource(assigned?.source ?? {}),
      },
    };
  }

  async campaign(id: string): Promise<Campaign | null> {
    const known = this.#campaigns.get(id);
    if (known !== undefined) return known;
    const found = (await this.#tx.campaigns([id]))[0] ?? null;
    this.#campaigns.set(id, found);
    return found;
  }

  /** Null: a cart's. */
  async storeOf(door: string): Promise<string | null> {
    if (!door.startsWith('gateway:')) return null;
    const known = this.#stores.get(door);
    if (known !== undefined) return known;
    const store = (await this.#tx.gateways([door.slice('gateway:'.length)]))[0]?.store ?? null;
    this.#stores.set(door, store);
    return store;
  }
}

export type Known = {
  readonly timeZone: string;
  /** The coupon's own, else its campaign's. */
  readonly discount: Discount;
  readonly about: Pick<NewEvent, 'campaign' | 'assignment' | 'channel' | 'source'>;
};
