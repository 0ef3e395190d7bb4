import { formatAnswer, parseAnswer } from '../../protocol/register-frame/answer.ts';
import { APPROVED, BUSY, NOT_UNDERSTOOD, SEQ_REUSED } from '../../protocol/register-frame/answer-codes.ts';
import {
  ACK_WAIT_MS,
  BYTE_GAP_MS,
  DISPLAY_CHARACTERS,
  encodeFrame,
  lrcOf,
  PAYLOAD_BYTES_MAX,
  SENDS_MAX,
  STX,
} from '../../protocol/register-frame/frame.ts';
import { type Check, expect, Failed } from './check.ts';
import { type Asked, type PlayedRegister, SLOW_ANSWER_MS, TOTAL } from './played-register.ts';
import { CONTROL_BYTES, inWords, type Seen } from './wire.ts';

/** What the gateway must do with bytes and in time, whatever the coupon. */
type LineCheck = Check<PlayedRegister>;

const GOOD: Asked = { kind: 'validate', code: 'TEST-APPROVED', amount: TOTAL };
const SLOW: Asked = { kind: 'validate', code: 'TEST-SLOW', amount: TOTAL };

const checkByte: LineCheck = {
  name: 'check-byte',
  guide: 'The check byte is the exclusive or of every covered byte, and of the base.',
  async run(register) {
    const seq = register.seq();
    register.send(register.ping(seq));
    await register.acknowledged();
    const answer = await register.answer('', seq);
    expect(answer.cc === APPROVED, `${APPROVED} to a ping`, `${answer.cc} ${answer.text}`);
  },
};

const ackFirst: LineCheck = {
  name: 'ack-first',
  guide: 'A good frame is acknowledged within 50 ms, before its answer.',
  async run(register) {
    const seq = register.seq();
    register.send(register.payload(GOOD, seq));
    await register.acknowledged();
    await register.answer(register.txn, seq);
    await register.silence(BYTE_GAP_MS);
  },
};

const nakBadCheckByte: LineCheck = {
  name: 'nak-bad-check-byte',
  guide:
    'A frame whose check byte is wrong, or whose payload is longer than 512 bytes, is answered with NAK and nothing else.',
  async run(register) {
    const bytes = encodeFrame(register.payload(GOOD, register.seq()), register.wire.lrc);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 0x40;
    register.wire.write(bytes);
    await expectNak(register);
  },
};

const nakOverlong: LineCheck = {
  name: 'nak-overlong',
  guide: nakBadCheckByte.guide,
  async run(register) {
    const payload = register.payload(GOOD, register.seq()).padEnd(PAYLOAD_BYTES_MAX + 88, 'A');
    register.wire.write(Uint8Array.of(STX, ...Buffer.from(payload, 'latin1'), 0x03, lrcOf(payload, register.wire.lrc)));
    await expectNak(register);
    await register.validate('TEST-APPROVED');
  },
};

const dropsHalfFrame: LineCheck = {
  name: 'drops-half-a-frame',
  guide: 'Where a byte is later than 250 ms after the one before it, the half frame is dropped without a word.',
  async run(register) {
    const half = encodeFrame(register.payload(GOOD, register.seq()), register.wire.lrc).slice(0, 12);
    register.wire.write(half);
    await register.wire.pause(2 * BYTE_GAP_MS);
    // Were the half kept, these would complete it to a damaged frame.
    register.wire.write(Uint8Array.of(0x41, 0x03, 0x41));
    await register.silence(BYTE_GAP_MS);
    await register.validate('TEST-APPROVED');
  },
};

const startsAnew: LineCheck = {
  name: 'starts-anew-at-stx',
  guide: 'STX inside a payload begins a new frame.',
  async run(register) {
    register.wire.write(encodeFrame(register.payload(GOOD, register.seq()), register.wire.lrc).slice(0, 12));
    await register.validate('TEST-APPROVED');
  },
};

const anyCheckByte: LineCheck = {
  name: 'any-check-byte',
  guide: 'Exactly one byte after ETX is the check byte, also where its value is that of STX, ETX, ACK or NAK.',
  async run(register) {
    for (const wanted of CONTROL_BYTES) {
      const seq = register.seq();
      const txn = basketWithCheckByte(register, seq, wanted);
      register.send(register.payload(GOOD, seq, txn));
      await register.acknowledged();
      await register.answer(txn, seq);
      await register.silence(BYTE_GAP_MS / 2);
    }
  },
};

const anyPieces: LineCheck = {
  name: 'any-pieces',
  guide: 'A frame may come in pieces, cut anywhere.',
  async run(register) {
    const seq = register.seq();
    for (const byte of encodeFrame(register.payload(GOOD, seq), register.wire.lrc)) {
      await register.wire.pause(5);
      register.wire.write(Uint8Array.of(byte));
    }
    await register.acknowledged();
    await register.answer(register.txn, seq);
  },
};

const repeatsAfterNak: LineCheck = {
  name: 'repeats-after-nak',
  guide: 'At NAK the same frame is sent again.',
  async run(register) {
    const seq = register.seq();
    register.send(register.payload(GOOD, seq));
    await register.acknowledged();
    const first = await register.frame(ACK_WAIT_MS);
    register.refuse();
    const second = await register.frame(ACK_WAIT_MS / 2);
    register.acknowledge();
    expect(first === second, `the same frame again: ${first}`, second);
  },
};

const repeatsWithoutAck: LineCheck = {
  name: 'repeats-without-ack',
  guide: 'A sender waits 1.5 s for ACK or NAK and sends the same frame at most three times.',
  async run(register) {
    const seq = register.seq();
    register.send(register.payload(GOOD, seq));
    await register.acknowledged();
    const first = await register.frame(ACK_WAIT_MS);
    for (let sends = 2; sends <= SENDS_MAX; sends += 1) {
      const again = await register.frame(2 * ACK_WAIT_MS);
      expect(first === again, `the same frame again: ${first}`, again);
    }
  },
};

const threeSends: LineCheck = {
  name: 'three-sends',
  guide: repeatsWithoutAck.guide,
  async run(register) {
    register.send(register.payload(GOOD, register.seq()));
    await register.acknowledged();
    for (let sends = 1; sends <= SENDS_MAX; sends += 1) {
      const seen = await register.wire.next(2 * ACK_WAIT_MS);
      // Fewer sends are what another check finds.
      if (seen === null) return;
    }
    const more = await register.wire.next(2 * ACK_WAIT_MS);
    register.acknowledge();
    expect(more === null, `no more than ${SENDS_MAX} sends`, inWords(more));
  },
};

const sameSeqSameAnswer: LineCheck = {
  name: 'same-seq-same-answer',
  guide: 'The same frame again, with the same seq, gets the same answer.',
  async run(register) {
    const seq = register.seq();
    const first = await register.ask(GOOD, seq);
    const second = await register.ask(GOOD, seq);
    expect(formatAnswer(first) === formatAnswer(second), formatAnswer(first), formatAnswer(second));
  },
};

const seqIsItsOwn: LineCheck = {
  name: 'seq-is-its-own',
  guide: 'Another seq in the same basket is another request.',
  async run(register) {
    await register.validate('TEST-APPROVED');
    register.expectCc(await register.validate('TEST-EXPIRED'), '12', 'TEST-EXPIRED after TEST-APPROVED');
  },
};

const seqInEachBasket: LineCheck = {
  name: 'seq-in-each-basket',
  guide: 'The same seq in another basket is another request.',
  async run(register) {
    const seq = register.seq();
    await register.ask(GOOD, seq);
    const other = await register.ask({ ...GOOD, code: 'TEST-EXPIRED' }, seq, `${register.txn}-b`);
    register.expectCc(other, '12', 'TEST-EXPIRED in another basket');
  },
};

const seqReused: LineCheck = {
  name: 'seq-reused',
  guide: 'A seq that comes again in its basket with another content is refused with 32 and nothing is done.',
  async run(register) {
    const seq = register.seq();
    await register.ask(GOOD, seq);
    const other = await register.ask({ ...GOOD, code: 'TEST-EXPIRED' }, seq);
    register.expectCc(other, SEQ_REUSED, 'a seq that was used before');
  },
};

const progress: LineCheck = {
  name: 'progress',
  guide:
    'After 400 ms without an answer, and then once a second, the gateway sends 01, 20 characters for the display, 04.',
  async run(register) {
    const seq = register.seq();
    const texts: Seen[] = [];
    register.send(register.payload(SLOW, seq));
    await register.acknowledged();
    await register.answer(register.txn, seq, SLOW_ANSWER_MS, texts);
    expect(texts.length >= 2, 'two progress texts or more in 3 s', `${texts.length}`);
    const odd = texts.find((seen) => seen.kind !== 'progress' || seen.text.length !== DISPLAY_CHARACTERS);
    expect(odd === undefined, `${DISPLAY_CHARACTERS} characters`, odd === undefined ? '' : inWords(odd));
  },
};

const busy: LineCheck = {
  name: 'busy',
  guide: 'While a request is not answered, another one is answered with 90.',
  async run(register) {
    const [slow, second] = [register.seq(), register.seq()];
    register.send(register.payload(SLOW, slow));
    await register.acknowledged();
    register.send(register.payload(GOOD, second));
    await register.acknowledged();
    const answer = await register.answer(register.txn, second);
    register.expectCc(answer, BUSY, 'a second request');
    await register.answer(register.txn, slow, SLOW_ANSWER_MS);
    // Not now is not never: the same frame is taken up when the line is free.
    register.expectCc(await register.ask(GOOD, second), APPROVED, 'the same frame after 90');
  },
};

const oneAnswer: LineCheck = {
  name: 'one-answer',
  guide: 'A frame that comes again before it is answered is acknowledged, and answered once.',
  async run(register) {
    const seq = register.seq();
    for (const _ of ['first', 'again']) {
      register.send(register.payload(SLOW, seq));
      await register.acknowledged();
    }
    await register.answer(register.txn, seq, SLOW_ANSWER_MS);
    await register.silence(SLOW_ANSWER_MS);
  },
};

const notUnderstood: LineCheck = {
  name: 'not-understood',
  guide: 'A good frame whose fields are not understood is acknowledged and answered with 30.',
  async run(register) {
    const seq = register.seq();
    const strange = [
      `Z|1|1|${register.txn}|${seq}`,
      `V|2|1|${register.txn}|${seq}|TEST-APPROVED|100`,
      `V|1|1|${register.txn}|${seq}|TEST-APPROVED|4.20`,
      `V|1|1|${register.txn}|${seq}|TEST\\APPROVED|100`,
    ];
    for (const payload of strange) {
      register.send(payload);
      await register.acknowledged();
      const answer = parseAnswer(await register.frame(ACK_WAIT_MS));
      register.acknowledge();
      if (answer === null) throw new Failed('an answer', 'another frame');
      register.expectCc(answer, NOT_UNDERSTOOD, payload);
    }
  },
};

const escapes: LineCheck = {
  name: 'escapes',
  guide:
    'In a field, the bar, the backslash and every byte that is not printable ASCII are written as a backslash and two hexadecimal digits.',
  async run(register) {
    const seq = register.seq();
    register.send(`V|1|1|${register.txn}|${seq}|TEST\\2DAPPROVED|100`);
    await register.acknowledged();
    register.expectCc(await register.answer(register.txn, seq), APPROVED, 'TEST\\2DAPPROVED, which is TEST-APPROVED');
  },
};

export const GATEWAY_LINE_CHECKS: readonly LineCheck[] = [
  checkByte,
  ackFirst,
  nakBadCheckByte,
  nakOverlong,
  dropsHalfFrame,
  startsAnew,
  anyCheckByte,
  anyPieces,
  repeatsAfterNak,
  repeatsWithoutAck,
  threeSends,
  sameSeqSameAnswer,
  seqIsItsOwn,
  seqInEachBasket,
  seqReused,
  progress,
  busy,
  oneAnswer,
  notUnderstood,
  escapes,
];

async function expectNak(register: PlayedRegister): Promise<void> {
  const seen = await register.wire.next(ACK_WAIT_MS);
  expect(seen?.kind === 'nak', 'NAK', inWords(seen));
  await register.silence(2 * BYTE_GAP_MS);
}

/** Names are tried until the frame's check byte is the wanted one. */
function basketWithCheckByte(register: PlayedRegister, seq: string, wanted: number): string {
  for (let tries = 0; tries < 10_000; tries += 1) {
    const txn = `${register.txn}-${tries.toString(36)}`;
    if (lrcOf(register.payload(GOOD, seq, txn), register.wire.lrc) === wanted) return txn;
  }
  throw new Error(`no frame has the check byte ${wanted}`);
}
