import { z } from 'zod';
import type { Secrets } from '../secrets.ts';
import { POST_CHANNELS, type PostChannel } from './store.ts';

/** The link that ends all messages to one address: it says itself, sealed, which address that is. */

export type Subscription = { readonly channel: PostChannel; readonly addressHash: string };

const PLACE = 'unsubscribe';
/** A token of ours has some 150. */
const TOKEN_CHARACTERS_MAX = 400;
const subscriptionSchema = z.tuple([z.enum(POST_CHANNELS), z.string().regex(/^[0-9a-f]{64}$/)]);

export const unsubscribeToken = (secrets: Secrets, { channel, addressHash }: Subscription): string =>
  Buffer.from(secrets.seal(`${channel} ${addressHash}`, PLACE)).toString('base64url');

/** Null: it is none of ours, or a part of one. */
export function readUnsubscribeToken(secrets: Secrets, token: string): Subscription | null {
  if (token.length > TOKEN_CHARACTERS_MAX || !/^[A-Za-z0-9_-]+$/.test(token)) return null;
  try {
    const parsed = subscriptionSchema.safeParse(secrets.open(Buffer.from(token, 'base64url'), PLACE).split(' '));
    return parsed.success ? { channel: parsed.data[0], addressHash: parsed.data[1] } : null;
  } catch {
    return null;
  }
}
