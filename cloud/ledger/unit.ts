import type { Canonical } from '../../protocol/canonical.ts';
import type { CodeHash } from '../../protocol/code.ts';
import type { Down, DownBody } from '../../protocol/messages.ts';
import { faceValue, type Offer } from '../../protocol/offer.ts';
import { ownValue, personalCard } from '../../protocol/personal-offer.ts';
import { chain, entryOf, type NewEntry } from './chain.ts';
import type {
  Change,
  CodeRow,
  CodeView,
  ExceptionRow,
  FedRow,
  GatewayRow,
  IssueRow,
  OldTermsRow,
  RedemptionRow,
  ReservationRow,
  ReversalRow,
  Sighting,
  UseRow,
  WaitRow,
} from './code-rules.ts';
import type { HandOver } from './handover-rules.ts';
import type { Campaign, CampaignVersion, RefusedAttempt, Store } from './port.ts';
import type { BasketSale, HoldingCount, LedgerTx, NamedCustomer, StoredJournalEntry } from './store.ts';
import { countMoves, countOwn, type Own, worthOf } from './worth-rules.ts';

const DAY_MS = 86_400_000;
/** Entries that are of a campaign stand in the first chain. */
const TERMS_PARTITION = 0;

/**
 * The rows of one group of commands: loaded once, changed by the rules in the order of the commands, written at the end.
 * A later command of the group sees what an earlier one changed.
 */
export class Unit {
  readonly #tx: LedgerTx;
  readonly #newId: () => string;
  readonly #now: number;
  readonly #codes = new Map<CodeHash, { row: CodeRow | null; readonly seen: CodeRow | null }>();
  readonly #reservations = new Map<string, ReservationRow | null>();
  readonly #redemptions = new Map<string, RedemptionRow | null>();
  readonly #reversals = new Map<CodeHash, ReversalRow[]>();
  readonly #waits = new Map<CodeHash, WaitRow[]>();
  readonly #fed = new Map<CodeHash, FedRow[]>();
  readonly #gateways = new Map<string, GatewayRow | null>();
  readonly #campaigns = new Map<string, Campaign | null>();
  /** As it was before this group. */
  readonly #held = new Map<string, readonly HoldingCount[]>();
  #stores: Map<string, Store> | null = null;
  readonly #changed = {
    reservations: new Set<string>(),
    redemptions: new Set<string>(),
    reversals: new Set<ReversalRow>(),
    uses: [] as UseRow[],
    issues: [] as IssueRow[],
    fed: [] as FedRow[],
    waits: [] as WaitRow[],
    waitsEnded: [] as string[],
    gateways: new Set<string>(),
    entries: [] as NewEntry[],
    journals: [] as (StoredJournalEntry & { gateway: string })[],
    messages: [] as { gateway: string; epoch: number | null; message: Down }[],
    exceptions: [] as (ExceptionRow & { id: string; at: number })[],
    seen: [] as Sighting[],
    versions: [] as Campaign[],
    oldTerms: [] as OldTermsRow[],
  };
  readonly #refused: RefusedAttempt[] = [];
  /** Scans of boxes that are answered in this group, by their want. */
  readonly #wants = new Map<string, Pick<RefusedAttempt, 'codeHash' | 'basket'>>();

  constructor(tx: LedgerTx, newId: () => string, now: number) {
    this.#tx = tx;
    this.#newId = newId;
    this.#now = now;
  }

  /** The instant of all its entries. */
  get now(): number {
    return this.#now;
  }

  get reads(): LedgerTx {
    return this.#tx;
  }

  /** Locks and loads codes and what hangs on them, in few round trips. */
  async load(hashes: readonly CodeHash[]): Promise<void> {
    const missing = [...new Set(hashes)].filter((hash) => !this.#codes.has(hash));
    if (missing.length === 0) return;
    const rows = await this.#tx.codes(missing);
    const rowsByHash = new Map(rows.map((row) => [row.hash, row]));
    for (const hash of missing) {
      const row = rowsByHash.get(hash) ?? null;
      this.#codes.set(hash, { row, seen: row });
      this.#reversals.set(hash, []);
      this.#waits.set(hash, []);
    }
    const known = rows.map((row) => row.hash);
    for (const reversal of await this.#tx.reversals(known)) this.#reversals.get(reversal.codeHash)?.push(reversal);
    for (const wait of await this.#tx.waits(known)) this.#waits.get(wait.codeHash)?.push(wait);
    await this.#loadReservations(rows.flatMap((row) => row.reservation ?? []));
    await this.#loadRedemptions(rows.flatMap((row) => row.redemption ?? []));
  }

  /** One code as the rules see it; null: the ledger does not know it. */
  async view(hash: CodeHash): Promise<CodeView | null> {
    await this.load([hash]);
    const code = this.#codes.get(hash)?.row ?? null;
    if (code === null) return null;
    const reservation = code.reservation === null ? null : await this.reservation(code.reservation);
    const redemption = code.redemption === null ? null : await this.redemption(code.redemption);
    const gateway = reservation === null ? null : await this.gateway(reservation.gateway);
    const { card: campaignCard, reversalDays } = await this.campaign(code.campaign);
    return {
      code,
      reservation,
      holder: gateway === null ? null : { gateway, storeName: await this.#storeName(gateway.store) },
      redemption,
      redeemedWhere: redemption === null ? null : await this.#placeName(redemption),
      waits: this.#waits.get(hash) ?? [],
      card: personalCard(campaignCard, code.personal),
      campaignCard,
      reversalWindowMs: reversalDays * DAY_MS,
    };
  }

  async views(hashes: readonly CodeHash[]): Promise<CodeView[]> {
    await this.load(hashes);
    const views: CodeView[] = [];
    for (const hash of hashes) {
      const view = await this.view(hash);
      if (view !== null) views.push(view);
    }
    return views;
  }

  async reservation(id: string): Promise<ReservationRow | null> {
    await this.#loadReservations([id]);
    return this.#reservations.get(id) ?? null;
  }

  async redemption(id: string): Promise<RedemptionRow | null> {
    await this.#loadRedemptions([id]);
    return this.#redemptions.get(id) ?? null;
  }

  /** What that door redeemed with this code in that basket. */
  async redemptionAt(door: string, hash: CodeHash, basket: string): Promise<RedemptionRow | null> {
    const present = [...this.#redemptions.values()].find(
      (row) => row?.codeHash === hash && row.door === door && row.basket === basket,
    );
    if (present != null) return present;
    const stored = (await this.#tx.redemptionsOfBasket(door, basket)).find((row) => row.codeHash === hash);
    return stored === undefined ? null : this.redemption(stored.id);
  }

  async reversal(door: string, hash: CodeHash, basket: string): Promise<ReversalRow | null> {
    await this.load([hash]);
    return this.#reversals.get(hash)?.find((row) => row.door === door && row.basket === basket) ?? null;
  }

  /** What that door fed of this code and basket before. */
  async fed(door: string, hash: CodeHash, basket: string): Promise<readonly FedRow[]> {
    if (!this.#fed.has(hash)) this.#fed.set(hash, await this.#tx.fed([hash]));
    return (this.#fed.get(hash) ?? []).filter((row) => row.door === door && row.basket === basket);
  }

  /** Baskets of a box's door that must never redeem this code [C13]. */
  async tombstones(gateway: string, hash: CodeHash): Promise<string[]> {
    await this.load([hash]);
    return (this.#reversals.get(hash) ?? [])
      .filter((row) => row.door === `gateway:${gateway}`)
      .map((row) => row.basket);
  }

  /** The code that a basket was issued of a campaign at a door; null: none. */
  async issueOf(sale: BasketSale): Promise<CodeHash | null> {
    const { door, campaign, basket } = sale;
    const present = this.#changed.issues.find(
      (row) => row.door === door && row.campaign === campaign && row.basket === basket,
    );
    return present?.codeHash ?? (await this.#tx.issueOf(sale))?.codeHash ?? null;
  }

  /** Whom a till names, with what this customer has of the campaign, that of this group of commands among it. */
  async named(campaign: string, numberHash: string): Promise<NamedCustomer | null> {
    const stored = await this.#tx.named(campaign, numberHash);
    if (stored === null) return null;
    const owned = this.#changed.issues.flatMap((row) =>
      row.campaign === campaign && row.blank?.owner?.customer === stored.customer
        ? { ...row.blank.owner, codeHash: row.codeHash, replaced: false, untold: false }
        : [],
    );
    const gone = new Set(owned.map(({ replaces }) => replaces));
    const told = new Set(this.#changed.issues.map(({ codeHash }) => codeHash));
    const before = stored.coupons
      .filter(({ codeHash }) => !gone.has(codeHash))
      .map((coupon) => ({ ...coupon, untold: coupon.untold && !told.has(coupon.codeHash) }));
    return { ...stored, coupons: [...before, ...owned] };
  }

  async gateway(id: string): Promise<GatewayRow | null> {
    if (!this.#gateways.has(id)) this.#gateways.set(id, (await this.#tx.gateways([id]))[0] ?? null);
    return this.#gateways.get(id) ?? null;
  }

  /** What a box holds and what it is worth, with what this group has changed: caps are held against it. */
  async heldBy(gateway: string): Promise<Own> {
    let [units, value] = [0, 0];
    const before = this.#held.get(gateway) ?? (await this.#tx.countHeldBy([gateway]));
    this.#held.set(gateway, before);
    for (const { campaign, units: counted, own } of before) {
      units += counted;
      value += worthOf(counted, own, await this.#faceValue(campaign));
    }
    const isHere = (id: string | null) => id !== null && this.#reservations.get(id)?.gateway === gateway;
    for (const { row, seen } of this.#codes.values()) {
      if (row === null || seen === null || row.reservation === seen.reservation) continue;
      const by = Number(isHere(row.reservation)) - Number(isHere(seen.reservation));
      units += by;
      if (by !== 0) value += by * (ownValue(row.personal) ?? (await this.#faceValue(row.campaign)));
    }
    return { units, value };
  }

  async #faceValue(campaign: string): Promise<number> {
    return faceValue((await this.campaign(campaign)).card.offer.discount);
  }

  /** @throws where a code names a campaign that is not there: a defect */
  async campaign(id: string): Promise<Campaign> {
    const known = await this.findCampaign(id);
    if (known === null) throw new Error(`no campaign ${id}`);
    return known;
  }

  async findCampaign(id: string): Promise<Campaign | null> {
    if (!this.#campaigns.has(id)) this.#campaigns.set(id, (await this.#tx.campaigns([id]))[0] ?? null);
    return this.#campaigns.get(id) ?? null;
  }

  /** The versions of its terms, the oldest first, those of this group of commands among them. */
  async campaignVersions(id: string): Promise<CampaignVersion[]> {
    const fresh = this.#changed.versions.filter((version) => version.id === id);
    return [...(await this.#tx.campaignVersions(id)), ...fresh];
  }

  /** The code's offer as it was at that time. */
  async offerAt({ code, card }: CodeView, at: number): Promise<Offer> {
    const campaign = await this.campaign(code.campaign);
    if (campaign.changedAt <= at) return card.offer;
    const then = (await this.campaignVersions(code.campaign)).findLast(({ changedAt }) => changedAt <= at);
    return then === undefined ? card.offer : personalCard(then.card, code.personal).offer;
  }

  async store(id: string): Promise<Store | null> {
    this.#stores ??= new Map((await this.#tx.stores()).map((store) => [store.id, store]));
    return this.#stores.get(id) ?? null;
  }

  /** `Main Street` for a box's door and where a feed names that store, `online` for a cart's. */
  async #placeName({ door, fedStore }: RedemptionRow): Promise<string> {
    if (fedStore !== null) return this.#storeName(fedStore);
    if (!door.startsWith('gateway:')) return 'online';
    const gateway = await this.gateway(door.slice('gateway:'.length));
    return gateway === null ? 'a store' : this.#storeName(gateway.store);
  }

  /** The store's id; null: not a box's door, or an unknown one. */
  async storeOfDoor(door: string): Promise<string | null> {
    return door.startsWith('gateway:') ? ((await this.gateway(door.slice('gateway:'.length)))?.store ?? null) : null;
  }

  /** What a hand-over of this code may need: the boxes that wait for it. */
  async handOver(hash: CodeHash): Promise<HandOver> {
    await this.load([hash]);
    const gatewaysById = new Map<string, GatewayRow>();
    const tombstonesByGateway = new Map<string, readonly string[]>();
    for (const { who } of this.#waits.get(hash) ?? []) {
      const gateway = who.kind === 'want' ? await this.gateway(who.gateway) : null;
      if (gateway === null) continue;
      gatewaysById.set(gateway.id, gateway);
      tombstonesByGateway.set(gateway.id, await this.tombstones(gateway.id, hash));
    }
    return { gatewaysById, tombstonesByGateway, reservationId: this.#newId() };
  }

  /** A scan at a box: if it is refused, that is told as an attempt. */
  asks(want: string, codeHash: CodeHash, basket: string): void {
    this.#wants.set(want, { codeHash, basket });
  }

  refuse(attempt: Omit<RefusedAttempt, 'at'>): void {
    this.#refused.push({ ...attempt, at: this.#now });
  }

  /** A sale named its customer: whether the coupon is that customer's, who counts such attempts finds out. */
  shown(codeHash: CodeHash, door: string, basket: string, customer: string | null): void {
    if (customer !== null) this.refuse({ codeHash, door, basket, reason: 'wrong_customer', customer });
  }

  journal(gateway: string, entry: StoredJournalEntry): void {
    this.#changed.journals.push({ ...entry, gateway });
  }

  apply(changes: readonly Change[]): void {
    for (const change of changes) this.#applyOne(change);
  }

  #applyOne(change: Change): void {
    const changed = this.#changed;
    switch (change.do) {
      case 'code': {
        const known = this.#codes.get(change.row.hash);
        if (known === undefined) throw new Error('a code was changed that was not loaded');
        known.row = change.row;
        return;
      }
      case 'reservation':
        this.#reservations.set(change.row.id, change.row);
        changed.reservations.add(change.row.id);
        return;
      case 'redemption':
        this.#redemptions.set(change.row.id, change.row);
        changed.redemptions.add(change.row.id);
        return;
      case 'reversal':
        this.#putReversal(change.row);
        return;
      case 'use':
        changed.uses.push(change.row);
        return;
      case 'issue':
        changed.issues.push(change.row);
        return;
      case 'fed':
        changed.fed.push(change.row);
        this.#fed.set(change.row.codeHash, [...(this.#fed.get(change.row.codeHash) ?? []), change.row]);
        return;
      case 'wait':
        changed.waits.push(change.row);
        this.#waits.set(change.row.codeHash, [...(this.#waits.get(change.row.codeHash) ?? []), change.row]);
        return;
      case 'wait_ends':
        changed.waitsEnded.push(change.wait.id);
        if (change.wait.who.kind === 'want')
          this.asks(change.wait.who.want, change.wait.codeHash, change.wait.who.basket);
        this.#waits.set(
          change.wait.codeHash,
          (this.#waits.get(change.wait.codeHash) ?? []).filter(({ id }) => id !== change.wait.id),
        );
        return;
      case 'gateway':
        this.#gateways.set(change.row.id, change.row);
        changed.gateways.add(change.row.id);
        return;
      case 'entry':
        changed.entries.push(entryOf(change.codeHash, this.#now, change.body as Canonical));
        return;
      case 'terms':
        changed.entries.push({ codeHash: null, partition: TERMS_PARTITION, at: this.#now, body: change.body });
        return;
      case 'send':
        // The epoch of this moment: what is queued before a fence must not leave under the epoch after it [G1].
        changed.messages.push({
          gateway: change.gateway,
          epoch: this.#gateways.get(change.gateway)?.epoch ?? null,
          message: change.message,
        });
        if (change.message.type === 'refuse') this.#refuseWant(change.gateway, change.message.body);
        return;
      case 'version':
        this.#campaigns.set(change.row.id, change.row);
        changed.versions.push(change.row);
        return;
      case 'old_terms':
        changed.oldTerms.push(change.row);
        return;
      case 'exception':
        changed.exceptions.push({ ...change.row, id: this.#newId(), at: this.#now });
        return;
      case 'seen':
        changed.seen.push(change.row);
        return;
    }
  }

  #refuseWant(gateway: string, { want, reason }: DownBody<'refuse'>): void {
    const asked = this.#wants.get(want);
    if (asked !== undefined) this.refuse({ ...asked, door: `gateway:${gateway}`, reason });
  }

  #putReversal(row: ReversalRow): void {
    const rows = this.#reversals.get(row.codeHash) ?? [];
    const before = rows.find(({ door, basket }) => door === row.door && basket === row.basket);
    if (before !== undefined) this.#changed.reversals.delete(before);
    this.#reversals.set(row.codeHash, [...rows.filter((other) => other !== before), row]);
    this.#changed.reversals.add(row);
  }

  /** Everything at once, chained. @returns whom there are messages for, the codes that moved, the campaigns whose terms changed, and who was refused */
  async write(published: readonly number[]): Promise<Written> {
    const changed = this.#changed;
    const moves = [...this.#codes.values()].flatMap(({ row, seen }) =>
      row === null || seen === null || row === seen ? [] : [{ row, seen }],
    );
    const heads = await this.#tx.heads([...new Set(changed.entries.map(({ partition }) => partition))]);
    const present = <V>(rows: ReadonlyMap<string, V | null>, ids: ReadonlySet<string>): V[] =>
      [...ids].flatMap((id) => rows.get(id) ?? []);
    const messages = await Promise.all(
      changed.messages.map(async ({ gateway, epoch, message }) => ({
        gateway,
        epoch: epoch ?? (await this.gateway(gateway))?.epoch ?? 0,
        message,
      })),
    );
    // Each wait that came and went within the group is not written at all.
    const gone = new Set(changed.waitsEnded);
    await this.#tx.write({
      codes: moves.map(({ row, seen }) => ({ row, seenVersion: seen.version })),
      reservations: present(this.#reservations, changed.reservations),
      redemptions: present(this.#redemptions, changed.redemptions),
      reversals: [...changed.reversals],
      uses: changed.uses,
      issues: changed.issues,
      fed: changed.fed,
      waits: changed.waits.filter(({ id }) => !gone.has(id)),
      waitsEnded: changed.waitsEnded,
      gateways: present(this.#gateways, changed.gateways),
      entries: chain(heads, changed.entries),
      journals: changed.journals,
      messages,
      exceptions: changed.exceptions,
      seen: changed.seen,
      versions: changed.versions,
      oldTerms: changed.oldTerms,
      units: countMoves(moves),
      own: countOwn(moves),
      published,
    });
    return {
      gateways: new Set(changed.messages.map(({ gateway }) => gateway)),
      codes: moves.map(({ row }) => row.hash),
      campaigns: new Set(changed.versions.map(({ id }) => id)),
      refused: this.#refused,
    };
  }

  async #loadReservations(ids: readonly string[]): Promise<void> {
    const missing = ids.filter((id) => !this.#reservations.has(id));
    if (missing.length === 0) return;
    for (const id of missing) this.#reservations.set(id, null);
    for (const row of await this.#tx.reservations(missing)) this.#reservations.set(row.id, row);
  }

  async #loadRedemptions(ids: readonly string[]): Promise<void> {
    const missing = ids.filter((id) => !this.#redemptions.has(id));
    if (missing.length === 0) return;
    for (const id of missing) this.#redemptions.set(id, null);
    for (const row of await this.#tx.redemptions(missing)) this.#redemptions.set(row.id, row);
  }

  async #storeName(id: string): Promise<string> {
    return (await this.store(id))?.name ?? id;
  }
}

type Written = {
  readonly gateways: ReadonlySet<string>;
  readonly codes: readonly CodeHash[];
  readonly campaigns: ReadonlySet<string>;
  readonly refused: readonly RefusedAttempt[];
};
