import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { z } from 'zod';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { CLEAN_ENV, freePorts } from './processes.ts';

const root = join(import.meta.dirname, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'tearline-enrol-'));
const cloudData = join(folder, 'cloud');
const running = new Set<ChildProcess>();
let cloudUrl: string;
let cloudEnv: Record<string, string>;
let adminToken: string;
let boxes = 0;

type Env = Record<string, string>;

function start(args: string[], env: Env = {}): ChildProcess {
  const child = spawn(process.execPath, [join(root, 'scripts', 'tearline.ts'), ...args], {
    cwd: folder,
    env: { ...CLEAN_ENV, ...env },
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

async function run(args: string[], env: Env = {}) {
  const child = start(args, env);
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (text) => (stdout += text));
  child.stderr?.on('data', (text) => (stderr += text));
  const [status] = await once(child, 'close');
  return { status, stdout, stderr };
}

async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
  const closed = once(child, 'close');
  child.kill(signal);
  const [status] = await closed;
  return status;
}

/** A start that must not succeed: its status, and one line that says why. */
async function refusal(args: string[], env: Env = {}): Promise<[number, string]> {
  const { status, stderr } = await run(args, env);
  expect(stderr).toMatch(/^tearline: [^\n]+\n$/);
  return [status, stderr];
}

/** A box of its own: data directory, port and settings of the environment. */
async function makeBox() {
  const data = join(folder, `box-${boxes++}`);
  const port = await freePorts(1);
  const env = { TEARLINE_GATEWAY_DATA: data, TEARLINE_GATEWAY_PORT: `${port}` };
  return { data, port, env, url: `http://127.0.0.1:${port}` };
}
type Box = Awaited<ReturnType<typeof makeBox>>;

async function newCode(): Promise<string> {
  const { stdout } = await run(['cloud', 'enrolment', '--store', '0042'], cloudEnv);
  return stdout.trim();
}

const enrol = (box: Box, code: string, cloud = cloudUrl) =>
  run(['gateway', 'enrol', '--cloud', cloud, '--code', code], box.env);

async function enrolledBox(): Promise<Box> {
  const box = await makeBox();
  expect(await enrol(box, await newCode())).toMatchObject({ status: 0, stderr: '' });
  return box;
}

async function serve(box: Box) {
  const child = start(['gateway', 'serve'], box.env);
  let log = '';
  child.stdout?.on('data', (text) => (log += text));
  await vi.waitFor(async () => expect((await fetch(`${box.url}/healthz`)).status).toBe(200), {
    timeout: 20_000,
    interval: 100,
  });
  return { child, log: () => log };
}

const readinessSchema = z.object({ ready: z.boolean(), state: z.string(), line: z.string() });
const readiness = async (box: Box) => readinessSchema.parse(await (await fetch(`${box.url}/readyz`)).json());
const lineIsUp = (box: Box) =>
  vi.waitFor(async () => expect(await readiness(box)).toEqual({ ready: true, state: 'validated', line: 'up' }), {
    timeout: 20_000,
    interval: 100,
  });

async function admin(method: string, path: string, body: unknown) {
  const response = await fetch(`${cloudUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
}

beforeAll(async () => {
  const [port, brokerPort] = [await freePorts(1), await freePorts(1)];
  cloudUrl = `http://127.0.0.1:${port}`;
  cloudEnv = {
    TEARLINE_CLOUD_DATA: cloudData,
    TEARLINE_CLOUD_PORT: `${port}`,
    TEARLINE_CLOUD_URL: cloudUrl,
    TEARLINE_BROKER_PORT: `${brokerPort}`,
  };
  start(['cloud', 'serve'], cloudEnv);
  await vi.waitFor(async () => expect((await fetch(`${cloudUrl}/healthz`)).status).toBe(200), {
    timeout: 20_000,
    interval: 100,
  });
  const token = await run(['cloud', 'token', 'create', '--scope', 'admin', '--name', 'it'], cloudEnv);
  adminToken = token.stdout.trim();
  await admin('POST', '/v1/stores', { id: '0042', name: 'Main Street', timeZone: 'America/New_York', address: null });
});

afterEach(async () => {
  // The cloud was started first and stays.
  for (const child of [...running].slice(1)) await stop(child, 'SIGKILL');
});

afterAll(async () => {
  for (const child of running) await stop(child, 'SIGKILL');
  rmSync(folder, { recursive: true });
});

describe('store IT enrols a box', () => {
  test('with the one-time code: keys of mode 0600, a witness beside, and the line comes up', async () => {
    const box = await makeBox();
    const code = await newCode();
    const { status, stdout } = await enrol(box, code.toLowerCase());
    expect([status, stdout]).toEqual([
      0,
      expect.stringMatching(/^Enrolled as gw-[a-z0-9]+ of store 0042, Main Street\.\n$/),
    ]);
    expect(statSync(box.data).mode & 0o777).toBe(0o700);
    for (const name of ['identity.json', 'private-key.pem', 'fleet-key', 'broker-password'])
      expect([name, statSync(join(box.data, name)).mode & 0o777]).toEqual([name, 0o600]);
    expect(readdirSync(`${box.data}.witness`)).not.toEqual([]);

    const { child, log } = await serve(box);
    await lineIsUp(box);
    expect(await stop(child)).toBe(0);
    for (const name of ['private-key.pem', 'fleet-key', 'broker-password'])
      expect(log()).not.toContain(readFileSync(join(box.data, name), 'utf8').trim());
  });

  test('but not twice with one code', async () => {
    const code = await newCode();
    expect((await enrol(await makeBox(), code)).status).toBe(0);
    const box = await makeBox();
    const [status, line] = await refusal(['gateway', 'enrol', '--cloud', cloudUrl, '--code', code], box.env);
    expect([status, line]).toEqual([69, expect.stringContaining('unknown, used or expired')]);
    expect(line).not.toContain(code);
    expect(existsSync(join(box.data, 'identity.json'))).toBe(false);
    expect((await enrol(box, await newCode())).status).toBe(0);
  });

  test('but not with a wrong code, and not where no cloud answers', async () => {
    const box = await makeBox();
    const refused = (cloud: string) =>
      refusal(['gateway', 'enrol', '--cloud', cloud, '--code', '0000-0000-0000-0000'], box.env);
    expect(await refused(cloudUrl)).toEqual([69, expect.stringContaining('refused')]);
    expect(await refused(`http://127.0.0.1:${await freePorts(1)}`)).toEqual([
      69,
      expect.stringContaining('does not answer'),
    ]);
  });

  test('but not over a box that is enrolled, which stays as it is', async () => {
    const box = await enrolledBox();
    const before = readFileSync(join(box.data, 'identity.json'), 'utf8');
    const code = await newCode();
    expect(await refusal(['gateway', 'enrol', '--cloud', cloudUrl, '--code', code], box.env)).toEqual([
      78,
      expect.stringContaining('is enrolled as gw-'),
    ]);
    expect(readFileSync(join(box.data, 'identity.json'), 'utf8')).toBe(before);
    expect((await enrol(await makeBox(), code)).status).toBe(0);
  });

  test('but not over entries that are not settled', async () => {
    const box = await enrolledBox();
    const gone = { TEARLINE_GATEWAY_DATA: box.data };
    const identity = JSON.parse(readFileSync(join(box.data, 'identity.json'), 'utf8'));
    writeFileSync(
      join(box.data, 'identity.json'),
      JSON.stringify({ ...identity, brokerUrl: `mqtt://127.0.0.1:${await freePorts(1)}` }),
    );
    const { child } = await serve(box);
    await stop(child);
    const line = await refusal(['gateway', 'enrol', '--cloud', cloudUrl, '--code', 'any'], gone);
    expect(line).toEqual([78, expect.stringContaining('not settled')]);
  });

  test('again after it was revoked and all is settled: the old data is moved aside', async () => {
    const box = await enrolledBox();
    const { gateway } = JSON.parse(readFileSync(join(box.data, 'identity.json'), 'utf8'));
    const { child } = await serve(box);
    await lineIsUp(box);
    await admin('POST', `/v1/gateways/${gateway}/revocation`, {});
    await vi.waitFor(async () => expect(await readiness(box)).toMatchObject({ ready: false, state: 'fenced' }), {
      timeout: 20_000,
    });
    await vi.waitFor(
      async () => {
        const metrics = await (await fetch(`${box.url}/metrics`)).text();
        expect(metrics).toContain('tearline_backlog_entries 0');
      },
      { timeout: 20_000, interval: 200 },
    );
    await stop(child);
    expect(await enrol(box, await newCode())).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(readFileSync(join(box.data, 'identity.json'), 'utf8')).gateway).not.toBe(gateway);
    expect(existsSync(`${box.data}.old-${gateway}`)).toBe(true);
    expect(existsSync(`${box.data}.witness.old-${gateway}`)).toBe(true);
    await serve(box);
    await lineIsUp(box);
  });
});

describe('the gateway does not start', () => {
  test.each([
    ['with a command that is none', ['gateway', 'sreve'], 64],
    ['with an option that is none', ['gateway', 'serve', '--prot', '1'], 64],
    ['with a program that is none', ['gatway'], 64],
    ['with an address that is none', ['gateway', 'enrol', '--cloud', 'cloud', '--code', 'x'], 64],
    ['with a code left out', ['gateway', 'enrol', '--cloud', 'http://127.0.0.1:1'], 64],
    ['unenrolled', ['gateway', 'serve', '--data', join(folder, 'nothing')], 78],
  ])('%s', async (_what, args, status) => {
    expect((await refusal(args))[0]).toBe(status);
  });

  test('without a command, and says which there are; --help does so with status 0', async () => {
    for (const program of [[], ['gateway']]) {
      const [bare, help] = await Promise.all([run(program), run([...program, '--help'])]);
      expect([bare.status, bare.stdout, bare.stderr]).toEqual([64, '', help.stdout]);
      expect([help.status, help.stdout]).toEqual([0, expect.stringMatching(/^Usage: tearline /)]);
    }
  });

  test('with settings that are not good, or a witness inside its data', async () => {
    const file = join(folder, 'bad.toml');
    writeFileSync(file, '[gateway]\nprot = 1\n');
    expect(await refusal(['gateway', 'serve', '--config', file])).toEqual([
      78,
      expect.stringContaining(`${file}:2: gateway.prot`),
    ]);
    const { data } = await makeBox();
    const env = { TEARLINE_GATEWAY_DATA: data, TEARLINE_WITNESS_PATH: join(data, 'witness') };
    expect(await refusal(['gateway', 'serve'], env)).toEqual([
      78,
      expect.stringContaining('inside the data directory'),
    ]);
  });

  test('where the data directory cannot be written', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    expect(await refusal(['gateway', 'serve', '--data', join(file, 'data')])).toEqual([74, expect.any(String)]);
    const args = ['gateway', 'enrol', '--cloud', cloudUrl, '--code', 'x', '--data', join(file, 'data')];
    expect(await refusal(args)).toEqual([74, expect.stringContaining('cannot be made')]);
    expect(
      await refusal(['gateway', 'token', 'create', '--scope', 'box', '--name', 'x', '--data', join(file, 'data')]),
    ).toEqual([74, expect.stringContaining('cannot be written')]);
  });

  test('where its database is damaged, and leaves it as it is', async () => {
    const box = await enrolledBox();
    const path = join(box.data, 'till.db');
    const spoilt = Buffer.concat([readFileSync(path).subarray(0, 100), Buffer.alloc(8_000, 0x5a)]);
    for (const end of ['-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
    writeFileSync(path, spoilt);
    expect(await refusal(['gateway', 'serve'], box.env)).toEqual([74, expect.stringContaining(path)]);
    expect(readFileSync(path)).toEqual(spoilt);
  });

  test('where its port is in use, or another gateway has its data; after kill -9 the lock is gone', async () => {
    const box = await enrolledBox();
    const { child } = await serve(box);
    expect(await refusal(['gateway', 'serve'], box.env)).toEqual([69, expect.stringContaining('another gateway runs')]);
    const other = await enrolledBox();
    const env = { ...other.env, TEARLINE_GATEWAY_PORT: `${box.port}` };
    expect(await refusal(['gateway', 'serve'], env)).toEqual([69, expect.stringContaining('in use')]);
    await stop(child, 'SIGKILL');
    await serve(box);
    await lineIsUp(box);
  });
});

describe('the tools of a box', () => {
  test('make tokens while it runs, and keep only their hashes', async () => {
    const box = await enrolledBox();
    await serve(box);
    const { stdout } = await run(['gateway', 'token', 'create', '--scope', 'register', '--name', 'lane-3'], box.env);
    const token = stdout.trim();
    expect(token).toMatch(/^tl_register_/);
    const status = async (bearer: string) =>
      (await fetch(`${box.url}/v1/baskets/b1`, { headers: { authorization: `Bearer ${bearer}` } })).status;
    expect([await status(token), await status(`${token.slice(0, -1)}x`)]).toEqual([200, 401]);
    const [file = ''] = readdirSync(join(box.data, 'tokens'));
    expect(readFileSync(join(box.data, 'tokens', file), 'utf8')).not.toContain(token.slice(12));
    expect(statSync(join(box.data, 'tokens', file)).mode & 0o777).toBe(0o600);
  });

  test('the doctor finds all good on a box that runs, and says what is not', async () => {
    const box = await enrolledBox();
    const login = await run(['gateway', 'doctor', '--json'], box.env);
    expect([login.status, JSON.parse(login.stdout).checks.filter(({ good }: { good: boolean }) => !good)]).toEqual([
      0,
      [],
    ]);
    await serve(box);
    await lineIsUp(box);
    expect(await run(['gateway', 'doctor'], box.env)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('good  broker: the gateway that runs here'),
    });
    expect((await readiness(box)).line).toBe('up');

    rmSync(`${box.data}.witness`, { recursive: true });
    const file = join(folder, 'lane.toml');
    writeFileSync(file, '[[lane]]\nname = "1"\nscanner = { port = "/dev/none" }\n');
    const bad = await run(['gateway', 'doctor', '--json', '--config', file], box.env);
    expect(bad.status).toBe(1);
    const { checks } = JSON.parse(bad.stdout) as { checks: { name: string; good: boolean; remedy: string | null }[] };
    expect(checks.filter(({ good }) => !good).map(({ name, remedy }) => [name, typeof remedy])).toEqual([
      ['lane 1', 'string'],
      ['witness', 'string'],
    ]);
    const unenrolled = await run(['gateway', 'doctor', '--data', join(folder, 'nothing')]);
    expect([unenrolled.status, unenrolled.stdout]).toEqual([1, expect.stringContaining('this box is not enrolled')]);
  });

  test('audit verify finds the first broken entry of the journal', async () => {
    const box = await enrolledBox();
    for (let starts = 0; starts < 3; starts++) await stop((await serve(box)).child);
    const verify = (data: string) => run(['audit', 'verify', '--gateway', data]);
    const whole = await verify(box.data);
    expect([whole.status, whole.stdout]).toEqual([
      0,
      expect.stringMatching(/^The journal is whole: \d+ entries\. Its witness agrees\.\n$/),
    ]);

    const copy = join(folder, 'copy');
    mkdirSync(copy);
    for (const name of readdirSync(box.data).filter((name) => name.startsWith('till.db')))
      copyFileSync(join(box.data, name), join(copy, name));
    const database = new Sqlite(join(copy, 'till.db'));
    database.exec(`UPDATE journal SET body = replace(body, '"bootId":2', '"bootId":7')`);
    const [n] = database.prepare(`SELECT n FROM journal WHERE body LIKE '%"bootId":7%'`).pluck().all();
    database.close();
    const broken = await verify(copy);
    expect([broken.status, broken.stdout]).toEqual([1, `The journal is broken: first at entry ${n} of epoch 1.\n`]);
    expect((await verify(join(folder, 'nothing'))).status).toBe(74);
  });

  test('a drill is kept over a restart and ended by hand', async () => {
    const box = await enrolledBox();
    const token = (await run(['gateway', 'token', 'create', '--scope', 'box', '--name', 'Jo'], box.env)).stdout.trim();
    const drill = async (line: 'cut' | 'open') => {
      const response = await fetch(`${box.url}/v1/drill`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ line }),
      });
      return response.json();
    };
    const { child } = await serve(box);
    await lineIsUp(box);
    expect(await drill('cut')).toMatchObject({ line: 'cut', until: expect.any(String) });
    expect((await readiness(box)).line).toBe('down');
    await stop(child, 'SIGKILL');
    const again = await serve(box);
    expect(again.log()).toContain('the drill goes on');
    expect(await drill('open')).toEqual({ line: 'open', until: null });
    await lineIsUp(box);
  });
});
