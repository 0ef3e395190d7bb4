import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import type { Reporter, TestCase } from 'vitest/node';

declare module 'vitest' {
  interface TaskMeta {
    skipReason?: string;
  }
}

/** The JSON report leaves out what a test gave to `skip(reason)`: put it where the report looks. */
const skipReasons: Reporter = {
  onTestCaseResult(test: TestCase) {
    const result = test.result();
    if (result.state === 'skipped' && result.note !== undefined) test.meta().skipReason = result.note;
  },
};

const kindsWithTimeoutMs: Record<string, number> = {
  journeys: 120_000,
  browser: 120_000,
  simulation: 120_000,
  structure: 60_000,
};
/** What one process has compiled, the next need not: a journey starts dozens. */
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, '.out', 'compile-cache');
/** Kinds that start whole systems, after the others. A journey waits for its processes: two run side by side. */
const groups = ['journeys', 'browser'];
const kindsWithWorkers: Record<string, number> = { journeys: 2, browser: 1 };
/** Somebody on a line waits fifty milliseconds, or two seconds: nothing runs beside these. */
const journeysAlone = ['register', 'scanner-box'].map((name) => `test/journeys/${name}.test.ts`);
/** A machine that stalls for a quarter of a second breaks a typed scan in two, and the page must then refuse it. */
const kindsWithRetries: Record<string, number> = { browser: 2 };

// Every folder of test/ is a project, so that no test file lies outside all of them.
const kinds = readdirSync(join(import.meta.dirname, 'test'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
  .map((entry) => entry.name);

const allOf = (kind: string) => ({
  testTimeout: kindsWithTimeoutMs[kind] ?? 20_000,
  hookTimeout: kindsWithTimeoutMs[kind] ?? 20_000,
  retry: kindsWithRetries[kind] ?? 0,
});

export default defineConfig({
  test: {
    pool: 'forks',
    allowOnly: process.env.TEARLINE_NO_SKIP !== '1',
    reporters: ['default', skipReasons, ['json', { outputFile: '.out/test.json' }]],
    projects: [
      ...kinds.map((name) => ({
        extends: true as const,
        test: {
          ...allOf(name),
          name,
          include: [`test/${name}/**/*.test.ts`],
          exclude: journeysAlone,
          maxWorkers: kindsWithWorkers[name] ?? availableParallelism(),
          sequence: { groupOrder: groups.indexOf(name) + 1 },
        },
      })),
      {
        extends: true as const,
        test: {
          ...allOf('journeys'),
          name: 'journeys, alone',
          include: journeysAlone,
          maxWorkers: 1,
          sequence: { groupOrder: groups.length },
        },
      },
    ],
  },
});
