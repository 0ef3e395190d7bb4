import { afterAll, describe, expect, test } from 'vitest';
import { BROKEN_DESIGNS } from '../traces/broken-designs.ts';
import { removeCopies } from '../traces/modules.ts';
import { check } from './check.ts';
import { loadProduction } from './production.ts';
import { SPACES } from './spaces.ts';
import { World } from './world.ts';

afterAll(() => removeCopies('model'));

const STATES = 5_000;
/** Designs that a short walk finds; `npm run model` finds the others. */
const STATES_BROKEN = 10_000;
const LATE = ['B18', 'B20'];

const standing = await loadProduction(null);
let explored = 0;

describe.each(SPACES)('$name', (space) => {
  test('the rules hold in everything that can happen first', async () => {
    const checked = await check(new World(standing, space), { states: STATES });
    expect(checked.broken).toBeNull();
    explored += checked.states;
  });

  const designs = space.shows.filter((id) => !LATE.includes(id)).map((id) => BROKEN_DESIGNS[id]);
  test.each(designs)('[$id] $what: a way to the break is found', async (design) => {
    const production = await loadProduction(design);
    const checked = await check(new World(production, space), { states: STATES_BROKEN });
    expect(checked.broken?.trace.length).toBeGreaterThan(0);
  });
});

test('fifty thousand states were met', () => {
  expect(explored).toBeGreaterThan(50_000);
});
