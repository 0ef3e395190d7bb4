/**
 * `npm test`: runs vitest, then says in one last line what came of it.
 *
 * A file that cannot load, a broken hook and an error outside all tests count as failed; vitest's own count passes them
 * over. Tests that were skipped are listed with their reasons, and fail where TEARLINE_NO_SKIP=1.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { z } from 'zod';

const root = join(import.meta.dirname, '..');
const reportFile = join(root, '.out', 'test.json');

const FAILURE_CHARS_MAX = 800;

const Report = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string().nullish(),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()).nullish(),
          meta: z.object({ skipReason: z.string().optional() }),
        }),
      ),
    }),
  ),
});
type Counts = { passed: number; failed: number; skipped: string[]; failures: string[] };

rmSync(reportFile, { force: true });
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const run = spawnSync(process.execPath, [vitest, 'run', ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' });
const counts = readCounts();
const skipFails = process.env.TEARLINE_NO_SKIP === '1';

for (const failure of counts.failures) console.log(`\nFailed: ${failure}`);
if (counts.skipped.length > 0) {
  console.log(`\nSkipped${skipFails ? ', counted as failed since TEARLINE_NO_SKIP=1' : ''}:`);
  for (const line of counts.skipped) console.log(`  ${line}`);
}
const skipped = skipFails ? 0 : counts.skipped.length;
let failed = counts.failed + (skipFails ? counts.skipped.length : 0);
if (run.status !== 0 && counts.failed === 0) {
  console.log(`\nvitest ended with ${run.status ?? run.signal} though no test failed: counted as one failure.`);
  failed += 1;
}
if (counts.passed + failed + skipped === 0) {
  console.log('\nNo test ran: counted as one failure.');
  failed = 1;
}
console.log(`\n${counts.passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed === 0 ? 0 : 1;

function readCounts(): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: [], failures: [] };
  const report = readReport();
  for (const file of report?.testResults ?? []) {
    const failedBefore = counts.failed;
    for (const test of file.assertionResults) {
      if (test.status === 'passed') counts.passed += 1;
      else if (test.status === 'failed') fail(counts, file.name, test.fullName, test.failureMessages?.join('\n'));
      else counts.skipped.push(skipLine(file.name, test.fullName, test.meta.skipReason));
    }
    if (file.status === 'failed' && counts.failed === failedBefore) fail(counts, file.name, 'the file', file.message);
  }
  return counts;
}

/** Said again at the end, where a long log is read first. */
function fail(counts: Counts, file: string, what: string, why: string | null | undefined): void {
  counts.failed += 1;
  counts.failures.push(`${relative(root, file)}: ${what.trim()}\n  ${(why ?? '').slice(0, FAILURE_CHARS_MAX)}`);
}

function readReport(): z.infer<typeof Report> | undefined {
  try {
    return Report.parse(JSON.parse(readFileSync(reportFile, 'utf8')));
  } catch (error) {
    console.log(`\nNo report of the tests: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

function skipLine(file: string, test: string, reason: string | undefined): string {
  return `${relative(root, file)}: ${test.trim()} (${reason ?? 'no reason given'})`;
}
