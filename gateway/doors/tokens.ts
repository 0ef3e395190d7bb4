import { hash, randomBytes } from 'node:crypto';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { jsonFilesIn, parseJson, readIfThere, writeDurably } from '../upkeep/durable-file.ts';

/** What a token opens. Box includes the two others. */
export const scopeSchema = z.enum(['register', 'desk', 'box']);
export type Scope = z.infer<typeof scopeSchema>;
export const tokenNameSchema = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/);

/** Who asks: what a token says of its owner. */
export type Caller = { readonly scope: Scope; readonly name: string };

export interface TokenStore {
  /** @returns null where no such token was made here */
  find(token: string): Caller | null;
  /** The same of a token's hash, as `hashToken` makes it. */
  findHashed(sha256: string): Caller | null;
}

export const hashToken = (token: string): string => hash('sha256', token);
export const includes = (has: Scope, needs: Scope): boolean => has === needs || has === 'box';

/**
 * Makes a token, also while the gateway runs. Each lies in a file of its own, so that two made at once do not lose one.
 * @returns `tl_<scope>_<43 characters>`, to be shown once: only its hash is kept
 * @throws the file system's error
 */
export function createToken(dataDirectory: string, caller: Caller): string {
  const token = `tl_${caller.scope}_${randomBytes(32).toString('base64url')}`;
  const sha256 = hashToken(token);
  mkdirSync(folder(dataDirectory), { recursive: true, mode: 0o700 });
  writeDurably(
    join(folder(dataDirectory), `${caller.name}-${sha256.slice(0, 8)}.json`),
    JSON.stringify({ ...caller, sha256 }),
  );
  return token;
}

/** Reads the tokens anew when their folder has changed: what is made is good, and what is deleted bad, at once. */
export function tokenFolder(dataDirectory: string, now: () => number): TokenStore {
  let read: { at: number; changedAt: number; callersByHash: Map<string, Caller> } | null = null;
  const current = (): Map<string, Caller> => {
    const changedAt = changedAtOf(folder(dataDirectory));
    // The folder's time is coarse: what was read in the moment of a change is read once more.
    const isFresh = read !== null && read.changedAt === changedAt && read.at > changedAt + COARSE_MS;
    if (!isFresh || read === null) read = { at: now(), changedAt, callersByHash: readAll(folder(dataDirectory)) };
    return read.callersByHash;
  };
  const findHashed = (sha256: string) => current().get(sha256) ?? null;
  return { findHashed, find: (token) => (tokenForm.test(token) ? findHashed(hashToken(token)) : null) };
}

const COARSE_MS = 1_000;
const tokenForm = /^tl_(register|desk|box)_[A-Za-z0-9_-]{43}$/;
const folder = (dataDirectory: string): string => join(dataDirectory, 'tokens');
const fileSchema = z.strictObject({ scope: scopeSchema, name: tokenNameSchema, sha256: z.string() });

function changedAtOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function readAll(path: string): Map<string, Caller> {
  const callersByHash = new Map<string, Caller>();
  for (const name of jsonFilesIn(path)) {
    const text = readIfThere(join(path, name));
    const file = text === null ? null : fileSchema.safeParse(parseJson(text)).data;
    if (file) callersByHash.set(file.sha256, { scope: file.scope, name: file.name });
  }
  return callersByHash;
}
