import { randomBytes, randomInt, scrypt, timingSafeEqual } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { err, ok, type Result } from '../../protocol/result.ts';
import { jsonFilesIn, parseJson, readIfThere, removeDurably, writeDurably } from '../upkeep/durable-file.ts';
import { tokenNameSchema } from './tokens.ts';

/** Supervisors of a store. Each costs a wrong PIN one hash: with twenty of them it takes a second or two. */
const SUPERVISORS_MAX = 20;
/** Long enough that five tries find one of twenty once in ten thousand times. */
const PIN_DIGITS = 6;
export const pinSchema = z.string().regex(/^\d{6,12}$/);

/** Wrong PINs at this box since the last right one; then nobody's is tried for a while, a right one neither. */
const TRIES_MAX = 5;
const LOCKED_MS = 5 * 60_000;

export type Refused = { readonly why: 'wrong' } | { readonly why: 'locked'; readonly minutes: number };

export interface Supervisors {
  /** @returns the name of whose PIN it is */
  open(pin: string): Promise<Result<string, Refused>>;
}

const fileSchema = z.strictObject({ name: tokenNameSchema, salt: z.base64(), hash: z.base64() });
type Supervisor = z.infer<typeof fileSchema>;

/** Read anew at each try: who is added or removed counts at once. The count of wrong tries is of this process. */
export function supervisorFolder(dataDirectory: string, now: () => number): Supervisors {
  let wrong = 0;
  let lockedUntil = 0;
  return {
    async open(pin) {
      const left = lockedUntil - now();
      if (left > 0) return err({ why: 'locked', minutes: Math.ceil(left / 60_000) });
      // Counted before it is tried: many at once are as many tries.
      wrong += 1;
      if (wrong === TRIES_MAX) lockedUntil = now() + LOCKED_MS;
      const name = pinSchema.safeParse(pin).success ? await ownerOf(dataDirectory, pin) : null;
      if (name === null) {
        if (wrong >= TRIES_MAX) wrong = 0;
        return err({ why: 'wrong' });
      }
      wrong = 0;
      lockedUntil = 0;
      return ok(name);
    },
  };
}

/** @returns why not, as the end of a sentence about the name or the PIN. @throws the file system's error */
export async function addSupervisor(
  dataDirectory: string,
  name: string,
  pin: string,
): Promise<Result<null, AddRefused>> {
  const known = listSupervisors(dataDirectory);
  if (known.includes(name)) return err('named');
  if (known.length >= SUPERVISORS_MAX) return err('full');
  // The PIN alone says who it is.
  if ((await ownerOf(dataDirectory, pin)) !== null) return err('taken');
  const salt = randomBytes(16);
  const file: Supervisor = {
    name,
    salt: salt.toString('base64'),
    hash: (await hashPin(pin, salt)).toString('base64'),
  };
  mkdirSync(folder(dataDirectory), { recursive: true, mode: 0o700 });
  writeDurably(fileOf(dataDirectory, name), JSON.stringify(file));
  return ok(null);
}
export type AddRefused = 'named' | 'full' | 'taken';

/** @returns false where there is none of that name. @throws the file system's error */
export function removeSupervisor(dataDirectory: string, name: string): boolean {
  if (!listSupervisors(dataDirectory).includes(name)) return false;
  removeDurably(fileOf(dataDirectory, name));
  return true;
}

/** Their names, in order. @throws the file system's error */
export function listSupervisors(dataDirectory: string): string[] {
  return readAll(dataDirectory).map(({ name }) => name);
}

export const makePin = (): string => String(randomInt(10 ** PIN_DIGITS)).padStart(PIN_DIGITS, '0');

const folder = (dataDirectory: string): string => join(dataDirectory, 'supervisors');
const fileOf = (dataDirectory: string, name: string): string => join(folder(dataDirectory), `${name}.json`);

async function ownerOf(dataDirectory: string, pin: string): Promise<string | null> {
  for (const { name, salt, hash } of readAll(dataDirectory)) {
    const made = await hashPin(pin, Buffer.from(salt, 'base64'));
    const kept = Buffer.from(hash, 'base64');
    if (kept.length === made.length && timingSafeEqual(made, kept)) return name;
  }
  return null;
}

/** 32 MB and some tens of milliseconds for each try: a stolen file is slow to guess. */
const COST = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
const HASH_BYTES = 32;

function hashPin(pin: string, salt: Buffer): Promise<Buffer> {
  return new Promise((done, fail) => {
    scrypt(pin, salt, HASH_BYTES, COST, (error, hash) => (error === null ? done(hash) : fail(error)));
  });
}

/** What is damaged opens nothing. */
function readAll(dataDirectory: string): Supervisor[] {
  return jsonFilesIn(folder(dataDirectory)).flatMap((name) => {
    const read = fileSchema.safeParse(parseJson(readIfThere(join(folder(dataDirectory), name)) ?? ''));
    return read.success ? [read.data] : [];
  });
}
