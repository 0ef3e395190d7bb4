import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { readConfig } from './config.ts';
import {
  type AddRefused,
  addSupervisor,
  listSupervisors,
  makePin,
  pinSchema,
  removeSupervisor,
} from './doors/supervisors.ts';
import { tokenNameSchema } from './doors/tokens.ts';
import { EXIT, Stop } from './stop.ts';
import { isErrno } from './upkeep/durable-file.ts';

/** `tearline gateway supervisor add|remove|list`: also while the gateway runs. @returns the exit status */
export async function supervisorCommand([verb, ...args]: string[]): Promise<number> {
  const given = options(args);
  const { dataDirectory } = readConfig(given.config ?? null, process.env, given.data ?? null);
  try {
    switch (verb) {
      case 'add':
        return await add(dataDirectory, nameOf(given.name), given['make-pin'] === true);
      case 'remove':
        return remove(dataDirectory, nameOf(given.name));
      case 'list':
        for (const name of listSupervisors(dataDirectory)) process.stdout.write(`${name}\n`);
        return 0;
      default:
        throw new Stop(EXIT.usage, 'supervisor has the verbs add, remove and list; see tearline gateway --help');
    }
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'ENOTDIR', 'EIO', 'ENOENT')) throw error;
    throw new Stop(EXIT.io, `the data directory ${dataDirectory} cannot be written: check its owner and its disk`, {
      cause: error,
    });
  }
}

async function add(dataDirectory: string, name: string, isMade: boolean): Promise<number> {
  const pin = isMade ? makePin() : await askForPin(name);
  if (!pinSchema.safeParse(pin).success) throw new Stop(EXIT.usage, 'a PIN is 6 to 12 digits');
  const added = await addSupervisor(dataDirectory, name, pin);
  if (!added.ok) throw new Stop(EXIT.usage, whyNot(added.error, name));
  process.stdout.write(isMade ? `${pin}\n` : `Added ${name}.\n`);
  return 0;
}

function whyNot(refused: AddRefused, name: string): string {
  switch (refused) {
    case 'named':
      return `there is a supervisor ${name}: remove it first, or take another name`;
    case 'full':
      return 'there are twenty supervisors, which is the most: remove one first';
    case 'taken':
      return 'this PIN is in use: choose another one';
  }
}

function remove(dataDirectory: string, name: string): number {
  if (!removeSupervisor(dataDirectory, name)) throw new Stop(EXIT.usage, `there is no supervisor ${name}`);
  process.stdout.write(`Removed ${name}.\n`);
  return 0;
}

/** Typed at a terminal it is not shown; else the first line of the standard input. */
async function askForPin(name: string): Promise<string> {
  const isTerminal = process.stdin.isTTY === true;
  if (isTerminal) process.stderr.write(`PIN for ${name}, 6 to 12 digits: `);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: isTerminal });
  try {
    const { value } = await lines[Symbol.asyncIterator]().next();
    return typeof value === 'string' ? value.trim() : '';
  } finally {
    lines.close();
    if (isTerminal) process.stderr.write('\n');
  }
}

function nameOf(given: string | undefined): string {
  const name = tokenNameSchema.safeParse(given);
  if (name.success) return name.data;
  throw new Stop(EXIT.usage, '--name takes letters, digits, dots, hyphens and underscores, at most 64');
}

function options(args: string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({ args, options: { config: text, data: text, name: text, 'make-pin': { type: 'boolean' } } })
      .values;
  } catch (error) {
    const line = error instanceof Error ? error.message.split('.')[0] : String(error);
    throw new Stop(EXIT.usage, `${line}; see tearline gateway --help`, { cause: error });
  }
}
