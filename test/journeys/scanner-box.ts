import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeBox } from '../../scripts/bench/box.ts';
import { Cable } from './cable.ts';
import { freePorts, Process, TEARLINE, until } from './processes.ts';

/** A lane's scanner as the settings have it, without its port. */
export type Wired = { readonly lane: string; readonly scanner: string };

/** A real gateway without a cloud that holds a few coupons, and the cables of its scanners. */
export class ScannerBox {
  readonly folder: string;
  readonly url: string;
  readonly token: string;
  readonly codes: readonly string[];
  readonly #gateway: Process;
  readonly #cablesByLane: ReadonlyMap<string, Cable>;

  private constructor(
    folder: string,
    made: { url: string; token: string; codes: readonly string[] },
    gateway: Process,
    cables: ReadonlyMap<string, Cable>,
  ) {
    this.folder = folder;
    this.url = made.url;
    this.token = made.token;
    this.codes = made.codes;
    this.#gateway = gateway;
    this.#cablesByLane = cables;
  }

  /** No cable is plugged in yet. */
  static async start(wired: readonly Wired[]): Promise<ScannerBox> {
    const folder = mkdtempSync(join(tmpdir(), 'tearline-box-'));
    mkdirSync(join(folder, 'lines'));
    const { directory, token, codes } = await makeBox(join(folder, 'box'), 20);
    const cables = new Map(wired.map(({ lane }) => [lane, new Cable(join(folder, 'lines', lane))]));
    const tables = wired.map(
      ({ lane, scanner }) =>
        `[[lane]]\nname = "${lane}"\n[lane.scanner]\nport = "${join(folder, 'lines', lane)}"\n${scanner}\n`,
    );
    const settings = join(folder, 'gateway.toml');
    writeFileSync(settings, tables.join('\n'));
    const port = await freePorts(1);
    const gateway = new Process(TEARLINE, ['gateway', 'serve', '--config', settings, '--data', directory], {
      TEARLINE_GATEWAY_PORT: String(port),
    });
    const url = `http://127.0.0.1:${port}`;
    await until('the gateway is ready', async () => {
      if (gateway.hasEnded) throw new Error(gateway.stderr);
      return (await fetch(`${url}/readyz`)).ok;
    });
    return new ScannerBox(folder, { url, token, codes }, gateway, cables);
  }

  cable(lane: string): Cable {
    const cable = this.#cablesByLane.get(lane);
    if (cable === undefined) throw new Error(`lane ${lane} has no cable`);
    return cable;
  }

  /** Plugs it in, anew where it was, and waits until the gateway has opened it. */
  async plugIn(lane: string): Promise<Cable> {
    const before = this.said(lane, 'the scanner is there').length;
    const cable = this.cable(lane);
    await cable.pull();
    await cable.plugIn();
    await until(`lane ${lane} is there`, async () => this.said(lane, 'the scanner is there').length > before);
    return cable;
  }

  /** What the gateway has logged of a lane. */
  said(lane: string, message: string): string[] {
    return this.#gateway.stdout
      .split('\n')
      .filter((line) => line.includes(`"lane":"${lane}"`) && line.includes(`"msg":"${message}`));
  }

  get log(): string {
    return this.#gateway.stdout + this.#gateway.stderr;
  }

  get hasEnded(): boolean {
    return this.#gateway.hasEnded;
  }

  async post(path: string, body: unknown): Promise<unknown> {
    const answer = await fetch(`${this.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  }

  async stop(): Promise<void> {
    await this.#gateway.stop();
    for (const cable of this.#cablesByLane.values()) await cable.pull();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
