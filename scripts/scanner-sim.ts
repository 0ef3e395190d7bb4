import { type ChildProcess, spawn } from 'node:child_process';
import { createReadStream, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { hexOf, inWords } from './scanner-sim/ear.ts';
import { frame, PROFILES, type Profile, SUFFIXES, type Suffix } from './scanner-sim/frames.ts';

const help = `Usage: tearline scanner-sim [--profile P] [--suffix S] [--codes FILE] [--port PATH] [--every MS]

Plays a scanner on a serial line, so that a lane can be tried without one: sends codes as that scanner would,
and prints what the box answers, in words.

  --profile P    ${PROFILES.join(', ')}; line where nothing is said
  --suffix S     what ends a scan of profile line: ${Object.keys(SUFFIXES).join(', ')}; cr where nothing is said
  --codes FILE   a code on each line; - is the standard input, which is the default: type a code, press Enter
                 <GS> in a code is the separator of GS1 codes, ]C1 before it the identifier of its barcode
  --port PATH    a device that is there (9600 baud, 8N1) is written to; else a pseudo-terminal of that name is made.
                 ${join(tmpdir(), 'tearline-scanner')} where nothing is said
  --every MS     a pause between two codes; 1000 where nothing is said

In the gateway's settings:

  [[lane]]
  name = "1"
  scanner = { port = "PATH", profile = "P", ack = "06", feedback = "bel" }

It ends a moment after the last code. Exit status: 64 usage, 69 socat is missing or the port cannot be had.
`;

const EXIT = { usage: 64, unavailable: 69 } as const;
/** Longer than the pauses within one answer, shorter than those between two. */
const SILENCE_MS = 400;
/** A gateway looks for its scanner every second; what is sent before it has opened the line is lost. */
const OPENED_AFTER_MS = 2_000;
/** An answer that comes later than this after its scan is never sent. */
const LAST_ANSWER_MS = 2_500;

/** @returns the exit status; one line on the standard error says why it is not 0 */
export async function scannerSim(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(help);
    return 0;
  }
  const options = readOptions(args);
  if (typeof options === 'string') return complain(options, EXIT.usage);
  const { port, profile, suffix, everyMs } = options;
  const line = await openLine(port);
  if (typeof line === 'string') return complain(line, EXIT.unavailable);
  say(`a scanner of profile ${profile} is at ${port}`);
  const ended = new Promise<'ended'>((tell) => line.once('exit', () => tell('ended')));
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      line.kill();
      process.exit(0);
    });
  listen(line);
  const sent = sendAll(line, options.codes, (code) => frame(code, profile, suffix), everyMs).then(
    () => 'sent' as const,
  );
  const how = await Promise.race([sent, ended]);
  line.kill();
  await ended;
  // What is still read from a terminal would keep this process waiting.
  process.stdin.destroy();
  if (how === 'ended' && !line.killed) return complain(`${port} is gone`, EXIT.unavailable);
  return 0;
}

type Options = {
  readonly profile: Profile;
  readonly suffix: Suffix;
  readonly codes: string;
  readonly port: string;
  readonly everyMs: number;
};

/** @returns what is wrong, in one line */
function readOptions(args: readonly string[]): Options | string {
  const text = { type: 'string' } as const;
  const known = { profile: text, suffix: text, codes: text, port: text, every: text };
  try {
    const { values } = parseArgs({ args: [...args], options: known, allowPositionals: false });
    const profile = PROFILES.find((one) => one === (values.profile ?? 'line'));
    if (profile === undefined) return `--profile takes ${PROFILES.join(', ')}`;
    const suffix = (['cr', 'lf', 'none'] as const).find((one) => one === (values.suffix ?? 'cr'));
    if (suffix === undefined) return `--suffix takes ${Object.keys(SUFFIXES).join(', ')}`;
    const every = values.every ?? '1000';
    if (!/^\d{1,6}$/.test(every)) return '--every takes milliseconds, at most 999999';
    const codes = values.codes ?? '-';
    if (codes !== '-' && !existsSync(codes)) return `there is no file ${codes}`;
    return { profile, suffix, codes, everyMs: Number(every), port: values.port ?? join(tmpdir(), 'tearline-scanner') };
  } catch (error) {
    return error instanceof Error ? (error.message.split('.')[0] ?? '') : String(error);
  }
}

/** socat at the line: what it is given goes out, what comes in it gives. @returns it, or why not, in one line */
async function openLine(port: string): Promise<ChildProcess | string> {
  const isDevice = existsSync(port);
  const end = isDevice ? `${port},b9600,raw,echo=0` : `pty,raw,echo=0,link=${port}`;
  const socat = spawn('socat', [end, 'STDIO'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const isMissing = await new Promise<boolean>((tell) => {
    socat.once('spawn', () => tell(false));
    socat.once('error', () => tell(true));
  });
  if (isMissing) return 'socat is missing: install it (apt-get install socat)';
  // A scanner that is pulled does not hear what is being written to it.
  socat.stdin?.on('error', () => {});
  while (!existsSync(port)) {
    if (socat.exitCode !== null) return `${port} cannot be had: choose another --port`;
    await sleep(10);
  }
  if (!isDevice) await sleep(OPENED_AFTER_MS);
  return socat.exitCode === null && socat.signalCode === null ? socat : `${port} is gone`;
}

async function sendAll(line: ChildProcess, file: string, framed: (code: string) => Uint8Array, everyMs: number) {
  const input = file === '-' ? process.stdin : createReadStream(file);
  for await (const typed of createInterface({ input })) {
    const code = typed.trim().replaceAll('<GS>', '\u001d');
    if (code === '') continue;
    say(`scan: ${typed.trim()}`);
    line.stdin?.write(framed(code));
    await sleep(everyMs);
  }
  await sleep(LAST_ANSWER_MS);
}

/** Prints what came up to each silence. */
function listen(line: ChildProcess): void {
  let heard = Buffer.alloc(0);
  let timer: NodeJS.Timeout | undefined;
  line.stdout?.on('data', (piece: Buffer) => {
    heard = Buffer.concat([heard, piece]);
    clearTimeout(timer);
    timer = setTimeout(() => {
      for (const { words, bytes } of inWords(heard)) say(`${words} (${hexOf(bytes)})`);
      heard = Buffer.alloc(0);
    }, SILENCE_MS);
  });
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function complain(why: string, status: number): number {
  process.stderr.write(`tearline: ${why}; see tearline scanner-sim --help\n`);
  return status;
}
