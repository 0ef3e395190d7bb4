import { beforeEach, describe, expect, test } from 'vitest';
import type { After } from '../../gateway/lanes/after.ts';
import { Answers, type AnswersSettings } from '../../gateway/lanes/answers.ts';
import { type FeedbackKind, feedbackFor } from '../../gateway/lanes/feedback.ts';
import { outcomeOf, type ScanOutcome } from '../../gateway/lanes/scan-event.ts';
import { type Discard, scanOf } from '../../gateway/lanes/scanner.ts';
import { Speaker } from '../../gateway/lanes/speaker.ts';
import type { Decision } from '../../protocol/redemption-api.ts';

const hexOf = (bytes: Iterable<number>) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');

describe('the feedback', () => {
  const outcomes = ['approved', 'refused', 'unsure', 'silent'] as const;
  const said = (kind: FeedbackKind, outcome: ScanOutcome, ageMs = 0) =>
    feedbackFor(kind, outcome, ageMs).map(({ atMs, bytes }) => `${atMs}: ${hexOf(bytes)}`);

  test.each([
    ['none', [], [], [], []],
    ['bel', ['0: 07'], ['0: 07', '150: 07', '300: 07'], ['0: 07', '150: 07'], []],
    ['datalogic', ['0: 42'], ['0: 46'], ['0: 46 46'], []],
    ['honeywell', ['0: 1b 37 2c'], ['0: 1b 38 2c 1b 38 2c'], ['0: 1b 34 2c 1b 38 2c'], ['0: 1b 31 2c']],
    [
      'ssi',
      ['0: 05 e6 04 00 00 ff 11'],
      ['0: 05 e6 04 00 10 ff 01'],
      ['0: 05 e7 04 00 01 ff 0f', '100: 05 e6 04 00 02 ff 0f', '400: 05 e8 04 00 01 ff 0e'],
      [],
    ],
  ] as const)('%s says each decision with its own bytes', (kind, approved, refused, unsure, silent) => {
    expect(outcomes.map((outcome) => said(kind, outcome))).toEqual([approved, refused, unsure, silent]);
    expect(said(kind, 'redeemed')).toEqual(approved);
  });

  test('says all of it within two seconds of the scan, or nothing', () => {
    expect(said('bel', 'approved', 2_000)).toEqual(['0: 07']);
    expect(said('bel', 'approved', 2_001)).toEqual([]);
    expect(said('bel', 'refused', 1_700)).toHaveLength(3);
    expect(said('bel', 'refused', 1_701)).toEqual([]);
    expect(said('ssi', 'unsure', 1_601)).toEqual([]);
  });

  test('follows the decision: what is no coupon makes no sound, what is not known is no refusal', () => {
    const decision = (over: Partial<Decision>): Decision => ({
      ...{ decision: 'refused', mode: null, reason: 'expired', text: '', code: '', basket: '', offer: null },
      ...{ reservation: null, redemption: null, facts: {}, backlog: 0 },
      ...over,
    });
    const redemption = { id: 'r', at: '', door: '', store: null, lane: null, basket: '', settled: false };
    expect(outcomeOf(decision({}))).toBe('refused');
    expect(outcomeOf(decision({ reason: 'not_a_coupon' }))).toBe('silent');
    expect(outcomeOf(decision({ decision: 'approved', reason: null }))).toBe('approved');
    expect(outcomeOf(decision({ decision: 'approved', reason: null, redemption }))).toBe('redeemed');
    expect(outcomeOf(decision({ decision: 'undetermined', reason: 'cannot_verify' }))).toBe('unsure');
    expect(outcomeOf(null)).toBe('unsure');
  });
});

describe('a scanner is answered', () => {
  let now: number;
  let timers: { at: number; run: () => void }[];
  let sent: string[];
  let asked: string[];
  let decide: ((outcome: ScanOutcome) => void)[];
  let refuse: ((error: Error) => void)[];
  let discarded: Discard[];
  let failed: unknown[];
  let speaker: Speaker;

  const after: After = (delayMs, run) => {
    const timer = { at: now + delayMs, run };
    timers.push(timer);
    return () => {
      timers = timers.filter((other) => other !== timer);
    };
  };

  async function pass(ms: number): Promise<void> {
    await new Promise(setImmediate);
    const until = now + ms;
    for (;;) {
      const next = timers.sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > until) break;
      timers = timers.slice(1);
      now = next.at;
      next.run();
    }
    now = until;
  }

  function answers(over: Partial<AnswersSettings> = {}): Answers {
    const settings = { profile: 'line', lrc: false, ack: 'none', feedback: 'bel', ...over } as const;
    const write = async (bytes: Uint8Array) => {
      sent.push(`${now}: ${hexOf(bytes)}`);
      return true;
    };
    const elapsed = () => now;
    speaker = new Speaker({ write, elapsed, after });
    const check = (raw: string) => {
      asked.push(raw);
      return new Promise<ScanOutcome>((done, fail) => {
        decide.push(done);
        refuse.push(fail);
      });
    };
    return new Answers(settings, {
      check,
      speaker,
      elapsed,
      discarded: ({ why }) => discarded.push(why),
      failed: (error) => failed.push(error),
    });
  }

  const answered = async (at: number, outcome: ScanOutcome) => {
    decide[at]?.(outcome);
    await pass(0);
  };

  beforeEach(() => {
    now = 0;
    [timers, sent, asked, decide, discarded, failed, refuse] = [[], [], [], [], [], [], []];
  });

  test('with its decision, once it is known', async () => {
    answers().take(scanOf(']C1ABC'));
    expect(asked).toEqual([']C1ABC']);
    await pass(30);
    expect(sent).toEqual([]);
    await answered(0, 'refused');
    await pass(1_000);
    expect(sent).toEqual(['30: 07', '180: 07', '330: 07']);
  });

  test('not at all where the decision is older than two seconds', async () => {
    answers().take(scanOf('ABC'));
    await pass(2_001);
    await answered(0, 'approved');
    await pass(1_000);
    expect(sent).toEqual([]);
  });

  test('with nothing more where the process was held up until it is too late', async () => {
    answers().take(scanOf('ABC'));
    await answered(0, 'refused');
    now = 2_001;
    for (const { run } of timers) run();
    expect(sent).toEqual(['0: 07']);
  });

  test('with nothing more once its port is lost, also in the middle of an answer', async () => {
    const scanner = answers({ ack: '06' });
    scanner.take(scanOf('ABC'));
    await answered(0, 'refused');
    await pass(160);
    speaker.end();
    scanner.take(scanOf('DEF'));
    await answered(1, 'approved');
    await pass(1_000);
    expect(sent).toEqual(['0: 06', '0: 07', '150: 07']);
  });

  test('one decision after the other, with a pause: two approvals do not sound like a doubt', async () => {
    const scanner = answers();
    for (const code of ['A', 'B']) scanner.take(scanOf(code));
    await answered(0, 'approved');
    await answered(1, 'approved');
    await pass(1_000);
    expect(sent).toEqual(['0: 07', '600: 07']);
  });

  test('with fewer decisions where more are waiting than can be said in time', async () => {
    const scanner = answers();
    for (let n = 0; n < 10; n += 1) scanner.take(scanOf(`CODE${n}`));
    for (let n = 0; n < 10; n += 1) await answered(n, 'refused');
    await pass(10_000);
    expect(sent.map((line) => Number.parseInt(line, 10)).every((at) => at <= 2_000)).toBe(true);
    expect(sent).toHaveLength(6);
  });

  test('once for a code that is scanned again while it is undecided', async () => {
    const scanner = answers({ ack: '06' });
    scanner.take(scanOf('ABC'));
    await pass(1_900);
    scanner.take(scanOf('ABC'));
    await pass(200);
    await answered(0, 'approved');
    await pass(1_000);
    expect(asked).toEqual(['ABC']);
    expect(sent).toEqual(['0: 06', '1900: 06', '2100: 07']);
  });

  test('with the first answer again for a repeat within 700 ms of it, and asked again after that', async () => {
    const scanner = answers();
    scanner.take(scanOf('ABC'));
    await answered(0, 'unsure');
    await pass(700);
    scanner.take(scanOf('ABC'));
    await pass(1);
    scanner.take(scanOf('ABC'));
    await pass(1_000);
    expect(asked).toEqual(['ABC', 'ABC']);
    expect(sent).toEqual(['0: 07', '150: 07', '750: 07', '900: 07']);
  });

  test('asked again where another code came between, also an undecided one', async () => {
    const scanner = answers();
    for (const [n, code] of ['ABC', 'DEF', 'ABC'].entries()) {
      scanner.take(scanOf(code));
      await answered(n, 'silent');
    }
    for (const code of ['DEF', 'ABC']) scanner.take(scanOf(code));
    expect(asked).toEqual(['ABC', 'DEF', 'ABC', 'DEF', 'ABC']);
  });

  test.each([
    ['none', []],
    ['06', ['0: 06']],
  ] as const)('with the acknowledgement %s at once, before anything is decided', (ack, expected) => {
    answers({ ack }).take(scanOf('ABC'));
    expect(sent).toEqual(expected);
  });

  test('with 15 for what was discarded, and nothing for noise between frames', () => {
    const scanner = answers({ ack: '06' });
    scanner.take({ kind: 'discard', why: 'damaged', bytes: 3 });
    scanner.take({ kind: 'discard', why: 'unframed', bytes: 3 });
    expect(sent).toEqual(['0: 15']);
    expect(discarded).toEqual(['damaged', 'unframed']);
  });

  test('with 15 for a scan that found no room, so that no acknowledged one is lost', () => {
    const scanner = answers({ ack: '06' });
    for (let n = 0; n < 21; n += 1) scanner.take(scanOf(`CODE${n}`));
    expect(asked).toHaveLength(20);
    expect(discarded).toEqual(['too_many']);
    expect(sent.map((line) => line.slice(3))).toEqual([...Array.from({ length: 20 }, () => '06'), '15']);
  });

  test('with nothing where a defect was met, and the same code may be scanned again', async () => {
    const scanner = answers();
    scanner.take(scanOf('ABC'));
    refuse[0]?.(new Error('a defect'));
    await pass(0);
    scanner.take(scanOf('ABC'));
    expect([asked, failed, sent]).toEqual([['ABC', 'ABC'], [new Error('a defect')], []]);
  });

  test('by packets where it speaks ssi, and a packet that is sent again is not scanned twice', async () => {
    const scanner = answers({ profile: 'ssi', feedback: 'ssi' });
    const scan = scanOf('ABC');
    const again = { ...scan, isSentAgain: true };
    scanner.take(scan);
    await answered(0, 'approved');
    await pass(1_000);
    scanner.take(again);
    expect(asked).toEqual(['ABC']);
    scanner.take({ kind: 'notice' });
    scanner.take({ kind: 'discard', why: 'damaged', bytes: 9 });
    const [ack, nak] = ['04 d0 04 00 ff 28', '05 d1 04 00 01 ff 25'];
    expect(sent).toEqual([`0: ${ack}`, '0: 05 e6 04 00 00 ff 11', `1000: ${ack}`, `1000: ${ack}`, `1000: ${nak}`]);
  });

  test('and asked about a packet that is sent again, where the first was not heard', () => {
    answers({ profile: 'ssi', feedback: 'ssi' }).take({
      ...{ kind: 'scan', text: 'ABC', aim: null },
      isSentAgain: true,
    });
    expect(asked).toEqual(['ABC']);
  });
});
