import { createHash } from 'node:crypto';
import type { GatewayRow } from '../../cloud/ledger/code-rules.ts';
import { type Code, hashCode, lastFour, makeCodes } from '../../protocol/code.ts';
import { GENESIS_HASH } from '../../protocol/journal.ts';
import { campaignWith } from '../rules/ledger-rows.ts';
import type { Fixed, LedgerImage } from './ledger-image.ts';

/** What no step changes: one campaign, some stores with a box each, a few codes. */

export const FLEET_KEY = Buffer.alloc(32, 7);
export const TOTAL = { amount: 4200, currency: 'USD' } as const;
export const T0 = Date.UTC(2026, 10, 23, 9);
const INCARNATION = `1-${'a'.repeat(32)}`;

let draws = 0;
/** The same at every run. */
const drawn = (size: number): Uint8Array =>
  createHash('shake256', { outputLength: size }).update(`model ${draws++}`).digest();
const CODES: readonly Code[] = makeCodes(4, drawn);

export function codeAt(index: number): { readonly code: Code; readonly hash: ReturnType<typeof hashCode> } {
  const code = CODES[index];
  if (code === undefined) throw new Error(`no code ${index}`);
  return { code, hash: hashCode(FLEET_KEY, code) };
}

export const boxId = (index: number): string => `gw-0000000${index}`;
export const storeId = (index: number): string => `000${index}`;

export const FIXED: Fixed = {
  incarnation: INCARNATION,
  stores: [0, 1, 2].map((i) => ({ id: storeId(i), name: `Store ${i}`, timeZone: 'UTC', address: null })),
  campaign: { ...campaignWith(), changedAt: 0, issuedUnits: 4, issuedValue: 2000 },
};

export function firstLedger(boxes: number, codes: number): LedgerImage {
  const rows = Array.from({ length: codes }, (_, i) => {
    const { code, hash } = codeAt(i);
    return {
      ...{ hash, lastFour: lastFour(code), campaign: 'spring', generation: 0, version: 0 },
      ...{ state: 'issued' as const, voidMark: false, blank: false, reservation: null, hold: null, redemption: null },
      ...{ restockAfter: 0, personal: null },
    };
  });
  const gateways = Array.from({ length: boxes }, (_, i) => firstGateway(i));
  return {
    codes: new Map(rows.map((row) => [row.hash, row])),
    reservations: new Map(),
    redemptions: new Map(),
    reversals: new Map(),
    uses: new Map(),
    waits: [],
    gateways: new Map(gateways.map((row) => [row.id, row])),
    journals: new Map(),
    outbox: [],
    exceptions: [],
    ids: 0,
  };
}

const firstGateway = (index: number): GatewayRow => ({
  ...{ id: boxId(index), store: storeId(index), shard: 0, publicKey: 'A'.repeat(43), keyId: 'box-key-1' },
  ...{ passwordHash: '', sealingKey: null, state: 'active', fencedWhy: null, epoch: 1, number: 0 },
  ...{ acknowledged: { n: 0, hash: GENESIS_HASH }, challenges: [], welcomedBoot: null, connected: false },
  ...{ lastHeard: null, silentSince: null, drillUntil: null, version: null, backlog: 0 },
});
