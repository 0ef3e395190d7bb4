import { LedgerUnavailable } from '../ledger/port.ts';
import { oneByOne } from '../ledger/turns.ts';
import type { Log } from '../log.ts';

/** Server-sent events: a page's state, whole, at the start and whenever it has changed. */

/** What one stream tells. */
export type Feed = {
  /** Null: it is over. `lookAgainAt`: when it may change by time alone, milliseconds since 1970. */
  readonly state: () => Promise<{ readonly data: string; readonly lookAgainAt: number | null } | null>;
  /** @returns what ends it */
  readonly watch: (changed: () => void) => () => void;
};

export type Streams = {
  /** Null: too many are open, from this address or in all. */
  open(remote: string, feed: Feed): Response | null;
  /** Ends all of them: the process stops. */
  close(): void;
};

/** A stream costs a socket and a few kilobytes. */
const STREAMS_MAX = 10_000;
/** The customers of one store share its network's address. */
const STREAMS_PER_ADDRESS_MAX = 500;
/** A connection that says nothing for longer is taken for dead by routers on the way. */
const HEARTBEAT_MS = 15_000;

export function createStreams(now: () => number, log: Log): Streams {
  const open = new Set<() => void>();
  const countByAddress = new Map<string, number>();
  // A change of terms wakes every open page at once.
  const inTurn = oneByOne();
  return {
    open(remote, feed) {
      const count = countByAddress.get(remote) ?? 0;
      if (open.size >= STREAMS_MAX || count >= STREAMS_PER_ADDRESS_MAX) return null;
      countByAddress.set(remote, count + 1);
      const { body, end } = streamOf({ ...feed, state: () => inTurn(feed.state) }, now, log, () => {
        open.delete(end);
        const left = (countByAddress.get(remote) ?? 1) - 1;
        if (left === 0) countByAddress.delete(remote);
        else countByAddress.set(remote, left);
      });
      open.add(end);
      return new Response(body, { headers: { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' } });
    },
    close() {
      for (const end of [...open]) end();
    },
  };
}

/** Nothing is sent ahead of its reader: a slow one gets the latest state, not all that it missed. */
function streamOf(feed: Feed, now: () => number, log: Log, ended: () => void) {
  let isStale = true;
  let isOver = false;
  let wake = () => {};
  let lookAgainAt = Number.POSITIVE_INFINITY;
  let sent = '';
  const changed = () => {
    isStale = true;
    wake();
  };
  const unwatch = feed.watch(changed);
  const end = () => {
    if (isOver) return;
    isOver = true;
    unwatch();
    ended();
    wake();
  };

  /** What is to be said next, in its time; null: nothing any more. */
  const next = async (): Promise<string | null> => {
    const beatAt = now() + HEARTBEAT_MS;
    while (!isOver) {
      if (lookAgainAt <= now()) isStale = true;
      if (isStale) {
        isStale = false;
        const state = await feed.state();
        if (state === null) return null;
        lookAgainAt = state.lookAgainAt ?? Number.POSITIVE_INFINITY;
        if (state.data !== sent) {
          sent = state.data;
          return `data: ${state.data}\n\n`;
        }
      }
      if (beatAt <= now()) return ': still here\n\n';
      if (!isStale && !isOver) await sleep(Math.min(beatAt, lookAgainAt) - now(), (done) => (wake = done));
    }
    return null;
  };

  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const said = await next().catch((error: unknown) => {
        // The page comes again by itself.
        if (!(error instanceof LedgerUnavailable)) log.error({ err: error }, 'a stream of a page met a defect');
        return null;
      });
      if (said !== null) return controller.enqueue(encoder.encode(said));
      end();
      controller.close();
    },
    cancel: end,
  });
  return { body, end };
}

function sleep(ms: number, wakeBy: (done: () => void) => void): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, Math.max(1, ms));
    wakeBy(() => {
      clearTimeout(timer);
      done();
    });
  });
}
