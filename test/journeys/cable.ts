import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export const hasSocat = spawnSync('socat', ['-V']).status === 0;

/** A serial line: a real pseudo-terminal at the box's end, the test at the other. */
export class Cable {
  /** The box's end. */
  readonly path: string;
  #socat: ChildProcess | null = null;
  #heard: Buffer[] = [];

  constructor(path: string) {
    this.path = path;
  }

  async plugIn(): Promise<void> {
    const socat = spawn('socat', [`pty,raw,echo=0,link=${this.path}`, 'STDIO'], { stdio: ['pipe', 'pipe', 'ignore'] });
    const heard: Buffer[] = [];
    socat.stdout.on('data', (bytes: Buffer) => heard.push(bytes));
    socat.stdin.on('error', () => {});
    [this.#socat, this.#heard] = [socat, heard];
    while (!existsSync(this.path)) await sleep(5);
  }

  async pull(): Promise<void> {
    const socat = this.#socat;
    if (socat === null) return;
    this.#socat = null;
    const gone = new Promise((done) => socat.once('exit', done));
    socat.kill('SIGCONT');
    socat.kill();
    await gone;
  }

  /** Nobody reads at this end any more, and nobody says so. */
  stop(): void {
    this.#socat?.kill('SIGSTOP');
  }

  /** @param bytes latin1 where it is a text */
  type(bytes: string | Uint8Array): void {
    this.#socat?.stdin?.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** All that the box has said since this was plugged in. */
  heardHex(): string {
    return Buffer.concat(this.#heard).toString('hex').replace(/..\B/g, '$& ');
  }
}
