import type { CodeHash } from '../../protocol/code.ts';
import { Gathering } from './gathering.ts';
import type { RefusedAttempt } from './port.ts';
import { type LedgerStore, LostRace } from './store.ts';
import { Unit } from './unit.ts';
import { Watchers } from './watchers.ts';

/** More commands in one transaction gain nothing measurable and make the last of them wait. */
const COMMANDS_PER_GROUP_MAX = 256;
/** A race that is lost this often is no race but a defect. */
const TRIES_MAX = 5;

type Command = {
  readonly hashes: readonly CodeHash[];
  readonly work: (unit: Unit) => Promise<unknown>;
};

export type GroupPorts = {
  readonly store: LedgerStore;
  readonly now: () => number;
  readonly newId: () => string;
  /** After the commit: there are messages for this box. */
  readonly wake: (gateway: string) => void;
  /** After the commit: somebody was told no. */
  readonly refused: (attempt: RefusedAttempt) => void;
};

/** The commands that move codes, gathered into transactions. */
export class Group {
  readonly #ports: GroupPorts;
  readonly #gathering = new Gathering<Command, unknown>((group) => this.#transact(group), COMMANDS_PER_GROUP_MAX);
  #published: number[] = [];
  readonly #codes = new Watchers<CodeHash>();
  readonly #campaigns = new Watchers<string>();

  constructor(ports: GroupPorts) {
    this.#ports = ports;
  }

  /** @param hashes the codes that the work will ask for, so that one load serves the group */
  run<T>(hashes: readonly CodeHash[], work: (unit: Unit) => Promise<T>): Promise<T> {
    return this.#gathering.run({ hashes, work }) as Promise<T>;
  }

  /** Outbox rows that the broker has taken: they go with the next commit. */
  published(seqs: readonly number[]): void {
    this.#published.push(...seqs);
  }

  get hasPublished(): boolean {
    return this.#published.length > 0;
  }

  /** Resolves when one of the codes moves, or at the time given. */
  async moved(hash: CodeHash, untilMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const over = () => {
        clearTimeout(timer);
        stop();
        resolve();
      };
      const timer = setTimeout(over, Math.max(0, untilMs - this.#ports.now()));
      const stop = this.#codes.watch(hash, over);
    });
  }

  /** Something about a code changed that who waits for it must see. */
  nudge(hash: CodeHash): void {
    this.#codes.tell(hash);
  }

  /** @param moved told after each commit in which the code moved, and when a store says that it is in use; throws nothing @returns stops it */
  watchCode(hash: CodeHash, moved: () => void): () => void {
    return this.#codes.watch(hash, moved);
  }

  /** @param changed told after each commit of a new version of its terms; throws nothing @returns stops it */
  watchCampaign(id: string, changed: () => void): () => void {
    return this.#campaigns.watch(id, changed);
  }

  async #transact(group: readonly Command[]): Promise<unknown[]> {
    for (let tries = 1; ; tries += 1) {
      const published = this.#published.slice();
      try {
        const { results, written } = await this.#ports.store.transaction(async (tx) => {
          const unit = new Unit(tx, this.#ports.newId, this.#ports.now());
          await unit.load(group.flatMap(({ hashes }) => hashes));
          const results: unknown[] = [];
          for (const { work } of group) results.push(await work(unit));
          return { results, written: await unit.write(published) };
        });
        this.#published = this.#published.slice(published.length);
        for (const gateway of written.gateways) this.#ports.wake(gateway);
        for (const attempt of written.refused) this.#ports.refused(attempt);
        for (const hash of written.codes) this.nudge(hash);
        for (const id of written.campaigns) this.#campaigns.tell(id);
        return results;
      } catch (error) {
        if (!(error instanceof LostRace) || tries === TRIES_MAX) throw error;
      }
    }
  }
}
