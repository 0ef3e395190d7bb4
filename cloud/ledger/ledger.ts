import { randomUUID } from 'node:crypto';
import type { CloudKeys } from '../keys.ts';
import { Imports } from '../issuing/imports.ts';
import { finishStack, issueStack, stackCodes } from '../issuing/stacks.ts';
import { createRowIds } from '../distribution/row-ids.ts';
import { createSecrets } from '../distribution/secrets.ts';
import { answerBlankRequest, replenishBlanks } from '../fleet/blanks.ts';
import { endWhatIsDue } from '../fleet/due.ts';
import { Fleet } from '../fleet/fleet.ts';
import { answerOwnCoupon, type OwnCouponPorts } from '../fleet/own-coupons.ts';
import { Dealing } from '../fleet/dealing.ts';
import type { PlacesStore } from '../fleet/places-store.ts';
import { placeCode, stockList } from '../fleet/stocking.ts';
import { LIKELIHOOD_MIN, type Room } from '../fleet/stocking-rules.ts';
import { noteChoice } from '../fleet/weighing.ts';
import { type CodeHash, hashCode } from '../../protocol/code.ts';
import { formsOf } from '../../protocol/code-form.ts';
import { readCode } from '../../protocol/code-reading.ts';
import { GENESIS_HASH } from '../../protocol/journal.ts';
import { err, ok } from '../../protocol/result.ts';
import { changeCampaign, createCampaign, tellCard } from './campaigns.ts';
import { Carts } from './carts.ts';
import type { GatewayRow } from './code-rules.ts';
import { feed } from './feeding.ts';
import { Group } from './group.ts';
import { oldTermsViews } from './old-terms.ts';
import { personaliseCode } from './personalising.ts';
import {
  type Ledger,
  LedgerUnavailable,
  type NewGateway,
  type Outgoing,
  type RefusedAttempt,
  type TakeScans,
} from './port.ts';
import { codeHistory, exceptionViews, exposureOf, gatewayViews } from './reports.ts';
import { standingOf } from './standing.ts';
import { type LedgerStore, NOTHING } from './store.ts';
import { voidCode } from './voiding.ts';

export type LedgerPorts = {
  readonly store: LedgerStore;
  readonly keys: Pick<CloudKeys, 'fleetKey' | 'sealKey' | 'publicKey'>;
  readonly now: () => number;
  readonly randomBytes: (size: number) => Buffer;
  readonly places: PlacesStore;
  /** What one store may hold ahead: units, and face value in minor units. */
  readonly stockMax: Room;
  /** Percent, as in `DealPorts`. Left out: `LIKELIHOOD_MIN`. */
  readonly stockLikelihoodMin?: number;
  /** Of the face of a coupon, by its link. */
  readonly faceUrl: (link: string) => string;
  readonly outgoing: Outgoing;
  /** Who is named at tills, and what they have. Left out: nobody is. */
  readonly distribution?: OwnCouponPorts['distribution'];
  /** Left out: nobody counts what is refused. */
  readonly refused?: (attempt: RefusedAttempt) => void;
  /** Left out: nobody counts what boxes answered by themselves. */
  readonly takeScans?: TakeScans;
};

/** Blanks are filled up this often, and soon after a box is welcomed or has issued some. */
const FILL_MS = 30_000;

/** What one turn of a pump takes from the outbox. */
const MESSAGES_PER_READ_MAX = 100;

/** The ledger of one cloud node over one database. Opens it: a new database gets its incarnation [C8]. */
export async function createLedger(ports: LedgerPorts): Promise<Ledger> {
  const { store, places, keys, now, randomBytes, stockMax, faceUrl, outgoing, refused = () => undefined } = ports;
  const { stockLikelihoodMin: likelihoodMin = LIKELIHOOD_MIN } = ports;
  const { takeScans = async (_, scans) => scans.at(-1)?.n ?? 0 } = ports;
  const newId = randomUUID;
  const incarnation = await openIncarnation(store, randomBytes);
  const boxes = new Map<string, GatewayRow>();
  await forgetConnections(store, boxes, now());

  const group = new Group({ store, now, newId, wake: (gateway) => outgoing.wake(gateway), refused });
  const stocking = { group, store, stockMax, now, newId };
  const dealing = new Dealing({ ...stocking, places, likelihoodMin });
  const secrets = createSecrets(keys.sealKey, randomBytes);
  const newRowId = createRowIds(randomBytes, now);
  const blanks = { group, store, fleetKey: keys.fleetKey, secrets, faceUrl, randomBytes, now, newId, newRowId };
  const { distribution } = ports;
  let filledAt = 0;
  const fleet = new Fleet({
    ...{ group, store, incarnation, now, newId, takeScans },
    keys: [keys.publicKey],
    dealSoon: () => {
      dealing.soon();
      filledAt = 0;
    },
    blankWanted: (gateway, { customer, ...request }) =>
      customer === undefined || distribution === undefined
        ? answerBlankRequest(blanks, gateway, request)
        : answerOwnCoupon({ group, store, faceUrl, distribution }, gateway, { ...request, customer }),
    async named(numbers) {
      await Promise.all(numbers.map((number) => distribution?.personNamed(number)));
    },
    hashNumber: secrets.hashNumber,
  });
  /** Of every campaign. They only widen: what is imported later is added. */
  let forms = formsOf((await store.read((tx) => tx.allCampaigns())).map(({ card }) => card));
  const read = (raw: string) => readCode(raw, forms);
  const hashOf = (raw: string): CodeHash | null => {
    const reading = read(raw);
    return reading.kind === 'code' ? hashCode(keys.fleetKey, reading.code) : null;
  };
  const carts = new Carts({ group, store, fleetKey: keys.fleetKey, read, now, newId });
  const issuing = { store, fleetKey: keys.fleetKey, seal: { key: keys.sealKey, randomBytes }, randomBytes, now, newId };
  const feeds = { group, fleetKey: keys.fleetKey, read, now, newId };
  const imports = new Imports(issuing);
  await imports.dropUnfinished();
  for (const stack of await store.read((tx) => tx.unfinishedStacks())) await finishStack(issuing, stack);

  return {
    validate: (sale) => carts.decide('validate', sale),
    redeem: (sale) => carts.decide('redeem', sale),
    reverse: (request) => carts.reverse(request),
    release: (request) => carts.release(request),
    basket: (client, basket) => carts.basket(client, basket),
    feed: (client, items) => feed(feeds, client, items),
    async history(code) {
      const hash = hashOf(code);
      return hash === null ? null : codeHistory(store, hash, now());
    },
    standing: (code) => standingOf(store, code),

    createCampaign: (campaign) => createCampaign(group, campaign, now()),
    changeCampaign: (id, change) => changeCampaign(group, id, change, now()),
    campaigns: () => store.read((tx) => tx.allCampaigns()),
    campaign: (id) => store.read(async (tx) => (await tx.campaigns([id]))[0] ?? null),
    campaignVersions: (id) =>
      store.read(async (tx) => ((await tx.campaigns([id])).length === 0 ? null : tx.campaignVersions(id))),
    async personalise(campaign, code, offer) {
      const hash = hashOf(code);
      if (hash === null) return err({ why: 'unknown_code' });
      const personal = await personaliseCode(store, campaign, hash, offer, now());
      if (personal.ok) group.nudge(hash);
      return personal;
    },
    oldTerms: () => oldTermsViews(store),
    watchCampaign: (id, changed) => group.watchCampaign(id, changed),
    watchCode: (hash, moved) => group.watchCode(hash, moved),
    exposure: (campaign) => exposureOf(store, campaign, now()),
    async createStore(created) {
      return store.transaction(async (tx) => {
        if ((await tx.stores()).some(({ id }) => id === created.id)) return err('exists');
        await tx.putStore(created);
        return ok(created);
      });
    },
    stores: () => store.read((tx) => tx.stores()),
    issueStack: (campaign, count) => issueStack(issuing, campaign, count),
    async importStack(campaign, csv) {
      const taken = await imports.take(campaign, csv);
      if (!taken.ok) return taken;
      const { id, count, card } = taken.value;
      if (card !== null) {
        forms = formsOf([{ forms }, card]);
        await group.run([], (unit) => tellCard(unit, card));
      }
      await finishStack(issuing, id);
      return ok({ id, count });
    },
    stackCodes: (stack) => stackCodes(issuing, stack),
    async voidCode(code) {
      const hash = hashOf(code);
      return hash === null ? 'unknown_code' : voidCode(group, hash, now());
    },
    voidHash: (hash) => voidCode(group, hash, now()),
    stock: (id, codes) => stockList({ ...stocking, fleetKey: keys.fleetKey, read }, id, codes),
    async place({ assignment, codeHash, store: id }) {
      if (id !== null && !(await store.read((tx) => tx.stores())).some((known) => known.id === id)) return 'not_usable';
      if (!(await noteChoice(places, assignment, id, now()))) return 'not_usable';
      return placeCode({ ...stocking, places }, codeHash, id);
    },

    async addGateway(gateway) {
      const row = await group.run([], async (unit) => {
        const present = await unit.gateway(gateway.id);
        const next = present === null ? newRow(gateway) : { ...present, passwordHash: gateway.passwordHash };
        unit.apply([{ do: 'gateway', row: next }]);
        return next;
      });
      boxes.set(row.id, row);
      return { epoch: row.epoch, incarnation };
    },
    gateways: () => gatewayViews(store),
    gatewayKey: (id) => boxes.get(id) ?? null,
    brokerLogin: (id) => boxes.get(id) ?? null,
    revoke: (gateway) => fleet.revoke(gateway),
    exceptions: () => exceptionViews(store),
    receive: (header, message) => fleet.receive(header, message),
    gatewayGone: (id) => fleet.gone(id),

    incarnation,
    outbox: (gateway, after) => store.read((tx) => tx.outbox(gateway, after, MESSAGES_PER_READ_MAX)),
    published: (seqs) => group.published(seqs),
    async ready() {
      try {
        return (await store.read((tx) => tx.incarnation())) === incarnation;
      } catch (error) {
        if (error instanceof LedgerUnavailable) return false;
        throw error;
      }
    },
    async tick() {
      await endWhatIsDue({ group, store, now, gone: (id) => fleet.gone(id) });
      if (group.hasPublished) await group.run([], async () => undefined);
      await dealing.turn();
      if (filledAt + FILL_MS > now()) return;
      filledAt = now();
      if (await replenishBlanks(blanks)) filledAt = 0;
    },
    close: () => group.run([], async () => undefined),
  };
}

async function openIncarnation(store: LedgerStore, randomBytes: (size: number) => Buffer): Promise<string> {
  return store.transaction(async (tx) => {
    const present = await tx.incarnation();
    if (present !== null) return present;
    const made = `1-${randomBytes(16).toString('hex')}`;
    await tx.putIncarnation(made);
    return made;
  });
}

/** Who was connected to the process before this one is not connected to this one, until it is heard. */
async function forgetConnections(store: LedgerStore, boxes: Map<string, GatewayRow>, now: number): Promise<void> {
  const rows = await store.read((tx) => tx.allGateways());
  for (const row of rows) boxes.set(row.id, row);
  const connected = rows
    .filter((row) => row.connected)
    .map((row) => ({ ...row, connected: false, silentSince: row.lastHeard ?? now }));
  if (connected.length === 0) return;
  await store.transaction((tx) => tx.write({ ...NOTHING, gateways: connected }));
}

function newRow({ id, store, shard, publicKey, keyId, passwordHash }: NewGateway): GatewayRow {
  return {
    ...{ id, store, shard, publicKey, keyId, passwordHash },
    state: 'active',
    fencedWhy: null,
    epoch: 1,
    acknowledged: { n: 0, hash: GENESIS_HASH },
    number: 0,
    sealingKey: null,
    challenges: [],
    welcomedBoot: null,
    connected: false,
    lastHeard: null,
    silentSince: null,
    drillUntil: null,
    version: null,
    backlog: 0,
  };
}
