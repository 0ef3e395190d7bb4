import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createToken } from '../../gateway/doors/tokens.ts';
import type { Line, Till } from '../../gateway/till/port.ts';
import { SqliteTillStore } from '../../gateway/till/sqlite-store.ts';
import { createTill } from '../../gateway/till/till.ts';
import { makeWitnessFile, WitnessFile } from '../../gateway/till/witness-file.ts';
import { writeIdentity } from '../../gateway/upkeep/identity.ts';
import { blankKeyOf } from '../../protocol/blank-seal.ts';
import type { Card } from '../../protocol/card.ts';
import { type Code, hashCode, lastFour, makeCodes } from '../../protocol/code.ts';
import { makeKeyPair, readPrivateKey } from '../../protocol/envelope.ts';
import { GRANT_RESERVATIONS_MAX, RESERVATION_MS } from '../../protocol/limits.ts';

const GATEWAY = 'gw-00000001';
const STORE = { id: '0001', name: 'Main Street', timeZone: 'America/New_York' };
const INCARNATION = `1-${'0'.repeat(32)}`;
/** Nobody answers there: the line stays down. */
const BROKER_URL = 'mqtt://127.0.0.1:9';
const DAY_MS = 86_400_000;

export type BoxMade = { readonly directory: string; readonly token: string; readonly codes: readonly Code[] };

/** The data directory of an enrolled box that holds so many reservations and has no cloud. */
export async function makeBox(directory: string, reservations: number): Promise<BoxMade> {
  const fleetKey = randomBytes(32);
  const { privatePem, publicKey } = makeKeyPair();
  const keys = { privatePem, fleetKey: fleetKey.toString('base64url'), brokerPassword: 'none' };
  const identity = {
    gateway: GATEWAY,
    store: STORE,
    shard: 0,
    epoch: 1,
    incarnation: INCARNATION,
    keyId: 'bench-box',
    cloudUrl: 'http://localhost:9',
    cloudKeys: [{ id: 'bench-cloud', publicKey }],
    brokerUrl: BROKER_URL,
  };
  writeIdentity(directory, identity, keys);
  const codes = makeCodes(reservations, randomBytes);
  await reserve(directory, fleetKey, codes);
  return { directory, codes, token: createToken(directory, { scope: 'box', name: 'bench' }) };
}

/** Through the till itself, as the cloud's grants would be. */
async function reserve(directory: string, fleetKey: Uint8Array, codes: readonly Code[]): Promise<void> {
  const store = new SqliteTillStore(join(directory, 'till.db'));
  store.make({ gateway: GATEWAY, incarnation: INCARNATION, epoch: 1 });
  const witnessPath = `${directory}.witness`;
  makeWitnessFile(witnessPath, store.box().head);
  const till = await createTill({
    store,
    witness: new WitnessFile(witnessPath),
    line: NO_LINE,
    now: Date.now,
    monotonic: () => performance.now(),
    newId,
    defer: setImmediate,
    setTimer: () => () => undefined,
    identity: {
      gateway: GATEWAY,
      store: STORE,
      fleetKey,
      blankKey: blankKeyOf(readPrivateKey(makeKeyPair().privatePem)),
      keyId: 'bench-box',
      version: '0',
    },
    settings: { reserveDeadlineMs: 800, strict: false },
  });
  for (let at = 0; at < codes.length; at += GRANT_RESERVATIONS_MAX)
    await grant(till, fleetKey, 1 + at / GRANT_RESERVATIONS_MAX, codes.slice(at, at + GRANT_RESERVATIONS_MAX));
  await acknowledge(till);
  till.close();
  store.close();
}

function grant(till: Till, fleetKey: Uint8Array, number: number, codes: readonly Code[]): Promise<void> {
  const terms = card();
  const manifest = codes.map((code) => ({
    reservation: newId(),
    codeHash: hashCode(fleetKey, code),
    lastFour: lastFour(code),
    generation: 0,
    notAfter: Date.now() + RESERVATION_MS,
    campaign: terms.offer.campaign,
    cardVersion: terms.version,
  }));
  const header = { v: 1, id: newId(), type: 'grant', ...till.sender() } as const;
  const cause = { kind: 'stock', request: null } as const;
  const cards = number === 1 ? [terms] : [];
  return till.receive(header, { type: 'grant', body: { number, cause, manifest, cards, tombstones: [] } });
}

/** As a cloud that has settled all of it: a box owes nothing when its line is cut. */
function acknowledge(till: Till): Promise<void> {
  const header = { v: 1, id: newId(), type: 'ack', ...till.sender() } as const;
  const body = { acknowledged: till.status().head, evidence: null, exceptions: [] };
  return till.receive(header, { type: 'ack', body });
}

const newId = (): string => randomBytes(15).toString('base64url');

const NO_LINE: Line = {
  send: () => false,
  journalGrew: () => undefined,
  settled: () => undefined,
  welcomed: () => undefined,
};

/** On `hold`: without a proven time all others answer `cannot_verify`. */
function card(): Card {
  const day = (offset: number) => new Date(Date.now() + offset * DAY_MS).toISOString();
  return {
    version: 1,
    offer: {
      campaign: 'spring',
      title: '$5 off',
      discount: { type: 'amount', amount: 500, currency: 'USD' },
      promotionRef: null,
    },
    channels: ['store', 'online'],
    timeZone: STORE.timeZone,
    startsAt: day(-1),
    endsAt: day(30),
    stores: 'all',
    minimumBasket: null,
    onSilence: 'hold',
  };
}
