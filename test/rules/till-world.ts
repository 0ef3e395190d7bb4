import { createHmac } from 'node:crypto';
import { blankKeyOf, sealBlank } from '../../protocol/blank-seal.ts';
import type { Card } from '../../protocol/card.ts';
import { type Code, hashCode, lastFour, makeCodes } from '../../protocol/code.ts';
import type { CodeForm } from '../../protocol/code-form.ts';
import { readCode } from '../../protocol/code-reading.ts';
import { makeKeyPair, readPrivateKey } from '../../protocol/envelope.ts';
import { GENESIS_HASH, type Head } from '../../protocol/journal.ts';
import { RESERVATION_MS } from '../../protocol/limits.ts';
import type { Down, DownBody, DownType, Up, UpBody, UpType } from '../../protocol/messages.ts';
import type { Decision } from '../../protocol/redemption-api.ts';
import type { ReservationGrant } from '../../protocol/reservation.ts';
import type { SaleRequest, Till } from '../../gateway/till/port.ts';
import { TillUnavailable } from '../../gateway/till/port.ts';
import { SqliteTillStore } from '../../gateway/till/sqlite-store.ts';
import type { WitnessReading } from '../../gateway/till/start-rules.ts';
import type { TillStore } from '../../gateway/till/store.ts';
import { createTill } from '../../gateway/till/till.ts';
import type { Witness } from '../../gateway/till/witness.ts';

/** A box on a bench: real rules, real SQLite in memory, and a line, a witness, clocks and timers that a test turns by hand. */

export const GATEWAY = 'gw-00000001';
export const DOOR = `gateway:${GATEWAY}`;
export const STORE = { id: '0042', name: 'Main Street', timeZone: 'America/New_York' };
export const INCARNATION = `1-${'a'.repeat(32)}`;
const FLEET_KEY = new Uint8Array(32).fill(7);
export const BLANK_KEY = blankKeyOf(readPrivateKey(makeKeyPair().privatePem));
/** 23 November 2026, 10:00 UTC. */
export const T0 = Date.UTC(2026, 10, 23, 10);

/** The same at every run: a counter, hashed. */
const bytes = (size: number): Uint8Array =>
  Uint8Array.from({ length: size }, (_, index) => createHmac('sha256', 'codes').update(`${index}`).digest()[0] ?? 0);
const CODES: readonly Code[] = makeCodes(12, bytes);
export const codeAt = (index: number): Code => {
  const code = CODES[index];
  if (code === undefined) throw new Error('no such code');
  return code;
};
/** A code of any kind, in its normal form. */
export function codeOf(raw: string, forms: readonly CodeForm[]): Code {
  const reading = readCode(raw, forms);
  if (reading.kind !== 'code') throw new Error(`${raw} reads as ${reading.kind}`);
  return reading.code;
}
/** Where its face would be. */
export const faceOf = (code: Code) => `https://coupons.example/c/${hashOf(code).slice(0, 22)}`;
export const hashOf = (code: Code) => hashCode(FLEET_KEY, code);

export const card = (changes: Partial<Card> = {}): Card => ({
  version: 1,
  offer: {
    campaign: 'spring',
    title: '$5 off',
    discount: { type: 'amount', amount: 500, currency: 'USD' },
    promotionRef: 'PLU-7781',
  },
  channels: ['store', 'online'],
  timeZone: 'America/New_York',
  startsAt: '2026-11-01',
  endsAt: '2026-12-31',
  stores: 'all',
  minimumBasket: null,
  onSilence: 'hold',
  ...changes,
});

export class MemoryWitness implements Witness {
  head: Head | null = { epoch: 1, n: 0, hash: GENESIS_HASH };
  isBroken = false;
  isUnreadable = false;
  /** Something would have been written over a head that says more. */
  wentBack = false;

  read(): WitnessReading {
    if (this.isUnreadable) return { kind: 'unreadable' };
    return this.head === null ? { kind: 'missing' } : { kind: 'head', head: this.head };
  }

  write(head: Head): void {
    if (this.isBroken || this.head === null) throw new TillUnavailable('the witness cannot be written');
    const isSame = head.epoch === this.head.epoch && head.n === this.head.n && head.hash === this.head.hash;
    if (!isSame && (head.epoch < this.head.epoch || (head.epoch === this.head.epoch && head.n <= this.head.n))) {
      this.wentBack = true;
      throw new TillUnavailable('the witness says more');
    }
    this.head = head;
  }
}

type Timer = { readonly dueMs: number; readonly run: () => void };

export class World {
  store: TillStore & { serialize(): Buffer };
  readonly witness = new MemoryWitness();
  till: Till | null = null;
  readonly sent: Up[] = [];
  /** False: messages are not taken. */
  lineIsOpen = true;
  welcomes = 0;
  wall = T0;
  ms = 1_000;
  /** Called with what is about to be done to the disk or the witness: may throw. */
  beforePort: (act: 'commit' | 'witness') => void = () => {};
  afterPort: (act: 'commit' | 'witness') => void = () => {};
  strict = false;
  #timers = new Set<Timer>();
  #ids = 0;
  #number = 0;
  #life = 0;

  constructor() {
    this.store = new SqliteTillStore(':memory:');
    this.store.make({ gateway: GATEWAY, incarnation: INCARNATION, epoch: 1 });
  }

  id(): string {
    this.#ids += 1;
    return `id-${String(this.#ids).padStart(8, '0')}`;
  }

  async start(): Promise<Till> {
    const inner = this.store;
    this.#life += 1;
    const life = this.#life;
    const mustLive = () => {
      if (life !== this.#life) throw new TillUnavailable('the power is off');
    };
    const store: TillStore = new Proxy(inner, {
      get: (target, name) => {
        if (name === 'commit')
          return () => {
            mustLive();
            this.beforePort('commit');
            target.commit();
            this.afterPort('commit');
          };
        const member = Reflect.get(target, name, target);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    const witness: Witness = {
      read: () => this.witness.read(),
      write: (head) => {
        mustLive();
        this.beforePort('witness');
        this.witness.write(head);
        this.afterPort('witness');
      },
    };
    this.till = await createTill({
      store,
      witness,
      line: {
        send: (message) => {
          if (this.lineIsOpen) this.sent.push(message);
          return this.lineIsOpen;
        },
        journalGrew: () => {},
        settled: () => {},
        welcomed: () => {
          this.welcomes += 1;
        },
      },
      now: () => this.wall,
      monotonic: () => this.ms,
      newId: () => this.id(),
      defer: (run) => setImmediate(run),
      setTimer: (run, delayMs) => {
        const timer = { dueMs: this.ms + delayMs, run };
        this.#timers.add(timer);
        return () => this.#timers.delete(timer);
      },
      identity: {
        gateway: GATEWAY,
        store: STORE,
        fleetKey: FLEET_KEY,
        blankKey: BLANK_KEY,
        keyId: 'key-0001',
        version: '0.1.0',
      },
      settings: { reserveDeadlineMs: 800, strict: this.strict },
    });
    return this.till;
  }

  get box(): Till {
    if (this.till === null) throw new Error('the box is off');
    return this.till;
  }

  /** Power cut: what was committed stays on the disk, all else is gone. */
  crash(): void {
    this.till = null;
    this.#timers.clear();
    this.sent.length = 0;
    this.store.rollback();
    this.restore(this.backup());
  }

  backup(): Buffer {
    return this.store.serialize();
  }

  restore(image: Buffer): void {
    this.till = null;
    this.#life += 1;
    this.store = new SqliteTillStore(image);
  }

  /** Lets time pass on both clocks; timers that come due run. */
  async pass(ms: number): Promise<void> {
    this.ms += ms;
    this.wall += ms;
    for (const timer of [...this.#timers]) {
      if (timer.dueMs > this.ms) continue;
      this.#timers.delete(timer);
      timer.run();
    }
    await turn();
  }

  /** The line comes up and proves the time: hello, challenge, attest, welcome. */
  async connect(cards: Card[] = [card()]): Promise<void> {
    const { nonce } = this.box.hello();
    const challenge = this.id();
    await this.hear('challenge', { nonce, challenge, epoch: 1, n: this.box.status().acknowledged });
    const acknowledged = this.ackAt(this.box.status().acknowledged);
    const keys = [{ id: 'cloud-key', publicKey: 'x' }];
    await this.hear('welcome', { challenge, epoch: 1, acknowledged, now: this.wall, keys, cards });
    this.box.lineIs('up', this.wall);
    await turn();
  }

  ackAt(n: number): Head {
    return { epoch: 1, n, hash: this.store.hashAt({ epoch: 1, n }) ?? '' };
  }

  async cut(): Promise<void> {
    this.lineIsOpen = false;
    this.box.lineIs('down', this.wall);
    await turn();
  }

  async back(): Promise<void> {
    this.lineIsOpen = true;
    await this.connect([]);
  }

  hear<T extends DownType>(
    type: T,
    body: DownBody<T>,
    changes: { incarnation?: string; epoch?: number; gateway?: string } = {},
  ): Promise<void> {
    const header = {
      v: 1,
      id: this.id(),
      gateway: GATEWAY,
      incarnation: INCARNATION,
      epoch: 1,
      bootId: 1,
      type,
      ...changes,
    } as const;
    return this.box.receive(header, { type, body } as Down);
  }

  grant(items: readonly ReservationGrant[], about: Partial<DownBody<'grant'>> = {}): DownBody<'grant'> {
    this.#number += 1;
    return {
      number: this.#number,
      cause: { kind: 'stock', request: null },
      manifest: [...items],
      cards: [],
      tombstones: [],
      ...about,
    };
  }

  reservation(code: Code, changes: Partial<ReservationGrant> = {}): ReservationGrant {
    return {
      reservation: this.id(),
      codeHash: hashOf(code),
      lastFour: lastFour(code),
      generation: 0,
      notAfter: this.wall + RESERVATION_MS,
      campaign: 'spring',
      cardVersion: 1,
      ...changes,
    };
  }

  /** A blank, as the cloud grants it to this box. */
  blank(code: Code): ReservationGrant {
    const place = { gateway: GATEWAY, codeHash: hashOf(code) };
    const sealed = sealBlank(BLANK_KEY.publicKey, { code, link: faceOf(code) }, place);
    if (sealed === null) throw new Error('it cannot be sealed');
    return this.reservation(code, { sealed });
  }

  /** A customer's own coupon, as the cloud tells it to this box. */
  coupon(code: Code, request: string): DownBody<'coupon'> {
    const { sealed = '', codeHash } = this.blank(code);
    const { offer } = card();
    return { request, codeHash, sealed, offer, until: Date.UTC(2027, 0, 1, 5) };
  }

  /** Reserved ahead here. */
  async stock(...codes: Code[]): Promise<ReservationGrant[]> {
    const items = codes.map((code) => this.reservation(code));
    await this.hear('grant', this.grant(items));
    return items;
  }

  lastSent<T extends UpType>(type: T): UpBody<T> | undefined {
    return this.sent.findLast((message): message is Extract<Up, { type: T }> => message.type === type)?.body as
      | UpBody<T>
      | undefined;
  }

  journal(): string[] {
    return this.store.entries(1, 1, 10_000).map(({ body }) => ('why' in body ? `${body.kind} ${body.why}` : body.kind));
  }

  async validate(code: string, basket: string, changes: Partial<SaleRequest> = {}): Promise<Decision> {
    return one(await this.box.validate(sale([code], basket, changes)));
  }

  async redeem(code: string, basket: string, changes: Partial<SaleRequest> = {}): Promise<Decision> {
    return one(await this.box.redeem(sale([code], basket, changes)));
  }
}

export function sale(codes: readonly string[], basket: string, changes: Partial<SaleRequest> = {}): SaleRequest {
  const total = { amount: 4200, currency: 'USD' };
  return { codes, allOrNone: false, basket, lane: '3', total, customer: null, discount: null, ...changes };
}

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

function one(result: Awaited<ReturnType<Till['validate']>>): Decision {
  if (!result.ok) throw new Error(result.error);
  const [decision] = result.value;
  if (decision === undefined || result.value.length !== 1) throw new Error('not one decision');
  return decision;
}
