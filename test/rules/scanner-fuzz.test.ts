import { describe, expect, test } from 'vitest';
import { makeReader, type ProfileSettings } from '../../gateway/lanes/profiles/profile.ts';
import { OPERATION, ssiPacket } from '../../gateway/lanes/profiles/ssi.ts';
import { type Heard, type Reader, SCAN_BYTES_MAX } from '../../gateway/lanes/scanner.ts';

const SEED = Number(process.env.TEARLINE_FUZZ_SEED ?? Date.now() % 1_000_000);
const NOISE_BYTES = 2_000_000;
const KEPT_BYTES_MAX = 1_024;
const CODE = '7KQ29MXD4TRB8WNS';

const bytesOf = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

type Named = { name: string; settings: ProfileSettings; frame: (code: string) => Uint8Array };
const profiles: Named[] = [
  { name: 'line', settings: { profile: 'line', lrc: false, ack: 'none' }, frame: (code) => bytesOf(`${code}\r`) },
  {
    name: 'stx-etx',
    settings: { profile: 'stx-etx', lrc: false, ack: 'none' },
    frame: (code) => bytesOf(`\u0002${code}\u0003`),
  },
  { name: 'stx-etx with LRC', settings: { profile: 'stx-etx', lrc: true, ack: 'none' }, frame: checked },
  {
    name: 'magellan',
    settings: { profile: 'magellan', lrc: false, ack: 'none' },
    frame: (code) => bytesOf(`S08B3${code}\r`),
  },
  {
    name: 'ssi',
    settings: { profile: 'ssi', lrc: false, ack: 'none' },
    frame: (code) => ssiPacket(OPERATION.scan, [0x03, ...bytesOf(code)], 'scanner'),
  },
];

function checked(code: string): Uint8Array {
  const framed = bytesOf(`${code}\u0003`);
  return Uint8Array.of(
    0x02,
    ...framed,
    framed.reduce((xor, byte) => xor ^ byte, 0),
  );
}

/** Numbers from 0 to below `end` that a seed repeats (xorshift). */
function randomFrom(seed: number): (end: number) => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1;
  return (end) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % end;
  };
}

/** What noise looks like: any byte, or mostly the ones that mean something to a profile. */
function noiseOf(random: (end: number) => number, length: number): Uint8Array {
  const marks = [0x00, 0x02, 0x03, 0x06, 0x15, 0x0a, 0x0d, 0x1d, 0x04, 0xf3, 0xff, 0x53, 0x30, 0x38];
  const isMarked = random(2) === 0;
  return Uint8Array.from({ length }, () => (isMarked ? (marks[random(marks.length)] ?? 0) : random(256)));
}

const scans = (heard: readonly Heard[]) => heard.flatMap((one) => (one.kind === 'scan' ? [one.text] : []));

/** The next frame after silence is read, and nothing else with it. */
function expectNextRead(reader: Reader, frame: Named['frame']): void {
  reader.silence();
  expect(reader.kept).toBe(0);
  expect(scans(reader.read(frame(CODE)))).toEqual([CODE]);
}

describe.each(profiles)(`ten million bytes of noise over all profiles (seed ${SEED}): $name`, ({ settings, frame }) => {
  test('never crashes, keeps under a kilobyte, never finds a whole code, and reads the next frame', () => {
    const random = randomFrom(SEED);
    const reader = makeReader(settings);
    let keptMost = 0;
    for (let done = 0; done < NOISE_BYTES; ) {
      const piece = noiseOf(random, 1 + random(4_000));
      done += piece.length;
      const heard = reader.read(piece);
      keptMost = Math.max(keptMost, reader.kept);
      for (const one of heard) if (one.kind === 'scan') expect(one.text.length).toBeLessThanOrEqual(SCAN_BYTES_MAX);
      expect(scans(heard)).not.toContain(CODE);
      if (random(20) === 0) expectNextRead(reader, frame);
    }
    expect(keptMost).toBeLessThan(KEPT_BYTES_MAX);
    expectNextRead(reader, frame);
  });

  test('a megabyte without an end keeps under a kilobyte, and the next frame is read', () => {
    for (const byte of [0x41, 0x00, 0x02, 0x53, 0xff]) {
      const reader = makeReader(settings);
      for (let piece = 0; piece < 256; piece += 1) {
        reader.read(new Uint8Array(4_096).fill(byte));
        expect(reader.kept).toBeLessThan(KEPT_BYTES_MAX);
      }
      expectNextRead(reader, frame);
    }
  });

  test('a frame with a byte added, lost, turned or doubled is followed by the next one', () => {
    const random = randomFrom(SEED);
    for (let round = 0; round < 5_000; round += 1) {
      const reader = makeReader(settings);
      reader.read(mutated(frame(CODE), random));
      expectNextRead(reader, frame);
    }
  });
});

test.each(profiles.filter(({ name }) => name === 'ssi' || name.endsWith('LRC')))(
  `a frame with one byte turned never gives a scan, where the frame has a check (seed ${SEED}): $name`,
  ({ settings, frame }) => {
    const random = randomFrom(SEED);
    for (let round = 0; round < 20_000; round += 1) {
      const bytes = Uint8Array.from(frame(CODE));
      const at = random(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 + random(255));
      const reader = makeReader(settings);
      expect(scans([...reader.read(bytes), ...reader.silence()])).toEqual([]);
    }
  },
);

/** Bytes read at another speed than they were sent at: some are lost, the others are others. */
test.each(profiles)(`at the wrong baud nothing is read (seed ${SEED}): $name`, ({ settings, frame }) => {
  const random = randomFrom(SEED);
  const reader = makeReader(settings);
  for (let round = 0; round < 2_000; round += 1) {
    const sampled = frame(CODE).filter(() => random(2) === 0);
    const garbled = sampled.map((byte) => (byte << 1) | random(2));
    expect(scans([...reader.read(garbled), ...reader.silence()])).not.toContain(CODE);
  }
  expectNextRead(reader, frame);
});

function mutated(frame: Uint8Array, random: (end: number) => number): Uint8Array {
  const at = random(frame.length);
  const [before, byte, rest] = [frame.subarray(0, at), frame[at] ?? 0, frame.subarray(at + 1)];
  switch (random(4)) {
    case 0:
      return Uint8Array.of(...before, byte, random(256), ...rest);
    case 1:
      return Uint8Array.of(...before, ...rest);
    case 2:
      return Uint8Array.of(...before, byte ^ (1 << random(8)), ...rest);
    default:
      return Uint8Array.of(...before, byte, byte, ...rest);
  }
}
