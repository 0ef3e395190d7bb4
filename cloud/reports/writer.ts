import type { NoteTrace, Trace } from '../distribution/traces.ts';
import { LedgerUnavailable, type RefusedAttempt } from '../ledger/port.ts';
import type { Log } from '../log.ts';
import { dayIn } from './days.ts';
import { cleanSource, leakOf } from './event-rules.ts';
import type { NewEvent } from './events.ts';
import { type LeakPorts, leaksOf } from './leaks.ts';
import { STRANGERS_SOURCES } from './sources.ts';
import type { TraceStore } from './store.ts';

/**
 * What doors and the ledger note in passing, written soon after in batches. Nobody waits for it: what a crash takes is at
 * most what was noted in the last fifth of a second, or while the database was away, and never money.
 */
export class TraceWriter {
  readonly #ports: WriterPorts;
  #traces: Trace[] = [];
  #leaks: RefusedAttempt[] = [];
  #dropped = 0;
  #timer: NodeJS.Timeout | null = null;
  /** It is being written, or the database is away: a full batch alone is no reason to begin. */
  #isBusy = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(ports: WriterPorts) {
    this.#ports = ports;
  }

  readonly note: NoteTrace = (trace) => this.#take(this.#traces, trace);

  /** Of the ledger: whoever tries again what is refused is no news, and what is no leak is none. */
  readonly refused = (attempt: RefusedAttempt): void => {
    if (leakOf(attempt.reason) !== null) this.#take(this.#leaks, attempt);
  };

  /** Resolves when all that was noted until now is written, or its writing has failed and will be tried again. */
  flush(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#isBusy = true;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  #take<T>(waiting: T[], one: T): void {
    if (this.#traces.length + this.#leaks.length >= WAITING_MAX) {
      this.#dropped += 1;
      return;
    }
    waiting.push(one);
    if (this.#traces.length + this.#leaks.length >= EVENTS_PER_BATCH && !this.#isBusy) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), WRITE_MS).unref();
  }

  async #write(): Promise<void> {
    while (this.#traces.length + this.#leaks.length > 0) {
      const traces = this.#traces.slice(0, EVENTS_PER_BATCH);
      const leaks = this.#leaks.slice(0, EVENTS_PER_BATCH);
      try {
        const { distribution, store } = this.#ports;
        const events = await eventsOf(distribution, traces);
        const attempts = await leaksOf(this.#ports, leaks);
        await store.transaction(async (tx) => {
          await tx.add(events, STRANGERS_SOURCES);
          await tx.addLeaks(attempts, STRANGERS_SOURCES);
        });
      } catch (error) {
        if (error instanceof LedgerUnavailable) return this.#tryLater();
        // A defect would stop it again and again: the others must not wait behind it.
        this.#ports.log.error({ err: error, events: traces.length + leaks.length }, 'events could not be written');
      }
      this.#traces = this.#traces.slice(traces.length);
      this.#leaks = this.#leaks.slice(leaks.length);
      this.#tellDropped();
    }
    this.#isBusy = false;
  }

  /** While the database is away all is kept. */
  #tryLater(): void {
    this.#timer ??= setTimeout(() => void this.flush(), RETRY_MS).unref();
  }

  #tellDropped(): void {
    if (this.#dropped === 0) return;
    this.#ports.log.warn({ events: this.#dropped }, 'more events came than could be kept: these are not counted');
    this.#dropped = 0;
  }
}

export type WriterPorts = LeakPorts & { readonly store: TraceStore; readonly log: Log };

/** A page's visitor shows in a report within this time. */
const WRITE_MS = 200;
/** One transaction of some ten milliseconds: a register's redemption may wait for it. */
const EVENTS_PER_BATCH = 500;
/** The database is away. */
const RETRY_MS = 1_000;
/** Some tens of megabytes, and minutes of a busy day. */
const WAITING_MAX = 50_000;

async function eventsOf(distribution: WriterPorts['distribution'], traces: readonly Trace[]): Promise<NewEvent[]> {
  const ids = [...new Set(traces.map(({ campaign }) => campaign))];
  const campaigns = await distribution.read((tx) => tx.campaigns(ids));
  const zones = new Map(campaigns.map(({ id, card }) => [id, card.timeZone]));
  return traces.flatMap((trace) => {
    const zone = zones.get(trace.campaign);
    return zone === undefined ? [] : eventOf(trace, zone);
  });
}

const eventOf = (
  { kind, at, campaign, assignment, channel, source, store, basket }: Trace,
  zone: string,
): NewEvent => ({
  ...{ kind, at, campaign, assignment, channel, day: dayIn(at, zone), source: cleanSource(source) },
  ...{ store: store ?? null, door: null, basket: basket ?? null, money: null, why: null },
});
