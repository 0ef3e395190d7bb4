/** `npm run bench [-- NAME …] [--json] [--quick]`: each figure beside its bare limit, measured in the same run. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Disk } from './bench/disk.ts';
import type { Bench, Figure } from './bench/figure.ts';
import { assign } from './bench/assign.ts';
import { claims } from './bench/claims.ts';
import { delivery } from './bench/delivery.ts';
import { events } from './bench/events.ts';
import { faces } from './bench/faces.ts';
import { funnel } from './bench/funnel.ts';
import { issue } from './bench/issue.ts';
import { lanes } from './bench/lanes.ts';
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
  lanes,
  start,
  ledger,
  settle,
  issue,
  assign,
  claims,
  delivery,
  faces,
  events,
  funnel,
};
/** Several by one name. */
const groups: Readonly<Record<string, readonly string[]>> = {
  distribution: ['assign', 'claims', 'delivery', 'faces', 'events', 'funnel'],
};

const USAGE = `Usage: npm run bench [-- NAME …] [--json] [--quick]

  NAME      ${Object.keys(figures).join(', ')}; all of them where none is named;
            distribution: ${groups.distribution?.join(', ')}
  --json    for machines
  --quick   small sizes, a few seconds each

It writes to the system's temporary directory (TMPDIR) and to nothing else.`;
const EXIT_USAGE = 64;
const EXIT_SIGNALLED = 130;

async function main(): Promise<number> {
  const options = readOptions();
  if (options === null) {
    console.error(USAGE);
    return EXIT_USAGE;
  }
  const directory = mkdtempSync(join(tmpdir(), 'tearline-bench-'));
  const closing = new Closing();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      void closing.stop().finally(() => {
        rmSync(directory, { recursive: true, force: true });
        process.exit(EXIT_SIGNALLED);
      });
    });
  try {
    const at = new Date().toISOString();
    const run: Run = {
      at,
      machine: machine(),
      quick: options.quick,
      figures: await measure(options, directory, closing),
    };
    console.log(options.json ? JSON.stringify(run, null, 2) : table(run));
    return 0;
  } catch (error) {
    // What was under way failed because it was stopped.
    if (!closing.isStopped) throw error;
    return EXIT_SIGNALLED;
  } finally {
    await closing.run();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function measure({ names, quick }: Options, directory: string, closing: Closing): Promise<Figure[]> {
  const disk = new Disk(directory, (line) => console.error(`disk: ${line}`));
  const measured: Figure[] = [];
  for (const name of names) {
    const own = join(directory, name);
    mkdirSync(own);
    const say = (line: string) => console.error(`${name}: ${line}`);
    const atEnd: Bench['atEnd'] = (close) => closing.add(close);
    measured.push(...((await figures[name]?.({ isQuick: quick, directory: own, disk, say, atEnd })) ?? []));
    await closing.run();
    rmSync(own, { recursive: true, force: true });
  }
  return measured;
}

/** What is open, closed in the opposite order. Who asks while it is being closed waits for the same end. */
class Closing {
  #open: (() => void | Promise<void>)[] = [];
  #last: Promise<void> = Promise.resolve();
  #isStopped = false;

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** @throws where all is being closed: nothing new is begun then */
  add(close: () => void | Promise<void>): void {
    if (this.#isStopped) throw new Error('the bench was stopped');
    this.#open.push(close);
  }

  run(): Promise<void> {
    const open = this.#open.splice(0).reverse();
    this.#last = this.#last.then(async () => {
      for (const close of open) await close();
    });
    return this.#last;
  }

  stop(): Promise<void> {
    this.#isStopped = true;
    return this.run();
  }
}

type Options = { readonly names: readonly string[]; readonly json: boolean; readonly quick: boolean };

function readOptions(): Options | null {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
    });
    const named = positionals.flatMap((name) => groups[name] ?? name);
    if (!named.every((name) => Object.hasOwn(figures, name))) return null;
    return { ...values, names: named.length === 0 ? Object.keys(figures) : [...new Set(named)] };
  } catch {
    return null;
  }
}

function machine(): string {
  const [cpu] = cpus();
  const memoryGb = Math.round(totalmem() / 1024 ** 3);
  return `${cpu?.model ?? 'unknown processor'}, ${cpus().length} cores, ${memoryGb} GB, ${type()} ${release()}, Node ${process.versions.node}`;
}

process.exitCode = await main();
