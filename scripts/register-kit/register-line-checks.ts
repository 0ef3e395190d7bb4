import { formatAnswer, type Said, say } from '../../protocol/register-frame/answer.ts';
import { REASON_ROWS } from '../../protocol/register-frame/answer-codes.ts';
import { ACK_WAIT_MS, lrcOf, SENDS_MAX } from '../../protocol/register-frame/frame.ts';
import type { RegisterRequest } from '../../protocol/register-frame/request.ts';
import { type Check, expect } from './check.ts';
import type { PlayedGateway } from './played-gateway.ts';
import { EXPIRED, expectSame, GOOD, LATEST_ANSWER_WAIT_MS } from './register-steps.ts';
import { CONTROL_BYTES } from './wire.ts';

/** What a register must do with bytes and in time; each check is one sale. */
type LineCheck = Check<PlayedGateway>;

const checkByte: LineCheck = {
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

const acknowledges: LineCheck = {
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

const repeatsAfterNak: LineCheck = {
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

const repeatsWithoutAck: LineCheck = {
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

const threeSends: LineCheck = {
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

const waits: LineCheck = {
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

const naksDamaged: LineCheck = {
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

const anyCheckByte: LineCheck = {
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

const anyPieces: LineCheck = {
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

const noise: LineCheck = {
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

export const REGISTER_LINE_CHECKS: readonly LineCheck[] = [
  checkByte,
  acknowledges,
  repeatsAfterNak,
  repeatsWithoutAck,
  threeSends,
  waits,
  naksDamaged,
  anyCheckByte,
  anyPieces,
  noise,
];

/** Texts are tried until the frame's check byte is the wanted one. */
function saidWithCheckByte(gateway: PlayedGateway, { lane, txn, seq }: RegisterRequest, wanted: number): Said {
  for (let tries = 0; tries < 10_000; tries += 1) {
    const said = say(REASON_ROWS.expired.cc, `EXPIRED ${tries.toString(36)}`);
    if (lrcOf(formatAnswer({ lane, txn, seq, ...said }), gateway.wire.lrc) === wanted) return said;
  }
  throw new Error(`no frame has the check byte ${wanted}`);
}
