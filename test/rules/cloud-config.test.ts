import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../../cloud/config.ts';
import { openKeys } from '../../cloud/keys.ts';
import { takeLock } from '../../cloud/sqlite-lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tearline-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const fromEnv = (env: Record<string, string>) => readConfig({ file: null, data: null, env });
const errorOf = (result: ReturnType<typeof readConfig>) => (result.ok ? null : result.error);

describe('settings of the cloud', () => {
  test('have the documented defaults', () => {
    expect(fromEnv({})).toEqual({
      ok: true,
      value: {
        data: '.tearline/cloud',
        host: '127.0.0.1',
        port: 8080,
        url: null,
        broker: { kind: 'embedded', port: 1883 },
        brokerPublicUrl: null,
        stockMax: { units: 500, value: 500_000 },
        stockLikelihoodMin: 50,
        country: null,
        mail: null,
        sms: null,
        retailer: 'Tearline',
        contact: null,
        shopUrl: null,
        proxies: [],
        tls: null,
        insecureLan: false,
      },
    });
  });

  test('come from the file, the variable wins over it, and the command line over both', () => {
    const path = file(
      't.toml',
      '[cloud]\nport = 9000\nbroker_port = 9003\ndata = "/from/file"\n\n[gateway]\nport = 1\n',
    );
    const read = readConfig({
      file: path,
      data: '/from/line',
      env: { TEARLINE_CLOUD_PORT: '9100', TEARLINE_CLOUD_DATA: '/env' },
    });
    expect(read.ok && read.value).toMatchObject({ port: 9100, broker: { port: 9003 }, data: '/from/line' });
  });

  test('name an outside broker with its password from a file', () => {
    const password = file('password', 'secret\n');
    const url = 'mqtts://broker.example:8883';
    const read = fromEnv({ TEARLINE_BROKER_URL: url, TEARLINE_BROKER_PASSWORD_FILE: password });
    expect(read.ok && read.value.broker).toEqual({ kind: 'outside', url, password: 'secret', ca: null });
  });

  test('name a mail server and a provider of texts, their secrets in files', () => {
    const smtp = file('smtp', 'smtps://user:secret@mail.example:465\n');
    const token = file('token', 'secret\n');
    const env = {
      ...{ TEARLINE_SMTP_URL_FILE: smtp, TEARLINE_MAIL_FROM: 'Coupons <coupons@shop.example>' },
      ...{ TEARLINE_SMS_URL: 'https://sms.example', TEARLINE_SMS_ACCOUNT: 'AC1', TEARLINE_SMS_TOKEN_FILE: token },
      ...{ TEARLINE_SMS_FROM: '+12025550100', TEARLINE_TEXTS_PER_SECOND: '3' },
    };
    const read = fromEnv(env);
    const url = 'smtps://user:secret@mail.example:465';
    expect(read.ok && read.value.mail).toEqual({ url, from: 'Coupons <coupons@shop.example>', perSecond: 20 });
    expect(read.ok && read.value.sms).toMatchObject({ token: 'secret', from: '+12025550100', perSecond: 3 });
  });

  test('of messages that are incomplete, no address, or would go in the clear are refused, and no secret is repeated', () => {
    const smtp = file('smtp', 'https://user:secret@mail.example\n');
    const mail = { TEARLINE_SMTP_URL_FILE: smtp, TEARLINE_MAIL_FROM: 'coupons@shop.example' };
    expect(errorOf(fromEnv({ TEARLINE_MAIL_FROM: 'coupons@shop.example' }))).toContain('go together');
    expect(errorOf(fromEnv(mail))).toMatch(/^TEARLINE_SMTP_URL_FILE: expected (?!.*secret)/);
    for (const from of ['Coupons', 'a@b.example\r\nBcc: eve@example.com', '<a@b.example', 'A "B" <a@b.example>'])
      expect(errorOf(fromEnv({ ...mail, TEARLINE_MAIL_FROM: from })), from).toContain('TEARLINE_MAIL_FROM');
    const token = file('token', 'secret');
    const sms = { TEARLINE_SMS_ACCOUNT: 'AC1', TEARLINE_SMS_TOKEN_FILE: token, TEARLINE_SMS_FROM: 'SHOP' };
    expect(errorOf(fromEnv(sms))).toContain('go together');
    expect(errorOf(fromEnv({ ...sms, TEARLINE_SMS_URL: 'http://sms.example' }))).toContain('TEARLINE_INSECURE_LAN=1');
    expect(
      errorOf(fromEnv({ ...sms, TEARLINE_SMS_URL: 'https://sms.example', TEARLINE_SMS_TOKEN_FILE: file('e', '') })),
    ).toContain('is empty');
  });

  test('name the proxies in front, in the file as a list', () => {
    const read = fromEnv({ TEARLINE_CLOUD_PROXIES: '10.0.0.7, 2001:db8::/32' });
    expect(read.ok && read.value.proxies).toEqual(['10.0.0.7', '2001:db8::/32']);
    const path = file('t.toml', '[cloud]\nproxies = ["10.0.0.0/8"]\n');
    const fromFile = readConfig({ file: path, data: null, env: {} });
    expect(fromFile.ok && fromFile.value.proxies).toEqual(['10.0.0.0/8']);
  });

  test('that are unknown stop the start with file, line and key', () => {
    const path = file('t.toml', '[cloud]\nport = 9000\nprot = 1\n');
    const error = errorOf(readConfig({ file: path, data: null, env: {} }));
    expect(error).toContain(`${path}:3: cloud.prot`);
    expect(error).not.toContain('\n');
    expect(errorOf(fromEnv({ TEARLINE_CLOUD_PROT: '1' }))).toContain('TEARLINE_CLOUD_PROT');
  });

  test.each([
    ['TEARLINE_CLOUD_PORT', '70000'],
    ['TEARLINE_CLOUD_PORT', 'http'],
    ['TEARLINE_CLOUD_URL', 'localhost:8080'],
    ['TEARLINE_BROKER_URL', 'http://broker.example'],
    ['TEARLINE_STOCK_UNITS_MAX', '-1'],
    ['TEARLINE_CLOUD_COUNTRY', 'Atlantis'],
    ['TEARLINE_INSECURE_LAN', 'maybe'],
    ['TEARLINE_CLOUD_PROXIES', 'proxy.example'],
    ['TEARLINE_CLOUD_PROXIES', '10.0.0.0/33'],
    ['TEARLINE_CLOUD_PROXIES', '10.0.0.0/8 10.1.0.0/16'],
    ['TEARLINE_CLOUD_PROXIES', '10.0.0.1,'],
    ['TEARLINE_CLOUD_PROXIES', '10.0.0.1/8/8'],
    ['TEARLINE_CLOUD_PROXIES', '0.0.0.0/0'],
    ['TEARLINE_CLOUD_PROXIES', '::/0'],
    ['TEARLINE_CLOUD_PROXIES', Array(65).fill('10.0.0.1').join()],
  ])('%s=%s is refused with what was expected', (name, value) => {
    expect(errorOf(fromEnv({ [name]: value }))).toMatch(new RegExp(`^${name}: expected `));
  });

  test('in a file that is no TOML stop the start with file and line', () => {
    const path = file('t.toml', '[cloud]\nport = = 1\n');
    expect(errorOf(readConfig({ file: path, data: null, env: {} }))).toContain(`${path}:2`);
    expect(errorOf(readConfig({ file: join(folder, 'none'), data: null, env: {} }))).toContain('ENOENT');
  });

  test('that would send tokens over a network in the clear are refused, unless it is asked for', () => {
    const exposed: Record<string, string>[] = [
      { TEARLINE_CLOUD_HOST: '0.0.0.0' },
      { TEARLINE_CLOUD_HOST: '192.168.1.5' },
      { TEARLINE_CLOUD_URL: 'http://coupons.example' },
      { TEARLINE_BROKER_URL: 'mqtt://broker.example' },
      { TEARLINE_BROKER_PUBLIC_URL: 'ws://broker.example' },
    ];
    for (const env of exposed) {
      expect(errorOf(fromEnv(env))).toContain('TEARLINE_INSECURE_LAN=1');
      expect(fromEnv({ ...env, TEARLINE_INSECURE_LAN: '1' }).ok).toBe(true);
    }
    for (const env of [
      { TEARLINE_CLOUD_URL: 'https://coupons.example' },
      { TEARLINE_CLOUD_URL: 'http://[::1]:8080' },
      { TEARLINE_BROKER_PUBLIC_URL: 'mqtts://broker.example' },
    ])
      expect(fromEnv(env).ok).toBe(true);
  });

  test('of TLS come as certificate and key together, from files that can be read', () => {
    const [cert, key] = [file('cert.pem', 'c'), file('key.pem', 'k')];
    const both = { TEARLINE_TLS_CERT_FILE: cert, TEARLINE_TLS_KEY_FILE: key };
    const read = fromEnv({ ...both, TEARLINE_CLOUD_HOST: '0.0.0.0' });
    expect(read.ok && read.value.tls?.cert.toString()).toBe('c');
    expect(errorOf(fromEnv({ TEARLINE_TLS_CERT_FILE: cert }))).toContain('go together');
    expect(errorOf(fromEnv({ ...both, TEARLINE_TLS_KEY_FILE: join(folder, 'none') }))).toContain(
      'TEARLINE_TLS_KEY_FILE',
    );
  });

  test('that name a database are refused: not in this version', () => {
    expect(errorOf(fromEnv({ TEARLINE_DATABASE_URL_FILE: '/etc/url' }))).toContain('not available in this version');
  });
});

describe('keys of the cloud', () => {
  test('are made at the first start for the owner alone, and found again', () => {
    const first = openKeys(folder, false);
    const second = openKeys(folder, true);
    if (!first.ok || !second.ok) throw new Error('no keys');
    expect([first.value.fleetKey.length, first.value.sealKey.length]).toEqual([32, 32]);
    expect(first.value.fleetKey).not.toEqual(first.value.sealKey);
    expect(second.value.fleetKey).toEqual(first.value.fleetKey);
    expect(second.value.publicKey).toEqual(first.value.publicKey);
    expect(second.value.signingKey.id).toBe(first.value.publicKey.id);
    for (const name of ['fleet.key', 'seal.key', 'signing.pem'])
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });

  test.each(['fleet.key', 'seal.key', 'signing.pem'])('are never made anew beside a ledger: %s', (name) => {
    openKeys(folder, false);
    rmSync(join(folder, name));
    const read = openKeys(folder, true);
    expect(!read.ok && read.error).toContain(`${name} is missing`);
    expect(existsSync(join(folder, name))).toBe(false);
  });

  test.each(['fleet.key', 'seal.key', 'signing.pem'])('that are damaged are named and left as they are: %s', (name) => {
    openKeys(folder, false);
    writeFileSync(join(folder, name), 'x');
    const read = openKeys(folder, true);
    expect(!read.ok && read.error).toContain(`${name} is damaged`);
    expect(readFileSync(join(folder, name), 'utf8')).toBe('x');
  });

  test('that others can read are refused', () => {
    openKeys(folder, false);
    chmodSync(join(folder, 'fleet.key'), 0o644);
    const read = openKeys(folder, true);
    expect(!read.ok && read.error).toContain('chmod 600');
  });
});

test('the lock of a data directory is held by one, until it is released', () => {
  const path = join(folder, 'lock');
  const lock = takeLock(path);
  expect(lock).not.toBeNull();
  expect(takeLock(path)).toBeNull();
  lock?.release();
  const next = takeLock(path);
  expect(next).not.toBeNull();
  next?.release();
});
