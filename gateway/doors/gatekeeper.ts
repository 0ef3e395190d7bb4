import { type Problem, problem } from '../../protocol/problem.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { type Caller, includes, type Scope, type TokenStore } from './tokens.ts';

/** Ten wrong tokens are a person with a bad clipboard; more in a minute are a machine. */
const FAILURES_PER_MINUTE_MAX = 10;
const WINDOW_MS = 60_000;
/** Addresses remembered at once: under a flood from many, the oldest are forgotten first. */
const ADDRESSES_MAX = 10_000;

export type Refusal = { readonly problem: Problem; readonly retryAfterSeconds: number | null };

export interface Gatekeeper {
  /** @param token as given; null: none was. @param remote the address of who asks */
  admit(token: string | null, scope: Scope, remote: string): Result<Caller, Refusal>;
}

/** Who comes in. A good token is let in also from an address that guesses: registers share addresses. */
export function makeGatekeeper(tokens: Pick<TokenStore, 'find'>, now: () => number): Gatekeeper {
  const windowsByAddress = new Map<string, Window>();
  return {
    admit(token, scope, remote) {
      // No token at all is no guess: a wrongly configured register gets a clear answer each time.
      if (token === null) return refuse(problem('unauthorized'));
      const caller = tokens.find(token);
      if (caller === null) return refuseStranger(windowsByAddress, remote, now());
      if (!includes(caller.scope, scope))
        return refuse(problem('forbidden', { detail: `It needs the scope ${scope}.` }));
      return ok(caller);
    },
  };
}

type Window = { readonly startedAt: number; readonly failures: number };

function refuseStranger(windowsByAddress: Map<string, Window>, remote: string, at: number): Result<never, Refusal> {
  const window = noted(windowsByAddress.get(remote), at);
  windowsByAddress.delete(remote);
  windowsByAddress.set(remote, window);
  for (const address of windowsByAddress.keys()) {
    if (windowsByAddress.size <= ADDRESSES_MAX) break;
    windowsByAddress.delete(address);
  }
  if (window.failures <= FAILURES_PER_MINUTE_MAX) return refuse(problem('unauthorized'));
  return refuse(problem('too_many_failures'), Math.ceil((window.startedAt + WINDOW_MS - at) / 1000));
}

/** The minute of the refusal begins with the failure that was one too many. */
function noted(window: Window | undefined, at: number): Window {
  if (window === undefined || window.startedAt + WINDOW_MS <= at) return { startedAt: at, failures: 1 };
  if (window.failures > FAILURES_PER_MINUTE_MAX) return window;
  const failures = window.failures + 1;
  return { startedAt: failures > FAILURES_PER_MINUTE_MAX ? at : window.startedAt, failures };
}

const refuse = (what: Problem, retryAfterSeconds: number | null = null): Result<never, Refusal> =>
  err({ problem: what, retryAfterSeconds });
