import type {
  Change,
  CodeRow,
  CodeState,
  CodeView,
  GatewayRow,
  RedemptionRow,
  ReservationRow,
  WaitRow,
} from '../../cloud/ledger/code-rules.ts';
import type { NewCampaign } from '../../cloud/ledger/port.ts';
import type { HandOver } from '../../cloud/ledger/handover-rules.ts';
import type { Card } from '../../protocol/card.ts';
import { type CodeHash, parseCodeHash } from '../../protocol/code.ts';
import { GENESIS_HASH } from '../../protocol/journal.ts';
import { RESERVATION_MS, USE_MS } from '../../protocol/limits.ts';

/** Rows of the ledger as its rules see them, in every state, each whole and true. */

export const NOW = Date.parse('2026-11-23T10:00:00Z');
export const STORE_BOX = 'gw-aaaaaaaa1';
export const OTHER_BOX = 'gw-bbbbbbbb2';

export function hashOfDigit(digit: string): CodeHash {
  const hash = parseCodeHash(digit.repeat(64));
  if (hash === null) throw new Error(`no code hash of ${digit}`);
  return hash;
}
export const HASH = hashOfDigit('c');

export const dollars = (amount: number) => ({ amount: amount * 100, currency: 'USD' });

export function cardWith(changes: Partial<Card> = {}): Card {
  return {
    version: 1,
    offer: {
      campaign: 'spring',
      title: '$5 off',
      discount: { type: 'amount', amount: 500, currency: 'USD' },
      promotionRef: null,
    },
    channels: ['store', 'online'],
    timeZone: 'UTC',
    startsAt: '2026-11-01',
    endsAt: '2027-11-30',
    stores: 'all',
    minimumBasket: null,
    onSilence: 'hold',
    ...changes,
  };
}

/** A campaign as its creation states it: no cap, one a customer. The one place where tests write out a whole one. */
export function campaignWith(changes: Partial<NewCampaign> = {}): NewCampaign {
  const card = changes.card ?? cardWith();
  return {
    ...{ id: card.offer.campaign, card, condition: null, terms: null, picture: null },
    cap: { units: null, value: null },
    capPerDay: { units: null, value: null },
    perCustomer: 1,
    reversalDays: 30,
    personalValueMax: null,
    offline: 'decline',
    barcode: 'qr',
    blanks: null,
    ...changes,
  };
}

export function gatewayWith(changes: Partial<GatewayRow> = {}): GatewayRow {
  return {
    id: STORE_BOX,
    store: '0001',
    shard: 7,
    keyId: 'key-of-box-1',
    publicKey: 'A'.repeat(43),
    passwordHash: '0'.repeat(64),
    sealingKey: null,
    state: 'active',
    fencedWhy: null,
    epoch: 1,
    acknowledged: { n: 0, hash: GENESIS_HASH },
    number: 10,
    challenges: [],
    welcomedBoot: 1,
    connected: true,
    lastHeard: NOW,
    silentSince: null,
    drillUntil: null,
    version: '1.0.0',
    backlog: 0,
    ...changes,
  };
}

export function reservationWith(changes: Partial<ReservationRow> = {}): ReservationRow {
  return {
    id: 'reservation-1',
    codeHash: HASH,
    generation: 0,
    gateway: STORE_BOX,
    epoch: 1,
    number: 10,
    notAfter: NOW + RESERVATION_MS,
    cause: 'stock',
    cardVersion: 1,
    state: 'open',
    recall: null,
    inUse: null,
    ...changes,
  };
}

export function redemptionWith(changes: Partial<RedemptionRow> = {}): RedemptionRow {
  return {
    id: 'redemption-1',
    codeHash: HASH,
    generation: 0,
    door: `gateway:${STORE_BOX}`,
    reservation: 'reservation-1',
    epoch: 1,
    basket: 'sale-1',
    lane: '3',
    total: dollars(42),
    discount: null,
    at: NOW - 1000,
    oldTerms: false,
    reversed: false,
    fedStore: null,
    ...changes,
  };
}

export function codeWith(changes: Partial<CodeRow> = {}): CodeRow {
  return {
    hash: HASH,
    lastFour: '8WNS',
    campaign: 'spring',
    generation: 0,
    version: 5,
    state: 'issued',
    voidMark: false,
    blank: false,
    reservation: null,
    hold: null,
    redemption: null,
    restockAfter: 0,
    personal: null,
    ...changes,
  };
}

/** By default held by the basket `cart-1` of the shop, reserved at STORE_BOX, redeemed there by the basket `sale-1`. */
export function viewIn(state: CodeState, changes: Partial<CodeView> = {}): CodeView {
  const card = changes.card ?? cardWith();
  const rows = { reservation: null, holder: null, redemption: null, redeemedWhere: null, waits: [] };
  const base = { ...rows, card, campaignCard: card, reversalWindowMs: 30 * 86_400_000 };
  switch (state) {
    case 'issued':
      return { ...base, code: codeWith(), ...changes };
    case 'held':
      return {
        ...base,
        code: codeWith({ state, hold: { client: 'shop', basket: 'cart-1', until: NOW + USE_MS } }),
        ...changes,
      };
    case 'reserved':
      return { ...base, ...holding(), code: codeWith({ state, reservation: 'reservation-1' }), ...changes };
    case 'void_pending':
      return {
        ...base,
        ...holding(),
        code: codeWith({ state, reservation: 'reservation-1', voidMark: true }),
        ...changes,
      };
    case 'in_doubt':
      return { ...base, ...holding(), code: codeWith({ state, reservation: 'reservation-1' }), ...changes };
    case 'redeemed':
      return {
        ...base,
        code: codeWith({ state, redemption: 'redemption-1' }),
        redemption: redemptionWith(),
        redeemedWhere: 'Main Street',
        ...changes,
      };
    case 'voided':
      return { ...base, code: codeWith({ state, voidMark: true }), ...changes };
  }
}

function holding() {
  return { reservation: reservationWith(), holder: { gateway: gatewayWith(), storeName: 'Main Street' } };
}

export const cartWait = (changes: Partial<WaitRow> = {}): WaitRow => ({
  id: 'wait-of-cart',
  codeHash: HASH,
  until: NOW + 1000,
  who: { kind: 'cart', client: 'shop', basket: 'cart-1' },
  ...changes,
});

export const wantWait = (changes: Partial<WaitRow> = {}): WaitRow => ({
  id: 'wait-of-want',
  codeHash: HASH,
  until: NOW + 1000,
  who: { kind: 'want', gateway: OTHER_BOX, want: 'want-0001', basket: 'sale-9' },
  ...changes,
});

export function handOverTo(...gateways: readonly GatewayRow[]): HandOver {
  return {
    gatewaysById: new Map(gateways.map((row) => [row.id, row])),
    reservationId: 'reservation-2',
    tombstonesByGateway: new Map(),
  };
}

/** The last row of the code among the changes; null: the code does not move. */
export function codeAfter(changes: readonly Change[]): CodeRow | null {
  return changes.flatMap((change) => (change.do === 'code' ? [change.row] : [])).at(-1) ?? null;
}

export function reservationAfter(changes: readonly Change[]): ReservationRow | null {
  return changes.flatMap((change) => (change.do === 'reservation' ? [change.row] : [])).at(-1) ?? null;
}

/** What is sent, to whom, in order. */
export function sent(changes: readonly Change[]) {
  return changes.flatMap((change) => (change.do === 'send' ? [{ to: change.gateway, ...change.message }] : []));
}

export const kinds = (changes: readonly Change[]): string[] => changes.map((change) => change.do);
