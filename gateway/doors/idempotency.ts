import { hash } from 'node:crypto';
import { problem } from '../../protocol/problem.ts';
import { err } from '../../protocol/result.ts';
import type { Answer, Call } from './http.ts';

/** Redemption repeats by basket and code of itself; the header only finds a key that is used for two requests. */
const REMEMBER_MS = 24 * 60 * 60_000;
/** A busy store's day. Under more, the oldest are forgotten first. */
const KEYS_MAX = 50_000;
const KEY_CHARACTERS_MAX = 255;

export interface KeyMemory {
  /** A handler that refuses a key which came with another body. */
  guard<B>(handle: (call: Call<B>) => Promise<Answer>): (call: Call<B>) => Promise<Answer>;
}

export function makeKeyMemory(now: () => number): KeyMemory {
  const usesByKey = new Map<string, { readonly at: number; readonly body: string }>();
  const isReused = (key: string, body: string): boolean => {
    const use = usesByKey.get(key);
    if (use !== undefined && use.at + REMEMBER_MS > now()) return use.body !== body;
    usesByKey.delete(key);
    usesByKey.set(key, { at: now(), body });
    for (const oldest of usesByKey.keys()) {
      if (usesByKey.size <= KEYS_MAX) break;
      usesByKey.delete(oldest);
    }
    return false;
  };
  return {
    guard: (handle) => async (call) => {
      const key = call.header('idempotency-key');
      if (key === undefined) return handle(call);
      if (key === '' || key.length > KEY_CHARACTERS_MAX)
        return err(
          problem('invalid_request', { field: 'Idempotency-Key', detail: `1 to ${KEY_CHARACTERS_MAX} characters` }),
        );
      // Parsed values: a repetition may be spelled otherwise.
      const body = hash('sha256', JSON.stringify(call.body));
      // One key may name the whole transaction: its validation and its redemption.
      return isReused(`${call.path}\n${call.caller?.name}\n${key}`, body)
        ? err(problem('idempotency_conflict'))
        : handle(call);
    },
  };
}
