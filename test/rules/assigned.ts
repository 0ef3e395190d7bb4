import type { DistributionStore } from '../../cloud/distribution/store.ts';
import { sqliteDistributionStore } from '../../cloud/distribution/sqlite-distribution-store.ts';
import { hashOfCode, type World } from './ledger-world.ts';
import { NOW } from './ledger-rows.ts';

/** People who own coupons, as distribution writes them. */

export function peopleOf(world: World): DistributionStore {
  return sqliteDistributionStore(world.database);
}

type Owner = { readonly home?: string; readonly customer?: string };

/** @returns the assignment's id */
export async function assign(people: DistributionStore, code: string, { home, customer }: Owner = {}): Promise<string> {
  const hash = hashOfCode(code);
  const id = `a-${hash.slice(0, 12)}`;
  const owner = customer ?? `c-${hash.slice(0, 12)}`;
  await people.transaction(async (tx) => {
    await tx.putCustomer({
      ...{ id: owner, language: 'en', timeZone: null, sealedName: null, homeStore: home ?? null },
      ...{ createdAt: NOW, mergedInto: null, erasedAt: null },
    });
    const ordinal = (await tx.assignmentsOf('spring', owner)).length + 1;
    await tx.putAssignment({
      ...{ id, campaign: 'spring', customer: owner, ordinal, codeHash: hash, sealedCode: Buffer.of(1) },
      ...{ linkHash: hash, how: 'delivery', channel: 'email', source: {}, at: NOW, replacedBy: null, untold: false },
    });
  });
  return id;
}
