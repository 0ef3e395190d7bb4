import { hash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { z } from 'zod';
import { instantSchema } from '../../protocol/reservation.ts';
import { parseJson, readIfThere, writeDurably } from '../upkeep/durable-file.ts';
import { type Caller, hashToken, type TokenStore } from './tokens.ts';

/** A device that has shown a token once keeps its session so long. */
export const SESSION_DAYS = 30;
const SESSION_MS = SESSION_DAYS * 86_400_000;
/** Devices of one store, with room for years of cleared cookies; then the oldest end first. */
const SESSIONS_MAX = 1_000;

export interface Sessions {
  /** @returns the session's id, for its cookie alone: only its hash is kept. @throws the file system's error */
  begin(token: string): string;
  /** Whose token began it; null: it has ended, or that token is no longer good. */
  find(id: string): Caller | null;
}

const fileSchema = z.record(z.string(), z.strictObject({ tokenSha256: z.string(), until: instantSchema }));

/** The sessions of pages, in a file of the data directory: a restart asks no cashier for a token. */
export function sessionFile(
  dataDirectory: string,
  tokens: Pick<TokenStore, 'findHashed'>,
  now: () => number,
): Sessions {
  const path = join(dataDirectory, 'sessions.json');
  const sessionsByHash = new Map(Object.entries(readSessions(readIfThere(path))));
  return {
    begin(token) {
      const id = randomBytes(32).toString('base64url');
      for (const [key, { until }] of sessionsByHash)
        if (until <= now() || sessionsByHash.size >= SESSIONS_MAX) sessionsByHash.delete(key);
      sessionsByHash.set(hash('sha256', id), { tokenSha256: hashToken(token), until: now() + SESSION_MS });
      writeDurably(path, JSON.stringify(Object.fromEntries(sessionsByHash)));
      return id;
    },
    find(id) {
      const session = sessionsByHash.get(hash('sha256', id));
      return session === undefined || session.until <= now() ? null : tokens.findHashed(session.tokenSha256);
    },
  };
}

/** A damaged file costs each device one more token, no more. */
function readSessions(text: string | null): z.infer<typeof fileSchema> {
  return fileSchema.safeParse(parseJson(text ?? '')).data ?? {};
}
