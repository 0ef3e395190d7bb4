import { hash } from 'node:crypto';
import { type Problem, problem } from '../../protocol/problem.ts';
import type { Call } from './http.ts';

/** `Idempotency-Key` is accepted besides: what repeats is decided by door, code and basket. Here it only catches a key used twice. */
export interface IdempotencyStore {
  /** Remembers the key with its first body. @returns the hash of the first body */
  remember(use: KeyUse, at: number): Promise<string>;
  /** Forgets keys used before this instant. */
  forgetBefore(instant: number): Promise<void>;
}
export type KeyUse = {
  readonly client: string;
  readonly route: string;
  readonly key: string;
  readonly bodyHash: string;
};

/** A day: longer than any client goes on repeating one call. */
export const IDEMPOTENCY_KEY_MS = 86_400_000;
const HEADER = 'Idempotency-Key';

/** @returns the problem with this request's key, or null: there is none, or it is new, or came with the same body before */
export async function keyProblem(
  keys: IdempotencyStore,
  route: string,
  call: Call<unknown>,
  now: number,
): Promise<Problem | null> {
  const key = call.header(HEADER);
  if (key === undefined) return null;
  if (!/^[\x20-\x7e]{1,255}$/.test(key))
    return problem('invalid_request', { field: HEADER, detail: '1 to 255 printable ASCII characters' });
  const bodyHash = hash('sha256', call.bodyText);
  const first = await keys.remember({ client: call.client, route, key, bodyHash }, now);
  return first === bodyHash ? null : problem('idempotency_conflict', { field: HEADER });
}
