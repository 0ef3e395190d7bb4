/** `npm run sim -- NAME …`: plays days of many stores in one process, with the rules that run in production. */
import { stockingSim } from './sim/stocking-command.ts';

const USAGE = `Usage: npm run sim -- stocking [--help]

  stocking   an outage in some of many stores: what they approve, by the rule that stock was dealt by`;
const EXIT_USAGE = 64;

const [name, ...args] = process.argv.slice(2);
if (name === 'stocking') process.exitCode = await stockingSim(args);
else {
  console.error(USAGE);
  process.exitCode = EXIT_USAGE;
}
