import { setImmediate as turn } from 'node:timers/promises';
import { sqliteDistributionStore } from '../../cloud/distribution/sqlite-distribution-store.ts';
import { sqlitePlacesStore } from '../../cloud/fleet/sqlite-places-store.ts';
import { createLedger, type LedgerPorts } from '../../cloud/ledger/ledger.ts';
import type { Ledger } from '../../cloud/ledger/port.ts';
import { openDatabase } from '../../cloud/ledger/sqlite-database.ts';
import { sqliteLedgerStore } from '../../cloud/ledger/sqlite-store.ts';
import type { Till } from '../../gateway/till/port.ts';
import { SqliteTillStore } from '../../gateway/till/sqlite-store.ts';
import { createTill } from '../../gateway/till/till.ts';
import type { Witness } from '../../gateway/till/witness.ts';
import { blankKeyOf } from '../../protocol/blank-seal.ts';
import { makeKeyPair, readPrivateKey } from '../../protocol/envelope.ts';
import type { Head } from '../../protocol/journal.ts';
import type { Up } from '../../protocol/messages.ts';
import { bytesFrom, type Chance } from './chance.ts';

/**
 * A cloud and its stores in one process: the ledger and the tills that run in production, each over SQLite in memory.
 * What is left out: sockets, signatures and disks. The clock stands still until it is moved.
 */
export class Town {
  readonly clock: { now: number };
  readonly boxes: Box[] = [];
  readonly fleetKey: Buffer;
  readonly #database = openDatabase(':memory:', false);
  readonly store = sqliteLedgerStore(this.#database);
  readonly people = sqliteDistributionStore(this.#database);
  readonly #boxesById = new Map<string, Box>();
  #ledger: Ledger | null = null;
  /** Messages under way. */
  #underWay = 0;
  #failed: unknown = null;

  private constructor(startsAt: number, chance: Chance) {
    this.clock = { now: startsAt };
    this.fleetKey = bytesFrom(chance)(32);
  }

  static async open(
    startsAt: number,
    chance: Chance,
    stock: Pick<LedgerPorts, 'stockMax' | 'stockLikelihoodMin'>,
  ): Promise<Town> {
    const town = new Town(startsAt, chance);
    const randomBytes = bytesFrom(chance);
    town.#ledger = await createLedger({
      store: town.store,
      places: sqlitePlacesStore(town.#database),
      keys: { fleetKey: town.fleetKey, sealKey: randomBytes(32), publicKey: { id: 'sim-cloud', publicKey: '' } },
      now: () => town.clock.now,
      randomBytes,
      ...stock,
      faceUrl: (link) => link,
      outgoing: { wake: (gateway) => town.#boxesById.get(gateway)?.wake() },
    });
    return town;
  }

  get ledger(): Ledger {
    if (this.#ledger === null) throw new Error('the town is not open');
    return this.#ledger;
  }

  async addStore(id: string): Promise<void> {
    await this.ledger.createStore({ id, name: `Store ${id}`, timeZone: 'UTC', address: null });
    const box = await Box.open(this, id);
    this.boxes.push(box);
    this.#boxesById.set(box.gateway, box);
    box.connect();
    await this.quiet();
  }

  /** Does this beside what else goes on; `quiet` waits for it. */
  follow(work: () => Promise<unknown>): void {
    this.#underWay += 1;
    void work()
      .catch((error) => {
        this.#failed ??= error;
      })
      .finally(() => {
        this.#underWay -= 1;
      });
  }

  /** All that was sent has arrived, and all that followed from it. */
  async quiet(): Promise<void> {
    do await turn();
    while (this.#underWay > 0);
    if (this.#failed !== null) throw this.#failed;
  }

  /** Time passes: connected boxes are heard, what is due ends, stock is dealt. */
  async pass(milliseconds: number): Promise<void> {
    this.clock.now += milliseconds;
    for (const box of this.boxes) box.beat();
    await this.quiet();
    await this.tick();
  }

  async tick(): Promise<void> {
    await this.ledger.tick();
    await this.quiet();
  }

  async close(): Promise<void> {
    for (const box of this.boxes) box.close();
    await this.ledger.close();
    await this.store.close();
  }
}

/** One store: its till, and a line that can be cut. */
export class Box {
  readonly gateway: string;
  readonly till: Till;
  readonly #town: Town;
  readonly #till: SqliteTillStore;
  #isConnected = false;
  #isPumping = false;
  /** The last row of the cloud's outbox that arrived. */
  #arrived = 0;
  #messages = 0;

  static async open(town: Town, store: string): Promise<Box> {
    const gateway = `gw-sim0${store}`;
    const { epoch, incarnation } = await town.ledger.addGateway({
      ...{ id: gateway, store, shard: 0, keyId: 'sim-box-key', publicKey: '', passwordHash: '' },
    });
    const tillStore = new SqliteTillStore(':memory:');
    tillStore.make({ gateway, epoch, incarnation });
    const box: { made: Box | null } = { made: null };
    let ids = 0;
    const till = await createTill({
      store: tillStore,
      witness: witnessInMemory(tillStore.box().head),
      line: {
        send: (message) => box.made?.send(message) ?? false,
        journalGrew: () => box.made?.upload(),
        settled: () => box.made?.upload(),
        welcomed: () => till.lineIs('up', town.clock.now),
      },
      now: () => town.clock.now,
      monotonic: () => town.clock.now,
      newId: () => {
        ids += 1;
        return `${store}-${String(ids).padStart(8, '0')}`;
      },
      defer: setImmediate,
      // Time stands still while a scan waits.
      setTimer: () => () => undefined,
      identity: {
        gateway,
        store: { id: store, name: store, timeZone: 'UTC' },
        fleetKey: town.fleetKey,
        blankKey: BLANK_KEY,
        ...KEY,
      },
      settings: { reserveDeadlineMs: 800, strict: false },
    });
    box.made = new Box(town, gateway, till, tillStore);
    return box.made;
  }

  private constructor(town: Town, gateway: string, till: Till, store: SqliteTillStore) {
    this.#town = town;
    this.gateway = gateway;
    this.till = till;
    this.#till = store;
  }

  connect(): void {
    this.#isConnected = true;
    this.send({ type: 'hello', body: this.till.hello() });
    this.wake();
  }

  async cut(): Promise<void> {
    this.#isConnected = false;
    this.till.lineIs('down', this.#town.clock.now);
    await this.#town.ledger.gatewayGone(this.gateway);
  }

  send(message: Up): boolean {
    if (!this.#isConnected) return false;
    this.#messages += 1;
    const header = { v: 1, id: `up-${this.#messages}-0000`, type: message.type, ...this.till.sender() } as const;
    this.#town.follow(() => this.#town.ledger.receive(header, message));
    return true;
  }

  beat(): void {
    if (this.#isConnected) this.send({ type: 'heartbeat', body: this.till.heartbeat() });
  }

  upload(): void {
    const part = this.#isConnected ? this.till.unsettled(null) : null;
    if (part !== null) this.send({ type: 'journal', body: part });
  }

  /** There is something in the cloud's outbox. */
  wake(): void {
    if (this.#isPumping || !this.#isConnected) return;
    this.#isPumping = true;
    this.#town.follow(() => this.#pump());
  }

  async #pump(): Promise<void> {
    const { ledger } = this.#town;
    for (;;) {
      const rows = await ledger.outbox(this.gateway, this.#arrived);
      if (rows.length === 0 || !this.#isConnected) break;
      for (const { seq, epoch, message } of rows) {
        this.#arrived = seq;
        const header = { v: 1, id: `down-${seq}-0000`, type: message.type, gateway: this.gateway } as const;
        await this.till.receive({ ...header, incarnation: ledger.incarnation, epoch, bootId: 0 }, message);
      }
      ledger.published(rows.map(({ seq }) => seq));
    }
    this.#isPumping = false;
  }

  close(): void {
    this.till.close();
    this.#till.close();
  }
}

const BLANK_KEY = blankKeyOf(readPrivateKey(makeKeyPair().privatePem));
const KEY = { keyId: 'sim-box-key', version: '0' };

function witnessInMemory(start: Head): Witness {
  let head = start;
  return {
    read: () => ({ kind: 'head', head }),
    write(next) {
      head = next;
    },
  };
}
