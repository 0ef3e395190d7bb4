import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { z } from 'zod';
import type { CodeHash } from './code.ts';
import { CODE_CHARACTERS_STORED_MAX } from './limits.ts';
import { err, ok, type Result } from './result.ts';

/**
 * The text of a blank on its way to its box and at rest there [I5]: sealed for that box and for that code, so that neither
 * the broker nor another box can read it. X25519 with a key pair that is made for each blank, HKDF-SHA-256, AES-256-GCM.
 */

const textSchema = z.strictObject({ code: z.string().min(1).max(CODE_CHARACTERS_STORED_MAX), link: z.url() });
/** A code in its normal form, and the address of its live face. */
export type BlankText = z.infer<typeof textSchema>;

/** Whom a blank is for, and which it is: the same text opened as another's fails. */
export type BlankPlace = { readonly gateway: string; readonly codeHash: CodeHash };

/** What a box opens its blanks with: made of the key that it signs with, by HKDF, so that there is no further file to lose. */
export type BlankKey = { readonly publicKey: string; readonly privateKey: KeyObject };

/** @param signing the box's Ed25519 key */
export function blankKeyOf(signing: KeyObject): BlankKey {
  const seed = Buffer.from(String(signing.export({ format: 'jwk' }).d), 'base64url');
  const scalar = Buffer.from(hkdfSync('sha256', seed, '', 'tearline/v1/blank key', 32));
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_X25519, scalar]), format: 'der', type: 'pkcs8' });
  return { publicKey: rawOf(createPublicKey(privateKey)), privateKey };
}

/**
 * Base64url of the public half of the blank's own key, 32 bytes; the tag, 16; the text as JSON, enciphered.
 * @param publicKey the box's, as it told it
 * @returns null where that is no key that anything can be sealed for
 */
export function sealBlank(publicKey: string, text: BlankText, place: BlankPlace): string | null {
  const own = generateKeyPairSync('x25519');
  const ownPublic = Buffer.from(rawOf(own.publicKey), 'base64url');
  const shared = sharedSecret(own.privateKey, publicKey);
  if (shared === null) return null;
  const { key, nonce } = keyFor(shared, ownPublic, publicKey);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(aboutOf(place));
  const body = Buffer.concat([cipher.update(JSON.stringify(text), 'utf8'), cipher.final()]);
  return Buffer.concat([ownPublic, cipher.getAuthTag(), body]).toString('base64url');
}

/** Fails where it was changed, is another box's or another code's. */
export function openBlank(
  { publicKey, privateKey }: BlankKey,
  sealed: string,
  place: BlankPlace,
): Result<BlankText, 'unreadable'> {
  try {
    const bytes = Buffer.from(sealed, 'base64url');
    const theirs = bytes.subarray(0, KEY_BYTES);
    const shared = sharedSecret(privateKey, theirs.toString('base64url'));
    if (shared === null) return err('unreadable');
    const { key, nonce } = keyFor(shared, theirs, publicKey);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(aboutOf(place));
    decipher.setAuthTag(bytes.subarray(KEY_BYTES, KEY_BYTES + TAG_BYTES));
    const body = Buffer.concat([decipher.update(bytes.subarray(KEY_BYTES + TAG_BYTES)), decipher.final()]);
    return ok(textSchema.parse(JSON.parse(body.toString('utf8'))));
  } catch {
    return err('unreadable');
  }
}

/** Null where the other half is no point that keeps a secret. */
function sharedSecret(privateKey: KeyObject, x: string): Buffer | null {
  try {
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
    return diffieHellman({ privateKey, publicKey });
  } catch {
    return null;
  }
}

const KEY_BYTES = 32;
const TAG_BYTES = 16;
const NONCE_BYTES = 12;
/** What stands before the 32 bytes of an X25519 private key in PKCS#8 (RFC 8410). */
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex');

const rawOf = (publicKey: KeyObject): string => String(publicKey.export({ format: 'jwk' }).x);
const aboutOf = ({ gateway, codeHash }: BlankPlace): Buffer => Buffer.from(`${gateway}\n${codeHash}`);

/** Key and nonce are used once: the shared secret is new for each blank. */
function keyFor(shared: Buffer, ownPublic: Uint8Array, boxPublic: string) {
  const salt = Buffer.concat([ownPublic, Buffer.from(boxPublic, 'base64url')]);
  const made = Buffer.from(hkdfSync('sha256', shared, salt, 'tearline/v1/blank', KEY_BYTES + NONCE_BYTES));
  return { key: made.subarray(0, KEY_BYTES), nonce: made.subarray(KEY_BYTES) };
}
