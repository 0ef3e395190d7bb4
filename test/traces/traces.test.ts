import { afterAll, describe, expect, test } from 'vitest';
import { BROKEN_DESIGNS, type BrokenId } from './broken-designs.ts';
import { loadModules, removeCopies } from './modules.ts';
import { TRACES } from './traces.ts';

afterAll(() => removeCopies('traces'));

const standing = await loadModules(null);

describe.each(Object.values(BROKEN_DESIGNS))('[$id] $what', (design) => {
  const trace = TRACES[design.id as BrokenId];

  test(`[${design.id}] its trace shows the break`, async () => {
    const broken = await loadModules(design);
    expect(await trace(broken)).not.toBeNull();
  });

  test(`[${design.id}] the rules as they stand survive the same trace`, async () => {
    expect(await trace(standing)).toBeNull();
  });
});
