/** `npm run bench [-- NAME …] [--json] [--quick]`: each figure beside its bare limit, measured in the same run. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Disk } from './bench/disk.ts';
import type { Bench, Figure } from './bench/figure.ts';
import { issue } from './bench/issue.ts';
import { ledger } from './bench/ledger.ts';
import { mqtt } from './bench/mqtt.ts';
import { redeem } from './bench/redeem.ts';
import { type Run, table } from './bench/report.ts';
import { settle } from './bench/settle.ts';
import { start } from './bench/start.ts';
import { validate } from './bench/validate.ts';

/** In this order: what writes most comes last. */
const figures: Readonly<Record<string, (bench: Bench) => Promise<Figure[]>>> = {
  mqtt,
  redeem,
  validate,
  start,
  ledger,
  settle,
  issue,
};

const USAGE = `Usage: npm run bench [-- NAME …] [--json] [--quick]

  NAME      ${Object.keys(figures).join(', ')}; all of them where none is named
  --json    for machines
  --quick   small sizes, a few seconds each

It writes to the system's temporary directory (TMPDIR) and to nothing else.`;
const EXIT_USAGE = 64;
const EXIT_SIGNALLED = 130;

process.exitCode = await main();

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) {
    console.error(USAGE);
    return EXIT_USAGE;
  }
  const directory = mkdtempSync(join(tmpdir(), 'tearline-bench-'));
  const closings: (() => void | Promise<void>)[] = [];
  const close = async () => {
    for (const end of closings.splice(0).reverse()) await end();
    rmSync(directory, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void close().finally(() => process.exit(EXIT_SIGNALLED)));
  const measured: Figure[] = [];
  const at = new Date().toISOString();
  const disk = new Disk(directory, (line) => console.error(`disk: ${line}`));
  try {
    for (const name of options.names) {
      const own = join(directory, name);
      mkdirSync(own);
      const say = (line: string) => console.error(`${name}: ${line}`);
      const bench = {
        isQuick: options.quick,
        directory: own,
        disk,
        say,
        atEnd: (end: (typeof closings)[number]) => void closings.push(end),
      };
      measured.push(...((await figures[name]?.(bench)) ?? []));
      for (const end of closings.splice(0).reverse()) await end();
      rmSync(own, { recursive: true, force: true });
    }
  } finally {
    await close();
  }
  const run: Run = { at, machine: machine(), quick: options.quick, figures: measured };
  console.log(options.json ? JSON.stringify(run, null, 2) : table(run));
  return 0;
}

function readOptions() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
    });
    if (!positionals.every((name) => Object.hasOwn(figures, name))) return null;
    return { ...values, names: positionals.length === 0 ? Object.keys(figures) : [...new Set(positionals)] };
  } catch {
    return null;
  }
}

function machine(): string {
  const [cpu] = cpus();
  const memoryGb = Math.round(totalmem() / 1024 ** 3);
  return `${cpu?.model ?? 'unknown processor'}, ${cpus().length} cores, ${memoryGb} GB, ${type()} ${release()}, Node ${process.versions.node}`;
}
