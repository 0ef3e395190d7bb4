import { z } from 'zod';
import type { HttpClient } from './http-client.ts';

const decisionSchema = z.object({ decision: z.string(), reason: z.string().nullable() });

export type Call = 'validations' | 'redemptions';

/** One coupon in one basket, and only an approval counts. @returns milliseconds @throws where it is not approved */
export async function sell(client: HttpClient, call: Call, code: string, basket: string): Promise<number> {
  const total = { amount: 4200, currency: 'USD' };
  const { ms, json } = await client.post(`/v1/${call}`, { code, basket, lane: '1', total });
  const { decision, reason } = decisionSchema.parse(json);
  if (decision !== 'approved') throw new Error(`${call} of ${code}: ${decision}, ${reason}`);
  return ms;
}

/** @returns the next of a list at each call @throws at its end */
export function each<T>(list: readonly T[]): () => T {
  const iterator = list[Symbol.iterator]();
  return () => {
    const { value, done } = iterator.next();
    if (done) throw new Error('the list was too short');
    return value;
  };
}
