import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import type { BrokenDesign } from '../traces/broken-designs.ts';
import { ROOT, patchedCopy } from '../traces/modules.ts';

const PARTS = {
  unit: 'cloud/ledger/unit.ts',
  group: 'cloud/ledger/group.ts',
  carts: 'cloud/ledger/carts.ts',
  voiding: 'cloud/ledger/voiding.ts',
  fleet: 'cloud/fleet/fleet.ts',
  due: 'cloud/fleet/due.ts',
  stocking: 'cloud/fleet/stocking.ts',
  load: 'gateway/till/load.ts',
  step: 'gateway/till/step.ts',
  draft: 'gateway/till/draft-rules.ts',
  start: 'gateway/till/start-rules.ts',
  sale: 'gateway/till/sale-rules.ts',
  reversal: 'gateway/till/reversal-rules.ts',
  message: 'gateway/till/message-rules.ts',
  upkeep: 'gateway/till/upkeep-rules.ts',
  upload: 'gateway/till/upload-rules.ts',
  uploads: 'gateway/till/uploads.ts',
} as const;

/** The rules of both sides and the steps that carry them out, as they stand or as a known-broken design has them. */
export type Production = {
  readonly unit: typeof import('../../cloud/ledger/unit.ts');
  readonly group: typeof import('../../cloud/ledger/group.ts');
  readonly carts: typeof import('../../cloud/ledger/carts.ts');
  readonly voiding: typeof import('../../cloud/ledger/voiding.ts');
  readonly fleet: typeof import('../../cloud/fleet/fleet.ts');
  readonly due: typeof import('../../cloud/fleet/due.ts');
  readonly stocking: typeof import('../../cloud/fleet/stocking.ts');
  readonly load: typeof import('../../gateway/till/load.ts');
  readonly step: typeof import('../../gateway/till/step.ts');
  readonly draft: typeof import('../../gateway/till/draft-rules.ts');
  readonly start: typeof import('../../gateway/till/start-rules.ts');
  readonly sale: typeof import('../../gateway/till/sale-rules.ts');
  readonly reversal: typeof import('../../gateway/till/reversal-rules.ts');
  readonly message: typeof import('../../gateway/till/message-rules.ts');
  readonly upkeep: typeof import('../../gateway/till/upkeep-rules.ts');
  readonly upload: typeof import('../../gateway/till/upload-rules.ts');
  readonly uploads: typeof import('../../gateway/till/uploads.ts');
};

/** @param broken null: as they stand */
export async function loadProduction(broken: BrokenDesign | null): Promise<Production> {
  const root = broken === null ? ROOT : patchedCopy(broken, 'model');
  const parts = await Promise.all(
    Object.entries(PARTS).map(async ([name, file]) => [
      name,
      await import(/* @vite-ignore */ pathToFileURL(join(root, file)).href),
    ]),
  );
  return Object.fromEntries(parts) as Production;
}
