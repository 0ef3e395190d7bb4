import { type KeyObject, randomUUID } from 'node:crypto';
import { type Dropped, type Opened, openUp, readPublicKey, seal, type SigningKey } from '../../protocol/envelope.ts';
import type { Down, Up } from '../../protocol/messages.ts';
import { err, type Result } from '../../protocol/result.ts';
import { downTopic, readUpTopic } from '../../protocol/topics.ts';
import { type Ledger, LedgerUnavailable } from '../ledger/port.ts';

/** The cloud's end of the link: messages of boxes are checked and given to the ledger; the outbox is published in order. */

/** What carries messages; mqtt.ts is the real one. */
export interface Carrier {
  /** Resolves when the broker has taken it; rejects where the line to the broker is down. */
  publish(topic: string, bytes: Buffer): Promise<void>;
}

export type LinkPorts = {
  readonly ledger: Ledger;
  readonly signingKey: SigningKey;
  readonly carrier: Carrier;
  readonly now: () => number;
  readonly log: {
    info(facts: object, text: string): void;
    warn(facts: object, text: string): void;
    error(facts: object, text: string): void;
  };
};

export class CloudLink {
  readonly #ports: LinkPorts;
  /** Boxes that were heard since they were last gone: what is published to nobody is lost. */
  readonly #present = new Set<string>();
  readonly #keys = new Map<string, KeyObject>();
  readonly #pumps = new Map<string, { after: number; running: boolean; again: boolean }>();

  constructor(ports: LinkPorts) {
    this.#ports = ports;
  }

  /** A message as the broker delivered it. What is forged, foreign or unreadable is dropped and audited. */
  received(topic: string, bytes: Uint8Array): void {
    const { log } = this.#ports;
    const address = readUpTopic(topic);
    if (address === null) {
      log.warn({ topic }, 'message dropped: no topic of a gateway');
      return;
    }
    const { gateway } = address;
    const opened = this.#open(gateway, bytes);
    if (!opened.ok) {
      log.warn({ gateway, why: opened.error }, 'message dropped');
      return;
    }
    this.#give(gateway, opened.value);
  }

  #open(gateway: string, bytes: Uint8Array): Result<Opened<Up>, Dropped | 'another_gateway'> {
    const key = this.#ports.ledger.gatewayKey(gateway);
    const opened = openUp(bytes, (keyId) => (key?.keyId === keyId ? this.#keyOf(key.publicKey) : null));
    return opened.ok && opened.value.header.gateway !== gateway ? err('another_gateway') : opened;
  }

  /** Reading a key takes longer than checking a signature with it; a box has one for years. */
  #keyOf(publicKey: string): KeyObject | null {
    const known = this.#keys.get(publicKey);
    if (known !== undefined) return known;
    const read = readPublicKey(publicKey);
    if (read !== null) this.#keys.set(publicKey, read);
    return read;
  }

  #give(gateway: string, { header, message }: Opened<Up>): void {
    if (message.type === 'presence' && !message.body.online) this.#present.delete(gateway);
    else this.#present.add(gateway);
    this.#ports.ledger.receive(header, message).then(
      () => this.wake(gateway),
      (error) => this.#failed(error, gateway),
    );
  }

  /** There is something in the outbox of this box. */
  wake(gateway: string): void {
    if (!this.#present.has(gateway)) return;
    const pump = this.#pumps.get(gateway) ?? { after: 0, running: false, again: false };
    this.#pumps.set(gateway, pump);
    pump.again = true;
    if (pump.running) return;
    pump.running = true;
    this.#pump(gateway, pump)
      .catch((error) => this.#failed(error, gateway))
      .finally(() => {
        pump.running = false;
      });
  }

  /** The line to the broker is new: whoever is there will be heard; what was not taken goes again. */
  reconnected(): void {
    this.#pumps.clear();
    for (const gateway of this.#present) this.wake(gateway);
  }

  async #pump(gateway: string, pump: { after: number; again: boolean }): Promise<void> {
    while (pump.again) {
      pump.again = false;
      const rows = await this.#ports.ledger.outbox(gateway, pump.after);
      if (rows.length === 0) continue;
      await Promise.all(rows.map(({ epoch, message }) => this.#send(gateway, epoch, message)));
      pump.after = rows.at(-1)?.seq ?? pump.after;
      this.#ports.ledger.published(rows.map(({ seq }) => seq));
      pump.again = true;
    }
  }

  async #send(gateway: string, epoch: number, message: Down): Promise<void> {
    const { carrier, ledger, signingKey, now } = this.#ports;
    if (message.type === 'recall' && message.body.deadline !== null && message.body.deadline <= now()) return;
    const login = ledger.brokerLogin(gateway);
    if (login === null) return;
    const header = {
      id: randomUUID(),
      gateway,
      incarnation: ledger.incarnation,
      epoch,
      bootId: 0,
    };
    await carrier.publish(downTopic({ shard: login.shard, gateway }), seal('down', header, message, signingKey));
  }

  #failed(error: unknown, gateway: string): void {
    const why = error instanceof Error ? error.message : String(error);
    if (error instanceof LedgerUnavailable)
      this.#ports.log.error({ gateway, why }, 'a message could not be taken: the box will send it again');
    else this.#ports.log.error({ gateway, why, err: error }, 'a message failed');
  }
}
