import { createHash } from 'node:crypto';
import { closeSync, fdatasyncSync, fsyncSync, mkdirSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { type Head, headSchema } from '../../protocol/journal.ts';
import { TillUnavailable } from './port.ts';
import type { WitnessReading } from './start-rules.ts';
import type { Witness } from './witness.ts';

/**
 * The witness as a file of two slots, written in turn, each with a checksum: a write that is torn by a power cut spoils
 * the older one alone. Slots lie on blocks of their own, so that no device writes both at once.
 */
const SLOT_BYTES = 4096;
const SLOTS = [0, 1] as const;
type Slot = (typeof SLOTS)[number];

const FILE_NAME = 'witness';

/** Enrolment makes the witness, and nothing else does. @throws where the directory or the file cannot be written */
export function makeWitnessFile(directory: string, head: Head): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, FILE_NAME);
  const file = openSync(`${path}.new`, 'w', 0o600);
  try {
    for (const slot of SLOTS) writeSlot(file, slot, head);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
  syncDirectory(directory);
  syncDirectory(dirname(resolve(directory)));
}

export class WitnessFile implements Witness {
  readonly #path: string;

  constructor(directory: string) {
    this.#path = join(directory, FILE_NAME);
  }

  read(): WitnessReading {
    try {
      const newest = this.#withFile('r', newestOf);
      return newest === null ? { kind: 'unreadable' } : { kind: 'head', head: newest.head };
    } catch (error) {
      return { kind: isMissing(error) ? 'missing' : 'unreadable' };
    }
  }

  write(head: Head): void {
    try {
      // Opened and read each time: a device that was pulled, or a file that was exchanged, is noticed at the next write.
      this.#withFile('r+', (file) => {
        const newest = newestOf(file);
        if (newest === null) throw new Error('neither slot of it is whole');
        if (!follows(head, newest.head)) throw new Error(`it already covers ${newest.head.epoch}/${newest.head.n}`);
        writeSlot(file, newest.slot === 0 ? 1 : 0, head);
        fdatasyncSync(file); // the file never changes its size
      });
    } catch (error) {
      throw new TillUnavailable(`the witness cannot be written: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    }
  }

  #withFile<T>(flags: 'r' | 'r+', use: (file: number) => T): T {
    const file = openSync(this.#path, flags);
    try {
      return use(file);
    } finally {
      closeSync(file);
    }
  }
}

type SlotRead = { readonly slot: Slot; readonly head: Head };

function newestOf(file: number): SlotRead | null {
  const good = SLOTS.flatMap((slot): SlotRead[] => {
    const head = readSlot(file, slot);
    return head === null ? [] : [{ slot, head }];
  });
  return good.reduce<SlotRead | null>(
    (best, one) => (best === null || isAfter(one.head, best.head) ? one : best),
    null,
  );
}

const isAfter = (a: Head, b: Head): boolean => a.epoch > b.epoch || (a.epoch === b.epoch && a.n > b.n);

const follows = (next: Head, last: Head): boolean =>
  isAfter(next, last) || (next.epoch === last.epoch && next.n === last.n && next.hash === last.hash);

const slotSchema = z.strictObject({ head: headSchema, checksum: z.string() });

function readSlot(file: number, slot: Slot): Head | null {
  const bytes = Buffer.alloc(SLOT_BYTES);
  readSync(file, bytes, 0, SLOT_BYTES, slot * SLOT_BYTES);
  const parsed = slotSchema.safeParse(readJson(bytes.toString('utf8').trimEnd()));
  return parsed.success && parsed.data.checksum === checksumOf(parsed.data.head) ? parsed.data.head : null;
}

function writeSlot(file: number, slot: Slot, head: Head): void {
  const bytes = Buffer.alloc(SLOT_BYTES, ' ');
  bytes.write(`${JSON.stringify({ head, checksum: checksumOf(head) })}\n`);
  const written = writeSync(file, bytes, 0, SLOT_BYTES, slot * SLOT_BYTES);
  if (written !== SLOT_BYTES) throw new Error(`${written} bytes of ${SLOT_BYTES} were written`);
}

function checksumOf({ epoch, n, hash }: Head): string {
  return createHash('sha256').update(`tearline witness\n${epoch}\n${n}\n${hash}`).digest('hex');
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
