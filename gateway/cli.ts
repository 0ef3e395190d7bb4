import { parseArgs, type ParseArgsConfig } from 'node:util';
import packageJson from '../package.json' with { type: 'json' };
import { readConfig } from './config.ts';
import { createToken, scopeSchema, tokenNameSchema } from './doors/tokens.ts';
import { EXIT, Stop } from './stop.ts';
import { supervisorCommand } from './supervisor-command.ts';
import { isErrno } from './upkeep/durable-file.ts';

const help = `Usage: tearline gateway COMMAND [--config FILE] [--data DIR]

  serve                                runs the gateway
  enrol --cloud URL --code CODE        makes this box's key and joins it to its store
  doctor [--json]                      checks what a box needs; exit 0 all good, 1 something failed
  token create --scope SCOPE --name NAME
                                       prints an API token, once; SCOPE is register, desk or box (which includes both)
  supervisor add --name NAME [--make-pin]
                                       asks for a PIN of 6 to 12 digits, or makes one and prints it, once
  supervisor remove --name NAME
  supervisor list

  --config FILE   settings in TOML; an environment variable wins over the file
  --data DIR      the data directory (TEARLINE_GATEWAY_DATA, .tearline/gateway)

Exit status: 64 usage, 69 unavailable, 74 input or output, 78 configuration.
`;

/** @returns the exit status; one line on the standard error says why it is not 0 */
export async function gatewayCommand(args: string[]): Promise<number> {
  const [command, ...rest] = args;
  if (command === undefined) {
    process.stderr.write(help);
    return EXIT.usage;
  }
  if (command === 'help' || args.includes('--help')) {
    process.stdout.write(help);
    return 0;
  }
  return orStop(() => {
    switch (command) {
      case 'serve':
        return serveCommand(rest);
      case 'enrol':
        return enrolCommand(rest);
      case 'doctor':
        return doctorCommand(rest);
      case 'token':
        return tokenCommand(rest);
      case 'supervisor':
        return supervisorCommand(rest);
      default:
        throw new Stop(EXIT.usage, `no command ${command}; see tearline gateway --help`);
    }
  });
}

/** Recomputes the chain of a box's journal. @returns 0, or 1 and the first broken entry */
export async function auditCommand(dataDirectory: string): Promise<number> {
  return orStop(async () => {
    const { auditBox } = await import('./main.ts');
    const finding = auditBox(readConfig(null, process.env, dataDirectory));
    process.stdout.write(`${finding.line}\n`);
    return finding.whole ? 0 : 1;
  });
}

async function orStop(work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Stop)) throw error;
    process.stderr.write(`tearline: ${error.message}\n`);
    return error.status;
  }
}

const common = { config: { type: 'string' }, data: { type: 'string' } } as const;

async function serveCommand(args: string[]): Promise<number> {
  const given = options(args, common);
  const config = configOf(given);
  const { serve } = await import('./main.ts');
  await serve(config, packageJson.version);
  return 0;
}

async function enrolCommand(args: string[]): Promise<number> {
  const given = options(args, { ...common, cloud: { type: 'string' }, code: { type: 'string' } });
  const cloud = required(given.cloud, '--cloud URL');
  const code = required(given.code, '--code CODE');
  if (!/^https?:$/.test(URL.parse(cloud)?.protocol ?? ''))
    throw new Stop(EXIT.usage, '--cloud takes an address that begins with http:// or https://');
  const config = configOf(given);
  const { enrolBox } = await import('./main.ts');
  const { gateway, store } = await enrolBox(config, { cloud, code, version: packageJson.version });
  process.stdout.write(`Enrolled as ${gateway} of store ${store.id}, ${store.name}.\n`);
  return 0;
}

async function doctorCommand(args: string[]): Promise<number> {
  const given = options(args, { ...common, json: { type: 'boolean' } });
  const config = configOf(given);
  const { examineBox } = await import('./main.ts');
  const checks = await examineBox(config);
  const isGood = checks.every((check) => check.good);
  if (given.json === true) process.stdout.write(`${JSON.stringify({ good: isGood, checks }, null, 2)}\n`);
  else
    for (const { name, good, found, remedy } of checks)
      process.stdout.write(
        `${good ? 'good' : 'FAIL'}  ${name}: ${found}${remedy === null ? '' : `\n      ${remedy}`}\n`,
      );
  return isGood ? 0 : 1;
}

async function tokenCommand([verb, ...args]: string[]): Promise<number> {
  if (verb !== 'create') throw new Stop(EXIT.usage, 'token has one verb, create; see tearline gateway --help');
  const given = options(args, { ...common, scope: { type: 'string' }, name: { type: 'string' } });
  const scope = scopeSchema.safeParse(required(given.scope, '--scope SCOPE'));
  if (!scope.success) throw new Stop(EXIT.usage, '--scope takes register, desk or box');
  const name = tokenNameSchema.safeParse(required(given.name, '--name NAME'));
  if (!name.success)
    throw new Stop(EXIT.usage, '--name takes letters, digits, dots, hyphens and underscores, at most 64');
  const { dataDirectory } = configOf(given);
  try {
    process.stdout.write(`${createToken(dataDirectory, { scope: scope.data, name: name.data })}\n`);
  } catch (error) {
    if (!isErrno(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'ENOTDIR', 'EEXIST', 'EIO')) throw error;
    throw new Stop(EXIT.io, `the data directory ${dataDirectory} cannot be written: check its owner and its disk`, {
      cause: error,
    });
  }
  return 0;
}

function configOf(given: { config?: string | undefined; data?: string | undefined }) {
  return readConfig(given.config ?? null, process.env, given.data ?? null);
}

function options<T extends NonNullable<ParseArgsConfig['options']>>(args: string[], known: T) {
  try {
    return parseArgs({ args, options: known, allowPositionals: false }).values;
  } catch (error) {
    const line = error instanceof Error ? error.message.split('.')[0] : String(error);
    throw new Stop(EXIT.usage, `${line}; see tearline gateway --help`, { cause: error });
  }
}

function required(value: string | undefined, what: string): string {
  if (value !== undefined && value !== '') return value;
  throw new Stop(EXIT.usage, `${what} is missing; see tearline gateway --help`);
}
