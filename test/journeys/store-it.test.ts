import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { brief } from './calls.ts';
import { type Store, Town } from './harness.ts';
import { type Ended, endOf, type Env, freePorts, Process, START, tearline } from './processes.ts';

/** What a gateway refuses by itself is in enrol.test.ts; here are the whole system and the cloud. */
let town: Town;
let one: Store;
const folder = mkdtempSync(join(tmpdir(), 'tearline-it-'));

beforeAll(async () => {
  town = await Town.start();
  [one] = town.stores;
});
afterAll(async () => {
  await town?.end();
  rmSync(folder, { recursive: true, force: true });
});

const npmStart = (...args: string[]): Promise<Ended> => endOf(new Process(START, args));
/** A cloud that must not start: its status, and the one line that says why. */
async function cloudRefuses(args: readonly string[], env: Env = {}): Promise<[number | null, string]> {
  const { status, stderr } = await tearline(['cloud', 'serve', ...args], env);
  expect(stderr).toMatch(/^[^\n]+\n$/);
  return [status, stderr];
}
const portOf = (url: string) => new URL(url).port;

describe('npm start', () => {
  test('writes what is needed to try it, for the owner alone', () => {
    expect(statSync(join(town.folder, 'demo.json')).mode & 0o777).toBe(0o600);
    const demo = town.demo();
    expect(demo.codes).toHaveLength(20);
    expect(demo.gateways.map(({ store }) => store)).toEqual(['0001', '0002']);
    for (const token of [demo.adminToken, demo.cartToken, demo.gateways[0]?.boxToken ?? ''])
      for (const name of ['cloud', 'store-0001', 'store-0002']) expect(town.log(name)).not.toContain(token);
  });

  test('stocks codes 1 and 2 in the stores and leaves the others free', async () => {
    const looks = await Promise.all(town.demo().codes.slice(0, 3).map(town.look));
    expect(looks.map(({ state, holder }) => [state, holder])).toEqual([
      ['reserved', 'store:0001'],
      ['reserved', 'store:0002'],
      ['issued', null],
    ]);
  });

  test('ends in good order, and a second start finds codes, tokens and redemptions again', async () => {
    const {
      codes: [, , code = ''],
      ...before
    } = town.demo();
    const sold = await one.redeem(code, 'before');
    expect(brief(sold)).toBe('approved');
    await town.settled();
    const { status, logs } = await town.stop();
    expect(status).toBe(0);
    expect(logs).not.toMatch(/unsettled|defect/);
    await town.startAgain();
    await town.linesAreUp();
    expect(town.demo()).toMatchObject({
      adminToken: before.adminToken,
      cartToken: before.cartToken,
      campaign: before.campaign,
    });
    expect((await one.redeem(code, 'before')).redemption).toMatchObject({ id: sold.redemption?.id, settled: true });
    expect(brief(await town.cart.redeem(code, town.basket()))).toBe('refused: already_redeemed');
  });

  test('refuses what it cannot do, in one line', async () => {
    const base = portOf(town.demo().cloud);
    expect(await npmStart('--data', join(folder, 'other'), '--port-base', base)).toMatchObject({
      status: 69,
      stderr: expect.stringMatching(/^Port \d+ is in use[^\n]+\n$/),
    });
    expect(await npmStart('--data', town.folder, '--port-base', `${await freePorts(6)}`)).toMatchObject({
      status: 69,
      stderr: expect.stringContaining('Another cloud node runs'),
    });
    expect(await npmStart('--port-base', 'many')).toMatchObject({
      status: 64,
      stderr: expect.stringMatching(/^Usage: npm start/),
    });
    writeFileSync(join(folder, 'a-file'), '');
    expect(await npmStart('--data', join(folder, 'a-file', 'data'))).toMatchObject({
      status: 74,
      stderr: expect.stringContaining('cannot be written'),
    });
    expect(brief(await one.redeem(town.demo().codes[3] ?? '', town.basket()))).toBe('approved');
  });
});

describe('the cloud does not start', () => {
  test('where its port is in use, or another node has its data', async () => {
    const data = join(folder, 'cloud-of-its-own');
    const { cloud } = town.demo();
    expect(
      await cloudRefuses(['--data', data], { TEARLINE_CLOUD_PORT: portOf(cloud), TEARLINE_BROKER_PORT: '0' }),
    ).toEqual([69, expect.stringContaining('in use')]);
    expect(await cloudRefuses(['--data', join(town.folder, 'cloud')])).toEqual([
      78,
      expect.stringContaining('Another cloud node'),
    ]);
  });

  test('where its data directory cannot be written', async () => {
    writeFileSync(join(folder, 'no-directory'), '');
    expect(await cloudRefuses(['--data', join(folder, 'no-directory', 'cloud')])).toEqual([
      74,
      expect.stringContaining('cannot be written'),
    ]);
  });

  test('where its database is damaged, and leaves it as it is', async () => {
    const data = join(folder, 'damaged');
    expect(
      (await tearline(['cloud', 'token', 'create', '--scope', 'admin', '--name', 'x', '--data', data])).status,
    ).toBe(0);
    const path = join(data, 'ledger.sqlite');
    const spoilt = Buffer.concat([readFileSync(path).subarray(0, 100), Buffer.alloc(8_000, 0x5a)]);
    for (const end of ['-wal', '-shm']) rmSync(`${path}${end}`, { force: true });
    writeFileSync(path, spoilt);
    expect(await cloudRefuses(['--data', data])).toEqual([74, expect.stringContaining(path)]);
    expect(readFileSync(path)).toEqual(spoilt);
  });

  test('where its settings have an unknown key or a bad value', async () => {
    const file = join(folder, 'cloud.toml');
    writeFileSync(file, '[cloud]\nport = 8080\nprot = 1\n');
    expect(await cloudRefuses(['--config', file])).toEqual([78, expect.stringContaining(`${file}:3: cloud.prot`)]);
    writeFileSync(file, '[cloud]\nport = 80800\n');
    expect(await cloudRefuses(['--config', file])).toEqual([78, expect.stringContaining(`${file}:2: cloud.port`)]);
  });
});

describe('an enrolment code', () => {
  const newCode = async () =>
    (await town.admin('/v1/stores/0001/enrolments', z.object({ code: z.string() }), { method: 'POST' })).code;
  const enrol = (code: string, box: string) =>
    tearline(['gateway', 'enrol', '--cloud', town.demo().cloud, '--code', code, '--data', join(folder, box)]);

  test('is good once', async () => {
    const code = await newCode();
    expect(await enrol(code, 'first')).toMatchObject({ status: 0 });
    expect(await enrol(code, 'second')).toMatchObject({
      status: 69,
      stderr: expect.stringContaining('unknown, used or expired'),
    });
  });

  test('is not good when its two hours are over', async () => {
    const code = await newCode();
    const database = new Sqlite(join(town.folder, 'cloud', 'ledger.sqlite'), { timeout: 5_000 });
    database.prepare('UPDATE enrolment_codes SET expires_at = ? WHERE public_key IS NULL').run(Date.now() - 1);
    database.close();
    expect(await enrol(code, 'late')).toMatchObject({
      status: 69,
      stderr: expect.stringContaining('unknown, used or expired'),
    });
    const { gateways } = await town.admin(
      '/v1/gateways',
      z.object({ gateways: z.array(z.object({ store: z.string() })) }),
    );
    expect(gateways.filter(({ store }) => store === '0001')).toHaveLength(2);
  });

  test('is not made for a store that is none', async () => {
    expect(await town.askAdmin('/v1/stores/0009/enrolments', { method: 'POST' })).toMatchObject({ status: 404 });
    expect(
      await tearline(['cloud', 'enrolment', '--store', '0009', '--data', join(town.folder, 'cloud')]),
    ).toMatchObject({ status: 69, stderr: expect.stringContaining('no store 0009') });
  });
});

test('a box that is not enrolled, and a witness inside the data, do not start', async () => {
  mkdirSync(join(folder, 'bare'));
  expect(await tearline(['gateway', 'serve', '--data', join(folder, 'bare')])).toMatchObject({
    status: 78,
    stderr: expect.stringContaining('is not enrolled'),
  });
  expect(
    await tearline(['gateway', 'serve', '--data', one.dataDir], {
      TEARLINE_WITNESS_PATH: join(one.dataDir, 'witness'),
    }),
  ).toMatchObject({ status: 78, stderr: expect.stringContaining('inside the data directory') });
});

test('all callers were told the truth, and the ledger says the same', async () => {
  expect(await town.judge()).toEqual([]);
});
