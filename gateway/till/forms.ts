import { type CodeHash, hashCode, lastFour } from '../../protocol/code.ts';
import type { CodeForm } from '../../protocol/code-form.ts';
import { readCode } from '../../protocol/code-reading.ts';
import { USE_MS } from '../../protocol/limits.ts';
import { type TestReason, testCode, testFacts, testOffer, testRedemptionId } from '../../protocol/test-codes.ts';
import type { Told } from './box-rules.ts';
import type { SaleCommand, SaleItem, Verdict } from './sale-rules.ts';

/** What was scanned or typed, before anything is looked up. */
export type Read =
  | { readonly kind: 'code'; readonly shown: string; readonly codeHash: CodeHash; readonly lastFour: string }
  | { readonly kind: 'form'; readonly shown: string; readonly told: Told }
  /** Answers its reason at every door, and never counts. */
  | { readonly kind: 'test'; readonly shown: string; readonly reason: TestReason };

/** @param forms of the imported codes of every campaign whose card is here */
export function readForm(fleetKey: Uint8Array, raw: string, forms: readonly CodeForm[]): Read {
  const reading = readCode(raw, forms);
  switch (reading.kind) {
    case 'not_a_coupon':
    case 'malformed_code':
    case 'not_single_use':
      return { kind: 'form', shown: raw, told: { reason: reading.kind, facts: reading.facts } };
    case 'test':
      return { kind: 'test', shown: testCode(reading.reason), reason: reading.reason };
    case 'code': {
      const { code } = reading;
      return { kind: 'code', shown: code, codeHash: hashCode(fleetKey, code), lastFour: lastFour(code) };
    }
  }
}

/** The same coupon twice in one call, by its normal form. */
export function hasDuplicate(reads: readonly Read[]): boolean {
  const coupons = reads.filter(({ kind }) => kind !== 'form').map(({ shown }) => shown);
  return new Set(coupons).size < coupons.length;
}

type Ids = () => { readonly wantId: string; readonly redemptionId: string };
type TestSale = Pick<SaleCommand, 'intent' | 'basket' | 'lane' | 'total'>;

/** @param told what the cloud has said by now, by code */
export function itemOf(read: Read, told: ReadonlyMap<CodeHash, Told>, ids: Ids, sale: TestSale, now: number): SaleItem {
  switch (read.kind) {
    case 'form':
      return { kind: 'fixed', verdict: { approved: false, ...read.told } };
    case 'test':
      return { kind: 'fixed', verdict: testVerdict(read.reason, sale, now) };
    case 'code':
      return {
        kind: 'code',
        codeHash: read.codeHash,
        lastFour: read.lastFour,
        told: told.get(read.codeHash) ?? null,
        ...ids(),
      };
  }
}

function testVerdict(reason: TestReason, sale: TestSale, now: number): Verdict {
  if (reason === 'approved' || reason === 'slow') return testApproval(sale, now);
  return { approved: false, reason, facts: testFacts(now) };
}

function testApproval({ intent, basket, lane, total }: TestSale, now: number): Verdict {
  const offer = testOffer(total?.currency ?? 'USD');
  if (intent === 'validate') return { approved: true, mode: 'reserved', offer, until: now + USE_MS, redemption: null };
  const entry = { epoch: 0, n: 0 };
  const place = { reservation: 'test', generation: 0, entry, at: now, lane, total };
  return {
    approved: true,
    mode: 'reserved',
    offer,
    until: null,
    redemption: { id: testRedemptionId(basket), ...place, mode: 'reserved', offer },
  };
}
