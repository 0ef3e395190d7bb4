import { z } from 'zod';
import type { Secrets } from '../secrets.ts';
import type { MessageRow } from './store.ts';

/** What a message needs that cannot be looked up when it is sent. It rests sealed, and only until the message is over. */

const contentsSchema = z.strictObject({
  to: z.string(),
  proof: z.string().optional(),
  /** Of our own answers to a text. */
  say: z.enum(['help', 'stopped', 'started', 'noneLeft', 'noneToday', 'ended']).optional(),
  subject: z.string().optional(),
  text: z.string().optional(),
});
export type Contents = z.infer<typeof contentsSchema>;
export type Said = NonNullable<Contents['say']>;

export const sealContents = (secrets: Secrets, id: string, contents: Contents): Uint8Array =>
  secrets.seal(JSON.stringify(contents), placeOf(id));

/** @throws where there are none, or they were changed */
export function openContents(secrets: Secrets, { id, sealed }: Pick<MessageRow, 'id' | 'sealed'>): Contents {
  if (sealed === null) throw new Error(`the message ${id} has no contents`);
  return contentsSchema.parse(JSON.parse(secrets.open(sealed, placeOf(id))));
}

const placeOf = (id: string): string => `message ${id}`;
