import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GENESIS_HASH, type Head } from '../../protocol/journal.ts';
import { TillUnavailable } from '../../gateway/till/port.ts';
import type { Witness } from '../../gateway/till/witness.ts';
import { makeWitnessFile, WitnessFile } from '../../gateway/till/witness-file.ts';
import { MemoryWitness } from '../rules/till-world.ts';

const head = (n: number, epoch = 1): Head => ({ epoch, n, hash: (n % 16).toString(16).repeat(64) });
const FIRST: Head = { epoch: 1, n: 0, hash: GENESIS_HASH };

let root: string;
let directory: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'tearline-witness-'));
  directory = join(root, 'box.witness');
});
afterEach(() => rmSync(root, { recursive: true }));

const KINDS: [string, { make: () => Witness; without: () => Witness }][] = [
  [
    'in a file',
    {
      make: () => {
        makeWitnessFile(directory, FIRST);
        return new WitnessFile(directory);
      },
      without: () => new WitnessFile(directory),
    },
  ],
  ['in memory', { make: () => new MemoryWitness(), without: () => Object.assign(new MemoryWitness(), { head: null }) }],
];

describe.each(KINDS)('a witness %s', (_, { make, without }) => {
  it('begins with what enrolment wrote', () => {
    expect(make().read()).toEqual({ kind: 'head', head: FIRST });
  });

  it('reads what was written last', () => {
    const witness = make();
    for (const n of [1, 2, 3, 7]) {
      witness.write(head(n));
      expect(witness.read()).toEqual({ kind: 'head', head: head(n) });
    }
    witness.write(head(1, 2));
    expect(witness.read()).toEqual({ kind: 'head', head: head(1, 2) });
  });

  it('takes the same head again', () => {
    const witness = make();
    witness.write(head(4));
    witness.write(head(4));
    expect(witness.read()).toEqual({ kind: 'head', head: head(4) });
  });

  it('never goes back, and never changes the hash at its number [W1, S7]', () => {
    const witness = make();
    witness.write(head(4, 2));
    for (const other of [head(3, 2), head(9, 1), { ...head(4, 2), hash: 'f'.repeat(64) }])
      expect(() => witness.write(other)).toThrow(TillUnavailable);
    expect(witness.read()).toEqual({ kind: 'head', head: head(4, 2) });
  });

  it('that is missing says so, and a write does not make it [W3]', () => {
    const witness = without();
    expect(witness.read()).toEqual({ kind: 'missing' });
    expect(() => witness.write(head(1))).toThrow(TillUnavailable);
    expect(witness.read()).toEqual({ kind: 'missing' });
  });
});

describe('a witness file', () => {
  const SLOT = 4096;
  const file = () => join(directory, 'witness');
  const bytes = () => readFileSync(file());
  const spoil = (change: (bytes: Buffer) => Buffer | undefined) => {
    const now = bytes();
    writeFileSync(file(), change(now) ?? now);
  };
  let witness: WitnessFile;
  beforeEach(() => {
    makeWitnessFile(directory, FIRST);
    witness = new WitnessFile(directory);
    witness.write(head(1));
    witness.write(head(2));
  });
  /** Where head 2 lies: the slot that the last write changed. */
  const newestSlot = () => (bytes().subarray(0, SLOT).includes('"n":2') ? 0 : 1);

  it('is written in turn: a write leaves the newest slot as it is [W2]', () => {
    for (let n = 3; n < 9; n += 1) {
      const before = bytes();
      witness.write(head(n));
      const after = bytes();
      expect(after).toHaveLength(2 * SLOT);
      const changed = [0, 1].filter(
        (slot) =>
          !after.subarray(slot * SLOT, (slot + 1) * SLOT).equals(before.subarray(slot * SLOT, (slot + 1) * SLOT)),
      );
      expect(changed).toHaveLength(1);
      expect(after.subarray(0, 2 * SLOT).toString()).toContain(`"n":${n - 1}`);
    }
  });

  it('is found again by another process', () => {
    expect(new WitnessFile(directory).read()).toEqual({ kind: 'head', head: head(2) });
    new WitnessFile(directory).write(head(3));
    expect(witness.read()).toEqual({ kind: 'head', head: head(3) });
  });

  it.each([1, 7, 40, 100, 200])(
    'a newest slot torn after %d bytes leaves the one before, and the next write mends it',
    (length) => {
      spoil((now) => void now.fill(0, newestSlot() * SLOT + length, (newestSlot() + 1) * SLOT));
      expect(witness.read()).toEqual({ kind: 'head', head: head(1) });
      witness.write(head(3));
      expect(witness.read()).toEqual({ kind: 'head', head: head(3) });
    },
  );

  it('any flipped byte of a slot’s text spoils that slot', () => {
    const slot = newestSlot();
    const whole = bytes();
    const end = whole.indexOf('\n', slot * SLOT);
    for (let at = slot * SLOT; at < end; at += 1) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      writeFileSync(file(), flipped);
      expect(witness.read(), `byte ${at}`).toEqual({ kind: 'head', head: head(1) });
    }
  });

  it('with both slots spoilt is unreadable, and is not written over', () => {
    spoil((now) => void now.fill(0));
    expect(witness.read()).toEqual({ kind: 'unreadable' });
    expect(() => witness.write(head(3))).toThrow(TillUnavailable);
    expect(witness.read()).toEqual({ kind: 'unreadable' });
  });

  it.each([
    ['empty', 0],
    ['cut short', 10],
  ])('that is %s is unreadable', (_, length) => {
    spoil((now) => now.subarray(0, length));
    expect(witness.read()).toEqual({ kind: 'unreadable' });
  });

  it('that is a directory is unreadable', () => {
    rmSync(file());
    mkdirSync(file());
    expect(witness.read()).toEqual({ kind: 'unreadable' });
    expect(() => witness.write(head(3))).toThrow(TillUnavailable);
  });

  it('is made anew by another enrolment, whatever was there', () => {
    makeWitnessFile(directory, { epoch: 1, n: 0, hash: GENESIS_HASH });
    expect(witness.read()).toEqual({ kind: 'head', head: FIRST });
  });

  it('cannot be made where its directory cannot', () => {
    writeFileSync(join(root, 'in-the-way'), '');
    expect(() => makeWitnessFile(join(root, 'in-the-way', 'box.witness'), FIRST)).toThrow();
  });
});
