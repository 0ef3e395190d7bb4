import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Latency, latencyOf } from './measure.ts';

/** Before and after a figure, milliseconds. */
export type Probes = { readonly before: Latency; readonly after: Latency };

const BLOCK = Buffer.alloc(4096, 'probe');
const APPENDS = 200;
/** After a bulk load a disk can be ten times slower for minutes: up to this it counts as itself again. */
const NORMAL_RATIO_MAX = 2;
const PAUSE_MS = 2_000;
const WAIT_MAX_MS = 180_000;

/** The disk that the figures write to, and how fast it is at the moment: 4 KB appended and fdatasync, again and again. */
export class Disk {
  readonly #directory: string;
  readonly #say: (line: string) => void;
  /** The fastest median so far. */
  #normalMs = Number.POSITIVE_INFINITY;

  constructor(directory: string, say: (line: string) => void) {
    this.#directory = directory;
    this.#say = say;
  }

  /** Measures work on a disk that is itself, with a probe on either side. */
  async around<T>(work: () => T | Promise<T>): Promise<{ readonly result: T; readonly probe: Probes }> {
    const before = await this.#calm();
    const result = await work();
    return { result, probe: { before, after: this.#probe() } };
  }

  async #calm(): Promise<Latency> {
    const until = performance.now() + WAIT_MAX_MS;
    for (let waits = 0; ; waits += 1) {
      const probe = this.#probe();
      if (probe.p50 <= this.#normalMs * NORMAL_RATIO_MAX) return probe;
      if (performance.now() > until) {
        this.#say(`the disk stays slow: ${probe.p50.toFixed(2)} ms, ${this.#normalMs.toFixed(2)} ms when quiet`);
        return probe;
      }
      if (waits === 0) this.#say(`waiting for the disk: ${probe.p50.toFixed(2)} ms for an fdatasync`);
      await sleep(PAUSE_MS);
    }
  }

  #probe(): Latency {
    const path = join(this.#directory, 'probe');
    const file = openSync(path, 'w');
    const times = Array.from({ length: APPENDS }, () => {
      const startedAt = performance.now();
      writeSync(file, BLOCK);
      fdatasyncSync(file);
      return performance.now() - startedAt;
    });
    closeSync(file);
    rmSync(path);
    const probe = latencyOf(times);
    this.#normalMs = Math.min(this.#normalMs, probe.p50);
    return probe;
  }
}
