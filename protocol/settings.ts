import { z } from 'zod';
import { err, ok, type Result } from './result.ts';

/**
 * Settings of both programs: one TOML file and the environment. A variable's key in the file is its name without
 * `TEARLINE_CLOUD_`, `TEARLINE_GATEWAY_` or `TEARLINE_`, in lower case, under the program's table; the variable wins.
 * Pure: who calls has read the file and parsed its TOML.
 */
export type Program = 'cloud' | 'gateway';

export type Setting<T> = {
  readonly schema: z.ZodType<T>;
  /** A variable's text as the file would have it. */
  readonly fromVariable: (text: string) => unknown;
  /** Completes 'expected …'. */
  readonly expected: string;
};

/** By variable name. */
export type SettingsTable = { readonly [variable: string]: Setting<unknown> };

export type SettingsFile = {
  readonly name: string;
  readonly text: string;
  readonly parsed: { readonly [key: string]: unknown };
};

/** One line for the operator; never the value, which may be a secret in the wrong place. */
export type SettingsError = string;

type KeyOf<V> = V extends `TEARLINE_CLOUD_${infer K}`
  ? Lowercase<K>
  : V extends `TEARLINE_GATEWAY_${infer K}`
    ? Lowercase<K>
    : V extends `TEARLINE_${infer K}`
      ? Lowercase<K>
      : never;

/** What was set, by key; a key that was not set is missing. */
export type Settings<T extends SettingsTable> = {
  readonly [V in keyof T as KeyOf<V>]?: T[V] extends Setting<infer Value> ? Value : never;
};

/**
 * Reads one program's scalar settings. The other program's table in the same file is left alone.
 * @param lists names of arrays of tables that this program also reads, as `lane`
 */
export function readSettings<const T extends SettingsTable>(
  program: Program,
  table: T,
  file: SettingsFile | null,
  env: { readonly [name: string]: string | undefined },
  lists: readonly string[] = [],
): Result<Settings<T>, SettingsError> {
  const unknown = unknownKey(program, table, file, lists) ?? unknownVariable(program, table, env);
  if (unknown !== null) return err(unknown);
  const values: Record<string, unknown> = {};
  for (const [variable, setting] of Object.entries(table)) {
    const given = givenValue(program, variable, setting, file, env);
    if (given === null) continue;
    const parsed = setting.schema.safeParse(given.value);
    if (!parsed.success) return err(`${given.where}: expected ${setting.expected}`);
    values[keyOf(variable)] = parsed.data;
  }
  // Every value came out of its own setting's schema above.
  return ok(values as Settings<T>);
}

/** Reads an array of tables, as `[[lane]]`; none where there is no file. */
export function readList<T>(name: string, item: z.ZodType<T>, file: SettingsFile | null): Result<T[], SettingsError> {
  if (file === null || file.parsed[name] === undefined) return ok([]);
  const parsed = z.array(item).safeParse(file.parsed[name]);
  if (parsed.success) return ok(parsed.data);
  const issue = parsed.error.issues[0];
  if (issue === undefined) return err(`${file.name}: ${name} cannot be read`);
  const [stray] = issue.code === 'unrecognized_keys' ? issue.keys : [];
  const path = [name, ...issue.path];
  return err(
    stray === undefined
      ? `${place(file, path)}: ${issue.message}`
      : `${place(file, [...path, stray])} is not a setting`,
  );
}

export const textSetting: Setting<string> = {
  schema: z.string().min(1),
  fromVariable: (text) => text,
  expected: 'a text that is not empty',
};

export function urlSetting(...protocols: string[]): Setting<string> {
  return {
    schema: z.url({ protocol: new RegExp(`^(${protocols.join('|')})$`) }),
    fromVariable: (text) => text,
    expected: `an address that begins with ${protocols.map((protocol) => `${protocol}://`).join(' or ')}`,
  };
}

export function numberSetting(least: number, most: number): Setting<number> {
  return {
    schema: z.int().min(least).max(most),
    fromVariable: (text) => (/^[0-9]{1,15}$/.test(text) ? Number(text) : text),
    expected: `a whole number from ${least} to ${most}`,
  };
}

/** 0 takes any free port: for tests and trials. */
export const portSetting: Setting<number> = { ...numberSetting(0, 65_535), expected: 'a port from 0 to 65535' };

export const flagSetting: Setting<boolean> = {
  schema: z.union([z.boolean(), z.literal([0, 1]).transform((value) => value === 1)]),
  fromVariable: (text) => ({ '0': 0, '1': 1, false: false, true: true })[text] ?? text,
  expected: '0 or 1',
};

/** Settings that both programs have. */
export const listenerSettings = {
  TEARLINE_TLS_CERT_FILE: textSetting,
  TEARLINE_TLS_KEY_FILE: textSetting,
  TEARLINE_TLS_CA_FILE: textSetting,
  TEARLINE_INSECURE_LAN: flagSetting,
} as const;

/** Why a listener may not be opened: tokens and codes would cross the network unprotected. Null: it may. */
export function unsafeListener(listener: {
  readonly host: string;
  readonly tls: boolean;
  readonly insecureLan: boolean;
}): SettingsError | null {
  if (isLoopback(listener.host) || listener.tls || listener.insecureLan) return null;
  return `the host ${listener.host} is reached from outside: set TEARLINE_TLS_CERT_FILE and TEARLINE_TLS_KEY_FILE, or TEARLINE_INSECURE_LAN=1 to go without`;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.[0-9]{1,3}){3}$/.test(host);
}

const PREFIX = /^TEARLINE_(CLOUD_|GATEWAY_)?/;
const keyOf = (variable: string): string => variable.replace(PREFIX, '').toLowerCase();

function givenValue(
  program: Program,
  variable: string,
  setting: Setting<unknown>,
  file: SettingsFile | null,
  env: { readonly [name: string]: string | undefined },
): { value: unknown; where: string } | null {
  const text = env[variable];
  // An empty variable is what a service unit's unfilled line gives: not set.
  if (text !== undefined && text !== '') return { value: setting.fromVariable(text), where: variable };
  const key = keyOf(variable);
  const value = file === null ? undefined : section(program, file)[key];
  if (file === null || value === undefined) return null;
  return { value, where: place(file, [program, key]) };
}

const recordSchema = z.record(z.string(), z.unknown());
const section = (program: Program, file: SettingsFile) => recordSchema.safeParse(file.parsed[program]).data ?? {};

function unknownKey(program: Program, table: SettingsTable, file: SettingsFile | null, lists: readonly string[]) {
  if (file === null) return null;
  const tables = ['cloud', 'gateway', 'lane'];
  const stray = Object.keys(file.parsed).find((key) => !tables.includes(key));
  if (stray !== undefined) return notASetting(file, [stray], [program, ...lists]);
  const whole = file.parsed[program];
  if (whole !== undefined && !recordSchema.safeParse(whole).success)
    return `${place(file, [program])}: expected a table [${program}]`;
  const keys = Object.keys(table).map(keyOf);
  const strayKey = Object.keys(section(program, file)).find((key) => !keys.includes(key));
  return strayKey === undefined ? null : notASetting(file, [program, strayKey], keys);
}

function notASetting(file: SettingsFile, path: readonly string[], known: readonly string[]): SettingsError {
  return `${place(file, path)} is not a setting${suggestion(path.at(-1) ?? '', known)}`;
}

/** Variables of this program that it does not know: a typing error would otherwise be silent. */
function unknownVariable(program: Program, table: SettingsTable, env: { readonly [name: string]: string | undefined }) {
  const prefix = `TEARLINE_${program.toUpperCase()}_`;
  const known = Object.keys(table);
  const stray = Object.keys(env).find((name) => name.startsWith(prefix) && !known.includes(name));
  return stray === undefined ? null : `${stray} is not a setting${suggestion(stray, known)}`;
}

function suggestion(name: string, known: readonly string[]): string {
  const ranked = known
    .map((word) => ({ word, distance: editDistance(name, word) }))
    .sort((a, b) => a.distance - b.distance);
  const nearest = ranked[0];
  if (nearest !== undefined && nearest.distance <= Math.max(2, name.length / 3))
    return `; did you mean ${nearest.word}?`;
  return `; expected one of ${[...known].sort().join(', ')}`;
}

function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 0; i < from.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < to.length; j++) {
      const replaced = (row[j] ?? 0) + (from[i] === to[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

type Path = readonly PropertyKey[];

const place = (file: SettingsFile, path: Path): string => `${file.name}:${lineOf(file.text, path)}: ${pathText(path)}`;

/** `lane 2 scanner.baud`: people count from one. */
function pathText(path: Path): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? ` ${part + 1} ` : index === 0 ? String(part) : `.${String(part)}`,
    )
    .join('')
    .replace(/ \./, ' ');
}

/** The line that says most of a path: of its key, else of the table or inline table that it stands in. Counted from 1. */
function lineOf(text: string, path: Path): number {
  const best = { line: 1, depth: 0 };
  const countsByName = new Map<string, number>();
  let table: PropertyKey[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const header = /^\s*(\[\[?)\s*([^\]]+?)\s*\]/.exec(line);
    if (header !== null) table = tablePath(header[1] === '[[', keyParts(header[2] ?? ''), countsByName);
    const key = header === null ? /^\s*([A-Za-z0-9_."'-]+)\s*=/.exec(line) : null;
    if (header === null && key === null) continue;
    const here = [...table, ...(key === null ? [] : keyParts(key[1] ?? ''))];
    const isPrefix = here.every((part, at) => part === path[at]);
    if (isPrefix && here.length > best.depth) Object.assign(best, { line: index + 1, depth: here.length });
  }
  return best.line;
}

const keyParts = (text: string): string[] => text.split('.').map((part) => part.trim().replace(/^["']|["']$/g, ''));

function tablePath(isItem: boolean, parts: string[], countsByName: Map<string, number>): PropertyKey[] {
  const [name = '', ...rest] = parts;
  if (isItem && rest.length === 0) countsByName.set(name, (countsByName.get(name) ?? 0) + 1);
  const count = countsByName.get(name);
  return count === undefined ? parts : [name, count - 1, ...rest];
}
