import { randomBytes } from 'node:crypto';
import { sqlitePlacesStore } from '../../cloud/fleet/sqlite-places-store.ts';
import { createLedger } from '../../cloud/ledger/ledger.ts';
import type { Ledger } from '../../cloud/ledger/port.ts';
import type { Database } from '../../cloud/ledger/sqlite-database.ts';
import { sqliteLedgerStore } from '../../cloud/ledger/sqlite-store.ts';

export const CAMPAIGN = 'spring';
const DAY_MS = 86_400_000;

/** The cloud's ledger in this process, with one campaign. */
export async function openLedger(
  database: Database,
  keys = { fleetKey: randomBytes(32), sealKey: randomBytes(32) },
): Promise<{ readonly ledger: Ledger; close(): Promise<void> }> {
  const store = sqliteLedgerStore(database);
  const ledger = await createLedger({
    store,
    places: sqlitePlacesStore(database),
    keys: { ...keys, publicKey: { id: 'bench-cloud', publicKey: '' } },
    now: Date.now,
    randomBytes,
    stockMax: { units: 0, value: 0 },
    outgoing: { wake: () => undefined },
    faceUrl: (link) => `https://coupons.example/c/${link}`,
  });
  const day = (offset: number) => new Date(Date.now() + offset * DAY_MS).toISOString();
  await ledger.createCampaign({
    id: CAMPAIGN,
    card: {
      version: 1,
      offer: {
        campaign: CAMPAIGN,
        title: '$5 off',
        discount: { type: 'amount', amount: 500, currency: 'USD' },
        promotionRef: null,
      },
      channels: ['store', 'online'],
      timeZone: 'America/New_York',
      startsAt: day(-1),
      endsAt: day(30),
      stores: 'all',
      minimumBasket: null,
      onSilence: 'hold',
    },
    condition: null,
    terms: null,
    picture: null,
    cap: { units: null, value: null },
    capPerDay: { units: null, value: null },
    perCustomer: 1,
    reversalDays: 30,
    personalValueMax: null,
    offline: 'decline',
    barcode: 'qr',
    blanks: null,
  });
  return {
    ledger,
    async close() {
      await ledger.close();
      await store.close();
    },
  };
}

/** @returns the stack's id */
export async function issueTo(ledger: Ledger, count: number): Promise<string> {
  const issued = await ledger.issueStack(CAMPAIGN, count);
  if (!issued.ok) throw new Error(`the stack was refused: ${issued.error.why}`);
  return issued.value.id;
}

export async function codesOf(ledger: Ledger, stack: string): Promise<string[]> {
  const codes: string[] = [];
  for await (const chunk of (await ledger.stackCodes(stack)) ?? []) codes.push(...chunk);
  return codes;
}
