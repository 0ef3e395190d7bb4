/** `npm run model [-- --long] [--space PART]`: walks every space, and shows that each broken design is found. */
import { parseArgs } from 'node:util';
import { BROKEN_DESIGNS } from '../traces/broken-designs.ts';
import { removeCopies } from '../traces/modules.ts';
import { check, type Checked } from './check.ts';
import { loadProduction } from './production.ts';
import { SPACES } from './spaces.ts';
import { World } from './world.ts';

const STATES = 100_000;
const STATES_LONG = 1_500_000;
/** A design that is to be found has as many to be found in. */
const STATES_BROKEN = 1_500_000;

const { values } = parseArgs({ options: { long: { type: 'boolean' }, space: { type: 'string' } } });
const states = values.long ? STATES_LONG : STATES;
const spaces = SPACES.filter(({ name }) => name.includes(values.space ?? ''));
const standing = await loadProduction(null);
let [explored, failures] = [0, 0];

for (const space of spaces) {
  const began = performance.now();
  const checked = await check(new World(standing, space), { states });
  explored += checked.states;
  if (checked.broken !== null) failures += 1;
  console.log(`${space.name}: ${told(checked)}, ${seconds(began)}`);
  if (checked.broken !== null) show(checked.broken.trace);
  for (const id of space.shows) {
    const from = performance.now();
    const broken = await check(new World(await loadProduction(BROKEN_DESIGNS[id]), space), { states: STATES_BROKEN });
    if (broken.broken === null) failures += 1;
    console.log(`  ${id} ${BROKEN_DESIGNS[id].what}: ${found(broken)}, ${seconds(from)}`);
  }
}
removeCopies('model');
console.log(
  `${explored} states in ${spaces.length} spaces; ${failures === 0 ? 'all holds, and each broken design is found' : `${failures} FAILED`}.`,
);
process.exitCode = failures === 0 ? 0 : 1;

function told({ states: met, transitions, depth, isExhausted, broken }: Checked): string {
  const end = broken !== null ? `BROKEN: ${broken.what}` : isExhausted ? 'holds, to its end' : 'holds, cut here';
  return `${end}; ${met} states, ${transitions} transitions, depth ${depth}`;
}

function found({ states: met, broken }: Checked): string {
  return broken === null ? `NOT FOUND in ${met} states` : `found after ${met} states, in ${broken.trace.length} steps`;
}

function show(trace: readonly string[]): void {
  for (const [i, step] of trace.entries()) console.log(`    ${i + 1}. ${step}`);
}

function seconds(began: number): string {
  return `${((performance.now() - began) / 1000).toFixed(1)} s`;
}
