import { readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { z } from 'zod';
import { currencySchema } from '../protocol/money.ts';
import { type Language, languageSchema } from '../protocol/pages/language.ts';
import { laneSchema } from '../protocol/redemption-api.ts';
import type { Result } from '../protocol/result.ts';
import {
  flagSetting,
  listenerSettings,
  numberSetting,
  portSetting,
  readList,
  readSettings,
  type SettingsFile,
  textSetting,
  unsafeListener,
} from '../protocol/settings.ts';
import { EXIT, Stop } from './stop.ts';

/** The gateway's settings. Read once, at the start. */
export type Config = {
  readonly dataDirectory: string;
  readonly witnessPath: string;
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly certFile: string; readonly keyFile: string } | null;
  readonly caFile: string | null;
  readonly insecureLan: boolean;
  readonly reserveDeadlineMs: number;
  readonly strict: boolean;
  /** Of totals typed on a lane's page and of the amounts of serial registers, ISO 4217. */
  readonly currency: string;
  /** Of the lane pages. */
  readonly language: Language;
  readonly theme: Theme;
  readonly lanes: readonly LaneConfig[];
};

const themeSchema = z.enum(['system', 'light', 'dark']);
export type Theme = z.infer<typeof themeSchema>;

const baudSchema = z.int().min(300).max(921_600).default(9600);
const deviceSchema = z.string().min(1).max(255);

/** One of these words, and an error that names them. */
const oneOf = <const T extends readonly string[]>(...words: T) =>
  z.enum(words, { error: `expected one of ${words.join(', ')}` });

const scannerConfigSchema = z
  .strictObject({
    /** A device, as `/dev/serial/by-id/…`. */
    port: deviceSchema,
    baud: baudSchema,
    data: z.literal([7, 8], { error: 'expected 7 or 8' }).default(8),
    parity: oneOf('none', 'even', 'odd').default('none'),
    stop: z.literal([1, 2], { error: 'expected 1 or 2' }).default(1),
    profile: oneOf('line', 'stx-etx', 'magellan', 'ssi').default('line'),
    /** A check byte after ETX. */
    lrc: z.boolean({ error: 'expected true or false' }).default(false),
    /** Acknowledge each label with 06, for scanners that wait for it. */
    ack: oneOf('none', '06').default('none'),
    feedback: oneOf('none', 'bel', 'datalogic', 'honeywell', 'ssi').default('none'),
  })
  .refine(({ profile, lrc }) => profile === 'stx-etx' || !lrc, {
    path: ['lrc'],
    error: 'goes with profile stx-etx alone',
  })
  .refine(({ profile, ack }) => profile !== 'ssi' || ack === 'none', {
    path: ['ack'],
    error: 'expected none: profile ssi acknowledges its packets by itself',
  })
  .refine(({ profile, feedback }) => feedback === 'none' || (profile === 'ssi') === (feedback === 'ssi'), {
    path: ['feedback'],
    error: 'ssi goes with profile ssi, and with no other',
  });

const laneConfigSchema = z.strictObject({
  name: laneSchema,
  scanner: scannerConfigSchema.optional(),
  register: z
    .strictObject({
      port: deviceSchema,
      baud: baudSchema,
      /** What the check byte covers and begins with. */
      lrc: z
        .strictObject({ base: z.enum(['00', '7F']), cover: z.enum(['payload', 'payload+etx', 'stx+payload+etx']) })
        .optional(),
    })
    .optional(),
});
export type LaneConfig = z.infer<typeof laneConfigSchema>;

const table = {
  TEARLINE_GATEWAY_DATA: textSetting,
  TEARLINE_WITNESS_PATH: textSetting,
  TEARLINE_GATEWAY_PORT: portSetting,
  TEARLINE_GATEWAY_HOST: textSetting,
  TEARLINE_RESERVE_DEADLINE_MS: numberSetting(50, 10_000),
  TEARLINE_STRICT: flagSetting,
  TEARLINE_GATEWAY_CURRENCY: { ...textSetting, schema: currencySchema, expected: 'an ISO 4217 currency, as USD' },
  TEARLINE_GATEWAY_LANGUAGE: { ...textSetting, schema: languageSchema, expected: 'en, es, fr or de' },
  TEARLINE_GATEWAY_THEME: { ...textSetting, schema: themeSchema, expected: 'system, light or dark' },
  ...listenerSettings,
} as const;

/**
 * @param dataDirectory given on the command line: wins over all
 * @throws Stop 78 with the file, line, key and what was expected
 */
export function readConfig(
  configFile: string | null,
  env: { readonly [name: string]: string | undefined },
  dataDirectory: string | null = null,
): Config {
  const file = configFile === null ? null : readToml(configFile);
  const settings = orStop(readSettings('gateway', table, file, env, ['lane']));
  const lanes = orStop(readList('lane', laneConfigSchema, file));
  const data = dataDirectory ?? settings.data ?? '.tearline/gateway';
  const config: Config = {
    dataDirectory: data,
    witnessPath: settings.witness_path ?? `${data.replace(/\/+$/, '')}.witness`,
    host: settings.host ?? '127.0.0.1',
    port: settings.port ?? 8090,
    tls: tlsFiles(settings.tls_cert_file, settings.tls_key_file),
    caFile: settings.tls_ca_file ?? null,
    insecureLan: settings.insecure_lan ?? false,
    reserveDeadlineMs: settings.reserve_deadline_ms ?? 800,
    strict: settings.strict ?? false,
    currency: settings.currency ?? 'USD',
    language: settings.language ?? 'en',
    theme: settings.theme ?? 'system',
    lanes,
  };
  const twice = lanes.find((lane, at) => lanes.findIndex((other) => other.name === lane.name) !== at);
  if (twice !== undefined) throw new Stop(EXIT.config, `${file?.name}: two lanes are named ${twice.name}`);
  refuseSharedPorts(file?.name ?? '', lanes);
  const unsafe = unsafeListener({ host: config.host, tls: config.tls !== null, insecureLan: config.insecureLan });
  if (unsafe !== null) throw new Stop(EXIT.config, unsafe);
  refuseWitnessInside(config);
  return config;
}

/** Two readers of one port would each get half of what comes. Also where a link names it by another name. */
function refuseSharedPorts(file: string, lanes: readonly LaneConfig[]): void {
  const usersByDevice = new Map<string, string>();
  for (const { name, scanner, register } of lanes)
    for (const [what, port] of [
      ['scanner', scanner?.port],
      ['register', register?.port],
    ] as const) {
      if (port === undefined) continue;
      const device = realPath(port);
      const user = `the ${what} of lane ${name}`;
      const other = usersByDevice.get(device);
      if (other !== undefined) throw new Stop(EXIT.config, `${file}: ${other} and ${user} have one port, ${port}`);
      usersByDevice.set(device, user);
    }
}

/** A backup that is restored must not bring an old witness back with it. */
function refuseWitnessInside({ dataDirectory, witnessPath }: Config): void {
  const data = realPath(dataDirectory);
  const witness = realPath(witnessPath);
  if (witness !== data && !witness.startsWith(`${data}${sep}`)) return;
  throw new Stop(
    EXIT.config,
    `TEARLINE_WITNESS_PATH ${witnessPath} is inside the data directory: put it beside, better on a second device`,
  );
}

/** Symbolic links followed as far as the path is there. */
function realPath(path: string): string {
  const whole = resolve(path);
  try {
    return realpathSync(whole);
  } catch {
    return dirname(whole) === whole ? whole : join(realPath(dirname(whole)), basename(whole));
  }
}

function tlsFiles(certFile: string | undefined, keyFile: string | undefined): Config['tls'] {
  if (certFile === undefined && keyFile === undefined) return null;
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile };
  throw new Stop(EXIT.config, 'TEARLINE_TLS_CERT_FILE and TEARLINE_TLS_KEY_FILE go together: set both or none');
}

function readToml(name: string): SettingsFile {
  let text: string;
  try {
    text = readFileSync(name, 'utf8');
  } catch (error) {
    throw new Stop(EXIT.config, `${name}: the settings file cannot be read`, { cause: error });
  }
  try {
    return { name, text, parsed: parse(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const what = error.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '');
    throw new Stop(EXIT.config, `${name}:${error.line}: expected TOML: ${what}`, { cause: error });
  }
}

function orStop<T>(result: Result<T, string>): T {
  if (result.ok) return result.value;
  throw new Stop(EXIT.config, result.error);
}
