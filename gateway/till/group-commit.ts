import { chainEntries, type Head } from '../../protocol/journal.ts';
import type { Session } from './box-rules.ts';
import {
  afterwards,
  type Change,
  type Decided,
  type Effect,
  FRESH_SESSION,
  type SessionChange,
} from './draft-rules.ts';
import { TillUnavailable } from './port.ts';
import { step } from './step.ts';
import type { TillStore } from './store.ts';
import type { Witness } from './witness.ts';

export type GroupCommitPorts = {
  readonly store: TillStore;
  readonly witness: Witness;
  /** Runs it when the present turn of the event loop is over. */
  readonly defer: (run: () => void) => void;
  /** What anyone outside can see. Must not throw. */
  readonly perform: (effect: Effect) => void;
};

/** The process stands still for one batch: some twenty milliseconds of decisions, and the two syncs. */
const COMMANDS_PER_COMMIT_MAX = 100;

/**
 * Commands that gather in one turn of the event loop are one transaction and one write of the witness: two syncs for all
 * of them. Each is decided over what the earlier ones changed; nothing of any is seen before both syncs are done [G4].
 */
export class GroupCommit {
  readonly #ports: GroupCommitPorts;
  readonly #waiting: Job[] = [];
  #session: Session = FRESH_SESSION;
  /** The chain as it is on the disk, and as far as the witness is known to cover it. */
  #committed: Head;
  #witnessed: Head | null = null;
  /** Where the open transaction has come. */
  #applied: Head;
  /** What was remembered while a batch was carried out: its failure does not undo that. */
  readonly #remembered: SessionChange[] = [];
  #isOpen = false;
  #isClosed = false;

  constructor(ports: GroupCommitPorts) {
    this.#ports = ports;
    this.#committed = ports.store.box().head;
    this.#applied = this.#committed;
  }

  get session(): Session {
    return this.#session;
  }

  /** As far as anyone outside may know of the journal; null: nothing. */
  get witnessed(): Head | null {
    return this.#witnessed;
  }

  /** For what is neither on disk nor decided: a hello went out. */
  remember(change: SessionChange): void {
    this.#remembered.push(change);
    this.#session = afterwards(this.#session, [change]);
  }

  /** @throws TillUnavailable (the promise) where the data or the witness cannot be read or written: nothing was shown */
  run<A>(decide: (session: Session) => Decided<A>): Promise<A> {
    if (this.#isClosed) return Promise.reject(new TillUnavailable('the till is closed'));
    return new Promise((resolve, reject) => {
      this.#waiting.push(jobOf(decide, resolve, reject));
      if (this.#waiting.length === 1) this.#ports.defer(() => this.#nextTurn());
    });
  }

  #nextTurn(): void {
    const jobs = this.#waiting.splice(0, COMMANDS_PER_COMMIT_MAX);
    if (this.#waiting.length > 0) this.#ports.defer(() => this.#nextTurn());
    if (jobs.length > 0) this.#carryOut(jobs);
  }

  /** Carries out what waits and then this, at once; after it nothing runs. */
  close(last: (session: Session) => Decided<void>): void {
    const stop = jobOf(last, ignore, ignore);
    this.#isClosed = true;
    this.#carryOut([...this.#waiting.splice(0), stop]);
  }

  #carryOut(jobs: readonly Job[]): void {
    const before = this.#session;
    this.#remembered.length = 0;
    const released: Ready[] = [];
    try {
      this.#catchUp();
      this.#ports.store.begin();
      this.#applied = this.#committed;
      this.#isOpen = true;
      for (const ready of jobs.map((job) => this.#decide(job))) {
        this.#step(ready);
        released.push(ready);
      }
      this.#commit();
    } catch (error) {
      this.#undo();
      const seen = released.flatMap(({ decided }) => decided.memory);
      this.#session = afterwards(before, [...seen, ...this.#remembered]);
      for (const job of jobs) job.fail(error);
    }
  }

  /** A witness that could not be written stops the answering: not one more entry is committed over it [G4]. */
  #catchUp(): void {
    if (this.#session.standing === 'validated') this.#witness();
  }

  #decide(job: Job): Ready {
    const ready = job.decide(this.#session);
    this.#apply(ready.decided.changes);
    this.#session = afterwards(this.#session, ready.decided.memory);
    return ready;
  }

  #apply(changes: readonly Change[]): void {
    const bodies = changes.flatMap((change) => (change.do === 'journal' ? [change.body] : []));
    const entries = chainEntries(this.#applied, bodies);
    this.#ports.store.apply(changes, entries);
    const last = entries.at(-1);
    if (last !== undefined) this.#applied = { epoch: last.epoch, n: last.n, hash: last.hash };
  }

  /** The first decision commits for all that were applied, and witnesses; the others find it done. */
  #step({ decided, answer }: Ready): void {
    step(decided, {
      commit: () => this.#commit(),
      witness: () => this.#witness(),
      release: (effects) => {
        answer();
        for (const effect of effects) this.#ports.perform(effect);
      },
    });
  }

  #commit(): void {
    if (!this.#isOpen) return;
    this.#ports.store.commit();
    this.#isOpen = false;
    this.#committed = this.#applied;
  }

  #witness(): void {
    const head = this.#committed;
    if (this.#witnessed?.epoch === head.epoch && this.#witnessed.n === head.n) return;
    this.#ports.witness.write(head);
    this.#witnessed = head;
  }

  #undo(): void {
    this.#isOpen = false;
    try {
      this.#ports.store.rollback();
    } catch {
      // The disk that failed the transaction may fail its end too; the next `begin` will tell.
    }
  }
}

type Ready = { readonly decided: Decided<unknown>; readonly answer: () => void };
type Job = { readonly decide: (session: Session) => Ready; readonly fail: (error: unknown) => void };

function jobOf<A>(
  decide: (session: Session) => Decided<A>,
  resolve: (answer: A) => void,
  fail: (error: unknown) => void,
): Job {
  return {
    decide: (session) => {
      const decided = decide(session);
      return { decided, answer: () => resolve(decided.answer) };
    },
    fail,
  };
}

const ignore = (): void => {};
