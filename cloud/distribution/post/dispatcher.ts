import { setTimeout as sleep } from 'node:timers/promises';
import { LedgerUnavailable } from '../../ledger/port.ts';
import type { Log } from '../../log.ts';
import { Bell } from './bell.ts';
import { apply } from './changes.ts';
import type { Outcome } from './message-rules.ts';
import { Pace } from './pace.ts';
import type { Letter, Prepared } from './prepared.ts';
import type { DeliveryRow, MessageRow, PostChannel, PostStore, PostTx } from './store.ts';

/** What is due in some queues of one channel. */
export type DispatcherShape = {
  readonly channel: PostChannel;
  /** The first goes first. */
  readonly queues: () => Promise<readonly Queue[]>;
  readonly perSecond: number;
  readonly atOnceMax: number;
};
export type Queue = { readonly name: string; readonly delivery: DeliveryRow | null };

export type DispatcherPorts = {
  /** The name of this node, the same after a restart. */
  readonly node: string;
  readonly store: PostStore;
  readonly prepare: (message: MessageRow, delivery: DeliveryRow | null) => Promise<Prepared>;
  readonly send: (letter: Letter) => Promise<Outcome>;
  /** The provider has this one. */
  readonly accepted: (message: MessageRow) => void;
  readonly now: () => number;
  readonly log: Log;
};

/** What keeps a provider from taking anything; null: nothing is known to. */
export type Trouble = { readonly since: number; readonly reason: string } | null;

/** Nobody waits for a bulk message by the second; what is urgent wakes the dispatcher. */
const REST_MS = 1_000;
/** While many attempts are under way, their ends gather: two commits are for all of them. */
const GATHER_MS = 10;
const AWAY_FIRST_MS = 1_000;
const AWAY_LONGEST_MS = 60_000;
/** Answers that come while the process ends are still noted. */
const CLOSE_PATIENCE_MS = 4_000;

type Done = { readonly id: string; readonly outcome: Outcome };
type Picked = { readonly message: MessageRow; readonly prepared: Prepared };

/**
 * Sends what is due. One transaction writes down what the last attempts came to and which are made next; these begin when
 * it is durable. So each message is `sending` before its attempt, and a crash leaves no other doubt than about those.
 */
export class Dispatcher {
  readonly #shape: DispatcherShape;
  readonly #ports: DispatcherPorts;
  readonly #pace: Pace;
  readonly #underWay = new Set<Promise<void>>();
  #done: Done[] = [];
  readonly #bell = new Bell();
  /** By the clock that nobody sets. */
  #awayUntil = 0;
  #awayTimes = 0;
  trouble: Trouble = null;

  constructor(shape: DispatcherShape, ports: DispatcherPorts) {
    this.#shape = shape;
    this.#ports = ports;
    this.#pace = new Pace(shape.perSecond);
  }

  /** Resolves when `stop` has aborted, and what was under way is answered or given up. @throws on a defect */
  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      if (!(await this.#turn())) await this.#bell.wait(this.#restMs(), stop);
      if (this.#underWay.size > this.#shape.atOnceMax / 2) await sleep(GATHER_MS);
    }
    const late = new Promise((over) => setTimeout(over, CLOSE_PATIENCE_MS).unref());
    await Promise.race([Promise.all(this.#underWay), late]);
    await this.#write([]);
  }

  /** There is something new. */
  wake(): void {
    this.#bell.ring();
  }

  /** @returns whether there was anything to do */
  async #turn(): Promise<boolean> {
    try {
      const picked = await this.#pick();
      const isIdle = picked.length === 0 && this.#done.length === 0;
      if (!isIdle) await this.#write(picked);
      return !isIdle;
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      this.#ports.log.warn({ err: error }, 'messages wait: the ledger is not available');
      return false;
    }
  }

  async #pick(): Promise<Picked[]> {
    const picked: Picked[] = [];
    const { store, now } = this.#ports;
    const room = this.#room();
    if (room === 0) return picked;
    for (const { name, delivery } of await this.#shape.queues()) {
      const most = room - picked.length;
      if (most === 0) break;
      const due = await store.read((tx) => tx.due(this.#shape.channel, name, now(), most));
      picked.push(...(await Promise.all(due.map((message) => this.#prepare(message, delivery)))));
    }
    return picked;
  }

  /** How many attempts may begin now. Where the provider was away, one tries whether it is back. */
  #room(): number {
    if (performance.now() < this.#awayUntil) return 0;
    const atOnceMax = this.trouble === null ? this.#shape.atOnceMax : 1;
    return Math.max(0, Math.min(atOnceMax - this.#underWay.size, this.#pace.left));
  }

  /** One that cannot be prepared must not keep all others from being sent. */
  async #prepare(message: MessageRow, delivery: DeliveryRow | null): Promise<Picked> {
    try {
      return { message, prepared: await this.#ports.prepare(message, delivery) };
    } catch (error) {
      if (error instanceof LedgerUnavailable) throw error;
      this.#ports.log.error({ err: error, message: message.id }, 'a message cannot be prepared');
      return { message, prepared: { is: 'suppressed', reason: 'defect' } };
    }
  }

  async #write(picked: readonly Picked[]): Promise<void> {
    const { store, now, accepted, node } = this.#ports;
    const done = this.#done;
    const written = await store.transaction(async (tx) => {
      const ended: MessageRow[] = [];
      for (const { id, outcome } of done) {
        const after = await apply(tx, id, outcome, now());
        if (after !== null && outcome.is === 'accepted') ended.push(after);
      }
      const begun: { id: string; letter: Letter }[] = [];
      const stopped = await stoppedOf(tx, picked);
      for (const { message, prepared } of picked) {
        if (message.delivery !== null && stopped.has(message.delivery)) continue;
        const letter = prepared.is === 'ready' ? prepared.letter : null;
        const event = prepared.is === 'ready' ? ({ is: 'attempted' } as const) : prepared;
        const beside =
          prepared.is === 'ready' ? { assignment: prepared.assignment, consent: prepared.consent, sender: node } : {};
        const after = await apply(tx, message.id, event, now(), beside);
        if (after !== null && letter !== null) begun.push({ id: message.id, letter });
      }
      return { ended, begun };
    });
    this.#done = this.#done.slice(done.length);
    for (const message of written.ended) accepted(message);
    this.#pace.take(written.begun.length);
    for (const { id, letter } of written.begun) this.#attempt(id, letter);
  }

  #attempt(id: string, letter: Letter): void {
    const attempt = this.#send(id, letter).then((outcome) => {
      this.#note(outcome);
      this.#done = [...this.#done, { id, outcome }];
      this.#underWay.delete(attempt);
      this.#bell.ring();
    });
    this.#underWay.add(attempt);
  }

  /** A provider's adapter never throws; should it, nobody knows how far it had come. */
  async #send(id: string, letter: Letter): Promise<Outcome> {
    try {
      return await this.#ports.send(letter);
    } catch (error) {
      this.#ports.log.error({ err: error, message: id }, 'a defect while a message was sent');
      return { is: 'unknown', reason: 'defect' };
    }
  }

  #note(outcome: Outcome): void {
    if (outcome.is !== 'away') {
      if (outcome.is === 'unknown') return;
      this.trouble = null;
      this.#awayTimes = 0;
      return;
    }
    const { now, log } = this.#ports;
    const { reason } = outcome;
    if (this.trouble === null) log.warn({ channel: this.#shape.channel, reason }, 'the provider takes no messages');
    this.trouble = { since: this.trouble?.since ?? now(), reason };
    if (performance.now() < this.#awayUntil) return;
    const waitMs = outcome.retryAfterMs ?? AWAY_FIRST_MS * 2 ** this.#awayTimes;
    this.#awayTimes += 1;
    this.#awayUntil = performance.now() + Math.min(AWAY_LONGEST_MS, waitMs);
  }

  #restMs(): number {
    const isPaced = this.#underWay.size < this.#shape.atOnceMax && this.#pace.waitMs > 0;
    return isPaced ? Math.min(REST_MS, this.#pace.waitMs) : REST_MS;
  }
}

/** Deliveries that were paused after their messages had been looked for: once that is answered, none of them begins. */
async function stoppedOf(tx: PostTx, picked: readonly Picked[]): Promise<Set<string>> {
  const stopped = new Set<string>();
  for (const id of new Set(picked.flatMap(({ message }) => message.delivery ?? [])))
    if ((await tx.delivery(id))?.pausedAt != null) stopped.add(id);
  return stopped;
}
