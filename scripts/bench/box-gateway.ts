import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BoxMade } from './box.ts';
import type { Bench } from './figure.ts';
import { freePort } from './system.ts';

const CLI = join(import.meta.dirname, '..', 'tearline.ts');
const READY_WAIT_MS = 60_000;

export type Running = {
  readonly port: number;
  readonly pid: number;
  readonly readySeconds: number;
  stop(): Promise<void>;
};

/** The gateway of a box that has no cloud, as its own process, once it is ready. @param settings a TOML file */
export async function startGateway(
  { atEnd }: Pick<Bench, 'atEnd'>,
  { directory }: BoxMade,
  settings: string | null = null,
): Promise<Running> {
  const port = await freePort();
  const config = settings === null ? [] : ['--config', settings];
  const startedAt = performance.now();
  const child = spawn(process.execPath, [CLI, 'gateway', 'serve', '--data', directory, ...config], {
    stdio: 'ignore',
    env: { ...process.env, TEARLINE_GATEWAY_PORT: String(port) },
  });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill();
    await ended;
  };
  atEnd(stop);
  while (!(await isReady(port))) {
    if (child.exitCode !== null) throw new Error(`a gateway ended with ${child.exitCode}`);
    if (performance.now() - startedAt > READY_WAIT_MS) throw new Error('a gateway does not become ready');
    await sleep(5);
  }
  return { port, pid: child.pid ?? 0, readySeconds: (performance.now() - startedAt) / 1000, stop };
}

async function isReady(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
  return answer?.ok ?? false;
}
