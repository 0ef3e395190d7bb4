import { parseArgs } from 'node:util';
import { err, ok, type Result } from '../protocol/result.ts';
import { type Config, readConfig } from './config.ts';
import { createToken, scopeSchema, tokenNameSchema } from './doors/tokens.ts';
import { createEnrolment } from './fleet/enrolment.ts';
import { verifyLedger } from './ledger/audit.ts';
import { createLog } from './log.ts';
import { type Data, type Failure, openData, serve } from './main.ts';

/** `tearline cloud …`. @returns the exit status: 0, 64 usage, 69 unavailable, 74 I/O, 78 configuration */
export async function cloudCommand(args: readonly string[]): Promise<number> {
  const read = readCommand(args);
  const outcome = read.ok ? await carryOut(read.value) : read;
  return statusOf(outcome);
}

/** `tearline audit verify`: the ledger's chains, computed anew. @returns 0, or 1 and the first broken entry */
export async function auditVerify(dataDir?: string): Promise<number> {
  const config = configOf({ data: dataDir });
  if (!config.ok) return statusOf(config);
  const data = openData(config.value.data);
  if (!data.ok) return statusOf(data);
  try {
    const verdict = await verifyLedger(data.value.store);
    console.log(
      verdict.ok ? `The ledger is whole: ${verdict.entries} entries.` : `The ledger is broken: ${verdict.first}`,
    );
    return verdict.ok ? 0 : 1;
  } finally {
    data.value.database.close();
  }
}

type Values = { readonly [option: string]: string | undefined };
type Command = { readonly name: string; readonly values: Values };

const USAGE = `Usage: tearline cloud serve
       tearline cloud enrolment --store ID
       tearline cloud token create --scope cart|admin|desk --name NAME
       tearline cloud token revoke --name NAME
Each with --config FILE, --data DIR.`;

const common = { config: { type: 'string' }, data: { type: 'string' } } as const;
const optionsByCommand = new Map<string, Record<string, { readonly type: 'string' }>>([
  ['serve', common],
  ['enrolment', { ...common, store: { type: 'string' } }],
  ['token create', { ...common, scope: { type: 'string' }, name: { type: 'string' } }],
  ['token revoke', { ...common, name: { type: 'string' } }],
]);

function readCommand(args: readonly string[]): Result<Command, Failure> {
  const words = args.slice(0, args[0] === 'token' ? 2 : 1);
  const name = words.join(' ');
  const options = optionsByCommand.get(name);
  if (options === undefined) return err({ status: 64, line: USAGE });
  try {
    const { values } = parseArgs({ args: args.slice(words.length), options });
    return ok({ name, values });
  } catch (error) {
    return err({ status: 64, line: `${error instanceof Error ? error.message : error}\n${USAGE}` });
  }
}

async function carryOut({ name, values }: Command): Promise<Result<void, Failure>> {
  const config = configOf(values);
  if (!config.ok) return config;
  switch (name) {
    case 'serve':
      return serve(config.value, createLog(), stopSignal());
    case 'enrolment':
      return withData(config.value, (data) => printEnrolment(data, values.store));
    case 'token create':
      return withData(config.value, (data) => printToken(data, values.scope, values.name));
    default:
      return withData(config.value, (data) => revokeTokens(data, values.name));
  }
}

function configOf({ config, data }: Values): Result<Config, Failure> {
  const read = readConfig({ file: config ?? null, data: data ?? null, env: process.env });
  return read.ok ? read : err({ status: 78, line: read.error });
}

async function withData(
  config: Config,
  work: (data: Data) => Promise<Result<void, Failure>>,
): Promise<Result<void, Failure>> {
  const data = openData(config.data);
  if (!data.ok) return data;
  try {
    return await work(data.value);
  } finally {
    data.value.database.close();
  }
}

async function printEnrolment({ enrolments }: Data, store: string | undefined): Promise<Result<void, Failure>> {
  if (store === undefined) return err({ status: 64, line: USAGE });
  const enrolment = await createEnrolment(enrolments, store, Date.now());
  if (enrolment === null)
    return err({ status: 69, line: `There is no store ${store}: create it first (POST /v1/stores).` });
  console.log(enrolment.code);
  console.error(`For one gateway of store ${store}, until ${new Date(enrolment.expiresAt).toISOString()}. Shown once.`);
  return ok(undefined);
}

async function printToken(
  { tokens }: Data,
  scopeText: string | undefined,
  nameText: string | undefined,
): Promise<Result<void, Failure>> {
  const scope = scopeSchema.safeParse(scopeText);
  const name = tokenNameSchema.safeParse(nameText);
  if (!scope.success || !name.success)
    return err({
      status: 64,
      line: `A scope (cart, admin, desk) and a name of 1 to 64 of A-Z a-z 0-9 . _ - are needed.\n${USAGE}`,
    });
  console.log(await createToken(tokens, { scope: scope.data, name: name.data }, Date.now()));
  console.error('Shown once: only its hash is kept.');
  return ok(undefined);
}

async function revokeTokens({ tokens }: Data, name: string | undefined): Promise<Result<void, Failure>> {
  if (name === undefined) return err({ status: 64, line: USAGE });
  const revoked = await tokens.revoke(name);
  if (revoked === 0) return err({ status: 69, line: `There is no token of the name ${name}.` });
  console.error(`Revoked: ${revoked} of the name ${name}.`);
  return ok(undefined);
}

function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

function statusOf(outcome: Result<void, Failure>): number {
  if (outcome.ok) return 0;
  console.error(outcome.error.line);
  return outcome.error.status;
}
