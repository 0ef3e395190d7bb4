import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, type TestContext } from 'vitest';
import { z } from 'zod';
import { frame, type Profile } from '../../scripts/scanner-sim/frames.ts';
import { hasSocat } from './cable.ts';
import { endOf, Process, TEARLINE, until } from './processes.ts';
import { ScannerBox } from './scanner-box.ts';

const ACK = '06';
const SSI_ACK = '04 d0 04 00 ff 28';
/** Each profile and each feedback, and what is heard of an answer. */
const lanes: { lane: string; profile: Profile; scanner: string; heard: Heard }[] = [
  {
    lane: 'bel',
    profile: 'line',
    scanner: 'ack = "06"\nfeedback = "bel"',
    heard: { ack: ACK, approved: '07', refused: '07 07 07', unsure: '07 07', silent: '' },
  },
  {
    lane: 'datalogic',
    profile: 'magellan',
    scanner: 'profile = "magellan"\nack = "06"\nfeedback = "datalogic"',
    heard: { ack: ACK, approved: '42', refused: '46', unsure: '46 46', silent: '' },
  },
  {
    lane: 'honeywell',
    profile: 'stx-etx',
    scanner: 'profile = "stx-etx"\nbaud = 115200\nfeedback = "honeywell"',
    heard: {
      ack: '',
      approved: '1b 37 2c',
      refused: '1b 38 2c 1b 38 2c',
      unsure: '1b 34 2c 1b 38 2c',
      silent: '1b 31 2c',
    },
  },
  {
    lane: 'ssi',
    profile: 'ssi',
    scanner: 'profile = "ssi"\nfeedback = "ssi"',
    heard: {
      ack: SSI_ACK,
      approved: '05 e6 04 00 00 ff 11',
      refused: '05 e6 04 00 10 ff 01',
      unsure: '05 e7 04 00 01 ff 0f 05 e6 04 00 02 ff 0f 05 e8 04 00 01 ff 0e',
      silent: '',
    },
  },
  { lane: 'mute', profile: 'line', scanner: '', heard: { ack: '', approved: '', refused: '', unsure: '', silent: '' } },
];
type Heard = { ack: string; approved: string; refused: string; unsure: string; silent: string };
const MILK = '4006381333931';

describe('a box with scanners of every kind', () => {
  let box: ScannerBox;
  beforeAll(async () => {
    if (hasSocat) box = await ScannerBox.start(lanes);
  });
  afterAll(() => box?.stop());
  const needsSocat = (context: TestContext) => hasSocat || context.skip('socat is missing: apt-get install socat');

  const scan = (lane: (typeof lanes)[number], code: string) =>
    box.cable(lane.lane).type(frame(code, lane.profile, 'cr'));
  /** Waits until this, and nothing before it, has been heard. */
  const hears = (lane: (typeof lanes)[number], ...parts: string[]) => {
    const wanted = parts.filter((part) => part !== '').join(' ');
    return until(`lane ${lane.lane} hears ${wanted}`, async () => {
      const heard = box.cable(lane.lane).heardHex();
      if (!wanted.startsWith(heard)) return `heard ${heard}`;
      return heard === wanted && wanted;
    }).then((heard) => expect(heard).toBe(wanted));
  };

  test('starts without any of them, and takes up each that comes, beside one that never does', async (context) => {
    needsSocat(context);
    for (const { lane } of lanes) {
      await until(`lane ${lane} is missed`, async () => box.said(lane, 'the scanner is not there').length > 0);
      if (lane !== 'mute') await box.plugIn(lane);
    }
    expect(box.said('mute', 'the scanner is there')).toEqual([]);
    for (const { lane } of lanes) expect(box.said(lane, 'the scanner is not there')).toHaveLength(1);
  });

  test.concurrent.for(lanes.slice(0, 4))('lets the scanner of lane $lane say every decision', async (lane, context) => {
    needsSocat(context);
    const { heard } = lane;
    const said: string[] = [];
    await box.plugIn(lane.lane);
    for (const [code, answer] of [
      [box.codes[lanes.indexOf(lane)] ?? '', heard.approved],
      ['TEST-EXPIRED', heard.refused],
      ['TEST-CANNOT_VERIFY', heard.unsure],
      [MILK, heard.silent],
      ['TEST-APPROVED', heard.approved],
    ] as const) {
      scan(lane, code);
      said.push(heard.ack, answer);
      await hears(lane, ...said);
    }
  });

  test('is plugged and unplugged fifty times in the middle of scans: each time the next scan is heard, and nothing else', async (context) => {
    needsSocat(context);
    await Promise.all(lanes.map(replugTenTimes));
    expect(box.hasEnded).toBe(false);
  });

  async function replugTenTimes(lane: (typeof lanes)[number]): Promise<void> {
    for (let time = 0; time < 10; time += 1) {
      // Its answer may be under way, or not yet asked for.
      scan(lane, time % 2 === 0 ? 'TEST-EXPIRED' : 'TEST-CANNOT_VERIFY');
      await box.plugIn(lane.lane);
      scan(lane, 'TEST-APPROVED');
      await hears(lane, lane.heard.ack, lane.heard.approved);
    }
  }

  test('tells a register of each scan and its decision; the register redeems it and ends the sale', async (context) => {
    needsSocat(context);
    await box.plugIn('mute');
    const events = follow(box, 'mute');
    await events.begun;
    const code = box.codes[10] ?? '';
    const mute = lanes[4];
    if (mute === undefined) throw new Error('there is no such lane');
    scan(mute, code);
    const [scanned, decided] = await events.next(2);
    expect(scanned).toMatchObject({ event: 'scan', data: { lane: 'mute', code, origin: 'scanner' } });
    expect(decided).toMatchObject({
      event: 'decision',
      data: { lane: 'mute', code, decision: { decision: 'approved' } },
    });
    expect(decided?.data.scan).toBe(scanned?.data.scan);
    const { basket } = z.object({ decision: z.object({ basket: z.string() }) }).parse(decided?.data).decision;
    const redeemed = await box.post('/v1/redemptions', { code, basket, lane: 'mute' });
    expect(redeemed).toMatchObject({ decision: 'approved', redemption: { basket, lane: 'mute' } });
    const next = z.object({ basket: z.string() }).parse(await box.post('/v1/lanes/mute/next', {}));
    expect(next.basket).not.toBe(basket);
    for (const again of ['TEST-EXPIRED', code]) scan(mute, again);
    expect((await events.next(6)).at(-1)).toMatchObject({
      data: { decision: { decision: 'refused', reason: 'already_redeemed' } },
    });
    events.stop();
  });

  test('is tried without hardware: scanner-sim sends a file of codes and says in words what it hears', async (context) => {
    needsSocat(context);
    const codes = join(box.folder, 'codes');
    writeFileSync(codes, `TEST-APPROVED\n\nTEST-EXPIRED\nTEST-CANNOT_VERIFY\n${MILK}\n`);
    const answered = await Promise.all(lanes.slice(0, 4).map((lane) => simulated(lane, codes)));
    const silence: Record<string, string[]> = { honeywell: ['no beep: not a coupon (1b 31 2c)'] };
    for (const [n, { lane, profile, heard }] of lanes.slice(0, 4).entries()) {
      const taken = heard.ack === '' ? [] : [`acknowledged (${heard.ack})`];
      expect(answered[n]).toEqual([
        `a scanner of profile ${profile} is at ${box.cable(lane).path}`,
        ...['scan: TEST-APPROVED', ...taken, `beep: approved (${heard.approved})`],
        ...['scan: TEST-EXPIRED', ...taken, `beep: refused (${heard.refused})`],
        ...['scan: TEST-CANNOT_VERIFY', ...taken, `beep: cannot verify (${heard.unsure})`],
        ...[`scan: ${MILK}`, ...taken, ...(silence[lane] ?? [])],
      ]);
    }
  });

  /** What scanner-sim prints in the place of a scanner. */
  async function simulated({ lane, profile }: (typeof lanes)[number], codes: string): Promise<string[]> {
    await box.cable(lane).pull();
    const port = ['--port', box.cable(lane).path];
    const args = ['scanner-sim', '--profile', profile, ...port, '--codes', codes, '--every', '1500'];
    const { status, stdout, stderr } = await endOf(new Process(TEARLINE, args));
    expect([status, stderr]).toEqual([0, '']);
    return stdout.trim().split('\n');
  }

  test.for([
    ['a profile that is none', ['--profile', 'morse'], 64, '--profile takes line, stx-etx, magellan, ssi'],
    ['a suffix that is none', ['--suffix', 'tab'], 64, '--suffix takes cr, lf, none'],
    ['a pause that is none', ['--every', 'often'], 64, '--every takes milliseconds, at most 999999'],
    ['a file that is not there', ['--codes', '/nowhere'], 64, 'there is no file /nowhere'],
    [
      'a port that cannot be had',
      ['--port', '/nowhere/at/all'],
      69,
      '/nowhere/at/all cannot be had: choose another --port',
    ],
  ] as const)('scanner-sim says in one line what is wrong: %s', async ([, args, status, line], context) => {
    needsSocat(context);
    const ended = await endOf(new Process(TEARLINE, ['scanner-sim', ...args]));
    expect([ended.status, ended.stderr]).toEqual([status, `tearline: ${line}; see tearline scanner-sim --help\n`]);
  });

  test('scanner-sim says what to install where socat is missing', async () => {
    const ended = await endOf(new Process(TEARLINE, ['scanner-sim'], { PATH: '/nowhere' }));
    expect([ended.status, ended.stderr]).toEqual([
      69,
      'tearline: socat is missing: install it (apt-get install socat); see tearline scanner-sim --help\n',
    ]);
  });
});

/** The event stream of a lane, read as a register reads it. */
function follow(box: ScannerBox, lane: string) {
  const leave = new AbortController();
  const begun = Promise.withResolvers<void>();
  let text = '';
  const read = async () => {
    const answer = await fetch(`${box.url}/v1/lanes/${lane}/events`, {
      headers: { authorization: `Bearer ${box.token}` },
      signal: leave.signal,
    });
    for await (const piece of answer.body ?? []) {
      text += new TextDecoder().decode(piece);
      begun.resolve();
    }
  };
  read().catch(begun.reject);
  const events = () =>
    text
      .split('\n\n')
      .slice(0, -1)
      .flatMap((block) => {
        const match = /^event: (\w+)\ndata: (.*)$/.exec(block);
        return match === null ? [] : [{ event: match[1], data: JSON.parse(match[2] ?? '') }];
      });
  return {
    begun: begun.promise,
    next: (count: number) => until(`${count} events`, async () => events().length >= count && events()),
    stop: () => leave.abort(),
  };
}
