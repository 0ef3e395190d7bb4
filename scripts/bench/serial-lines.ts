import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SerialPort } from 'serialport';
import type { Bench } from './figure.ts';

/** A line of two pseudo-terminals: the box has the one end, and this process is the scanner at the other. */
export type Line = {
  /** The box's end. */
  readonly path: string;
  /** Sends a scan. @returns the milliseconds from its last byte to the first byte of the answer */
  scan(text: string): Promise<number>;
};

const ANSWER_WAIT_MS = 5_000;

export const hasSocat = (): boolean => spawnSync('socat', ['-V']).status === 0;

export function openLines({ directory, atEnd }: Bench, name: string, count: number): Promise<Line[]> {
  const ends = Array.from({ length: count }, (_, i) => join(directory, `${name}-${i}`));
  return Promise.all(ends.map((path) => openLine(path, atEnd)));
}

async function openLine(path: string, atEnd: Bench['atEnd']): Promise<Line> {
  const far = `${path}-scanner`;
  const end = (link: string) => `pty,raw,echo=0,link=${link}`;
  const socat = spawn('socat', [end(path), end(far)], { stdio: 'ignore' });
  const gone = once(socat, 'exit');
  atEnd(async () => {
    socat.kill();
    await gone;
  });
  while (!existsSync(path) || !existsSync(far)) {
    if (socat.exitCode !== null) throw new Error(`socat ended with ${socat.exitCode}`);
    await sleep(5);
  }
  const port = new SerialPort({ path: far, baudRate: 9600 });
  await once(port, 'open');
  atEnd(() => new Promise((done) => (port.isOpen ? port.close(() => done()) : done())));
  return { path, scan: (text) => scan(port, text) };
}

async function scan(port: SerialPort, text: string): Promise<number> {
  const answered = once(port, 'data', { signal: AbortSignal.timeout(ANSWER_WAIT_MS) });
  const startedAt = performance.now();
  port.write(`${text}\r`);
  const [bytes] = await answered;
  const ms = performance.now() - startedAt;
  if (Buffer.from(bytes).toString('hex') !== '07') throw new Error('a scan was not approved');
  return ms;
}
