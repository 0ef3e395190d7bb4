import { createHash } from 'node:crypto';
import { type Canonical, canonicalText } from '../../protocol/canonical.ts';
import { type CodeHash, partitionOf } from '../../protocol/code.ts';
import { GENESIS_HASH } from '../../protocol/journal.ts';
import type { ChainHead, StoredEntry } from './store.ts';

/** The ledger's chains: each entry carries the hash of the one before in its partition, over canonical bytes. */

export type NewEntry = {
  readonly codeHash: CodeHash | null;
  readonly partition: number;
  readonly at: number;
  readonly body: Canonical;
};

export const entryOf = (codeHash: CodeHash, at: number, body: Canonical): NewEntry => ({
  codeHash,
  partition: partitionOf(codeHash),
  at,
  body,
});

/** @returns the entries with numbers and hashes, following the heads; a partition without a head begins at 1 */
export function chain(heads: readonly ChainHead[], entries: readonly NewEntry[]): StoredEntry[] {
  const headsByPartition = new Map(heads.map((head) => [head.partition, head]));
  return entries.map(({ codeHash, partition, at, body }) => {
    const before = headsByPartition.get(partition) ?? { partition, n: 0, hash: GENESIS_HASH };
    const text = canonicalText(body);
    const n = before.n + 1;
    const hash = ledgerHash(before.hash, { partition, n, codeHash, at, body: text });
    headsByPartition.set(partition, { partition, n, hash });
    return { partition, n, codeHash, at, body: text, hash };
  });
}

export function ledgerHash(before: string, { partition, n, codeHash, at, body }: Omit<StoredEntry, 'hash'>): string {
  return createHash('sha256')
    .update(`${before}\n${partition}\n${n}\n${codeHash ?? ''}\n${at}\n${body}`)
    .digest('hex');
}
