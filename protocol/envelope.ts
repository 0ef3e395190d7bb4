import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { z } from 'zod';
import { type Canonical, canonicalText } from './canonical.ts';
import { MESSAGE_BYTES_MAX } from './limits.ts';
import {
  type Down,
  type DownType,
  downSchemas,
  type Header,
  headerSchema,
  type Up,
  type UpType,
  upSchemas,
} from './messages.ts';
import { err, ok, type Result } from './result.ts';

/**
 * A message on the wire: `<key id>.<signature, base64url>.<JSON of header and body>`. The signature (Ed25519) covers the
 * direction and the JSON's very bytes, so nothing is re-encoded before it is checked.
 */
export type Direction = 'up' | 'down';
export type SigningKey = { readonly id: string; readonly key: KeyObject };
/** @returns the sender's key, or null where this id is not known */
export type KeyFinder = (keyId: string) => KeyObject | null;
export type Opened<M> = { readonly header: Header; readonly message: M };
/** Why a message was dropped: for the audit log, never for the sender. */
export type Dropped =
  | 'too_large'
  | 'not_an_envelope'
  | 'unknown_key'
  | 'bad_signature'
  | 'bad_header'
  | 'unknown_type'
  | 'bad_body';

const signed = (direction: Direction, json: string): Buffer => Buffer.from(`tearline/v1/${direction}\n${json}`);

export function seal(
  direction: Direction,
  header: Omit<Header, 'v' | 'type'>,
  message: Up | Down,
  by: SigningKey,
): Buffer {
  const json = canonicalText({ ...header, v: 1, type: message.type, body: message.body as Canonical });
  const signature = sign(null, signed(direction, json), by.key).toString('base64url');
  return Buffer.from(`${by.id}.${signature}.${json}`);
}

export function openUp(bytes: Uint8Array, keyOf: KeyFinder): Result<Opened<Up>, Dropped> {
  return open('up', bytes, keyOf, (type, body) => parseBody<Up>(upSchemas, type as UpType, body));
}

export function openDown(bytes: Uint8Array, keyOf: KeyFinder): Result<Opened<Down>, Dropped> {
  return open('down', bytes, keyOf, (type, body) => parseBody<Down>(downSchemas, type as DownType, body));
}

const wireSchema = headerSchema.extend({ body: z.unknown() });

function open<M>(
  direction: Direction,
  bytes: Uint8Array,
  keyOf: KeyFinder,
  parse: (type: string, body: unknown) => Result<M, Dropped>,
): Result<Opened<M>, Dropped> {
  if (bytes.length > MESSAGE_BYTES_MAX) return err('too_large');
  const parts = /^([A-Za-z0-9_-]{8,40})\.([A-Za-z0-9_-]{86})\.(\{.*\})$/s.exec(Buffer.from(bytes).toString('utf8'));
  if (parts === null) return err('not_an_envelope');
  const [, keyId = '', signature = '', json = ''] = parts;
  const key = keyOf(keyId);
  if (key === null) return err('unknown_key');
  if (!verify(null, signed(direction, json), key, Buffer.from(signature, 'base64url'))) return err('bad_signature');
  const wire = wireSchema.safeParse(readJson(json));
  if (!wire.success) return err('bad_header');
  const { body, ...header } = wire.data;
  const message = parse(header.type, body);
  return message.ok ? ok({ header, message: message.value }) : message;
}

function parseBody<M>(schemas: Record<string, z.ZodType>, type: string, body: unknown): Result<M, Dropped> {
  const schema = Object.hasOwn(schemas, type) ? schemas[type] : undefined;
  if (schema === undefined) return err('unknown_type');
  const parsed = schema.safeParse(body);
  return parsed.success ? ok({ type, body: parsed.data } as M) : err('bad_body');
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A new Ed25519 key pair: the private key as PKCS#8 PEM, the public key as base64url of its raw 32 bytes. */
export function makeKeyPair(): { readonly privatePem: string; readonly publicKey: string } {
  const pair = generateKeyPairSync('ed25519');
  return {
    privatePem: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: String(pair.publicKey.export({ format: 'jwk' }).x),
  };
}

/** @throws where the PEM is not a private key: the identity file is damaged */
export const readPrivateKey = (pem: string): KeyObject => createPrivateKey(pem);

/** @returns null where the text is not an Ed25519 public key */
export function readPublicKey(publicKey: string): KeyObject | null {
  try {
    return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: publicKey }, format: 'jwk' });
  } catch {
    return null;
  }
}

export const publicKeySchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
