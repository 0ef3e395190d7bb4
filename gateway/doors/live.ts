import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';

/** What changes by time alone, as a clock or a line that goes, is seen this soon. */
const LOOK_AGAIN_MS = 1_000;
/** A connection that says nothing for longer is taken for dead by routers on the way. */
const HEARTBEAT_MS = 15_000;

/**
 * A page's state as server-sent events: whole, at the start and on each change. A slow reader gets the latest state,
 * not all that it missed.
 * @param watch told of what changes at once; returns what ends the watch
 */
export function live(c: Context, state: () => string, watch: (changed: () => void) => () => void): Response {
  c.header('x-accel-buffering', 'no');
  return streamSSE(c, async (stream) => {
    let stale = false;
    let wake = () => {};
    const changed = () => {
      stale = true;
      wake();
    };
    const unwatch = watch(changed);
    stream.onAbort(changed);
    try {
      let sent = '';
      let saidAt = Date.now();
      while (!stream.aborted) {
        stale = false;
        const now = state();
        const isQuiet = Date.now() - saidAt >= HEARTBEAT_MS;
        if (now !== sent) await stream.writeSSE({ data: now });
        else if (isQuiet) await stream.write(': still here\n\n');
        if (now !== sent || isQuiet) saidAt = Date.now();
        sent = now;
        if (!stale) await sleep((done) => (wake = done));
      }
    } finally {
      unwatch();
    }
  });
}

function sleep(wakeBy: (done: () => void) => void): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, LOOK_AGAIN_MS);
    wakeBy(() => {
      clearTimeout(timer);
      done();
    });
  });
}
