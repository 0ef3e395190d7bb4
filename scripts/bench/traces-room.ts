import { randomBytes } from 'node:crypto';
import { sqliteDistributionStore } from '../../cloud/distribution/sqlite-distribution-store.ts';
import { openDatabase } from '../../cloud/ledger/sqlite-database.ts';
import type { EventKind } from '../../cloud/reports/event-rules.ts';
import type { NewEvent } from '../../cloud/reports/events.ts';
import { OWN_SOURCES } from '../../cloud/reports/sources.ts';
import { sqliteTraceStore } from '../../cloud/reports/sqlite-trace-store.ts';
import { CAMPAIGN, openLedger } from './ledger-room.ts';

/** Events in this process over a file, with one campaign. */
export async function openTraces(path: string) {
  const database = openDatabase(path);
  const room = await openLedger(database, { fleetKey: randomBytes(32), sealKey: randomBytes(32) });
  const store = sqliteTraceStore(database);
  return {
    ports: { store, distribution: sqliteDistributionStore(database), now: Date.now },
    database,
    close: room.close,
    /** One transaction. */
    add: (events: readonly NewEvent[]) => store.transaction((tx) => tx.add(events, OWN_SOURCES)),
  };
}

const SITES = 50;
const STORES = 200;
const DAYS = 90;
const DAY_MS = 86_400_000;
/** Of a hundred events, as they come of an ad that works. */
const MIX: readonly (readonly [EventKind, number])[] = [
  ['click', 40],
  ['claim', 10],
  ['assigned', 10],
  ['delivered', 10],
  ['viewed', 20],
  ['scanned', 5],
  ['redeemed', 5],
];
const KINDS = MIX.flatMap(([kind, share]) => Array.from({ length: share }, () => kind));

/** The n-th event of ninety days of one campaign, over fifty sites and two hundred stores: the same n, the same event. */
export function eventOf(n: number): NewEvent {
  const drawn = scramble(n);
  const kind = KINDS[n % KINDS.length] ?? 'click';
  const at = Date.now() - (drawn % DAYS) * DAY_MS;
  const isSale = kind === 'scanned' || kind === 'redeemed';
  return {
    kind,
    at,
    day: new Date(at).toISOString().slice(0, 10),
    campaign: CAMPAIGN,
    // Ten events of one coupon.
    assignment: kind === 'click' || kind === 'claim' ? null : assignmentOf(Math.floor(n / 10)),
    channel: (['web', 'sms', 'email'] as const)[drawn % 3] ?? 'web',
    source: { utm_source: `site ${(drawn >>> 8) % SITES}` },
    store: isSale ? String((drawn >>> 16) % STORES).padStart(4, '0') : null,
    door: isSale ? 'gateway:gw-0000000000000001' : null,
    basket: isSale ? `basket-${n}` : null,
    money: kind === 'redeemed' ? { total: 4200, discount: 500, currency: 'USD' } : null,
    why: null,
  };
}

/** An id as assignments have them: in the order in which they were made, and random behind it. */
const assignmentOf = (n: number): string =>
  n.toString(16).padStart(16, '0') + scramble(n).toString(16).padStart(16, '0');

/** A number without any order in it. */
function scramble(n: number): number {
  let mixed = Math.imul(n ^ 0x9e3779b9, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
