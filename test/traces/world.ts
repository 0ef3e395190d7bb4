import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { sqlitePlacesStore } from '../../cloud/fleet/sqlite-places-store.ts';
import type { Ledger } from '../../cloud/ledger/port.ts';
import type { Till } from '../../gateway/till/port.ts';
import type { WitnessReading } from '../../gateway/till/start-rules.ts';
import type { Witness } from '../../gateway/till/witness.ts';
import { blankKeyOf } from '../../protocol/blank-seal.ts';
import { makeKeyPair, readPrivateKey } from '../../protocol/envelope.ts';
import { GENESIS_HASH, type Head } from '../../protocol/journal.ts';
import type { Down, Header, Up } from '../../protocol/messages.ts';
import type { Decision } from '../../protocol/redemption-api.ts';
import type { Result } from '../../protocol/result.ts';
import { campaignWith, cardWith } from '../rules/ledger-rows.ts';
import type { Modules } from './modules.ts';

/**
 * One cloud, some boxes and carts, in one process: real use cases over real SQLite in memory. Messages are a set that
 * never shrinks: any of them can be delivered late, twice, or never. A box can crash between any two steps; its data can
 * be backed up and restored, its witness not.
 */
export const HOUR = 3_600_000;
const WANT_DEADLINE_MS = 30;
const START = Date.parse('2026-11-23T09:00:00Z');
const FLEET_KEY = Buffer.alloc(32, 7);
const BLANK_KEY = blankKeyOf(readPrivateKey(makeKeyPair().privatePem));
const TOTAL = { amount: 4200, currency: 'USD' } as const;

type Message = { readonly header: Header; readonly message: Up };

export class World {
  readonly modules: Modules;
  /** The cloud's clock, milliseconds. */
  now = START;
  ledger!: Ledger;
  codes: readonly string[] = [];
  readonly boxes: Box[] = [];
  /** Approved redemptions as their callers saw them: who, which code. */
  readonly shown: { readonly who: string; readonly code: string }[] = [];
  readonly reversalsAsked = new Set<string>();

  private constructor(modules: Modules) {
    this.modules = modules;
  }

  static async make(modules: Modules, boxes = 1): Promise<World> {
    const world = new World(modules);
    const database = modules.openDatabase(':memory:');
    world.ledger = await modules.createLedger({
      store: modules.sqliteLedgerStore(database),
      places: sqlitePlacesStore(database),
      keys: {
        fleetKey: FLEET_KEY,
        sealKey: randomBytes(32),
        publicKey: { id: 'cloud-key', publicKey: 'A'.repeat(43) },
      },
      now: () => world.now,
      randomBytes,
      stockMax: { units: 500, value: 500_000 },
      outgoing: { wake: () => undefined },
      faceUrl: (link) => `https://coupons.example/c/${link}`,
    });
    await world.#seed();
    for (let i = 0; i < boxes; i += 1) world.boxes.push(await Box.enrol(world, i));
    return world;
  }

  async #seed(): Promise<void> {
    const { ledger } = this;
    await ledger.createCampaign(campaignWith({ card: cardWith({ startsAt: '2026-01-01', endsAt: '2028-01-01' }) }));
    const stack = await ledger.issueStack('spring', 5);
    if (!stack.ok) throw new Error('no stack');
    const codes: string[] = [];
    for await (const chunk of (await ledger.stackCodes(stack.value.id)) ?? []) codes.push(...chunk);
    this.codes = codes;
  }

  code(i = 0): string {
    const code = this.codes[i];
    if (code === undefined) throw new Error(`no code ${i}`);
    return code;
  }

  box(i = 0): Box {
    const box = this.boxes[i];
    if (box === undefined) throw new Error(`no box ${i}`);
    return box;
  }

  async cartRedeems(basket: string, code = this.code()): Promise<Decision> {
    const sale = {
      client: 'shop',
      codes: [code],
      allOrNone: false,
      basket,
      lane: null,
      total: TOTAL,
      customer: null,
      discount: null,
    };
    return this.see(`cart:shop/${basket}`, code, await this.ledger.redeem(sale));
  }

  async cartReverses(basket: string, code = this.code()): Promise<void> {
    this.reversalsAsked.add(`cart:shop/${basket}`);
    await this.ledger.reverse({ client: 'shop', code, basket, reason: 'test', door: null });
  }

  async stock(box: Box, code = this.code()): Promise<void> {
    const stocked = await this.ledger.stock(box.store, [code]);
    if (!stocked.ok || stocked.value.granted !== 1) throw new Error(`not stocked: ${JSON.stringify(stocked)}`);
  }

  see(who: string, code: string, answer: Result<Decision[], string>): Decision {
    const decision = answer.ok ? answer.value[0] : undefined;
    if (decision === undefined) throw new Error(`no decision: ${JSON.stringify(answer)}`);
    if (decision.decision === 'approved' && decision.redemption !== null) this.shown.push({ who, code });
    return decision;
  }

  /** S1: baskets whose approval stands, for one code. */
  standing(code = this.code()): string[] {
    const baskets = this.shown
      .filter((seen) => seen.code === code && !this.reversalsAsked.has(seen.who))
      .map(({ who }) => who);
    return [...new Set(baskets)];
  }

  async state(code = this.code()): Promise<string> {
    return (await this.ledger.history(code))?.state ?? 'unknown';
  }

  async gatewayState(box: Box): Promise<string> {
    return (await this.ledger.gateways()).find(({ id }) => id === box.id)?.state ?? 'unknown';
  }
}

/** A crash: the process ends where it stands. */
class Crash extends Error {}

class MemoryWitness implements Witness {
  head: Head | null;
  isReadable = true;
  crashAtWrite = false;

  constructor(head: Head) {
    this.head = head;
  }

  read(): WitnessReading {
    if (!this.isReadable || this.head === null) return { kind: 'unreadable' };
    return { kind: 'head', head: this.head };
  }

  write(head: Head): void {
    if (this.crashAtWrite || !this.isReadable) throw new Crash('the power went');
    this.head = head;
  }
}

export class Box {
  readonly #world: World;
  readonly id: string;
  readonly store: string;
  readonly witness: MemoryWitness;
  /** What this box said, and what the cloud said to it: never forgotten. */
  readonly said: Message[] = [];
  readonly told: { readonly epoch: number; readonly message: Down }[] = [];
  #heard = 0;
  /** The box's clocks run behind the cloud's by this much. */
  behindMs = 0;
  #data: InstanceType<Modules['SqliteTillStore']>;
  till!: Till;

  private constructor(world: World, id: string, store: string, data: InstanceType<Modules['SqliteTillStore']>) {
    this.#world = world;
    this.id = id;
    this.store = store;
    this.#data = data;
    this.witness = new MemoryWitness({ epoch: 1, n: 0, hash: GENESIS_HASH });
  }

  static async enrol(world: World, i: number): Promise<Box> {
    const id = `gw-0000000${i}`;
    const store = `000${i}`;
    await world.ledger.createStore({ id: store, name: `Store ${i}`, timeZone: 'UTC', address: null });
    const { epoch, incarnation } = await world.ledger.addGateway({
      id,
      store,
      shard: 0,
      publicKey: 'A'.repeat(43),
      keyId: 'box-key-1',
      passwordHash: '',
    });
    const data = new world.modules.SqliteTillStore(':memory:');
    data.make({ gateway: id, incarnation, epoch });
    const box = new Box(world, id, store, data);
    await box.start();
    await box.greet();
    return box;
  }

  async start(): Promise<void> {
    const world = this.#world;
    this.till = await world.modules.createTill({
      store: this.#data,
      witness: this.witness,
      line: {
        send: (message) => {
          this.#say(message);
          return true;
        },
        journalGrew: () => undefined,
        settled: () => undefined,
        welcomed: () => undefined,
      },
      now: () => world.now - this.behindMs,
      monotonic: () => world.now - this.behindMs,
      newId: () => randomBytes(9).toString('base64url'),
      defer: (run) => setImmediate(run),
      setTimer: (run) => {
        // A want that no trace answers: its deadline comes soon.
        const timer = setTimeout(run, WANT_DEADLINE_MS);
        return () => clearTimeout(timer);
      },
      identity: {
        gateway: this.id,
        store: { id: this.store, name: `Store ${this.store}`, timeZone: 'UTC' },
        fleetKey: FLEET_KEY,
        blankKey: BLANK_KEY,
        keyId: 'box-key-1',
        version: 'test',
      },
      settings: { reserveDeadlineMs: 800, strict: false },
    });
  }

  /** The process ends; what was committed is there at the next start. */
  async crashAndStart(): Promise<void> {
    await this.restore(this.backup());
  }

  backup(): Buffer {
    return this.#data.serialize();
  }

  /** The data as they were; the witness stays. */
  async restore(image: Buffer): Promise<void> {
    this.witness.crashAtWrite = false;
    this.#data = new this.#world.modules.SqliteTillStore(image);
    await this.start();
  }

  #say(message: Up): void {
    const { gateway, incarnation, epoch, bootId } = this.till.sender();
    const header = {
      v: 1 as const,
      id: randomBytes(9).toString('base64url'),
      gateway,
      incarnation,
      epoch,
      bootId,
      type: message.type,
    };
    this.said.push({ header, message });
  }

  /** hello, challenge, attest, welcome: each delivered once, in order. */
  async greet(): Promise<void> {
    this.till.lineIs('down', this.#world.now);
    this.#say({ type: 'hello', body: this.till.hello() });
    await this.heard('hello');
    await this.hear('challenge');
    await this.heard('attest');
    await this.hear('welcome');
    if (this.till.status().state === 'validated') this.till.lineIs('up', this.#world.now);
    await turn();
  }

  cutOff(): Promise<void> {
    this.till.lineIs('down', this.#world.now);
    return this.#world.ledger.gatewayGone(this.id);
  }

  /** The newest message of that type that the box has sent reaches the cloud. */
  async heard(type: Up['type']): Promise<void> {
    const message = this.said.findLast((m) => m.message.type === type);
    if (message !== undefined) await this.reaches(message);
  }

  async reaches({ header, message }: Message): Promise<void> {
    await this.#world.ledger.receive(header, message);
  }

  /** The newest message of that type that the cloud has queued reaches the box. */
  async hear(type: Down['type']): Promise<void> {
    const message = (await this.queued()).findLast((m) => m.message.type === type);
    if (message !== undefined) await this.receives(message);
  }

  /** All that the cloud ever said to this box. */
  async queued(): Promise<readonly { readonly epoch: number; readonly message: Down }[]> {
    for (;;) {
      const rows = await this.#world.ledger.outbox(this.id, this.#heard);
      if (rows.length === 0) return this.told;
      this.#heard = rows.at(-1)?.seq ?? this.#heard;
      this.told.push(...rows);
    }
  }

  async receives({ epoch, message }: { readonly epoch: number; readonly message: Down }): Promise<void> {
    const { incarnation } = this.#world.ledger;
    await this.till.receive(
      { v: 1, id: 'message-0', gateway: this.id, incarnation, epoch, bootId: 0, type: message.type },
      message,
    );
    await turn();
  }

  /** The journal that the box would upload now reaches the cloud; its ack is queued. */
  async uploads(): Promise<void> {
    const body = this.till.unsettled(null);
    if (body === null) return;
    this.#say({ type: 'journal', body });
    await this.heard('journal');
  }

  async settles(): Promise<void> {
    await this.uploads();
    await this.hear('ack');
  }

  /** @returns null where the box crashed before it answered */
  async redeems(basket: string, code = this.#world.code()): Promise<Decision | null> {
    const sale = { codes: [code], allOrNone: false, basket, lane: '1', total: TOTAL, customer: null, discount: null };
    try {
      return this.#world.see(`${this.id}/${basket}`, code, await this.till.redeem(sale));
    } catch {
      return null;
    }
  }

  async reverses(basket: string, code = this.#world.code()): Promise<void> {
    this.#world.reversalsAsked.add(`${this.id}/${basket}`);
    await this.till.reverse({ code, basket, reason: 'test', door: null });
  }
}
