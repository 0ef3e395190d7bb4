import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Town } from './harness.ts';

/** Both guides, followed literally: their lines are typed in their order, and what they show is what comes. */

const ROOT = join(import.meta.dirname, '..', '..');
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
function steps(guide: string) {
  const text = readFileSync(join(ROOT, guide), 'utf8');
  const blocks = [...text.matchAll(/^```(sh|json)\n(.*?)^```$/gms)].map(([, kind, text]) => ({
    kind,
    text: text ?? '',
  }));
  return blocks.flatMap(({ kind, text }, at) => {
    if (kind !== 'sh') return [];
    const next = blocks[at + 1];
    return [{ lines: text, shown: next?.kind === 'json' ? next.text : null }];
  });
}

test.each([
  ['gateway/INTEGRATION.md', 8],
  ['cloud/INTEGRATION.md', 3],
])('every line of %s works as it stands, and answers what the guide shows', (guide, answers) => {
  const all = steps(guide);
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
  expect(answered.length).toBeGreaterThanOrEqual(answers);
  for (const { shown, came } of answered) expect(JSON.parse(came)).toMatchObject(JSON.parse(shown));
  if (guide.startsWith('gateway')) expect(outputs.at(-1)).toMatch(/^\d+ passed, 0 failed$/m);
});
