import { APPROVED, kindOf } from '../../../protocol/register-frame/answer-codes.ts';
import type { Said } from '../../../protocol/register-frame/answer.ts';
import type { RegisterRequest } from '../../../protocol/register-frame/request.ts';

/**
 * What a line remembers of its last requests, in memory alone: a code never lies on a box. After a restart the till
 * answers a repetition the same, by basket and code [P4].
 */

/** The requests of several sales; a register repeats within seconds. */
const ENTRIES_MAX = 64;

export type Entry = {
  readonly txn: string;
  readonly seq: string;
  /** As it came; null where nothing is known but that it was undone. */
  readonly payload: string | null;
  readonly kind: RegisterRequest['kind'] | null;
  /** What is said again; null: it is asked anew. */
  readonly said: Said | null;
  /** The code of a validation or a redemption, as it came. */
  readonly code: string | null;
  readonly isUndone: boolean;
};

/** Oldest first. */
export type Memory = readonly Entry[];
export const NOTHING_REMEMBERED: Memory = [];

export type Recalled =
  | { readonly is: 'new' }
  | { readonly is: 'other' }
  | { readonly is: 'undone' }
  | { readonly is: 'answered'; readonly said: Said };

/** The same number in the same basket is the same request, and answered the same [P10]. */
export function recall(memory: Memory, { txn, seq }: RegisterRequest, payload: string): Recalled {
  const entry = find(memory, txn, seq);
  if (entry === undefined) return { is: 'new' };
  if (entry.payload !== null && entry.payload !== payload) return { is: 'other' };
  if (entry.isUndone) return { is: 'undone' };
  // Of a redemption that stands the till says the same again; one that was undone meanwhile, at a desk, is not shown [G9].
  const isForTill = entry.said === null || (entry.kind === 'redeem' && entry.said.cc === APPROVED);
  return isForTill ? { is: 'new' } : { is: 'answered', said: entry.said };
}

export function find(memory: Memory, txn: string, seq: string): Entry | undefined {
  return memory.find((entry) => entry.txn === txn && entry.seq === seq);
}

/** @param code that the request is about, as far as it is known */
export function remember(
  memory: Memory,
  request: RegisterRequest,
  payload: string,
  said: Said,
  code: string | null,
): Memory {
  const { kind, txn, seq } = request;
  const entry = { txn, seq, payload, kind, isUndone: false };
  switch (kind) {
    case 'validate':
    case 'redeem':
      return kept(memory, { ...entry, said: kindOf(said.cc) === 'not_now' ? null : said, code });
    case 'status':
      return kept(memory, { ...entry, said: null, code: null });
    case 'reverse': {
      const before = said.cc === APPROVED ? undone(memory, txn, request.origSeq, code) : memory;
      return kept(before, { ...entry, said: null, code: null });
    }
    case 'ping':
      return memory;
  }
}

/** What comes late of a request that was undone is refused, also where it never came before [P11]. */
function undone(memory: Memory, txn: string, origSeq: string, code: string | null): Memory {
  const isMeant = (entry: Entry) =>
    entry.txn === txn && (entry.seq === origSeq || (code !== null && entry.code === code));
  const marked = memory.map((entry) => (isMeant(entry) ? { ...entry, isUndone: true } : entry));
  if (find(marked, txn, origSeq) !== undefined) return marked;
  return kept(marked, { txn, seq: origSeq, payload: null, kind: null, said: null, code, isUndone: true });
}

function kept(memory: Memory, entry: Entry): Memory {
  return [...memory.filter(({ txn, seq }) => txn !== entry.txn || seq !== entry.seq), entry].slice(-ENTRIES_MAX);
}
