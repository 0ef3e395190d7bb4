import { randomBytes } from 'node:crypto';
import { createDistribution } from '../../cloud/distribution/distribution.ts';
import { sqliteDistributionStore } from '../../cloud/distribution/sqlite-distribution-store.ts';
import { sqlitePlacesStore } from '../../cloud/fleet/sqlite-places-store.ts';
import { LIKELIHOOD_MIN } from '../../cloud/fleet/stocking-rules.ts';
import { createLedger, type LedgerPorts } from '../../cloud/ledger/ledger.ts';
import type { CartSale, Ledger, RefusedAttempt, TakeScans } from '../../cloud/ledger/port.ts';
import { openDatabase } from '../../cloud/ledger/sqlite-database.ts';
import { sqliteLedgerStore } from '../../cloud/ledger/sqlite-store.ts';
import type { LedgerStore } from '../../cloud/ledger/store.ts';
import type { Card } from '../../protocol/card.ts';
import { type CodeHash, hashCode } from '../../protocol/code.ts';
import { EVERY_FORM } from '../../protocol/code-form.ts';
import { readCode } from '../../protocol/code-reading.ts';
import {
  chainEntries,
  type Entry,
  type EntryBody,
  type EntryOf,
  GENESIS_HASH,
  type Head,
} from '../../protocol/journal.ts';
import type { Down, DownBody, DownType, UpBody, Up } from '../../protocol/messages.ts';
import type { Decision } from '../../protocol/redemption-api.ts';
import { campaignWith, cardWith, dollars, NOW } from './ledger-rows.ts';

/** The ledger as it runs, over SQLite in memory, with a clock that a test moves and boxes that speak in messages. */

const STOCK_MAX = { units: 500, value: 500_000 };
export const FLEET_KEY = Buffer.alloc(32, 7);

export type World = Awaited<ReturnType<typeof openWorld>>;

export async function openWorld({
  count = 4,
  card = {},
  capUnits = null,
  capValue = null,
  personalValueMax = null,
  stockMax = STOCK_MAX,
  stockLikelihoodMin = LIKELIHOOD_MIN,
  refused,
  takeScans,
  blanks = null,
  perCustomer = 1,
}: Options = {}) {
  const database = openDatabase(':memory:');
  const store = sqliteLedgerStore(database);
  const places = sqlitePlacesStore(database);
  const clock = { now: NOW };
  /** A cloud's process starts on the data that are there. */
  const start = (over: LedgerStore = store) =>
    createLedger({
      store: over,
      places,
      keys: {
        fleetKey: FLEET_KEY,
        sealKey: Buffer.alloc(32, 8),
        publicKey: { id: 'cloudkey', publicKey: 'A'.repeat(43) },
      },
      now: () => clock.now,
      randomBytes: (size) => randomBytes(size),
      stockMax,
      stockLikelihoodMin,
      outgoing: { wake: () => undefined },
      ...(refused === undefined ? {} : { refused }),
      ...(takeScans === undefined ? {} : { takeScans }),
      faceUrl: (link) => `https://coupons.example/c/${link}`,
      distribution: {
        personNamed: (number) => distribution.personNamed(number),
        issue: (request) => distribution.issue(request),
        coupon: (assignment) => distribution.coupon(assignment),
      },
    });
  const ledger = await start();
  const distribution = createDistribution({
    ...{ store: sqliteDistributionStore(database), ledger, randomBytes, now: () => clock.now },
    post: { serves: () => true, sendProof: async () => undefined, sendCoupon: async () => undefined },
    keys: { fleetKey: FLEET_KEY, sealKey: Buffer.alloc(32, 8) },
  });
  for (const [id, name] of [
    ['0001', 'Main Street'],
    ['0002', 'Harbour'],
  ] as const)
    await ledger.createStore({ id, name, timeZone: 'UTC', address: null });
  const cap = { units: capUnits, value: capValue };
  await ledger.createCampaign(campaignWith({ card: cardWith(card), cap, perCustomer, personalValueMax, blanks }));
  const codes = await issue(ledger, count);
  return {
    ...{ ledger, distribution, store, places, database, clock, codes, start },
    shop: shopOf(ledger, 'shop'),
    app: shopOf(ledger, 'app'),
    /** A box of a store, enrolled and welcomed. */
    async box(store = '0001', id = `gw-box0000${store}`): Promise<Box> {
      const box = new Box(ledger, clock, id, store);
      await box.enrol();
      await box.greet();
      return box;
    },
    /** The state of a code, as a desk sees it. */
    stateOf: async (code: string) => (await ledger.history(code))?.state,
    async close() {
      await ledger.close();
      database.close();
    },
  };
}
type Options = {
  readonly count?: number;
  readonly card?: Partial<Card>;
  readonly capUnits?: number | null;
  readonly capValue?: number | null;
  readonly personalValueMax?: number | null;
  readonly stockMax?: LedgerPorts['stockMax'];
  readonly stockLikelihoodMin?: number;
  readonly refused?: (attempt: RefusedAttempt) => void;
  readonly takeScans?: TakeScans;
  readonly blanks?: { readonly perStore: number } | null;
  readonly perCustomer?: number;
};

export async function issue(ledger: Ledger, count: number): Promise<string[]> {
  if (count === 0) return [];
  const stack = await ledger.issueStack('spring', count);
  if (!stack.ok) throw new Error(stack.error.why);
  const chunks = await ledger.stackCodes(stack.value.id);
  const codes: string[] = [];
  for await (const chunk of chunks ?? []) codes.push(...chunk.map((code) => code.replaceAll('-', '')));
  return codes;
}

/** A file as a marketer sends it. */
export async function* csv(...lines: readonly string[]): AsyncGenerator<Uint8Array> {
  yield Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

export function hashOfCode(code: string): CodeHash {
  const reading = readCode(code, EVERY_FORM);
  if (reading.kind !== 'code') throw new Error(`${code} is no code`);
  return hashCode(FLEET_KEY, reading.code);
}

/** A cart's calls for one code, answered with one decision. */
function shopOf(ledger: Ledger, client: string) {
  const sale = (code: string, basket: string, changes: Partial<CartSale>): CartSale => ({
    ...{
      client,
      codes: [code],
      allOrNone: false,
      basket,
      lane: null,
      total: dollars(42),
      customer: null,
      discount: null,
    },
    ...changes,
  });
  const only = (result: Awaited<ReturnType<Ledger['validate']>>): Decision => {
    const [decision] = result.ok ? result.value : [];
    if (decision === undefined) throw new Error(result.ok ? 'no decision' : result.error);
    return decision;
  };
  return {
    validate: async (code: string, basket: string, changes: Partial<CartSale> = {}) =>
      only(await ledger.validate(sale(code, basket, changes))),
    redeem: async (code: string, basket: string, changes: Partial<CartSale> = {}) =>
      only(await ledger.redeem(sale(code, basket, changes))),
    release: (code: string, basket: string) => ledger.release({ client, code, basket }),
    reverse: (code: string, basket: string, door: string | null = null) =>
      ledger.reverse({ client, code, basket, reason: 'cancelled', door }),
    sale,
  };
}

export type Held = DownBody<'grant'>['manifest'][number] & { readonly epoch: number };

/**
 * A store's box, as far as the cloud can tell: it keeps a journal, installs what it is granted, gives back what it is
 * asked for, and uploads. What it does is up to the test; nothing of the till's rules is in it.
 */
export class Box {
  readonly id: string;
  readonly store: string;
  readonly #ledger: Ledger;
  readonly #clock: { readonly now: number };
  #incarnation = '';
  epoch = 1;
  bootId = 1;
  /** Every entry of the present epoch. */
  entries: Entry[] = [];
  #start: Head = { epoch: 1, n: 0, hash: GENESIS_HASH };
  acknowledged = 0;
  floor = 0;
  readonly held = new Map<string, Held>();
  /** It was told of its fence: from then on it only uploads. */
  fenced = false;
  /** Codes and baskets that must never redeem here: a reversal came, or they have redeemed. */
  readonly #spent = new Set<string>();
  #seen = 0;
  #ids = 0;
  /** What the cloud sent, oldest first. */
  readonly inbox: { readonly epoch: number; readonly message: Down }[] = [];

  constructor(ledger: Ledger, clock: { readonly now: number }, id: string, store: string) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.id = id;
    this.store = store;
  }

  get door(): string {
    return `gateway:${this.id}`;
  }

  get head(): Head {
    const last = this.entries.at(-1);
    return last === undefined ? this.#start : { epoch: last.epoch, n: last.n, hash: last.hash };
  }

  async enrol(): Promise<void> {
    const row = {
      id: this.id,
      store: this.store,
      shard: 1,
      publicKey: 'A'.repeat(43),
      keyId: 'key-of-box',
      passwordHash: '0'.repeat(64),
    };
    const { epoch, incarnation } = await this.#ledger.addGateway(row);
    this.epoch = epoch;
    this.#incarnation = incarnation;
  }

  /** @param as a header that lies or is late */
  async send(
    message: Up,
    as: { readonly epoch?: number; readonly bootId?: number; readonly incarnation?: string } = {},
  ): Promise<void> {
    const header = { v: 1 as const, id: this.newId('message'), gateway: this.id, type: message.type };
    await this.#ledger.receive(
      { ...header, incarnation: this.#incarnation, epoch: this.epoch, bootId: this.bootId, ...as },
      message,
    );
    await this.take();
  }

  newId(what: string): string {
    this.#ids += 1;
    return `${what}-${this.id.slice(-4)}-${this.#ids}`;
  }

  /** Takes what the cloud has sent since, and does as a box would with grants, extensions and acknowledgements. */
  async take(): Promise<Down[]> {
    const rows = await this.#ledger.outbox(this.id, this.#seen);
    for (const { seq, epoch, message } of rows) {
      this.#seen = seq;
      this.inbox.push({ epoch, message });
      this.#do(epoch, message);
    }
    return rows.map(({ message }) => message);
  }

  /** Everything that the cloud has sent and that was not taken is lost. */
  async miss(): Promise<void> {
    for (const { seq } of await this.#ledger.outbox(this.id, this.#seen)) this.#seen = seq;
  }

  /** May it redeem what it holds, by what it knows itself? */
  mayRedeem(code: string, basket: string): boolean {
    const held = this.heldFor(code);
    return (
      held !== null && !this.fenced && held.notAfter > this.#clock.now && !this.#spent.has(`${held.codeHash} ${basket}`)
    );
  }

  /** May it redeem this code for anyone at all? */
  mayRedeemAny(codeHash: CodeHash): boolean {
    return (
      !this.fenced &&
      [...this.held.values()].some((held) => held.codeHash === codeHash && held.notAfter > this.#clock.now)
    );
  }

  /** Answers the recalls and reversals among messages, nothing being in use. */
  obey(messages: readonly Down[]): void {
    if (this.fenced) return;
    for (const message of messages) {
      if (message.type === 'recall') for (const item of message.body.reservations) this.#giveUp(item);
      if (message.type === 'reverse') this.#undo(message.body);
    }
  }

  #giveUp({ reservation, epoch, codeHash, generation }: DownBody<'recall'>['reservations'][number]): void {
    if (epoch !== this.epoch || this.#closed(reservation)) return;
    const why = this.held.delete(reservation) ? 'recall' : 'unknown';
    this.write({ kind: 'returned', reservation, codeHash, generation, why });
  }

  #undo({ codeHash, basket }: DownBody<'reverse'>): void {
    const key = `${codeHash} ${basket}`;
    const mine = this.entries.flatMap(({ body }) =>
      'codeHash' in body && 'basket' in body && `${body.codeHash} ${body.basket}` === key ? [body] : [],
    );
    if (mine.some(({ kind }) => kind === 'reversed')) return;
    const redeemed = mine.find((body) => body.kind === 'redeemed');
    if (redeemed !== undefined) {
      this.reverse(redeemed);
      return;
    }
    this.#spent.add(key);
    const none = { reservation: null, redemption: null };
    this.write({ kind: 'reversed', door: this.door, codeHash, basket, ...none, reason: '', at: this.#clock.now });
  }

  /** The newest message of a type; null: none came. */
  last<T extends DownType>(type: T): DownBody<T> | null {
    const found = this.inbox.findLast(({ message }) => message.type === type);
    return found === undefined ? null : (found.message.body as DownBody<T>);
  }

  count(type: DownType): number {
    return this.inbox.filter(({ message }) => message.type === type).length;
  }

  async hello(): Promise<DownBody<'challenge'> | null> {
    const before = this.count('challenge');
    await this.send({ type: 'hello', body: { nonce: this.newId('nonce'), version: '1.0.0' } });
    return this.count('challenge') > before ? this.last('challenge') : null;
  }

  attest({ challenge, n }: DownBody<'challenge'>): UpBody<'attest'> {
    const hash = n === 0 ? this.#start.hash : (this.entries[n - 1]?.hash ?? null);
    const { head, acknowledged, floor } = this;
    return { challenge, head, acknowledged, hashAtChallenge: hash, floor, disagreement: null, cleanStart: true };
  }

  async greet(): Promise<void> {
    const challenge = await this.hello();
    if (challenge !== null) await this.send({ type: 'attest', body: this.attest(challenge) });
  }

  write(...bodies: EntryBody[]): Entry[] {
    const written = chainEntries(this.head, bodies);
    this.entries.push(...written);
    return written;
  }

  /** The upload of everything from a number on; from what is acknowledged, where none is named. */
  upload(changes: { readonly from?: number; readonly evidence?: boolean } = {}): UpBody<'journal'> {
    const from = changes.from ?? this.acknowledged + 1;
    const entries = this.entries.slice(from - 1);
    const before = from === 1 ? this.#start.hash : (this.entries[from - 2]?.hash ?? '');
    return {
      epoch: this.epoch,
      from,
      entries: entries.map(({ body }) => body),
      before,
      head: this.head,
      evidence: changes.evidence ?? this.fenced,
    };
  }

  async settle(): Promise<void> {
    if (this.entries.length > this.acknowledged) await this.send({ type: 'journal', body: this.upload() });
  }

  async want(code: string, basket: string, waitMs = 800, customer: string | null = null): Promise<void> {
    const want = this.newId('want');
    const body = { want, codeHash: hashOfCode(code), basket, lane: '1', total: dollars(42), customer, waitMs };
    await this.send({ type: 'want', body });
  }

  heldFor(code: string): Held | null {
    return [...this.held.values()].find(({ codeHash }) => codeHash === hashOfCode(code)) ?? null;
  }

  /** Journals a redemption of what it holds, whatever the cloud thinks by now. */
  redeem(code: string, basket: string): EntryOf<'redeemed'> {
    const held = this.heldFor(code);
    if (held === null) throw new Error(`${code} is not held`);
    this.held.delete(held.reservation);
    const { reservation, codeHash, generation } = held;
    this.#spent.add(`${codeHash} ${basket}`);
    const entry: EntryOf<'redeemed'> = {
      ...{ kind: 'redeemed', redemption: this.newId('redemption'), reservation, codeHash, generation, basket },
      ...{ lane: '1', total: dollars(42), discount: null, at: this.#clock.now, timeProven: true, oldTerms: false },
    };
    this.write(entry);
    return entry;
  }

  giveBack(code: string, why: EntryOf<'returned'>['why'] = 'recall'): void {
    const held = this.heldFor(code);
    if (held === null) throw new Error(`${code} is not held`);
    this.held.delete(held.reservation);
    const { reservation, codeHash, generation } = held;
    this.write({ kind: 'returned', reservation, codeHash, generation, why });
  }

  reverse(of: EntryOf<'redeemed'>, door = this.door): void {
    const { codeHash, basket, reservation, redemption } = of;
    this.write({
      kind: 'reversed',
      door,
      codeHash,
      basket,
      reservation,
      redemption,
      reason: 'cancelled',
      at: this.#clock.now,
    });
  }

  async sync(holdings: readonly string[] = [...this.held.keys()]): Promise<void> {
    const { floor, head } = this;
    await this.send({
      type: 'sync',
      body: { sync: this.newId('sync'), part: 0, parts: 1, floor, head, holdings: [...holdings] },
    });
  }

  async heartbeat(): Promise<void> {
    const { head, acknowledged, held } = this;
    const body = {
      beat: this.newId('beat'),
      head,
      acknowledged,
      holding: held.size,
      inUse: 0,
      backlog: 0,
      timeProven: true,
      version: '1.0.0',
    };
    await this.send({ type: 'heartbeat', body });
  }

  #do(epoch: number, message: Down): void {
    switch (message.type) {
      case 'grant':
        if (epoch !== this.epoch || message.body.number <= this.floor) return;
        this.floor = message.body.number;
        for (const { codeHash, basket } of message.body.tombstones) this.#spent.add(`${codeHash} ${basket}`);
        for (const item of message.body.manifest)
          if (!this.#closed(item.reservation)) this.held.set(item.reservation, { ...item, epoch });
        return;
      case 'extend':
        for (const held of this.held.values())
          this.held.set(held.reservation, { ...held, notAfter: Math.max(held.notAfter, message.body.notAfter) });
        return;
      case 'fence':
        this.fenced = true;
        return;
      case 'ack':
      case 'welcome':
        if (message.body.acknowledged.epoch === this.epoch)
          this.acknowledged = Math.max(this.acknowledged, message.body.acknowledged.n);
        return;
      default:
        return;
    }
  }

  #closed(reservation: string): boolean {
    return this.entries.some(
      ({ body }) => body.kind !== 'issued' && 'reservation' in body && body.reservation === reservation,
    );
  }
}
