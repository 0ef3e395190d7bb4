import { hash, randomBytes } from 'node:crypto';
import type { EnrolmentRequest, EnrolmentResponse } from '../../protocol/enrolment.ts';
import { ENROLMENT_CODE_MS, SHARDS } from '../../protocol/limits.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import type { Ledger } from '../ledger/port.ts';
import type { EnrolmentStore } from './enrolment-store.ts';

/** @returns the code, to be shown once, or null where there is no such store */
export async function createEnrolment(
  enrolments: EnrolmentStore,
  store: string,
  now: number,
): Promise<{ readonly code: string; readonly expiresAt: number } | null> {
  const code = makeEnrolmentCode();
  const expiresAt = now + ENROLMENT_CODE_MS;
  const isAdded = await enrolments.add({ hash: hashOf(code), store, expiresAt });
  return isAdded ? { code: inGroups(code), expiresAt } : null;
}

/** What the cloud tells every new box, the same for all. */
export type FleetFacts = Pick<EnrolmentResponse, 'fleetKey' | 'cloudKeys'> & { readonly brokerUrl: string };

/**
 * The code is used up before the gateway is added, with the gateway's id beside it: a crash between the two loses
 * nothing, since the same box asks again and goes on from there. A box whose answer was lost does the same. The
 * broker's password is kept as a hash alone, so each answer has a new one and the last one counts.
 */
export async function enrol(
  request: EnrolmentRequest,
  { ledger, enrolments, facts, now }: { ledger: Ledger; enrolments: EnrolmentStore; facts: FleetFacts; now: number },
): Promise<Result<EnrolmentResponse, 'refused'>> {
  const code = normalForm(request.code);
  if (code === null) return err('refused');
  const claim = await enrolments.claim(hashOf(code), { publicKey: request.publicKey, gateway: makeGatewayId() }, now);
  if (claim === null || (await isRevoked(ledger, claim.gateway))) return err('refused');
  const store = (await ledger.stores()).find(({ id }) => id === claim.store);
  if (store === undefined) throw new Error(`the enrolment is for the store ${claim.store}, which is gone`);

  const password = randomBytes(32).toString('base64url');
  const shard = shardOf(claim.gateway);
  const { epoch, incarnation } = await ledger.addGateway({
    id: claim.gateway,
    store: store.id,
    shard,
    publicKey: request.publicKey,
    keyId: request.keyId,
    passwordHash: hash('sha256', password),
  });
  return ok({
    gateway: claim.gateway,
    store: { id: store.id, name: store.name, timeZone: store.timeZone },
    ...{ shard, epoch, incarnation },
    fleetKey: facts.fleetKey,
    cloudKeys: facts.cloudKeys,
    broker: { url: facts.brokerUrl, password },
  });
}

/** Spread evenly, and the same for good: the topics of a box have it in them. */
export function shardOf(gateway: string): number {
  return Number.parseInt(hash('sha256', gateway).slice(0, 8), 16) % SHARDS;
}

/** A code used two hours ago at most may answer again, but not for a box that was revoked since. */
async function isRevoked(ledger: Ledger, gateway: string): Promise<boolean> {
  return (await ledger.gateways()).some(({ id, state }) => id === gateway && state === 'revoked');
}

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CODE_CHARACTERS = 16;

/** 80 bits: 32 divides 256, so no character is favoured. */
function makeEnrolmentCode(): string {
  return Array.from(randomBytes(CODE_CHARACTERS), (byte) => ALPHABET.charAt(byte % ALPHABET.length)).join('');
}

const makeGatewayId = (): string => `gw-${randomBytes(8).toString('hex')}`;

const inGroups = (code: string): string => code.replace(/.{4}(?=.)/g, '$&-');

/** As typed: case, hyphens and spaces do not count, O is 0, I and L are 1. */
function normalForm(typed: string): string | null {
  const code = typed.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  return code.length === CODE_CHARACTERS && [...code].every((character) => ALPHABET.includes(character)) ? code : null;
}

const hashOf = (code: string): string => hash('sha256', code);
