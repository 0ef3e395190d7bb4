/** Ten wrong guesses are a person with a bad clipboard; more in a minute are a machine. */
const FAILURES_PER_MINUTE_MAX = 10;
const WINDOW_MS = 60_000;
/** Addresses remembered at once: under a flood from many, the oldest are forgotten first. */
const ADDRESSES_MAX = 10_000;

type Window = { readonly startedAt: number; readonly failures: number; readonly blockedUntil: number };

/** Failed tokens and enrolment codes by remote address. A good one still works: neighbours may share an address. */
export type Failures = {
  /** @returns seconds for which this address gets no better answer than 'too many', or null */
  note(address: string): number | null;
};

export function createFailures(now: () => number): Failures {
  const windowsByAddress = new Map<string, Window>();
  return {
    note(address) {
      const at = now();
      const next = withFailure(windowsByAddress.get(address), at);
      windowsByAddress.delete(address);
      windowsByAddress.set(address, next);
      forgetOldest(windowsByAddress);
      return next.blockedUntil > at ? Math.ceil((next.blockedUntil - at) / 1000) : null;
    },
  };
}

function withFailure(window: Window | undefined, at: number): Window {
  if (window !== undefined && window.blockedUntil > at) return window;
  if (window === undefined || window.startedAt + WINDOW_MS <= at)
    return { startedAt: at, failures: 1, blockedUntil: 0 };
  const failures = window.failures + 1;
  return { ...window, failures, blockedUntil: failures > FAILURES_PER_MINUTE_MAX ? at + WINDOW_MS : 0 };
}

function forgetOldest(windowsByAddress: Map<string, Window>): void {
  for (const address of windowsByAddress.keys()) {
    if (windowsByAddress.size <= ADDRESSES_MAX) return;
    windowsByAddress.delete(address);
  }
}
