import { type Said, say } from '../../protocol/register-frame/answer.ts';
import { APPROVED, REASON_ROWS } from '../../protocol/register-frame/answer-codes.ts';
import { ANSWER_WAIT_MS } from '../../protocol/register-frame/frame.ts';
import type { RegisterRequest } from '../../protocol/register-frame/request.ts';
import { expect } from './check.ts';
import type { PlayedGateway, Request } from './played-gateway.ts';

/** What the checks of a register say and do again and again. */

export const GOOD: Said = { cc: APPROVED, mode: 'R', ref: '4200*TEST', value: '500', text: 'OK $5.00 OFF' };
export const EXPIRED = say(REASON_ROWS.expired.cc, 'EXPIRED');
export const UNDONE = say(APPROVED, 'UNDONE');
/** A register may be slower than it must be. */
export const LATEST_ANSWER_WAIT_MS = 4 * ANSWER_WAIT_MS;

export async function approved(gateway: PlayedGateway): Promise<Extract<Request, { kind: 'validate' }>> {
  const validation = await gateway.request('validate');
  gateway.acknowledge();
  await gateway.answer(validation, GOOD);
  return validation;
}

export async function redeemed(gateway: PlayedGateway): Promise<void> {
  const redemption = await gateway.request('redeem');
  gateway.acknowledge();
  await gateway.answer(redemption, GOOD);
  await gateway.ends('redeemed');
}

/** Taken and never answered. */
export async function lost<K extends RegisterRequest['kind']>(gateway: PlayedGateway, kind: K) {
  const request = await gateway.request(kind, LATEST_ANSWER_WAIT_MS);
  gateway.acknowledge();
  return request;
}

export async function undone(gateway: PlayedGateway, orig: Request): Promise<void> {
  const reversal = await lost(gateway, 'reverse');
  expectAbout(reversal, orig);
  await gateway.answer(reversal, UNDONE);
}

export function expectSame(first: Request, second: Request): void {
  expect(first.payload === second.payload, `the same frame again: ${first.payload}`, second.payload);
}

export function expectAbout(asked: Extract<Request, { kind: 'status' | 'reverse' }>, orig: Request): void {
  const isAbout = asked.txn === orig.txn && asked.origSeq === orig.seq && asked.seq !== orig.seq;
  expect(isAbout, `txn ${orig.txn}, orig_seq ${orig.seq}, a seq of its own`, asked.payload);
}
