import { readFileSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import { z } from 'zod';
import { err, ok, type Result } from '../protocol/result.ts';
import { isCountry, parseEmail } from './distribution/identity.ts';
import { LIKELIHOOD_MIN } from './fleet/stocking-rules.ts';
import { isProxyEntry } from './doors/proxies.ts';
import {
  isLoopback,
  listenerSettings,
  numberSetting,
  portSetting,
  readSettings,
  type Setting,
  type Settings,
  type SettingsError,
  type SettingsFile,
  textSetting,
  unsafeListener,
  urlSetting,
} from '../protocol/settings.ts';

/** What a cloud node runs with: defaults filled in, files of secrets read. */
export type Config = {
  /** The data directory. */
  readonly data: string;
  readonly host: string;
  readonly port: number;
  /** How the outside reaches this cloud; null: on this machine, at the port that it got. */
  readonly url: string | null;
  readonly broker: EmbeddedBroker | OutsideBroker;
  /** How gateways reach the broker; null: from the other settings. */
  readonly brokerPublicUrl: string | null;
  /** What one store may hold ahead: units, and face value in minor units. */
  readonly stockMax: { readonly units: number; readonly value: number };
  /** Percent: where a cart could use it too, a coupon is held ahead that is at least so likely to be used in the store. */
  readonly stockLikelihoodMin: number;
  /** ISO 3166, of telephone numbers that are written without a country code; null: they must have one. */
  readonly country: string | null;
  /** Null: no e-mail is sent. */
  readonly mail: MailSettings | null;
  /** Null: no text messages are sent. */
  readonly sms: SmsSettings | null;
  /** Whose coupons these are, as customers know it. */
  readonly retailer: string;
  /** How a customer reaches the retailer, as it is printed; null: faces do not say. */
  readonly contact: string | null;
  /** The online shop; null: faces do not link to it. */
  readonly shopUrl: string | null;
  /** Addresses and networks of proxies in front, which are believed about where a request came from. */
  readonly proxies: readonly string[];
  readonly tls: Tls | null;
  readonly insecureLan: boolean;
};
/** `url` with user and password, where the server wants them; `from` as in a mail's head. */
export type MailSettings = { readonly url: string; readonly from: string; readonly perSecond: number };
export type SmsSettings = {
  readonly url: string;
  readonly account: string;
  readonly token: string;
  readonly from: string;
  readonly perSecond: number;
};
export type EmbeddedBroker = { readonly kind: 'embedded'; readonly port: number };
export type OutsideBroker = {
  readonly kind: 'outside';
  readonly url: string;
  /** Empty: that broker asks for none. */
  readonly password: string;
  /** Whom to trust besides the usual authorities. */
  readonly ca: Buffer | null;
};
export type Tls = { readonly cert: Buffer; readonly key: Buffer };

type Sources = {
  /** From the command line; null: no file, all from the environment. */
  readonly file: string | null;
  /** From the command line; it wins over the setting. */
  readonly data: string | null;
  readonly env: { readonly [name: string]: string | undefined };
};

/** @returns what is wrong, in one line with the file, the line and the key */
export function readConfig({ file, data, env }: Sources): Result<Config, SettingsError> {
  const read = file === null ? ok(null) : readToml(file);
  if (!read.ok) return read;
  const settings = readSettings('cloud', table, read.value, env);
  if (!settings.ok) return settings;
  const config = complete(data === null ? settings.value : { ...settings.value, data });
  if (!config.ok) return config;
  const unsafe = unsafeAddress(config.value);
  return unsafe === null ? config : err(unsafe);
}

const CLOUD_PORT = 8080;
const BROKER_PORT = 1883;
const STOCK_UNITS_MAX = 500;
/** Modest: a provider that is asked for more than was agreed refuses, or takes its customers for a sender of spam. */
const MAILS_PER_SECOND = 20;
const TEXTS_PER_SECOND = 10;
/** 500 coupons of 10.00: what a stolen box may cost. */
const STOCK_VALUE_MAX = 500_000;

const countrySetting: Setting<string> = {
  schema: z.string().refine(isCountry),
  fromVariable: (text) => text,
  expected: 'two letters of ISO 3166, as US',
};

/** A load balancer in each of a few networks. */
const PROXIES_MAX = 64;

const proxiesSetting: Setting<string[]> = {
  schema: z.array(z.string().refine(isProxyEntry)).max(PROXIES_MAX),
  fromVariable: (text) => text.split(',').map((entry) => entry.trim()),
  expected: `addresses or networks of proxies, as 10.0.0.7 or 10.0.0.0/8, at most ${PROXIES_MAX}, none of them /0`,
};

const table = {
  TEARLINE_CLOUD_DATA: textSetting,
  TEARLINE_CLOUD_PORT: portSetting,
  TEARLINE_CLOUD_HOST: textSetting,
  TEARLINE_CLOUD_URL: urlSetting('http', 'https'),
  TEARLINE_DATABASE_URL_FILE: textSetting,
  TEARLINE_BROKER_URL: urlSetting('mqtt', 'mqtts', 'ws', 'wss'),
  TEARLINE_BROKER_PASSWORD_FILE: textSetting,
  TEARLINE_BROKER_PUBLIC_URL: urlSetting('mqtt', 'mqtts', 'ws', 'wss'),
  TEARLINE_BROKER_PORT: portSetting,
  TEARLINE_STOCK_UNITS_MAX: numberSetting(0, 100_000),
  TEARLINE_STOCK_VALUE_MAX: numberSetting(0, 1_000_000_000_000),
  TEARLINE_STOCK_LIKELIHOOD_MIN: numberSetting(0, 100),
  TEARLINE_CLOUD_COUNTRY: countrySetting,
  TEARLINE_SMTP_URL_FILE: textSetting,
  TEARLINE_MAIL_FROM: textSetting,
  TEARLINE_MAILS_PER_SECOND: numberSetting(1, 1_000),
  TEARLINE_SMS_URL: urlSetting('http', 'https'),
  TEARLINE_SMS_ACCOUNT: textSetting,
  TEARLINE_SMS_TOKEN_FILE: textSetting,
  TEARLINE_SMS_FROM: textSetting,
  TEARLINE_TEXTS_PER_SECOND: numberSetting(1, 1_000),
  TEARLINE_CLOUD_RETAILER: textSetting,
  TEARLINE_CLOUD_CONTACT: textSetting,
  TEARLINE_CLOUD_SHOP_URL: urlSetting('https', 'http'),
  TEARLINE_CLOUD_PROXIES: proxiesSetting,
  ...listenerSettings,
} as const;

function complete(given: Settings<typeof table>): Result<Config, SettingsError> {
  if (given.database_url_file !== undefined)
    return err('TEARLINE_DATABASE_URL_FILE is not available in this version: leave it out, the ledger is in SQLite');
  const tls = readTls(given);
  if (!tls.ok) return tls;
  const broker = brokerOf(given);
  if (!broker.ok) return broker;
  const mail = mailOf(given);
  if (!mail.ok) return mail;
  const sms = smsOf(given);
  if (!sms.ok) return sms;
  return ok({
    data: given.data ?? '.tearline/cloud',
    host: given.host ?? '127.0.0.1',
    port: given.port ?? CLOUD_PORT,
    url: given.url ?? null,
    broker: broker.value,
    brokerPublicUrl: given.broker_public_url ?? null,
    stockMax: {
      units: given.stock_units_max ?? STOCK_UNITS_MAX,
      value: given.stock_value_max ?? STOCK_VALUE_MAX,
    },
    stockLikelihoodMin: given.stock_likelihood_min ?? LIKELIHOOD_MIN,
    country: given.country ?? null,
    mail: mail.value,
    sms: sms.value,
    retailer: given.retailer ?? 'Tearline',
    contact: given.contact ?? null,
    shopUrl: given.shop_url ?? null,
    proxies: given.proxies ?? [],
    tls: tls.value,
    insecureLan: given.insecure_lan ?? false,
  });
}

function brokerOf(given: Settings<typeof table>): Result<EmbeddedBroker | OutsideBroker, SettingsError> {
  if (given.broker_url === undefined) return ok({ kind: 'embedded', port: given.broker_port ?? BROKER_PORT });
  const password = readOptional('TEARLINE_BROKER_PASSWORD_FILE', given.broker_password_file);
  if (!password.ok) return password;
  const ca = readOptional('TEARLINE_TLS_CA_FILE', given.tls_ca_file);
  if (!ca.ok) return ca;
  return ok({
    kind: 'outside',
    url: given.broker_url,
    password: password.value?.toString('utf8').trim() ?? '',
    ca: ca.value,
  });
}

function mailOf(given: Settings<typeof table>): Result<MailSettings | null, SettingsError> {
  const { smtp_url_file: file, mail_from: from, mails_per_second: perSecond } = given;
  if (file === undefined && from === undefined) return ok(null);
  if (file === undefined || from === undefined)
    return err('TEARLINE_SMTP_URL_FILE and TEARLINE_MAIL_FROM go together: set both or none');
  if (!isMailFrom(from)) return err('TEARLINE_MAIL_FROM: expected one line, as Coupons <coupons@example.com>');
  const read = readOptional('TEARLINE_SMTP_URL_FILE', file);
  if (!read.ok) return read;
  const url = read.value?.toString('utf8').trim() ?? '';
  if (!isSmtpUrl(url))
    return err(`TEARLINE_SMTP_URL_FILE: expected ${file} to hold smtp://HOST:PORT or smtps://USER:PASSWORD@HOST`);
  return ok({ url, from, perSecond: perSecond ?? MAILS_PER_SECOND });
}

function isMailFrom(from: string): boolean {
  const address = /^(?:[^\p{C}<>"]*<)?([^\s<>]+?)>?$/u.exec(from)?.[1] ?? '';
  return parseEmail(address).ok && from.endsWith('>') === from.includes('<');
}

function isSmtpUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && ['smtp:', 'smtps:'].includes(url.protocol) && url.hostname !== '';
}

function smsOf(given: Settings<typeof table>): Result<SmsSettings | null, SettingsError> {
  const { sms_url: url, sms_account: account, sms_token_file: file, sms_from: from } = given;
  if ([url, account, file, from].every((value) => value === undefined)) return ok(null);
  if (url === undefined || account === undefined || file === undefined || from === undefined)
    return err(
      'TEARLINE_SMS_URL, TEARLINE_SMS_ACCOUNT, TEARLINE_SMS_TOKEN_FILE and TEARLINE_SMS_FROM go together: set all or none',
    );
  const token = readOptional('TEARLINE_SMS_TOKEN_FILE', file);
  if (!token.ok) return token;
  const text = token.value?.toString('utf8').trim() ?? '';
  if (text === '') return err(`TEARLINE_SMS_TOKEN_FILE: ${file} is empty`);
  return ok({ url, account, token: text, from, perSecond: given.texts_per_second ?? TEXTS_PER_SECOND });
}

function readTls({ tls_cert_file, tls_key_file }: Settings<typeof table>): Result<Tls | null, SettingsError> {
  const cert = readOptional('TEARLINE_TLS_CERT_FILE', tls_cert_file);
  if (!cert.ok) return cert;
  const key = readOptional('TEARLINE_TLS_KEY_FILE', tls_key_file);
  if (!key.ok) return key;
  if (cert.value === null && key.value === null) return ok(null);
  if (cert.value === null || key.value === null)
    return err('TEARLINE_TLS_CERT_FILE and TEARLINE_TLS_KEY_FILE go together: set both or none');
  return ok({ cert: cert.value, key: key.value });
}

function readOptional(variable: string, path: string | undefined): Result<Buffer | null, SettingsError> {
  if (path === undefined) return ok(null);
  try {
    return ok(readFileSync(path));
  } catch (error) {
    return err(`${variable}: cannot read ${path} (${codeOf(error)})`);
  }
}

function readToml(name: string): Result<SettingsFile, SettingsError> {
  try {
    const text = readFileSync(name, 'utf8');
    return ok({ name, text, parsed: parse(text) });
  } catch (error) {
    if (error instanceof TomlError) return err(`${name}:${error.line}: ${error.message.split('\n')[0]}`);
    return err(`${name}: cannot be read (${codeOf(error)})`);
  }
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';

/** Tokens, codes and passwords would cross a network in the clear. Null: they do not, or it was asked for. */
function unsafeAddress(config: Config): SettingsError | null {
  const listener = unsafeListener({
    host: config.host,
    tls: config.tls !== null,
    insecureLan: config.insecureLan,
  });
  if (listener !== null || config.insecureLan) return listener;
  const addresses = [
    ['TEARLINE_CLOUD_URL', config.url],
    ['TEARLINE_BROKER_URL', config.broker.kind === 'outside' ? config.broker.url : null],
    ['TEARLINE_BROKER_PUBLIC_URL', config.brokerPublicUrl],
    ['TEARLINE_SMS_URL', config.sms?.url ?? null],
  ] as const;
  const unsafe = addresses.find(([, address]) => address !== null && isPlainOutside(address));
  if (unsafe === undefined) return null;
  return `${unsafe[0]} leaves this machine unencrypted: name an address with https, mqtts or wss, or set TEARLINE_INSECURE_LAN=1`;
}

function isPlainOutside(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return !isLoopback(hostname.replace(/^\[|\]$/g, '')) && ['http:', 'mqtt:', 'ws:'].includes(protocol);
}
