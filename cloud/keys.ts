import { createPublicKey, hash, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { makeKeyPair, readPrivateKey, type SigningKey } from '../protocol/envelope.ts';
import { err, ok, type Result } from '../protocol/result.ts';

/** The cloud's own secrets: files of mode 0600 in its data directory. */
export type CloudKeys = {
  /** 32 bytes: the key of the code hashes. In every box too. */
  readonly fleetKey: Buffer;
  /** 32 bytes: what the ledger seals the text of codes with. Only here. */
  readonly sealKey: Buffer;
  readonly signingKey: SigningKey;
  /** What boxes check our messages against. */
  readonly publicKey: { readonly id: string; readonly publicKey: string };
};

const FLEET = 'fleet.key';
const SEAL = 'seal.key';
const SIGNING = 'signing.pem';

/**
 * Makes the keys at the first start, reads them at every other. Beside a ledger that exists no key is ever made anew:
 * all its codes would be lost.
 * @param hasLedger whether the data directory holds a ledger already
 * @returns what is wrong, in one line
 * @throws where the directory cannot be written
 */
export function openKeys(directory: string, hasLedger: boolean): Result<CloudKeys, string> {
  const contents: Record<string, () => string> = {
    [FLEET]: () => randomBytes(32).toString('base64url'),
    [SEAL]: () => randomBytes(32).toString('base64url'),
    [SIGNING]: () => makeKeyPair().privatePem,
  };
  for (const [name, make] of Object.entries(contents)) {
    const path = join(directory, name);
    if (!existsSync(path)) {
      if (hasLedger) return err(`${path} is missing beside its ledger: bring it back from the backup`);
      writeSecret(path, make());
    }
    if ((statSync(path).mode & 0o077) !== 0) return err(`${path} can be read by others: chmod 600 it`);
  }
  return readKeys(directory);
}

function readKeys(directory: string): Result<CloudKeys, string> {
  const text = (name: string) => readFileSync(join(directory, name), 'utf8').trim();
  const fleetKey = Buffer.from(text(FLEET), 'base64url');
  const sealKey = Buffer.from(text(SEAL), 'base64url');
  if (fleetKey.length !== 32 || sealKey.length !== 32)
    return err(`${join(directory, fleetKey.length === 32 ? SEAL : FLEET)} is damaged: bring it back from the backup`);
  try {
    const key = readPrivateKey(text(SIGNING));
    const publicKey = String(createPublicKey(key).export({ format: 'jwk' }).x);
    const id = hash('sha256', publicKey, 'base64url').slice(0, 16);
    return ok({ fleetKey, sealKey, signingKey: { id, key }, publicKey: { id, publicKey } });
  } catch {
    return err(`${join(directory, SIGNING)} is damaged: bring it back from the backup`);
  }
}

/** Whole or not at all, and never over another: two first starts at once end with one key. */
function writeSecret(path: string, text: string): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(draft, `${text.trim()}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    linkSync(draft, path);
  } catch (error) {
    if (!existsSync(path)) throw error;
  } finally {
    unlinkSync(draft);
  }
  syncDirectory(join(path, '..'));
}

function syncDirectory(path: string): void {
  const handle = openSync(path, 'r');
  fsyncSync(handle);
  closeSync(handle);
}
