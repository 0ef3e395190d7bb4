import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Bench } from './figure.ts';

const helloSchema = z.object({ port: z.int() });

/** Starts one of the bench's own servers as a process. @returns the port that it told over its channel */
export async function startServer(
  { atEnd }: Pick<Bench, 'atEnd'>,
  file: URL,
  args: readonly string[] = [],
): Promise<number> {
  const child = spawn(process.execPath, [fileURLToPath(file), ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = new Promise<never>((_, reject) => {
    child.once('exit', (status) => reject(new Error(`${file.pathname} ended with ${status}`)));
  });
  ended.catch(() => undefined);
  atEnd(async () => {
    child.kill();
    await ended.catch(() => undefined);
  });
  const hello = new Promise<unknown>((resolve) => child.once('message', resolve));
  return helloSchema.parse(await Promise.race([hello, ended])).port;
}

/** In the server: tells where it listens, and ends when the bench does. */
export function serveBench(port: number): void {
  process.on('disconnect', () => process.exit());
  process.on('SIGTERM', () => process.exit());
  process.send?.({ port });
}
