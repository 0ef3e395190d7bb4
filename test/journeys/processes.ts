import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Real processes: started with a clean environment, ended by whoever started them, at the latest with this process. */
const root = join(import.meta.dirname, '..', '..');
const WAIT_MS = 30_000;
const POLL_MS = 25;
/** Below what the system gives out by itself, and away from the ports that a demo takes without being told. */
const PORTS = { first: 20_000, perWorker: 5_950 };
/** Files that run beside each other look in different parts: a port that was found free is not yet taken. */
const WORKERS = 2;

export type Env = Readonly<Record<string, string>>;
/** All that a process has beside its own settings. */
export const CLEAN_ENV: Env = {
  PATH: process.env.PATH ?? '',
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '',
};
/** How a command ended. */
export type Ended = { readonly status: number | null; readonly stdout: string; readonly stderr: string };

export const TEARLINE = join(root, 'scripts', 'tearline.ts');
export const START = join(root, 'scripts', 'start.ts');

const running = new Set<ChildProcess>();
/** Also where the tests are broken off, or the runner above this process is gone. */
for (const end of ['exit', 'disconnect'] as const)
  process.on(end, () => {
    for (const child of running) child.kill('SIGTERM');
  });
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(1));

export class Process {
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  stdout = '';
  stderr = '';

  constructor(script: string, args: readonly string[], env: Env = {}) {
    this.#child = spawn(process.execPath, [script, ...args], {
      cwd: root,
      env: { ...CLEAN_ENV, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (text) => (this.stdout += text));
    this.#child.stderr?.on('data', (text) => (this.stderr += text));
    this.#closed = once(this.#child, 'close');
    const child = this.#child;
    running.add(child);
    child.once('exit', () => running.delete(child));
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get signal(): NodeJS.Signals | null {
    return this.#child.signalCode;
  }

  /** @returns the exit status; null where a signal ended it */
  async ended(): Promise<number | null> {
    await this.#closed;
    return this.#child.exitCode;
  }

  signalWith(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** @returns the exit status; null where it was, or had to be, ended by a signal */
  async stop(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    this.#child.kill('SIGCONT');
    this.#child.kill(signal);
    const late = setTimeout(() => this.#child.kill('SIGKILL'), WAIT_MS);
    const status = await this.ended();
    clearTimeout(late);
    return status;
  }
}

/** `tearline …`, to its end. */
export async function tearline(args: readonly string[], env: Env = {}): Promise<Ended> {
  return endOf(new Process(TEARLINE, args, env));
}

/** What has not ended by itself in time is ended, with the status null. */
export async function endOf(process: Process): Promise<Ended> {
  const late = setTimeout(() => process.signalWith('SIGKILL'), WAIT_MS);
  const status = await process.ended();
  clearTimeout(late);
  return { status, stdout: process.stdout, stderr: process.stderr };
}

/** Asks until it is so. @throws with what it waited for, and the last error */
export async function until<T>(what: string, ask: () => Promise<T | false | null>, withinMs = WAIT_MS): Promise<T> {
  const deadline = performance.now() + withinMs;
  let last: unknown = null;
  while (performance.now() < deadline) {
    try {
      const answer = await ask();
      if (answer !== false && answer !== null) return answer;
    } catch (error) {
      last = error;
    }
    await sleep(POLL_MS);
  }
  throw new Error(`It did not come about: ${what}`, { cause: last });
}

/** The first of so many neighbouring ports that are free. */
export async function freePorts(count: number): Promise<number> {
  const worker = Number(process.env.VITEST_POOL_ID ?? 0) % WORKERS;
  const firstPort = PORTS.first + worker * PORTS.perWorker;
  for (let tries = 0; tries < 200; tries += 1) {
    const base = firstPort + Math.floor(Math.random() * (PORTS.perWorker - count));
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(base + i)));
    if (free.every(Boolean)) return base;
  }
  throw new Error('no free ports');
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = new Promise<boolean>((tell) => {
    server.once('error', () => tell(false));
    server.once('listening', () => tell(true));
  });
  server.listen(port, '127.0.0.1');
  if (!(await free)) return false;
  server.close();
  await once(server, 'close');
  return true;
}
