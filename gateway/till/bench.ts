import type { CodeHash } from '../../protocol/code.ts';
import type { KnownCodes, Now, Self } from './box-rules.ts';
import type { Decided } from './draft-rules.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Loader } from './load.ts';
import type { TillStore } from './store.ts';
import type { ViewOf } from './views.ts';

/** What every command of the till is decided with. */
export type Bench = {
  readonly self: Self;
  readonly store: TillStore;
  readonly load: Loader;
  readonly work: GroupCommit;
  readonly now: () => Now;
};

/** Loads, decides and carries out. @param codeHashes the codes that the rules must know of */
export function run<A>(
  { load, work, now }: Bench,
  decide: (known: KnownCodes, now: Now) => Decided<A>,
  codeHashes: readonly CodeHash[] = [],
): Promise<A> {
  return work.run((session) => decide(load.codes(session, codeHashes), now()));
}

export function viewOf({ self, store }: Bench): ViewOf {
  return { self, box: store.box() };
}
