import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { after } from '../../gateway/lanes/after.ts';
import { plainLine } from '../../gateway/lanes/serial.ts';
import { openSerial } from '../../gateway/lanes/serial-port.ts';
import { request } from './calls.ts';
import type { Town } from './harness.ts';
import { freePorts, Process, tearline, until } from './processes.ts';

const TEARLINE = join(import.meta.dirname, '..', '..', 'scripts', 'tearline.ts');
export const CLOCK = { after, elapsed: () => performance.now() };

/** A serial line of two pseudo-terminals. */
export class Cable {
  readonly box: string;
  readonly register: string;
  #socat: ChildProcess | null = null;

  constructor(directory: string, name: string) {
    this.box = join(directory, `${name}-box`);
    this.register = join(directory, `${name}-register`);
  }

  async plugIn(): Promise<void> {
    const end = (path: string) => `pty,raw,echo=0,link=${path}`;
    this.#socat = spawn('socat', [end(this.box), end(this.register)], { stdio: 'ignore' });
    await until('the cable is there', async () => existsSync(this.box) && existsSync(this.register));
  }

  async pull(): Promise<void> {
    const socat = this.#socat;
    this.#socat = null;
    if (socat === null) return;
    await new Promise((gone) => {
      socat.once('exit', gone);
      socat.kill('SIGKILL');
    });
    // A socat that was killed leaves the names behind; a cable that is pulled takes them along.
    for (const path of [this.box, this.register]) rmSync(path, { force: true });
  }
}

type Device = { write(bytes: Uint8Array): void; close(): Promise<void>; isThere(): Promise<void> };

/** The register's end, with the real serialport. */
export function openEnd(path: string, data: (bytes: Uint8Array) => void): Device {
  let isPresent = false;
  const port = openSerial(plainLine(path, 9600), {
    data,
    present: () => {
      isPresent = true;
    },
    absent: () => {
      isPresent = false;
    },
  });
  return {
    write: (bytes) => void port.write(bytes, 5_000),
    close: () => port.close(),
    isThere: async () => void (await until('the port is open', async () => isPresent)),
  };
}

/** A third store's gateway beside the demo's two, with a register on a serial line at lane 3. */
export class SerialBox {
  readonly folder: string;
  readonly cable: Cable;
  readonly url: string;
  readonly token: string;
  readonly #config: string;
  #gateway: Process;

  private constructor(folder: string, cable: Cable, about: { url: string; token: string; config: string }) {
    this.folder = folder;
    this.cable = cable;
    this.url = about.url;
    this.token = about.token;
    this.#config = about.config;
    this.#gateway = new Process(TEARLINE, ['gateway', 'serve', '--config', about.config]);
  }

  static async start(town: Town, store: string): Promise<SerialBox> {
    const folder = mkdtempSync(join(tmpdir(), 'tearline-register-'));
    const cable = new Cable(folder, 'lane-3');
    const port = await freePorts(1);
    const config = join(folder, 'gateway.toml');
    const data = join(folder, 'data');
    writeFileSync(
      config,
      `[gateway]\ndata = "${data}"\nport = ${port}\n[[lane]]\nname = "3"\nregister = { port = "${cable.box}", baud = 9600 }\n`,
    );
    const place = { id: store, name: 'Third Street', timeZone: 'America/New_York', address: null };
    await town.admin('/v1/stores', z.unknown(), { body: place });
    const codeSchema = z.object({ code: z.string() });
    const { code } = await town.admin(`/v1/stores/${store}/enrolments`, codeSchema, { body: {} });
    await good(['gateway', 'enrol', '--cloud', town.demo().cloud, '--code', code, '--config', config]);
    const token = await good([
      'gateway',
      'token',
      'create',
      '--scope',
      'register',
      '--name',
      'kit',
      '--config',
      config,
    ]);
    const box = new SerialBox(folder, cable, { url: `http://localhost:${port}`, token, config });
    await cable.plugIn();
    await box.isUp();
    return box;
  }

  async isUp(): Promise<void> {
    const schema = z.object({ line: z.literal('up') });
    await until('the box has its line', async () => {
      const { json } = await request(`${this.url}/readyz`);
      return schema.safeParse(json).success;
    });
    await until('the box has its register', async () => this.log().includes("the register's line is there"));
  }

  log(): string {
    return this.#gateway.stdout;
  }

  /** The power fails, and comes back. */
  async crash(): Promise<void> {
    await this.#gateway.stop('SIGKILL');
    this.#gateway = new Process(TEARLINE, ['gateway', 'serve', '--config', this.#config]);
    await this.isUp();
  }

  async settled(): Promise<void> {
    await until('the box has settled', async () => {
      const { text } = await request(`${this.url}/metrics`);
      return /^tearline_backlog_entries 0$/m.test(text);
    });
  }

  async end(): Promise<void> {
    await this.#gateway.stop();
    await this.cable.pull();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function good(args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await tearline(args);
  if (status !== 0) throw new Error(stderr);
  return stdout.trim();
}
