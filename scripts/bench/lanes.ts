import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBox } from './box.ts';
import { startGateway } from './box-gateway.ts';
import { startServer } from './child.ts';
import { type Bench, type Figure, latencyFigure } from './figure.ts';
import { latencies, latencyOf, type Pair } from './measure.ts';
import { replug } from './replug.ts';
import { each } from './sales.ts';
import { hasSocat, type Line, openLines } from './serial-lines.ts';

const LANES = 8;
const RATIO_MAX = 3;
/** A scanner gets its answers apart from each other: a cashier is slower than this. */
const CASHIER_MS = 800;
const IDLE_PERCENT_MAX = 1;
/** What a box needs to open the lines, and to be idle. */
const SETTLE_MS = 3_000;
/** Of the system's clock, in which it counts what a process has used. */
const TICKS_PER_SECOND = 100;

/** A scanner on a serial line: from the last byte of a scan to the first byte of the beep. */
export async function lanes(bench: Bench): Promise<Figure[]> {
  if (!hasSocat()) {
    bench.say('left out: socat is missing (apt-get install socat)');
    return [];
  }
  const blocks = { blocks: 5, perBlock: bench.isQuick ? 8 : 40 };
  const rounds = bench.isQuick ? 5 : 40;
  const made = await makeBox(
    join(bench.directory, 'box'),
    (blocks.blocks + 1) * blocks.perBlock + (rounds + 1) * LANES,
  );
  const ours = await openLines(bench, 'ours', LANES);
  const bare = await openLines(bench, 'bare', LANES);
  await startGateway(
    bench,
    made,
    settings(
      bench,
      'lanes',
      ours.map(({ path }) => path),
    ),
  );
  const paths = bare.map(({ path }) => path);
  await startServer(bench, new URL('./bare/scanner.ts', import.meta.url), [bench.directory, ...paths]);
  await sleep(SETTLE_MS);
  bench.say('scanning on one lane after the other');
  const code = each(made.codes);
  const one = await bench.disk.around(async () => {
    const operations = { ours: oneByOne(ours, code), bare: oneByOne(bare, () => 'AAAAAAAAAAAAAAAA') };
    return { times: await latencies(blocks, operations), line: await bareLine(bare, blocks.perBlock) };
  });
  bench.say(`scanning on ${LANES} lanes at once`);
  const many = await bench.disk.around(() => atOnce(rounds, ours, bare, code));
  const line = latencyOf(one.result.line);
  return [
    latencyFigure(
      {
        name: 'lanes',
        title: 'from the last byte of a scan, reserved, to the beep; bare: the line there and back, one durable write',
        probe: one.probe,
        notes: [`the line alone, there and back: ${line.p50.toFixed(2)} / ${line.p99.toFixed(2)} (p50 / p99 ms)`],
      },
      one.result.times,
      RATIO_MAX,
    ),
    latencyFigure(
      { name: `lanes-${LANES}`, title: `the same on ${LANES} lanes at once`, probe: many.probe },
      many.result,
      RATIO_MAX,
    ),
    ...(await withoutScanner(bench)),
  ];
}

function settings({ directory }: Bench, name: string, paths: readonly string[]): string {
  const file = join(directory, `${name}.toml`);
  const tables = paths.map(
    (path, i) => `[[lane]]\nname = "${i + 1}"\nscanner = { port = "${path}", feedback = "bel" }\n`,
  );
  writeFileSync(file, tables.join('\n'));
  return file;
}

/** Each lane has its rest before its turn comes again. */
function oneByOne(lines: readonly Line[], code: () => string): () => Promise<number> {
  let turn = 0;
  return async () => {
    const line = lines[turn++ % lines.length];
    if (line === undefined) throw new Error('there are no lanes');
    const ms = await line.scan(code());
    await sleep(CASHIER_MS / lines.length);
    return ms;
  };
}

async function bareLine(lines: readonly Line[], count: number): Promise<number[]> {
  const times: number[] = [];
  const scan = oneByOne(lines, () => '-');
  for (let done = 0; done < count; done += 1) times.push(await scan());
  return times;
}

/** In turn, so that what slows down one slows down the other. A first round of each is not counted. */
async function atOnce(rounds: number, ours: readonly Line[], bare: readonly Line[], code: () => string) {
  const times: Pair<number[]> = { ours: [], bare: [] };
  for (let round = 0; round <= rounds; round += 1) {
    const told = {
      ours: await Promise.all(ours.map((line) => line.scan(code()))),
      bare: await Promise.all(bare.map((line) => line.scan('AAAAAAAAAAAAAAAA'))),
    };
    if (round > 0) for (const side of ['ours', 'bare'] as const) times[side].push(...told[side]);
    await sleep(CASHIER_MS);
  }
  return times;
}

/** What a scanner that is not there costs, all day; then it comes and goes. */
async function withoutScanner(bench: Bench): Promise<Figure[]> {
  const path = join(bench.directory, 'absent');
  return [await idle(bench, path), await replug(bench, path)];
}

async function idle(bench: Bench, path: string): Promise<Figure> {
  const seconds = bench.isQuick ? 5 : 30;
  bench.say(`idle for ${seconds} s, without its scanner and without a lane`);
  const absent = settings(bench, 'absent', [path]);
  const [box, other] = [
    await makeBox(join(bench.directory, 'idle'), 1),
    await makeBox(join(bench.directory, 'other'), 1),
  ];
  const ours = await startGateway(bench, box, absent);
  const bare = await startGateway(bench, other);
  await sleep(SETTLE_MS);
  const before = { ours: cpuSeconds(ours.pid), bare: cpuSeconds(bare.pid) };
  await sleep(seconds * 1000);
  const percent = (pid: number, since: number) => ((cpuSeconds(pid) - since) * 100) / seconds;
  const used = { ours: percent(ours.pid, before.ours), bare: percent(bare.pid, before.bare) };
  return {
    name: 'lanes-idle',
    title: 'processor time of a gateway whose scanner is not there; bare: without a lane',
    unit: '%',
    n: seconds,
    ours: { value: used.ours },
    bare: { value: used.bare },
    ratio: null,
    aim: `under ${IDLE_PERCENT_MAX} %`,
    met: used.ours < IDLE_PERCENT_MAX,
    probe: null,
    notes: ['n is seconds'],
  };
}

function cpuSeconds(pid: number): number {
  // The program's name, in brackets, may hold spaces: the numbers begin after it.
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const numbers = fields.split(' ');
  return (Number(numbers[11]) + Number(numbers[12])) / TICKS_PER_SECOND;
}
