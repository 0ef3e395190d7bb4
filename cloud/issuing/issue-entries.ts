import { createHash } from 'node:crypto';
import { type Canonical, canonicalText } from '../../protocol/canonical.ts';
import { partitionOf } from '../../protocol/code.ts';
import { LEDGER_PARTITIONS } from '../../protocol/limits.ts';
import { inChain, ownValue } from '../../protocol/personal-offer.ts';
import type { NewEntry } from '../ledger/chain.ts';
import type { NewCode } from '../ledger/store.ts';
import type { Own } from '../ledger/worth-rules.ts';

/**
 * How the chains tell of new codes: one entry for each partition that they touch, with the hash of its codes there, and of
 * what they have of their own [J4].
 * @param about the campaign, and what they belong to
 */
export function issueEntries(
  codes: readonly NewCode[],
  at: number,
  about: { readonly [name: string]: Canonical },
): NewEntry[] {
  const entries: NewEntry[] = [];
  for (let partition = 0; partition < LEDGER_PARTITIONS; partition += 1) {
    const mine = codes.filter(({ hash }) => partitionOf(hash) === partition);
    if (mine.length > 0)
      entries.push({ codeHash: null, partition, at, body: { kind: 'issue', ...about, ...issueOf(mine) } });
  }
  return entries;
}

/** How many, the hash of them all, what those with a value of their own are worth, and which end before the campaign. */
function issueOf(codes: readonly NewCode[]) {
  const ends = Map.groupBy(codes, ({ personal }) => personal?.endsAt);
  const ownEnds = [...ends].flatMap(([endsAt, of]) =>
    endsAt === undefined ? [] : { endsAt, units: of.length, own: ownOf(of) ?? { units: 0, value: 0 } },
  );
  const own = ownOf(codes);
  return {
    count: codes.length,
    codes: createHash('sha256').update(codes.map(chainLine).sort().join('\n')).digest('hex'),
    ...(own === null ? {} : { own }),
    ...(ownEnds.length === 0 ? {} : { ownEnds }),
  };
}

/** Null: none has a value of its own. */
function ownOf(codes: readonly NewCode[]): Own | null {
  const values = codes.flatMap(({ personal = null }) => ownValue(personal) ?? []);
  return values.length === 0 ? null : { units: values.length, value: values.reduce((sum, one) => sum + one) };
}

/** A new code as the chains cover it: with what it has of its own [J4]. */
function chainLine({ hash, personal }: NewCode): string {
  return personal === undefined ? hash : `${hash} ${canonicalText(inChain(personal))}`;
}
