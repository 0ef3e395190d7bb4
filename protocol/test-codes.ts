import type { CodeReading } from './code.ts';
import { type Facts, factsForApi, REASONS } from './decision.ts';
import { USE_MS } from './limits.ts';
import type { Decision } from './redemption-api.ts';

/** `TEST-…` answers its reason at every door, cut off or not; it never counts and nothing is stored. */
export type TestReason = Extract<CodeReading, { kind: 'test' }>['reason'];

/** `TEST-SLOW`: longer than any deadline that a register should have. */
export const TEST_SLOW_MS = 3_000;

export type TestSale = {
  readonly code: string;
  readonly basket: string;
  /** `store:0042` or `cart:shop`. */
  readonly holder: string;
  /** `gateway:ID` or `cart:CLIENT`. */
  readonly door: string;
  readonly call: 'validate' | 'redeem';
  /** Milliseconds. */
  readonly now: number;
  readonly timeZone: string;
};

/** The decision that a test code asks for, as a real one would look. */
export function testDecision(reason: TestReason, sale: TestSale): Decision {
  const common = { code: sale.code, basket: sale.basket, backlog: 0 };
  if (reason === 'approved' || reason === 'slow') {
    const at = new Date(sale.now).toISOString();
    const { holder, door, basket } = sale;
    const until = new Date(sale.now + USE_MS).toISOString();
    const redemption = { id: 'test-redemption', at, door, store: null, lane: null, basket, settled: true };
    return {
      ...common,
      decision: 'approved',
      mode: 'reserved',
      reason: null,
      text: 'OK $5.00 OFF',
      offer: TEST_OFFER,
      reservation: sale.call === 'validate' ? { holder, until } : null,
      redemption: sale.call === 'redeem' ? redemption : null,
      facts: {},
    };
  }
  const row = REASONS[reason];
  const facts = testFacts(sale.now);
  return {
    ...common,
    decision: row.decision,
    mode: null,
    reason,
    text: row.text(facts, { timeZone: sale.timeZone, now: sale.now }),
    offer: null,
    reservation: null,
    redemption: null,
    facts: { ...factsForApi(facts) },
  };
}

const TEST_OFFER = {
  campaign: 'test',
  title: '$5 off',
  discount: { type: 'amount', amount: 500, currency: 'USD' },
  promotionRef: null,
} satisfies Decision['offer'];

const day = 86_400_000;

/** Made up, and all of them, so that every text shows how it looks with its facts. */
function testFacts(now: number): Facts {
  return {
    redeemedAt: now - day,
    redeemedWhere: 'Test Street',
    lane: '2',
    freeAt: now + USE_MS,
    heldBy: 'Test Street',
    silentSince: now - day,
    retryAfterSeconds: 300,
    startsAt: now + day,
    endsAt: now - day,
    needs: { amount: 2500, currency: 'USD' },
    short: { amount: 420, currency: 'USD' },
  };
}
