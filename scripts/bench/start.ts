import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BoxMade, makeBox } from './box.ts';
import { startGateway } from './box-gateway.ts';
import { type Bench, type Figure, latencyFigure } from './figure.ts';
import { HttpClient } from './http-client.ts';
import { latencies, median } from './measure.ts';
import { sell } from './sales.ts';

const FEW = 100;
const STARTS = 5;
const READY_SECONDS_MAX = 2;
const RESIDENT_MB_MAX = 150;
/** As fast: what is left is the noise of two processes. */
const SCAN_RATIO_MAX = 1.2;

/** A gateway with many reservations beside one with few: its start, its memory, its scans. */
export async function start(bench: Bench): Promise<Figure[]> {
  const many = bench.isQuick ? 10_000 : 100_000;
  bench.say(`making a box with ${many} reservations, and one with ${FEW}`);
  const full = await makeBox(join(bench.directory, 'full'), many);
  const small = await makeBox(join(bench.directory, 'small'), FEW);
  bench.say(`starting each ${STARTS} times`);
  const { result: seconds, probe } = await bench.disk.around(() => startAgainAndAgain(bench, full, small));
  const running = { full: await startGateway(bench, full), small: await startGateway(bench, small) };
  bench.say('scanning at both');
  const scanned = await bench.disk.around(() => scanBoth(bench, full, running.full.port, small, running.small.port));
  const about = {
    name: 'scan',
    title: `validate and use what is reserved, ${many} reservations; bare: the same with ${FEW}`,
  };
  return [
    startFigure(many, median(seconds.full), median(seconds.small), probe),
    residentFigure(many, residentMb(running.full.pid), residentMb(running.small.pid)),
    latencyFigure({ ...about, probe: scanned.probe }, scanned.result, SCAN_RATIO_MAX),
  ];
}

function startFigure(many: number, ours: number, bare: number, probe: Figure['probe']): Figure {
  return {
    name: 'start',
    title: `a gateway with ${many} reservations, from its start until it is ready; bare: the same with ${FEW}`,
    unit: 's',
    n: STARTS,
    ours: { value: ours },
    bare: { value: bare },
    ratio: ours / bare,
    aim: `under ${READY_SECONDS_MAX} s`,
    met: ours < READY_SECONDS_MAX,
    probe,
    notes: [],
  };
}

function residentFigure(many: number, ours: number, bare: number): Figure {
  return {
    name: 'resident',
    title: `its memory after the scans, with ${many} reservations; bare: the same with ${FEW}`,
    unit: 'MB',
    n: 1,
    ours: { value: ours },
    bare: { value: bare },
    ratio: ours / bare,
    aim: `under ${RESIDENT_MB_MAX} MB`,
    met: ours < RESIDENT_MB_MAX,
    probe: null,
    notes: [],
  };
}

async function startAgainAndAgain(bench: Bench, full: BoxMade, small: BoxMade) {
  const seconds: { full: number[]; small: number[] } = { full: [], small: [] };
  for (let time = 0; time < STARTS; time += 1)
    for (const [box, taken] of [
      [full, seconds.full],
      [small, seconds.small],
    ] as const) {
      const gateway = await startGateway(bench, box);
      taken.push(gateway.readySeconds);
      await gateway.stop();
    }
  return seconds;
}

function residentMb(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line?.[1]) / 1024;
}

function scanBoth(bench: Bench, full: BoxMade, fullPort: number, small: BoxMade, smallPort: number) {
  const ours = scanner(new HttpClient(fullPort, full.token), full);
  const bare = scanner(new HttpClient(smallPort, small.token), small);
  return latencies({ blocks: 10, perBlock: bench.isQuick ? 20 : 100 }, { ours, bare });
}

/** A code over all of the stock at each scan; the basket then gives it back, which is not timed. */
function scanner(client: HttpClient, { codes }: BoxMade): () => Promise<number> {
  const stride = Math.max(1, Math.floor(codes.length / FEW) - 1);
  let scans = 0;
  return async () => {
    const code = codes[(scans * stride) % codes.length] ?? '';
    const basket = `scan-${scans++}`;
    const ms = await sell(client, 'validations', code, basket);
    await client.post('/v1/releases', { code, basket });
    return ms;
  };
}
