import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench, Figure } from './figure.ts';

/** A cashier who plugs a scanner in again tries it at once, and again. */
const TRY_EVERY_MS = 100;
const UNPLUGGED_MS = 700;
const SECONDS_MAX = 3;
const GIVE_UP_MS = 20_000;

/**
 * Seconds from the moment at which a scanner is there again until a scan of it is answered.
 * @param path of a lane's scanner with `feedback = "bel"`, where nothing is yet
 */
export async function replug({ atEnd, isQuick, say }: Bench, path: string): Promise<Figure> {
  const times = isQuick ? 3 : 20;
  say(`unplugging a scanner ${times} times`);
  const seconds: number[] = [];
  for (let time = 0; time < times; time += 1) seconds.push(await plugInAndScan(path, atEnd));
  const slowest = Math.max(...seconds);
  return {
    name: 'lanes-replug',
    title: 'a scanner is plugged in again: until its scan is answered, the slowest time',
    unit: 's',
    n: times,
    ours: { value: slowest },
    bare: null,
    ratio: null,
    aim: `under ${SECONDS_MAX} s`,
    met: slowest < SECONDS_MAX,
    probe: null,
    notes: [],
  };
}

async function plugInAndScan(path: string, atEnd: Bench['atEnd']): Promise<number> {
  const socat = spawn('socat', [`pty,raw,echo=0,link=${path}`, 'STDIO'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const gone = once(socat, 'exit');
  atEnd(async () => void socat.kill());
  socat.stdin.on('error', () => {});
  while (!existsSync(path)) await sleep(5);
  const startedAt = performance.now();
  const trying = setInterval(() => socat.stdin.write('TEST-APPROVED\r'), TRY_EVERY_MS);
  await once(socat.stdout, 'data', { signal: AbortSignal.timeout(GIVE_UP_MS) }).finally(() => clearInterval(trying));
  const seconds = (performance.now() - startedAt) / 1000;
  socat.kill();
  await gone;
  rmSync(path, { force: true });
  await sleep(UNPLUGGED_MS);
  return seconds;
}
