import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** The demo's processes: each writes to its own log file; one that dies is started again after a second. */
const RESTART_AFTER_MS = 1_000;
const READY_WITHIN_MS = 30_000;
const STOP_WITHIN_MS = 10_000;
const CLI = join(import.meta.dirname, '..', 'tearline.ts');
/** Statuses that another start cannot mend: usage, a port in use, files, configuration. */
const FINAL = new Set([64, 69, 74, 78]);

type Child = {
  process: ChildProcess;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
};

export class Children {
  readonly #logs: string;
  readonly #children = new Map<string, Child>();
  #stopping = false;
  #restarted: (name: string, pid: number) => void = () => undefined;
  #giveUp: (why: string) => void = () => undefined;
  readonly #gaveUp = new Promise<string>((resolve) => {
    this.#giveUp = resolve;
  });

  constructor(logs: string) {
    this.#logs = logs;
  }

  /** Starts a long-lived command and waits until it serves on its port. @returns its pid @throws with the last line it said */
  async start(
    name: string,
    port: number,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
  ): Promise<number> {
    // Another program that answers there must not pass for this child.
    if (await answers(port))
      throw new Error(`Port ${port} is in use, and ${name} needs it. Stop what listens there, or give --port-base N.`);
    const child = this.#spawn(name, args, env);
    const until = Date.now() + READY_WITHIN_MS;
    while (!(await serves(port))) {
      if (child.process.exitCode !== null) throw new Error(`${name} did not start: ${this.#lastLine(name)}`);
      if (Date.now() > until)
        throw new Error(`${name} does not answer on port ${port}; its log is ${this.#logOf(name)}`);
      await sleep(50);
    }
    return child.process.pid ?? 0;
  }

  /** Runs a command to its end. @returns what it printed @throws with what it complained of */
  async run(args: readonly string[]): Promise<string> {
    const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let complaint = '';
    child.stdout.on('data', (part) => {
      out += part;
    });
    child.stderr.on('data', (part) => {
      complaint += part;
    });
    const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
    if (status !== 0)
      throw new Error(complaint.trim() || out.trim() || `tearline ${args[0]} ${args[1]} ended with ${status}`);
    return out.trim();
  }

  onRestart(restarted: (name: string, pid: number) => void): void {
    this.#restarted = restarted;
  }

  /** Resolves when a child ends with a status that another start cannot mend. */
  gaveUp(): Promise<string> {
    return this.#gaveUp;
  }

  /** The last that was started first: a gateway says goodbye while its broker is there, or waits for it in vain. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const { process: child } of [...this.#children.values()].reverse()) await end(child);
  }

  #spawn(name: string, args: readonly string[], env: Readonly<Record<string, string>>): Child {
    const log = createWriteStream(this.#logOf(name), { flags: 'a', mode: 0o600 });
    const spawned = spawn(process.execPath, [CLI, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    spawned.stdout.pipe(log);
    spawned.stderr.pipe(log);
    const child = { process: spawned, args, env };
    this.#children.set(name, child);
    spawned.on('exit', (status) => void this.#ended(name, child, status));
    return child;
  }

  async #ended(name: string, child: Child, status: number | null): Promise<void> {
    if (this.#stopping) return;
    if (status !== null && FINAL.has(status)) return this.#giveUp(`${name} stopped: ${this.#lastLine(name)}`);
    await sleep(RESTART_AFTER_MS);
    if (this.#stopping) return;
    const again = this.#spawn(name, child.args, child.env);
    if (again.process.pid !== undefined) this.#restarted(name, again.process.pid);
    console.log(`${name} ended (${status ?? 'signal'}) and was started again.`);
  }

  #logOf(name: string): string {
    return join(this.#logs, `${name}.log`);
  }

  #lastLine(name: string): string {
    try {
      const lines = readFileSync(this.#logOf(name), 'utf8').trim().split('\n');
      return lines.at(-1) ?? 'it said nothing';
    } catch {
      return 'it said nothing';
    }
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const say = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.on('connect', () => say(true));
    socket.on('error', () => say(false));
  });
}

/** Not whether it can decide: a fenced box serves too, and says on its status page why it decides nothing. */
async function serves(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://localhost:${port}/healthz`)).ok;
  } catch {
    return false;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  // A child that was stopped cannot end: let it go on first.
  child.kill('SIGCONT');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await ended;
  clearTimeout(late);
}
