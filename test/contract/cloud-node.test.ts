import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { auditVerify, cloudCommand } from '../../cloud/cli.ts';
import { type Config, readConfig } from '../../cloud/config.ts';
import { openDatabase } from '../../cloud/ledger/sqlite-database.ts';
import { serve } from '../../cloud/main.ts';
import { makeKeyPair } from '../../protocol/envelope.ts';
import { type LogLine, type Reply, recordingLog } from './cloud-doors.ts';

let folder: string;
let stops: (() => Promise<unknown>)[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tearline-cloud-'));
  stops = [];
});
afterEach(async () => {
  for (const stop of stops) await stop();
  rmSync(folder, { recursive: true, force: true });
});

const dataPath = (name = 'data') => join(folder, name);

/** What a command says and how it ends. */
async function run(args: string[], env: Record<string, string> = {}) {
  const said = { out: [] as string[], err: [] as string[] };
  const out = vi.spyOn(console, 'log').mockImplementation((line) => said.out.push(String(line)));
  const errors = vi.spyOn(console, 'error').mockImplementation((line) => said.err.push(String(line)));
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  try {
    return { status: await cloudCommand(args), out: said.out.join('\n'), err: said.err.join('\n') };
  } finally {
    out.mockRestore();
    errors.mockRestore();
    vi.unstubAllEnvs();
  }
}

const runOn = (...args: string[]) => run([...args, '--data', dataPath()]);

async function start(env: Record<string, string> = {}) {
  const read = readConfig({
    file: null,
    data: dataPath(),
    env: { TEARLINE_CLOUD_PORT: '0', TEARLINE_BROKER_PORT: '0', ...env },
  });
  if (!read.ok) throw new Error(read.error);
  return startWith(read.value);
}

async function startWith(config: Config) {
  const lines: LogLine[] = [];
  const stopping = new AbortController();
  const ended = serve(config, recordingLog(lines), stopping.signal);
  const stop = () => {
    stopping.abort();
    return ended;
  };
  stops.push(stop);
  const isServing = () => lines.some((line) => line.sentence === 'the cloud serves');
  await Promise.race([
    vi.waitUntil(isServing, { timeout: 10_000, interval: 5 }),
    ended.then((end) => Promise.reject(end)),
  ]);
  const fields = lines.find((line) => line.sentence === 'the cloud serves')?.fields ?? {};
  return { url: String(fields.url), brokerPort: Number(fields.brokerPort), stop };
}

const post = async (url: string, token: string | null, body?: unknown): Promise<Pick<Reply, 'status' | 'json'>> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, json: await response.json() };
};

describe('a cloud node', () => {
  test('decides, stops when told, and finds tokens and codes again at its next start', async () => {
    const admin = (await runOn('token', 'create', '--scope', 'admin', '--name', 'me')).out;
    const cart = (await runOn('token', 'create', '--scope', 'cart', '--name', 'shop')).out;
    const first = await start();
    const spring = {
      ...{ title: 'Spring', discount: { type: 'amount', amount: 500, currency: 'USD' }, timeZone: 'UTC' },
      ...{ startsAt: '2020-01-01', endsAt: '2099-01-01' },
    };
    expect((await post(`${first.url}/v1/campaigns`, admin, spring)).status).toBe(201);
    const stack = (await post(`${first.url}/v1/campaigns/spring/stacks`, admin, { count: 3 })).json;
    const csv = await fetch(`${first.url}/v1/stacks/${stack.id}/codes.csv`, {
      headers: { authorization: `Bearer ${admin}` },
    }).then((response) => response.text());
    const code = csv.split('\n')[1];
    const redeem = (url: string) => post(`${url}/v1/redemptions`, cart, { code, basket: 'web-1' });
    const redeemed = (await redeem(first.url)).json;
    expect(redeemed.decision).toBe('approved');
    expect(await first.stop()).toEqual({ ok: true, value: undefined });
    const second = await start();
    expect((await redeem(second.url)).json.redemption.id).toBe(redeemed.redemption.id);
    expect((await runOn('token', 'revoke', '--name', 'shop')).status).toBe(0);
    expect((await redeem(second.url)).status).toBe(401);
  });

  test('enrols a box, which then logs in to its broker with its newest password alone', async () => {
    const admin = (await runOn('token', 'create', '--scope', 'admin', '--name', 'me')).out;
    const node = await start();
    await post(`${node.url}/v1/stores`, admin, { id: '0042', name: 'Main Street', timeZone: 'UTC' });
    const printed = await runOn('enrolment', '--store', '0042');
    const request = { code: printed.out, publicKey: makeKeyPair().publicKey, keyId: 'boxkey01', version: '0.1.0' };
    const first = (await post(`${node.url}/v1/enrolments`, null, request)).json;
    const second = (await post(`${node.url}/v1/enrolments`, null, request)).json;
    expect(second.gateway).toBe(first.gateway);
    expect(second.broker.url).toBe(`mqtt://localhost:${node.brokerPort}`);
    const isLetIn = async (password: string) => {
      const client = mqtt.connect(second.broker.url, {
        ...{ protocolVersion: 4, reconnectPeriod: 0, clientId: first.gateway, username: first.gateway, password },
      });
      const outcome = await new Promise((resolve) => {
        client.once('connect', () => resolve(true));
        client.once('error', () => resolve(false));
      });
      await client.endAsync(true);
      return outcome;
    };
    expect(await isLetIn(first.broker.password)).toBe(false);
    expect(await isLetIn(second.broker.password)).toBe(true);
  });

  test('is alone on its data directory: a second one ends with 78, a command still works beside it', async () => {
    await start();
    const second = await runOn('serve');
    expect([second.status, second.err]).toEqual([78, expect.stringContaining('Another cloud node runs')]);
    expect((await runOn('token', 'create', '--scope', 'desk', '--name', 'me')).status).toBe(0);
  });
});

describe('a start ends with one line and', () => {
  test('69 where a port is in use, the broker’s or its own', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const address = taken.address();
    const port = String(address !== null && typeof address === 'object' ? address.port : 0);
    const serveWith = (http: string, broker: string) =>
      run(['serve', '--data', dataPath()], { TEARLINE_CLOUD_PORT: http, TEARLINE_BROKER_PORT: broker });
    for (const end of [await serveWith('0', port), await serveWith(port, '0')]) {
      expect([end.status, end.err]).toEqual([69, expect.stringContaining(`port ${port}`)]);
      expect(end.err).not.toContain('\n');
    }
    taken.close();
  });

  test('74 where the data directory cannot be written', async () => {
    writeFileSync(dataPath('file'), '');
    const end = await run(['serve', '--data', join(dataPath('file'), 'data')]);
    expect([end.status, end.err]).toEqual([74, expect.stringContaining('cannot be written')]);
  });

  test('74 where the database is corrupted, which is left as it is', async () => {
    await runOn('token', 'create', '--scope', 'admin', '--name', 'me');
    const whole = readFileSync(join(dataPath(), 'ledger.sqlite'));
    for (const [name, damage] of Object.entries({
      header: (bytes: Buffer) => bytes.fill(0x58, 0, 100),
      page: (bytes: Buffer) => bytes.fill(0x58, 8192, 16_384),
      cut: (bytes: Buffer) => bytes.subarray(0, 10_000),
    })) {
      cpSync(dataPath(), dataPath(name), { recursive: true });
      for (const left of ['ledger.sqlite-wal', 'ledger.sqlite-shm'])
        rmSync(join(dataPath(name), left), { force: true });
      const damaged = damage(Buffer.from(whole));
      writeFileSync(join(dataPath(name), 'ledger.sqlite'), damaged);
      const end = await run(['serve', '--data', dataPath(name)]);
      expect([name, end.status, end.err]).toEqual([name, 74, expect.stringContaining('cannot be used')]);
      expect(readFileSync(join(dataPath(name), 'ledger.sqlite')).equals(damaged)).toBe(true);
    }
  });

  test.each([
    ['an unknown setting', { TEARLINE_CLOUD_COLOUR: 'red' }],
    ['a bad value', { TEARLINE_CLOUD_PORT: 'x' }],
    ['an open address without TLS', { TEARLINE_CLOUD_HOST: '0.0.0.0' }],
    ['a database that is not supported', { TEARLINE_DATABASE_URL_FILE: '/etc/url' }],
  ])('78 for %s', async (_what, env) => {
    const end = await run(['serve', '--data', dataPath()], env);
    expect(end.status).toBe(78);
    expect(end.err).not.toContain('\n');
  });

  test('78 for a certificate or key that is none', async () => {
    writeFileSync(dataPath('pem'), 'x');
    const end = await run(['serve', '--data', dataPath()], {
      ...{ TEARLINE_TLS_CERT_FILE: dataPath('pem'), TEARLINE_TLS_KEY_FILE: dataPath('pem') },
      ...{ TEARLINE_CLOUD_PORT: '0', TEARLINE_BROKER_PORT: '0' },
    });
    expect([end.status, end.err]).toEqual([78, expect.stringContaining('TEARLINE_TLS_CERT_FILE')]);
  });

  test.each([
    [[]],
    [['dance']],
    [['serve', '--prot', '1']],
    [['token', 'create', '--scope', 'root', '--name', 'me']],
    [['token', 'create', '--scope', 'cart', '--name', 'a b']],
    [['token', 'revoke']],
    [['enrolment']],
  ])('64 for %j', async (args) => {
    expect((await runOn(...args)).status).toBe(64);
  });

  test('69 for an enrolment of a store, or the revocation of a token, that is not there', async () => {
    expect((await runOn('enrolment', '--store', '0099')).status).toBe(69);
    expect((await runOn('token', 'revoke', '--name', 'nobody')).status).toBe(69);
  });
});

test('the audit of a whole ledger ends with 0, that of a broken one with 1 and the entry', async () => {
  const admin = (await runOn('token', 'create', '--scope', 'admin', '--name', 'me')).out;
  const node = await start();
  const day = { timeZone: 'UTC', startsAt: '2020-01-01', endsAt: '2099-01-01' };
  const discount = { type: 'amount', amount: 500, currency: 'USD' };
  await post(`${node.url}/v1/campaigns`, admin, { title: 'Spring', discount, ...day });
  await post(`${node.url}/v1/campaigns/spring/stacks`, admin, { count: 100 });
  await node.stop();
  const said: string[] = [];
  const out = vi.spyOn(console, 'log').mockImplementation((line) => said.push(String(line)));
  expect(await auditVerify(dataPath())).toBe(0);

  const database = openDatabase(join(dataPath(), 'ledger.sqlite'));
  database.raw.exec('DROP TRIGGER entries_never_change; UPDATE entries SET at = at + 1 WHERE partition = 3 AND n = 1');
  database.close();
  expect(await auditVerify(dataPath())).toBe(1);
  out.mockRestore();
  expect(said.at(-1)).toContain('partition 3, entry 1');
});
