import { z } from 'zod';
import { entryHash, GENESIS_HASH } from '../../protocol/journal.ts';
import { LEDGER_PARTITIONS } from '../../protocol/limits.ts';
import { ledgerHash } from './chain.ts';
import type { LedgerReads, LedgerStore } from './store.ts';

/** Recomputes every hash chain: the ledger's partitions and the uploaded journals [J4]. */
export type Audit = { readonly ok: true; readonly entries: number } | { readonly ok: false; readonly first: string };

const ENTRIES_PER_READ = 10_000;

export async function verifyLedger(store: LedgerStore): Promise<Audit> {
  return store.read(async (tx) => {
    let entries = 0;
    for (let partition = 0; partition < LEDGER_PARTITIONS; partition += 1) {
      const verified = await verifyPartition(tx, partition);
      if (!verified.ok) return verified;
      entries += verified.entries;
    }
    for (const { id, epoch } of await tx.allGateways()) {
      for (let of = 1; of <= epoch; of += 1) {
        const verified = await verifyJournal(tx, id, of);
        if (!verified.ok) return verified;
        entries += verified.entries;
      }
    }
    return { ok: true, entries };
  });
}

async function verifyPartition(tx: LedgerReads, partition: number): Promise<Audit> {
  let n = 0;
  let hash = GENESIS_HASH;
  for (;;) {
    const entries = await tx.entriesAfter(partition, n, ENTRIES_PER_READ);
    for (const entry of entries) {
      if (entry.n !== n + 1) return broken(`partition ${partition} goes from entry ${n} to ${entry.n}`);
      if (ledgerHash(hash, entry) !== entry.hash)
        return broken(`partition ${partition}, entry ${entry.n}: its hash does not fit`);
      n = entry.n;
      hash = entry.hash;
    }
    if (entries.length < ENTRIES_PER_READ) return { ok: true, entries: n };
  }
}

async function verifyJournal(tx: LedgerReads, gateway: string, epoch: number): Promise<Audit> {
  let n = 0;
  let hash: string | null = null;
  let most = ENTRIES_PER_READ;
  for (;;) {
    const entries = await tx.journalAfter(gateway, epoch, n, most).catch(nullIfUnreadable);
    if (entries === null) {
      if (most === 1) return broken(`journal of ${gateway}, epoch ${epoch}, entry ${n + 1}: it cannot be read`);
      // One at a time now: which it is must be named.
      most = 1;
      continue;
    }
    for (const entry of entries) {
      const where = `journal of ${gateway}, epoch ${epoch}, entry ${entry.n}`;
      if (entry.n !== n + 1) return broken(`${where}: it follows entry ${n}`);
      if (hash !== null && entry.before !== hash) return broken(`${where}: it does not follow the entry before`);
      if (entryHash(entry.before, epoch, entry.n, entry.body) !== entry.hash)
        return broken(`${where}: its hash does not fit`);
      n = entry.n;
      hash = entry.hash;
    }
    if (entries.length < most) return { ok: true, entries: n };
  }
}

/** A body that is no entry's: the database answers, what it says is not ours. */
function nullIfUnreadable(error: unknown): null {
  if (error instanceof z.ZodError || error instanceof SyntaxError) return null;
  throw error;
}

const broken = (first: string): Audit => ({ ok: false, first });
