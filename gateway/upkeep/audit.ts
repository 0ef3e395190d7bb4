import { type Entry, entryHash, GENESIS_HASH } from '../../protocol/journal.ts';
import { TillUnavailable } from '../till/port.ts';
import type { WitnessReading } from '../till/start-rules.ts';
import type { TillStore } from '../till/store.ts';

export type Finding = { readonly whole: boolean; readonly line: string };

/** Recomputes the chain of a box's journal from its bodies, and compares it with the witness where there is one [G6, G8]. */
export function verifyJournal(store: TillStore, witness: WitnessReading): Finding {
  let entries = 0;
  for (const { epoch, n: last } of store.epochs()) {
    const broken = firstBroken(store, epoch, last);
    if (broken !== null) return bad(`The journal is broken: first at entry ${broken} of epoch ${epoch}.`);
    entries += last;
  }
  const { head } = store.box();
  if (store.hashAt(head) !== head.hash)
    return bad(`The journal is broken: it does not reach its own head, entry ${head.n} of epoch ${head.epoch}.`);
  if (witness.kind !== 'head')
    return { whole: true, line: `The journal is whole: ${entries} entries. Its witness is ${witness.kind}.` };
  const { epoch, n, hash } = witness.head;
  if (store.hashAt(witness.head) !== hash)
    return bad(`The journal does not agree with its witness at entry ${n} of epoch ${epoch}.`);
  return { whole: true, line: `The journal is whole: ${entries} entries. Its witness agrees.` };
}

/** @returns its number; null: none */
function firstBroken(store: TillStore, epoch: number, last: number): number | null {
  let hash = store.hashAt({ epoch, n: 0 }) ?? GENESIS_HASH;
  for (let n = 1; n <= last; n++) {
    const entry = entryAt(store, epoch, n);
    if (entry === null) return n;
    hash = entryHash(hash, epoch, n, entry.body);
    if (entry.hash !== hash) return n;
  }
  return null;
}

/** Null where it is missing or cannot be read. */
function entryAt(store: TillStore, epoch: number, n: number): Entry | null {
  try {
    return store.entries(epoch, n, 1).find((entry) => entry.n === n) ?? null;
  } catch (error) {
    if (error instanceof TillUnavailable) return null;
    throw error;
  }
}

const bad = (line: string): Finding => ({ whole: false, line });
