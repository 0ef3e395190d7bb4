import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { publicKeySchema, readPrivateKey, readPublicKey, type SigningKey } from '../../protocol/envelope.ts';
import { SHARDS } from '../../protocol/limits.ts';
import {
  gatewayIdSchema,
  idSchema,
  incarnationSchema,
  numberSchema,
  storeIdSchema,
} from '../../protocol/reservation.ts';
import { EXIT, Stop } from '../stop.ts';
import { readIfThere, writeDurably } from './durable-file.ts';

/** What enrolment told this box, without its secrets. They lie beside it in files of their own. */
const identitySchema = z.strictObject({
  gateway: gatewayIdSchema,
  store: z.strictObject({ id: storeIdSchema, name: z.string(), timeZone: z.string() }),
  shard: z
    .int()
    .min(0)
    .max(SHARDS - 1),
  /** At enrolment; what is in force now is in the till. */
  epoch: numberSchema,
  incarnation: incarnationSchema,
  keyId: idSchema,
  cloudUrl: z.string(),
  cloudKeys: z.array(z.strictObject({ id: idSchema, publicKey: publicKeySchema })).min(1),
  brokerUrl: z.string(),
});
export type Identity = z.infer<typeof identitySchema>;

export type Secrets = { readonly privatePem: string; readonly fleetKey: string; readonly brokerPassword: string };

const names = {
  identity: 'identity.json',
  privatePem: 'private-key.pem',
  fleetKey: 'fleet-key',
  brokerPassword: 'broker-password',
};

/** The identity comes last: without it the box is not enrolled. @throws the file system's error */
export function writeIdentity(dataDirectory: string, identity: Identity, secrets: Secrets): void {
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  writeDurably(join(dataDirectory, names.privatePem), secrets.privatePem);
  writeDurably(join(dataDirectory, names.fleetKey), `${secrets.fleetKey}\n`);
  writeDurably(join(dataDirectory, names.brokerPassword), `${secrets.brokerPassword}\n`);
  writeDurably(join(dataDirectory, names.identity), `${JSON.stringify(identity, null, 2)}\n`);
}

/** Null where the box is not enrolled. @throws Stop 74 where it cannot be read */
export function readIdentity(dataDirectory: string): Identity | null {
  const path = join(dataDirectory, names.identity);
  try {
    const text = readIfThere(path);
    return text === null ? null : identitySchema.parse(JSON.parse(text));
  } catch (error) {
    throw new Stop(EXIT.io, `${path} is damaged or cannot be read: restore it, or enrol this box again`, {
      cause: error,
    });
  }
}

export type Keys = {
  readonly signing: SigningKey;
  /** 32 bytes. */
  readonly fleetKey: Uint8Array;
  readonly brokerPassword: string;
};

/** @throws Stop 74 where a file is missing or damaged */
export function readKeys(dataDirectory: string, identity: Identity): Keys {
  const read = (name: string): string => readFileSync(join(dataDirectory, name), 'utf8');
  try {
    const fleetKey = Buffer.from(read(names.fleetKey).trim(), 'base64url');
    if (fleetKey.length !== 32) throw new Error('the fleet key is not 32 bytes');
    return {
      signing: { id: identity.keyId, key: readPrivateKey(read(names.privatePem)) },
      fleetKey,
      brokerPassword: read(names.brokerPassword).trim(),
    };
  } catch (error) {
    throw new Stop(EXIT.io, `a key in ${dataDirectory} is missing or damaged: enrol this box again`, { cause: error });
  }
}

/** The pinned keys of the cloud, by id. */
export function cloudKeyFinder(identity: Identity): (keyId: string) => ReturnType<typeof readPublicKey> {
  const keysById = new Map(identity.cloudKeys.map(({ id, publicKey }) => [id, readPublicKey(publicKey)]));
  return (keyId) => keysById.get(keyId) ?? null;
}
