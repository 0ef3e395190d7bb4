import { readCode } from '../../protocol/code-reading.ts';
import { approvedText, type Facts, factsForApi, REASONS, type Reason } from '../../protocol/decision.ts';
import { USE_MS } from '../../protocol/limits.ts';
import type { Discount, Offer } from '../../protocol/offer.ts';
import type { Decision } from '../../protocol/redemption-api.ts';
import { ok } from '../../protocol/result.ts';
import { testFacts } from '../../protocol/test-codes.ts';
import type { SaleRequest, Till, TillStatus } from '../till/port.ts';

/** What a lane asks of a till. */
export type LaneTill = Pick<Till, 'validate' | 'redeem' | 'release' | 'reverse' | 'status'>;

type Worth = (currency: string) => Discount;
const fiveOff: Worth = (currency) => ({ type: 'amount', amount: 500, currency });

/** Practice coupons are good once in each training. None has the form of a code, so no till takes one for a coupon. */
const practiceCoupons: ReadonlyMap<string, Worth> = new Map([
  ['PRACTICE-0001', fiveOff],
  ['PRACTICE-0002', (currency: string): Discount => ({ type: 'percent', percent: 10, maxAmount: 1000, currency })],
  ['PRACTICE-0003', (currency: string): Discount => ({ type: 'amount', amount: 250, currency })],
]);

/** Whether a text is for training: a practice coupon or a `TEST-` code. */
export function isPracticeCode(code: string): boolean {
  return practiceCoupons.has(nameOf(code)) || readCode(code, []).kind === 'test';
}

/**
 * The till of a training: it knows practice coupons and test codes, keeps what they were used for in its memory, and
 * asks nobody. What is neither must not come here.
 * @param status of the real till: a training is in the same store
 * @param currency of what a practice coupon is worth
 */
export function practiceTill(status: () => TillStatus, currency: string, now: () => number): LaneTill {
  const usesByName = new Map<string, { basket: string; redeemedAt: number | null }>();

  function decide(code: string, sale: SaleRequest, isRedeem: boolean): Decision {
    const reading = readCode(code, []);
    const name = nameOf(code);
    const worth = practiceCoupons.get(name);
    if (reading.kind === 'test' && reading.reason !== 'approved' && reading.reason !== 'slow')
      return refused(reading.reason, testFacts(now()), sale);
    const offer = { ...practiceOffer, discount: (worth ?? fiveOff)(currency) };
    const use = usesByName.get(name);
    // A test code is good again and again.
    if (worth !== undefined && use?.redeemedAt && use.basket !== sale.basket)
      return refused('already_redeemed', usedAt(use.redeemedAt, sale), sale);
    const redeemedAt = use?.basket === sale.basket && use.redeemedAt ? use.redeemedAt : isRedeem ? now() : null;
    usesByName.set(name, { basket: sale.basket, redeemedAt });
    return approved(offer, redeemedAt, sale);
  }

  function usedAt(redeemedAt: number, { lane }: SaleRequest): Facts {
    return { redeemedAt, redeemedWhere: status().store.name, ...(lane === null ? {} : { lane }) };
  }

  function approved(offer: Offer, redeemedAt: number | null, { basket, lane }: SaleRequest): Decision {
    const { id } = status().store;
    const holder = `store:${id}`;
    const at = (instant: number) => new Date(instant).toISOString();
    return {
      ...nothing,
      basket,
      decision: 'approved',
      mode: 'reserved',
      text: approvedText(offer.discount),
      offer,
      reservation: redeemedAt === null ? { holder, until: at(now() + USE_MS) } : null,
      redemption:
        redeemedAt === null
          ? null
          : { id: 'practice', at: at(redeemedAt), door: 'practice', store: id, lane, basket, settled: false },
    };
  }

  function refused(reason: Reason, facts: Facts, { basket }: SaleRequest): Decision {
    const { decision, text } = REASONS[reason];
    const where = { timeZone: status().store.timeZone, now: now() };
    return { ...nothing, basket, decision, reason, text: text(facts, where), facts: factsForApi(facts) };
  }

  return {
    validate: async (sale) => ok(sale.codes.map((code) => decide(code, sale, false))),
    redeem: async (sale) => ok(sale.codes.map((code) => decide(code, sale, true))),
    release: async ({ code }) => void usesByName.delete(nameOf(code)),
    async reverse({ code }) {
      usesByName.delete(nameOf(code));
      return { reversed: true, redemption: null };
    },
    status,
  };
}

const nameOf = (code: string): string => code.trim().toUpperCase();

const practiceOffer = { campaign: 'practice', title: 'Practice coupon', promotionRef: null };

const nothing = {
  mode: null,
  reason: null,
  code: '',
  offer: null,
  reservation: null,
  redemption: null,
  facts: {},
  backlog: 0,
} as const;
