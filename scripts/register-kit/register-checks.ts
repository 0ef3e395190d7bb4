import { type Said, say } from '../../protocol/register-frame/answer.ts';
import { APPROVED, BUSY, REASON_ROWS } from '../../protocol/register-frame/answer-codes.ts';
import { formatAnswer } from '../../protocol/register-frame/answer.ts';
import { ACK_WAIT_MS, ANSWER_WAIT_MS, lrcOf, SENDS_MAX } from '../../protocol/register-frame/frame.ts';
import type { RegisterRequest } from '../../protocol/register-frame/request.ts';
import { type Check, expect } from './check.ts';
import type { PlayedGateway, Request } from './played-gateway.ts';

/** What a register must do; each check is one sale. */
type RegisterCheck = Check<PlayedGateway>;

const GOOD: Said = { cc: APPROVED, mode: 'R', ref: '4200*TEST', value: '500', text: 'OK $5.00 OFF' };
const EXPIRED = say(REASON_ROWS.expired.cc, 'EXPIRED');
const UNDONE = say(APPROVED, 'UNDONE');
const CONTROL_BYTES = [0x02, 0x03, 0x06, 0x15];
/** A register may be slower than it must be. */
const LATEST_ANSWER_WAIT_MS = 4 * ANSWER_WAIT_MS;

const checkByte: RegisterCheck = {
  name: 'check-byte',
  guide: 'The check byte is the exclusive or of every covered byte, and of the base.',
  async run(gateway) {
    gateway.sell();
    const request = await gateway.request('validate');
    gateway.acknowledge();
    await gateway.answer(request, EXPIRED);
    await gateway.ends('declined');
  },
};

const redeems: RegisterCheck = {
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

const declined: RegisterCheck = {
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

const cannotVerify: RegisterCheck = {
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

const repeatsAfterNak: RegisterCheck = {
  name: 'repeats-after-nak',
  guide: 'At NAK the same frame is sent again.',
  async run(gateway) {
    gateway.sell();
    const first = await gateway.request('validate');
    gateway.refuse();
    const second = await gateway.request('validate', ACK_WAIT_MS);
    expectSame(first, second);
    gateway.acknowledge();
    await gateway.answer(second, EXPIRED);
    await gateway.ends('declined');
  },
};

const repeatsWithoutAck: RegisterCheck = {
  name: 'repeats-without-ack',
  guide: 'A sender waits 1.5 s for ACK or NAK and sends the same frame at most three times.',
  async run(gateway) {
    gateway.sell();
    const first = await gateway.request('validate');
    const second = await gateway.request('validate', 2 * ACK_WAIT_MS);
    expectSame(first, second);
    const waited = Math.round(second.atMs - first.atMs);
    expect(waited > ACK_WAIT_MS / 2, `the second send after ${ACK_WAIT_MS} ms`, `after ${waited} ms`);
    gateway.acknowledge();
    await gateway.answer(second, EXPIRED);
    await gateway.ends('declined');
  },
};

const threeSends: RegisterCheck = {
  name: 'three-sends',
  guide: repeatsWithoutAck.guide,
  async run(gateway) {
    gateway.sell();
    const first = await gateway.request('validate');
    for (let sends = 2; sends <= SENDS_MAX; sends += 1) await gateway.request('validate', 2 * ACK_WAIT_MS);
    // What is sent now is no fourth time but the question what became of it, or its undoing.
    const next = await gateway.wire.next(LATEST_ANSWER_WAIT_MS);
    const isFourth = next?.kind === 'frame' && next.payload === first.payload;
    expect(!isFourth, `no more than ${SENDS_MAX} sends`, 'a fourth');
  },
};

const acknowledges: RegisterCheck = {
  name: 'acknowledges',
  guide: 'The register acknowledges each good frame of the gateway, as the gateway does its own.',
  async run(gateway) {
    gateway.sell('TEST-EXPIRED', 'Scan the coupon. It is declined.');
    const request = await gateway.request('validate');
    gateway.acknowledge();
    await gateway.answer(request, EXPIRED);
    // The ACK was lost: the same answer comes again, is acknowledged again, and means nothing more.
    await gateway.answer(request, EXPIRED);
    await gateway.ends('declined');
  },
};

const waits: RegisterCheck = {
  name: 'waits-with-progress',
  guide:
    'A register waits at least 3 s for the answer; progress texts are shown, and are neither acknowledged nor an answer.',
  async run(gateway) {
    gateway.sell();
    const request = await gateway.request('validate');
    gateway.acknowledge();
    for (const pauseMs of [400, 1_000, 1_000]) {
      await gateway.silence(pauseMs);
      gateway.progress();
    }
    await gateway.answer(request, EXPIRED);
    await gateway.ends('declined');
  },
};

const asksStatus: RegisterCheck = {
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

const reverses: RegisterCheck = {
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

const reversesRedemption: RegisterCheck = {
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

const reversesUntilAnswered: RegisterCheck = {
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

const sameFrameWhenBusy: RegisterCheck = {
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

const sameFrameWhenNotDone: RegisterCheck = {
  name: 'same-frame-when-not-done',
  guide: 'S is answered with 33: send the same frame again, with the same seq, or X.',
  async run(gateway) {
    gateway.sell();
    const validation = await lost(gateway, 'validate');
    const status = await gateway.request('status', LATEST_ANSWER_WAIT_MS);
    gateway.acknowledge();
    await gateway.answer(status, say('33', 'NOT DONE'));
    const next = await gateway.wire.next(LATEST_ANSWER_WAIT_MS);
    const payload = next?.kind === 'frame' ? next.payload : '';
    const isGood = payload === validation.payload || payload.startsWith('X|');
    expect(isGood, `${validation.payload} again, or X`, payload);
  },
};

const redeemsOnce: RegisterCheck = {
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

const ignoresOthers: RegisterCheck = {
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

const naksDamaged: RegisterCheck = {
  name: 'naks-a-damaged-answer',
  guide:
    'A frame whose check byte is wrong, or whose payload is longer than 512 bytes, is answered with NAK and nothing else.',
  async run(gateway) {
    gateway.sell();
    const request = await gateway.request('validate');
    gateway.acknowledge();
    const bytes = gateway.frameOf(request, GOOD);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 0x40;
    gateway.wire.write(bytes);
    const seen = await gateway.wire.next(ACK_WAIT_MS);
    expect(seen?.kind === 'nak', 'NAK', seen?.kind ?? 'nothing');
    await gateway.answer(request, EXPIRED);
    await gateway.ends('declined');
  },
};

const anyCheckByte: RegisterCheck = {
  name: 'any-check-byte',
  guide: 'Exactly one byte after ETX is the check byte, also where its value is that of STX, ETX, ACK or NAK.',
  async run(gateway) {
    for (const wanted of CONTROL_BYTES) {
      gateway.sell('TEST-EXPIRED', 'Scan the coupon. It is declined.');
      const request = await gateway.request('validate');
      gateway.acknowledge();
      await gateway.answer(request, saidWithCheckByte(gateway, request, wanted));
      await gateway.ends('declined');
    }
  },
};

const anyPieces: RegisterCheck = {
  name: 'any-pieces',
  guide: 'A frame may come in pieces, cut anywhere.',
  async run(gateway) {
    gateway.sell();
    const request = await gateway.request('validate');
    gateway.acknowledge();
    for (const byte of gateway.frameOf(request, EXPIRED)) {
      await gateway.wire.pause(5);
      gateway.wire.write(Uint8Array.of(byte));
    }
    await gateway.acknowledged();
    await gateway.ends('declined');
  },
};

const noise: RegisterCheck = {
  name: 'passes-over-noise',
  guide: 'Bytes between frames that are none of the control bytes are passed over.',
  async run(gateway) {
    gateway.sell();
    const request = await gateway.request('validate');
    gateway.wire.write(Uint8Array.of(0x00, 0xff, 0x41, 0x1b, 0x80));
    gateway.acknowledge();
    gateway.wire.write(Uint8Array.of(0x7f, 0x0d, 0x0a));
    await gateway.answer(request, EXPIRED);
    await gateway.ends('declined');
  },
};

/** Last: it looks back at all of them. */
const numbers: RegisterCheck = {
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

export const REGISTER_CHECKS: readonly RegisterCheck[] = [
  checkByte,
  redeems,
  declined,
  cannotVerify,
  repeatsAfterNak,
  repeatsWithoutAck,
  threeSends,
  acknowledges,
  waits,
  asksStatus,
  reverses,
  reversesRedemption,
  reversesUntilAnswered,
  sameFrameWhenBusy,
  sameFrameWhenNotDone,
  redeemsOnce,
  ignoresOthers,
  naksDamaged,
  anyCheckByte,
  anyPieces,
  noise,
  numbers,
];

async function approved(gateway: PlayedGateway): Promise<Extract<Request, { kind: 'validate' }>> {
  const validation = await gateway.request('validate');
  gateway.acknowledge();
  await gateway.answer(validation, GOOD);
  return validation;
}

async function redeemed(gateway: PlayedGateway): Promise<void> {
  const redemption = await gateway.request('redeem');
  gateway.acknowledge();
  await gateway.answer(redemption, GOOD);
  await gateway.ends('redeemed');
}

/** Taken and never answered. */
async function lost<K extends RegisterRequest['kind']>(gateway: PlayedGateway, kind: K) {
  const request = await gateway.request(kind, LATEST_ANSWER_WAIT_MS);
  gateway.acknowledge();
  return request;
}

async function undone(gateway: PlayedGateway, orig: Request): Promise<void> {
  const reversal = await lost(gateway, 'reverse');
  expectAbout(reversal, orig);
  await gateway.answer(reversal, UNDONE);
}

function expectSame(first: Request, second: Request): void {
  expect(first.payload === second.payload, `the same frame again: ${first.payload}`, second.payload);
}

function expectAbout(asked: Extract<Request, { kind: 'status' | 'reverse' }>, orig: Request): void {
  const isAbout = asked.txn === orig.txn && asked.origSeq === orig.seq && asked.seq !== orig.seq;
  expect(isAbout, `txn ${orig.txn}, orig_seq ${orig.seq}, a seq of its own`, asked.payload);
}

/** Texts are tried until the frame's check byte is the wanted one. */
function saidWithCheckByte(gateway: PlayedGateway, { lane, txn, seq }: RegisterRequest, wanted: number): Said {
  for (let tries = 0; tries < 10_000; tries += 1) {
    const said = say(REASON_ROWS.expired.cc, `EXPIRED ${tries.toString(36)}`);
    if (lrcOf(formatAnswer({ lane, txn, seq, ...said }), gateway.wire.lrc) === wanted) return said;
  }
  throw new Error(`no frame has the check byte ${wanted}`);
}
