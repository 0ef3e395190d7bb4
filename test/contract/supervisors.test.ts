import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { addSupervisor, listSupervisors, removeSupervisor, supervisorFolder } from '../../gateway/doors/supervisors.ts';

let dataDirectory: string;
let at: number;

beforeEach(() => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'tearline-supervisors-'));
  at = 0;
});
afterEach(() => rmSync(dataDirectory, { recursive: true, force: true }));

const box = () => supervisorFolder(dataDirectory, () => at);

describe('a PIN', () => {
  test('says who it is, and no other one does', async () => {
    await addSupervisor(dataDirectory, 'Kim', '246810');
    await addSupervisor(dataDirectory, 'Ada', '135799');
    const supervisors = box();
    expect(await supervisors.open('135799')).toEqual({ ok: true, value: 'Ada' });
    expect(await supervisors.open('246810')).toEqual({ ok: true, value: 'Kim' });
    for (const pin of ['135798', '', '1357999', 'Ada'])
      expect(await supervisors.open(pin)).toEqual({ ok: false, error: { why: 'wrong' } });
  });

  test('is kept as a salted hash, readable by its owner alone', async () => {
    await addSupervisor(dataDirectory, 'Kim', '246810');
    const folder = join(dataDirectory, 'supervisors');
    for (const name of readdirSync(folder)) {
      expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
      expect(readFileSync(join(folder, name), 'utf8')).not.toContain('246810');
    }
  });

  test('and a name are of one supervisor', async () => {
    expect(await addSupervisor(dataDirectory, 'Kim', '246810')).toMatchObject({ ok: true });
    expect(await addSupervisor(dataDirectory, 'Ada', '246810')).toEqual({ ok: false, error: 'taken' });
    expect(await addSupervisor(dataDirectory, 'Kim', '135799')).toEqual({ ok: false, error: 'named' });
  });

  test('opens nothing any more when its supervisor is removed, at once', async () => {
    await addSupervisor(dataDirectory, 'Kim', '246810');
    const supervisors = box();
    expect(removeSupervisor(dataDirectory, 'Kim')).toBe(true);
    expect(removeSupervisor(dataDirectory, 'Kim')).toBe(false);
    expect(await supervisors.open('246810')).toMatchObject({ ok: false });
    expect(listSupervisors(dataDirectory)).toEqual([]);
  });
});

describe('guessing', () => {
  test('ends after five wrong PINs, for five minutes, also for the right one', async () => {
    await addSupervisor(dataDirectory, 'Kim', '246810');
    const supervisors = box();
    for (let n = 0; n < 5; n++) expect(await supervisors.open('000000')).toMatchObject({ error: { why: 'wrong' } });
    expect(await supervisors.open('246810')).toEqual({ ok: false, error: { why: 'locked', minutes: 5 } });
    at = 4 * 60_000 + 1;
    expect(await supervisors.open('246810')).toEqual({ ok: false, error: { why: 'locked', minutes: 1 } });
    at = 5 * 60_000;
    expect(await supervisors.open('246810')).toMatchObject({ ok: true });
  });

  test('begins anew after a right one', async () => {
    await addSupervisor(dataDirectory, 'Kim', '246810');
    const supervisors = box();
    for (let round = 0; round < 2; round++) {
      for (let n = 0; n < 4; n++) await supervisors.open('000000');
      expect(await supervisors.open('246810')).toMatchObject({ ok: true });
    }
  });

  test('many at once is as many tries', async () => {
    await addSupervisor(dataDirectory, 'Kim', '246810');
    const supervisors = box();
    const answers = await Promise.all(Array.from({ length: 20 }, () => supervisors.open('000000')));
    expect(answers.filter((answer) => !answer.ok && answer.error.why === 'wrong')).toHaveLength(5);
  });
});

describe('tearline gateway supervisor', () => {
  type Ran = { status: number | null; out: string; err: string };

  function run(args: string[], input = ''): Promise<Ran> {
    const command = ['scripts/tearline.ts', 'gateway', 'supervisor', ...args, '--data', dataDirectory];
    const child = spawn(process.execPath, command, { stdio: 'pipe' });
    let [out, err] = ['', ''];
    child.stdout.on('data', (piece) => (out += piece));
    child.stderr.on('data', (piece) => (err += piece));
    child.stdin.end(input);
    return new Promise((done) => child.on('close', (status) => done({ status, out, err })));
  }

  test('adds with a PIN that is read or made, lists and removes', async () => {
    expect(await run(['add', '--name', 'Kim'], '246810\n')).toEqual({ status: 0, out: 'Added Kim.\n', err: '' });
    const made = await run(['add', '--name', 'Ada', '--make-pin']);
    expect(made.out).toMatch(/^\d{6}\n$/);
    const supervisors = box();
    expect(await supervisors.open('246810')).toEqual({ ok: true, value: 'Kim' });
    expect(await supervisors.open(made.out.trim())).toEqual({ ok: true, value: 'Ada' });
    expect((await run(['list'])).out).toBe('Ada\nKim\n');
    expect((await run(['remove', '--name', 'Kim'])).out).toBe('Removed Kim.\n');
    expect((await run(['list'])).out).toBe('Ada\n');
  });

  test.each([
    [['add', '--name', 'Kim'], '1234\n', /^tearline: a PIN is 6 to 12 digits\n$/],
    [['add', '--name', 'Kim'], '', /^tearline: a PIN is 6 to 12 digits\n$/],
    [['add'], '246810\n', /--name takes letters/],
    [['remove', '--name', 'Nobody'], '', /^tearline: there is no supervisor Nobody\n$/],
    [['promote'], '', /has the verbs add, remove and list/],
    [['add', '--name', 'Kim', '--pin', '246810'], '', /Unknown option '--pin'/],
  ])('%j says in one line what is wrong', async (args, input, line) => {
    const { status, out, err } = await run(args, input);
    expect([status, out]).toEqual([64, '']);
    expect(err).toMatch(line);
    expect(err.trim().split('\n')).toHaveLength(1);
  });
});
