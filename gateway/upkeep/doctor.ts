import { accessSync, closeSync, constants, fsyncSync, openSync, statfsSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Drill } from '../cloud-link/drill.ts';
import type { Config } from '../config.ts';
import type { Identity } from './identity.ts';

/** One thing that a box needs. `remedy`: what to do where it is not good. */
export type Check = {
  readonly name: string;
  readonly good: boolean;
  readonly found: string;
  readonly remedy: string | null;
};

export type DoctorPorts = {
  readonly config: Config;
  /** Null: not enrolled. @throws where it is damaged */
  readonly identity: () => Identity | null;
  /** Both say what was found. @throws where it is not good */
  readonly database: () => string;
  readonly witness: () => string;
  readonly drill: () => Drill | null;
  /** What the gateway that runs here says of its line; null where none runs. */
  readonly runningLine: () => Promise<'up' | 'down' | 'unknown' | null>;
  /** Logs in to the broker and out again. @throws where that fails */
  readonly brokerLogin: (identity: Identity) => Promise<void>;
  readonly fetch: typeof fetch;
  readonly now: () => number;
};

/** Looks at what a box needs, changes nothing, and goes on after each failure. */
export async function examine(ports: DoctorPorts): Promise<Check[]> {
  const { config } = ports;
  const checks = [
    await check('node', `install Node ${NODE_MAJOR} or newer`, () => nodeVersion()),
    await check('data directory', 'check its owner, its mode and its disk', () => writable(config.dataDirectory)),
    await check('disk space', 'free some space', () => diskSpace(config.dataDirectory)),
    ...(await Promise.all(
      config.lanes.flatMap((lane) =>
        [lane.scanner?.port, lane.register?.port]
          .filter((port) => port !== undefined)
          .map((port) =>
            check(`lane ${lane.name}`, 'plug it in, and check the group of the device', () => device(port)),
          ),
      ),
    )),
  ];
  let identity: Identity | null = null;
  const enrolment = await check('enrolment', 'run: tearline gateway enrol --cloud URL --code CODE', () => {
    identity = ports.identity();
    if (identity === null) throw new Error('this box is not enrolled');
    return `${identity.gateway} of store ${identity.store.id}`;
  });
  return [...checks, enrolment, ...(identity === null ? [] : await enrolledChecks(ports, identity))];
}

async function enrolledChecks(ports: DoctorPorts, identity: Identity): Promise<Check[]> {
  return [
    await check('database', 'restore the newest backup, or enrol the box again', async () => ports.database()),
    await check('witness', 'mount its device; if it is lost, the box is fenced and must be enrolled again', async () =>
      ports.witness(),
    ),
    ...(await lineChecks(ports, identity)),
  ];
}

/** A drill cuts what looks at the cloud, too. */
async function lineChecks(ports: DoctorPorts, identity: Identity): Promise<Check[]> {
  const drill = ports.drill();
  if (drill !== null)
    return [good('drill', `the line is cut on purpose until ${new Date(drill.until).toISOString()}, by ${drill.by}`)];
  return [
    ...(await cloudChecks(ports, identity)),
    await check('broker', 'check the line, the firewall and, after a revocation, enrol again', () =>
      broker(ports, identity),
    ),
  ];
}

const NODE_MAJOR = 24;
/** Months of journal and a full write-ahead log. */
const DISK_FREE_BYTES_MIN = 500 * 1024 * 1024;
/** Half of the margin that the cloud keeps before it acts on a reservation's end. */
const SKEW_MS_MAX = 60_000;
const ANSWER_MS = 5_000;

const good = (name: string, found: string): Check => ({ name, good: true, found, remedy: null });

async function check(name: string, remedy: string, look: () => string | Promise<string>): Promise<Check> {
  try {
    return good(name, await look());
  } catch (error) {
    return { name, good: false, found: error instanceof Error ? error.message : String(error), remedy };
  }
}

function nodeVersion(): string {
  if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR) throw new Error(process.version);
  return process.version;
}

function writable(path: string): string {
  const probe = join(path, `.probe-${process.pid}`);
  const startedAt = performance.now();
  const file = openSync(probe, 'w', 0o600);
  try {
    writeSync(file, 'probe');
    fsyncSync(file);
  } finally {
    closeSync(file);
    unlinkSync(probe);
  }
  return `${path}, a durable write takes ${(performance.now() - startedAt).toFixed(1)} ms`;
}

function diskSpace(path: string): string {
  const { bavail, bsize } = statfsSync(path);
  const text = `${Math.floor((bavail * bsize) / 1024 / 1024)} MB free`;
  if (bavail * bsize < DISK_FREE_BYTES_MIN) throw new Error(text);
  return text;
}

function device(path: string): string {
  accessSync(path, constants.R_OK | constants.W_OK);
  return `${path} is there`;
}

async function cloudChecks({ fetch: fetchIt, now }: DoctorPorts, { cloudUrl }: Identity): Promise<Check[]> {
  let skewMs: number | null = null;
  const reached = await check('cloud', 'check the line, the firewall and the name server', async () => {
    const response = await fetchIt(new URL('/healthz', cloudUrl), { signal: AbortSignal.timeout(ANSWER_MS) });
    if (!response.ok) throw new Error(`${cloudUrl} answers with status ${response.status}`);
    const date = Date.parse(response.headers.get('date') ?? '');
    skewMs = Number.isNaN(date) ? null : now() - date;
    return `${cloudUrl} answers`;
  });
  const clock = await check('clock', 'set the clock, or let it follow a time server', () => {
    if (skewMs === null) throw new Error('cannot be compared: the cloud does not answer');
    const text = `${Math.round(Math.abs(skewMs) / 1000)} s from the cloud's`;
    if (Math.abs(skewMs) > SKEW_MS_MAX) throw new Error(text);
    return text;
  });
  return [reached, clock];
}

/** A second login would end the one of the gateway that runs: then its own word counts. */
async function broker(ports: DoctorPorts, identity: Identity): Promise<string> {
  const line = await ports.runningLine();
  if (line === 'unknown') throw new Error('the gateway that runs here cannot be asked');
  if (line === 'down') throw new Error('the gateway that runs here has no line');
  if (line === 'up') return 'the gateway that runs here is welcomed by the cloud';
  await ports.brokerLogin(identity);
  return `${identity.brokerUrl} lets this box in`;
}
