import { say } from '../../protocol/register-frame/answer.ts';
import { BUSY, NOT_DONE, REASON_ROWS } from '../../protocol/register-frame/answer-codes.ts';
import { ACK_WAIT_MS } from '../../protocol/register-frame/frame.ts';
import { type Check, expect } from './check.ts';
import type { PlayedGateway } from './played-gateway.ts';
import {
  approved,
  EXPIRED,
  expectAbout,
  expectSame,
  GOOD,
  LATEST_ANSWER_WAIT_MS,
  lost,
  redeemed,
  UNDONE,
  undone,
} from './register-steps.ts';

/** What a register must do about answers, and about those that do not come; each check is one sale. */
type SaleCheck = Check<PlayedGateway>;

const redeems: SaleCheck = {
  name: 'redeems-when-approved',
  guide: 'R with the ref of the approval redeems.',
  async run(gateway) {
    gateway.sell();
    const validation = await approved(gateway);
    const redemption = await gateway.request('redeem');
    gateway.acknowledge();
    const { ref, txn, seq } = redemption;
    expect(ref === GOOD.ref && txn === validation.txn, `R of ${GOOD.ref} in ${validation.txn}`, redemption.payload);
    expect(seq !== validation.seq, 'a seq of its own', redemption.payload);
    await gateway.answer(redemption, GOOD);
    await gateway.ends('redeemed');
  },
};

const declined: SaleCheck = {
  name: 'no-redeem-when-declined',
  guide: 'A cc that begins with 1 or 4 is a decline: the coupon is no good, and the sale goes on without it.',
  async run(gateway) {
    gateway.sell('TEST-EXPIRED', 'Scan the coupon. It is declined.');
    const request = await gateway.request('validate');
    gateway.acknowledge();
    await gateway.answer(request, EXPIRED);
    await gateway.ends('declined');
    await gateway.silence(ACK_WAIT_MS);
  },
};

const cannotVerify: SaleCheck = {
  name: 'cannot-verify-is-no-decline',
  guide: 'A cc that begins with 2 is never a decline: the coupon may be good, and cannot be verified now.',
  async run(gateway) {
    gateway.sell('TEST-CANNOT_VERIFY', 'Scan the coupon. The register must not say that it is declined.');
    const request = await gateway.request('validate');
    gateway.acknowledge();
    await gateway.answer(request, say(REASON_ROWS.cannot_verify.cc, REASON_ROWS.cannot_verify.text));
    await gateway.ends('undetermined');
    await gateway.silence(ACK_WAIT_MS);
  },
};

const asksStatus: SaleCheck = {
  name: 'asks-status',
  guide: 'No answer in 3 s: send S with the seq of the request.',
  async run(gateway) {
    gateway.sell();
    const validation = await gateway.request('validate');
    gateway.acknowledge();
    const status = await gateway.request('status', LATEST_ANSWER_WAIT_MS);
    gateway.acknowledge();
    expectAbout(status, validation);
    await gateway.answer(status, GOOD);
    await redeemed(gateway);
  },
};

const reverses: SaleCheck = {
  name: 'reverses-a-lost-validation',
  guide: 'No answer to S either: finish the sale without the discount and send X until it is answered.',
  async run(gateway) {
    gateway.sell();
    const validation = await gateway.request('validate');
    gateway.acknowledge();
    await lost(gateway, 'status');
    await undone(gateway, validation);
    await gateway.ends('without');
  },
};

const reversesRedemption: SaleCheck = {
  name: 'reverses-a-lost-redemption',
  guide: reverses.guide,
  async run(gateway) {
    gateway.sell();
    await approved(gateway);
    const redemption = await lost(gateway, 'redeem');
    await lost(gateway, 'status');
    await undone(gateway, redemption);
    await gateway.ends('without');
  },
};

const reversesUntilAnswered: SaleCheck = {
  name: 'reverses-until-answered',
  guide: reverses.guide,
  async run(gateway) {
    gateway.sell();
    const validation = await gateway.request('validate');
    gateway.acknowledge();
    await lost(gateway, 'status');
    const first = await lost(gateway, 'reverse');
    expectAbout(first, validation);
    const second = await gateway.request('reverse', LATEST_ANSWER_WAIT_MS);
    gateway.acknowledge();
    expectSame(first, second);
    await gateway.answer(second, UNDONE);
  },
};

const sameFrameWhenBusy: SaleCheck = {
  name: 'same-frame-when-busy',
  guide: 'A cc that begins with 9 means not now: send the same frame again, with the same seq.',
  async run(gateway) {
    gateway.sell();
    const first = await gateway.request('validate');
    gateway.acknowledge();
    await gateway.answer(first, say(BUSY, 'BUSY'));
    const second = await gateway.request('validate', LATEST_ANSWER_WAIT_MS);
    expectSame(first, second);
    gateway.acknowledge();
    await gateway.answer(second, EXPIRED);
    await gateway.ends('declined');
  },
};

const sameFrameWhenNotDone: SaleCheck = {
  name: 'same-frame-when-not-done',
  guide: 'S is answered with 33: send the same frame again, with the same seq, or X.',
  async run(gateway) {
    gateway.sell();
    const validation = await lost(gateway, 'validate');
    const status = await gateway.request('status', LATEST_ANSWER_WAIT_MS);
    gateway.acknowledge();
    await gateway.answer(status, say(NOT_DONE, 'NOT DONE'));
    const next = await gateway.wire.next(LATEST_ANSWER_WAIT_MS);
    const payload = next?.kind === 'frame' ? next.payload : '';
    const isGood = payload === validation.payload || payload.startsWith('X|');
    expect(isGood, `${validation.payload} again, or X`, payload);
  },
};

const redeemsOnce: SaleCheck = {
  name: 'redeems-once',
  guide: 'An answer that comes again is acknowledged, and means nothing more.',
  async run(gateway) {
    gateway.sell();
    const validation = await approved(gateway);
    const redemption = await gateway.request('redeem');
    await gateway.answer(validation, GOOD);
    gateway.acknowledge();
    await gateway.answer(redemption, GOOD);
    await gateway.ends('redeemed');
    await gateway.silence(ACK_WAIT_MS);
  },
};

const ignoresOthers: SaleCheck = {
  name: 'ignores-other-answers',
  guide: 'An answer counts only for the request whose txn and seq it carries.',
  async run(gateway) {
    gateway.sell('TEST-EXPIRED', 'Scan the coupon. It is declined.');
    const request = await gateway.request('validate');
    gateway.acknowledge();
    await gateway.answer({ ...request, seq: `9${request.seq}`.slice(0, 9) }, GOOD);
    await gateway.answer(request, EXPIRED);
    await gateway.ends('declined');
    await gateway.silence(ACK_WAIT_MS);
  },
};

/** Last: it looks back at all of them. */
const numbers: SaleCheck = {
  name: 'numbers-of-its-own',
  guide: 'Every sale has a txn of its own, and every request of it a seq of its own.',
  async run(gateway) {
    const payloadByNumber = new Map<string, string>();
    for (const { txn, seq, payload } of gateway.sent) {
      const before = payloadByNumber.get(`${txn}|${seq}`) ?? payload;
      expect(before === payload, `one request of txn ${txn}, seq ${seq}`, `${before} and ${payload}`);
      payloadByNumber.set(`${txn}|${seq}`, payload);
    }
    const validations = new Set(gateway.sent.filter(({ kind }) => kind === 'validate').map(({ payload }) => payload));
    const baskets = new Set(gateway.sent.filter(({ kind }) => kind === 'validate').map(({ txn }) => txn));
    expect(baskets.size === validations.size, `${validations.size} sales with a txn each`, `${baskets.size} txns`);
  },
};

export const REGISTER_SALE_CHECKS: readonly SaleCheck[] = [
  redeems,
  declined,
  cannotVerify,
  asksStatus,
  reverses,
  reversesRedemption,
  reversesUntilAnswered,
  sameFrameWhenBusy,
  sameFrameWhenNotDone,
  redeemsOnce,
  ignoresOthers,
  numbers,
];
