import { createPublicKey, hash } from 'node:crypto';
import { chmodSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { type EnrolmentResponse, enrolmentResponseSchema } from '../../protocol/enrolment.ts';
import { makeKeyPair, readPrivateKey } from '../../protocol/envelope.ts';
import { EXIT, Stop } from '../stop.ts';
import { readIfThere, removeDurably, writeDurably } from './durable-file.ts';
import { type Identity, readIdentity, writeIdentity } from './identity.ts';

export type EnrolRequest = {
  /** Where the cloud is reached, `https://…`. */
  readonly cloud: string;
  /** The one-time code. */
  readonly code: string;
  readonly dataDirectory: string;
  readonly witnessPath: string;
  readonly version: string;
};

/** What a data directory holds that must not be lost. */
export type TillState = {
  readonly fenced: boolean;
  /** Its journal has an entry. */
  readonly begun: boolean;
  /** Entries that the cloud has neither applied nor received as evidence [C12]. */
  readonly unsettled: boolean;
};

export type EnrolPorts = {
  /** One process for one data directory. @returns releases it @throws Stop */
  readonly lock: (dataDirectory: string) => () => void;
  /** Null where no till was ever begun there. @throws Stop 74 where it cannot be read */
  readonly tillState: (dataDirectory: string) => TillState | null;
  /** Makes the till's first state and its witness. */
  readonly beginTill: (dataDirectory: string, witnessPath: string, identity: Identity) => void;
  readonly fetch: typeof fetch;
};

/**
 * Joins the fleet as a new gateway. The same code asked again with the same key gets the same gateway: an enrolment
 * that was interrupted is simply repeated.
 * @throws Stop 69 where the code is refused or the cloud does not answer, 74 where the directory cannot be written,
 *   78 where what lies there must not be lost
 */
export async function enrol(request: EnrolRequest, ports: EnrolPorts): Promise<Identity> {
  makeDirectory(request.dataDirectory);
  const release = ports.lock(request.dataDirectory);
  try {
    const old = readIdentity(request.dataDirectory);
    refuseLoss(request.dataDirectory, old, ports.tillState(request.dataDirectory));
    const privatePem = pendingKey(request.dataDirectory);
    const publicKey = publicHalf(privatePem);
    const keyId = keyIdOf(publicKey);
    const answer = await ask(request, { publicKey, keyId }, ports.fetch);
    if (old !== null) moveAside(request, old);
    const identity = identityOf(request.cloud, keyId, answer);
    ports.beginTill(request.dataDirectory, request.witnessPath, identity);
    writeIdentity(request.dataDirectory, identity, {
      privatePem,
      fleetKey: answer.fleetKey,
      brokerPassword: answer.broker.password,
    });
    removeDurably(join(request.dataDirectory, PENDING_KEY));
    return identity;
  } finally {
    release();
  }
}

const PENDING_KEY = 'enrolling-key.pem';

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    chmodSync(path, 0o700);
  } catch (error) {
    throw new Stop(EXIT.io, `the data directory ${path} cannot be made: check its owner and its disk`, {
      cause: error,
    });
  }
}

/** A journal that is not settled is money. A box that still decides is first revoked in the cloud. */
function refuseLoss(path: string, old: Identity | null, till: TillState | null): void {
  if (till?.unsettled === true)
    throw new Stop(
      EXIT.config,
      `${path} has entries that are not settled: start the gateway there and let it settle them first`,
    );
  if (old === null && till?.begun === true)
    throw new Stop(
      EXIT.config,
      `${path} has the journal of a box whose identity is gone: move it away, or restore identity.json`,
    );
  if (old !== null && till?.fenced !== true)
    throw new Stop(
      EXIT.config,
      `${path} is enrolled as ${old.gateway} of store ${old.store.id}: to replace it, revoke it in the cloud first`,
    );
}

/** Made once and kept until the enrolment is through: a repeated request is known by it. */
function pendingKey(dataDirectory: string): string {
  const path = join(dataDirectory, PENDING_KEY);
  const kept = readIfThere(path);
  if (kept !== null) return kept;
  const { privatePem } = makeKeyPair();
  writeDurably(path, privatePem);
  return privatePem;
}

const publicHalf = (privatePem: string): string =>
  String(createPublicKey(readPrivateKey(privatePem)).export({ format: 'jwk' }).x);

const keyIdOf = (publicKey: string): string => hash('sha256', publicKey, 'base64url').slice(0, 16);

async function ask(
  { cloud, code, version }: EnrolRequest,
  key: { publicKey: string; keyId: string },
  fetchIt: typeof fetch,
): Promise<EnrolmentResponse> {
  const response = await fetchIt(new URL('/v1/enrolments', cloud), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code, ...key, version }),
    signal: AbortSignal.timeout(ANSWER_MS),
  }).catch((error) => {
    throw new Stop(EXIT.unavailable, `the cloud at ${cloud} does not answer: check the address and the line`, {
      cause: error,
    });
  });
  if (response.status === 429)
    throw new Stop(EXIT.unavailable, 'the cloud refuses for a minute after too many wrong codes: wait, then try again');
  if (response.status >= 400 && response.status < 500)
    throw new Stop(
      EXIT.unavailable,
      'the cloud refused this enrolment code: it is unknown, used or expired; make a new one',
    );
  const answer = enrolmentResponseSchema.safeParse(response.ok ? await response.json().catch(() => null) : null);
  if (!answer.success)
    throw new Stop(EXIT.unavailable, `${cloud} did not answer as a Tearline cloud does: check the address`);
  return answer.data;
}

const ANSWER_MS = 15_000;

function moveAside({ dataDirectory, witnessPath }: EnrolRequest, old: Identity): void {
  const aside = (path: string) => `${path.replace(/\/+$/, '')}.old-${old.gateway}`;
  renameSync(witnessPath, aside(witnessPath));
  renameSync(dataDirectory, aside(dataDirectory));
  makeDirectory(dataDirectory);
}

function identityOf(cloudUrl: string, keyId: string, answer: EnrolmentResponse): Identity {
  const { gateway, store, shard, epoch, incarnation, cloudKeys, broker } = answer;
  return { gateway, store, shard, epoch, incarnation, keyId, cloudUrl, cloudKeys, brokerUrl: broker.url };
}
