import { type FaceWorld, FREE, NOW } from './face-server.ts';

/** Every look of a face, as the ledger brings it about. */

const MINUTE_MS = 60_000;
const silentSince = NOW - 10 * MINUTE_MS;
const waiting = { store: '0002', isStock: true, since: null, inUse: null, silentSince: null };

export const FACE_STATES = {
  usable: { standing: FREE },
  'kept ready': { standing: { ...FREE, state: 'reserved', reservation: waiting } },
  'only there': { standing: { ...FREE, state: 'reserved', reservation: { ...waiting, silentSince } } },
  held: {
    standing: {
      ...{ ...FREE, state: 'reserved' },
      reservation: { ...waiting, store: '0001', inUse: { until: NOW + 14 * MINUTE_MS, lane: '2' } },
    },
  },
  'held online': {
    standing: { ...FREE, state: 'held', hold: { since: NOW - MINUTE_MS, until: NOW + 14 * MINUTE_MS } },
  },
  'held at a silent store': { standing: { ...FREE, state: 'in_doubt', reservation: { ...waiting, silentSince } } },
  redeemed: {
    standing: {
      ...{ ...FREE, state: 'redeemed' },
      redemption: { at: NOW - 60 * MINUTE_MS, store: '0001', isOnline: false, lane: '2', discount: null },
    },
  },
  expired: { standing: FREE, clock: { now: Date.UTC(2026, 11, 2) } },
  'not yet valid': { standing: FREE, clock: { now: Date.UTC(2026, 9, 20) } },
  voided: { standing: { ...FREE, state: 'voided' } },
  replaced: { standing: { ...FREE, state: 'voided' }, replacedBy: 'a2' },
} as const satisfies Record<string, Partial<FaceWorld>>;

export type FaceStateName = keyof typeof FACE_STATES;
export const STATE_NAMES = Object.keys(FACE_STATES) as FaceStateName[];
/** Those in which there is something to scan. */
export const TO_SCAN: readonly FaceStateName[] = ['usable', 'kept ready', 'only there'];
