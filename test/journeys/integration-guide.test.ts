import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Town } from './harness.ts';

/** gateway/INTEGRATION.md, followed literally: its lines are typed in its order, and what it shows is what comes. */

const ROOT = join(import.meta.dirname, '..', '..');
const GUIDE = readFileSync(join(ROOT, 'gateway', 'INTEGRATION.md'), 'utf8');
let town: Town;
const folder = mkdtempSync(join(tmpdir(), 'tearline-guide-'));

beforeAll(async () => {
  town = await Town.start();
  symlinkSync(town.folder, join(folder, '.tearline'));
  symlinkSync(join(ROOT, 'scripts'), join(folder, 'scripts'));
});
afterAll(async () => {
  await town?.end();
  rmSync(folder, { recursive: true, force: true });
});

/** The guide's lines, each with the answer that is shown after it. */
function steps() {
  const blocks = [...GUIDE.matchAll(/^```(sh|json)\n(.*?)^```$/gms)].map(([, kind, text]) => ({
    kind,
    text: text ?? '',
  }));
  return blocks.flatMap(({ kind, text }, at) => {
    if (kind !== 'sh') return [];
    const next = blocks[at + 1];
    return [{ lines: text, shown: next?.kind === 'json' ? next.text : null }];
  });
}

test('every line of the guide works as it stands, and answers what the guide shows', () => {
  const all = steps();
  const mark = '=== next ===';
  const script = all.map(({ lines }) => `${lines}\necho; echo '${mark}'`).join('\n');
  const env = { PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };
  const { status, stdout, stderr } = spawnSync('bash', ['-eu', '-c', script], {
    cwd: folder,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  expect([status, stderr]).toEqual([0, '']);
  const outputs = stdout.split(`${mark}\n`).slice(0, -1);
  expect(outputs.length).toBe(all.length);
  const answered = all.flatMap(({ shown }, at) => (shown === null ? [] : [{ shown, came: outputs[at] ?? '' }]));
  expect(answered.length).toBeGreaterThan(7);
  for (const { shown, came } of answered) expect(JSON.parse(came)).toMatchObject(JSON.parse(shown));
  expect(outputs.at(-1)).toMatch(/^\d+ passed, 0 failed$/m);
});
