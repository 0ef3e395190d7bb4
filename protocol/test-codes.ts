import type { CodeReading } from './code-reading.ts';
import type { Facts } from './decision.ts';
import type { Offer } from './offer.ts';

/** `TEST-…` answers its reason at every door, cut off or not; it never counts and nothing is stored. */
export type TestReason = Extract<CodeReading, { kind: 'test' }>['reason'];

/** `TEST-SLOW`: longer than any deadline that a register should have. */
export const TEST_SLOW_MS = 3_000;

/** How a test code is shown, however it was typed. */
export const testCode = (reason: TestReason): string => `TEST-${reason.toUpperCase()}`;

/** The same call again gives the same answer, and nothing is stored: the id is the basket's. */
export const testRedemptionId = (basket: string): string => `test-${basket}`;

/** Five dollars, or five hundred of the smallest units of the sale's currency. */
export const testOffer = (currency: string): Offer => ({
  campaign: 'test',
  title: 'Test coupon',
  discount: { type: 'amount', amount: 500, currency },
  promotionRef: null,
});

const MINUTE_MS = 60_000;
const DAY_MS = 1_440 * MINUTE_MS;

/** Made up, and all of them, so that every text shows how it looks with its facts. @param now milliseconds */
export const testFacts = (now: number): Facts => ({
  redeemedAt: now - DAY_MS,
  redeemedWhere: 'Test Street',
  lane: '2',
  freeAt: now + 15 * MINUTE_MS,
  retryAfterSeconds: 300,
  silentSince: now - DAY_MS,
  startsAt: now + DAY_MS,
  endsAt: now - DAY_MS,
  needs: { amount: 2_500, currency: 'USD' },
  short: { amount: 420, currency: 'USD' },
});
