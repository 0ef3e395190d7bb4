import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..', '..');
const config = join(root, '.dependency-cruiser.json');
const ownFolders = ['protocol', 'cloud', 'gateway', 'scripts'];

type Dependency = { resolved: string; coreModule: boolean; dependencyTypes: string[] };
type Module = { source: string; dependencies: Dependency[] };
type Violation = { rule: { name: string }; from: string; to: string };
type Cruise = { modules: Module[]; summary: { violations: Violation[] } };

function cruise(folder: string): Cruise {
  const folders = [...ownFolders, 'test'].filter((name) => existsSync(join(folder, name)));
  const run = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules', 'dependency-cruiser', 'bin/dependency-cruiser.mjs'),
      ...['--config', config, '--output-type', 'json', ...folders],
    ],
    { cwd: folder, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 },
  );
  if (run.stdout === '') throw new Error(`dependency-cruiser said nothing: ${run.stderr}`);
  return JSON.parse(run.stdout);
}

const describeViolation = (violation: Violation) => `${violation.rule.name}: ${violation.from} -> ${violation.to}`;

const isRules = (source: string) => /[/-]rules\.ts$/.test(source);

/** The modules of Node that a file reaches through imports of values. */
function coreModulesReached(modules: Module[], from: string): string[] {
  const moduleBySource = new Map(modules.map((module) => [module.source, module]));
  const seen = new Set([from]);
  const core = new Set<string>();
  for (const source of seen) {
    if (source.includes('node_modules/')) continue;
    for (const dependency of moduleBySource.get(source)?.dependencies ?? []) {
      if (dependency.dependencyTypes.includes('type-only')) continue;
      if (dependency.coreModule) core.add(`${from} reaches ${dependency.resolved} through ${source}`);
      else seen.add(dependency.resolved);
    }
  }
  return [...core];
}

const rulesReachingNode = (modules: Module[]) =>
  modules.filter((module) => isRules(module.source)).flatMap((module) => coreModulesReached(modules, module.source));

describe('the repository', () => {
  let result: Cruise;
  beforeAll(() => {
    result = cruise(root);
  });

  test('keeps every import rule', () => {
    expect(result.summary.violations.map(describeViolation)).toEqual([]);
  });

  test('is cruised in full: one module for each .ts file', () => {
    const files = ownFolders
      .filter((folder) => existsSync(join(root, folder)))
      .flatMap((folder) =>
        readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
      )
      .filter((name) => name.endsWith('.ts'));
    const cruised = result.modules
      .map((module) => module.source)
      .filter((source) => source.endsWith('.ts') && ownFolders.some((folder) => source.startsWith(`${folder}/`)));
    expect(files.length).toBeGreaterThan(0);
    expect(cruised.sort()).toEqual(files.sort());
  });

  test('keeps rules away from Node, through other files too', () => {
    expect(rulesReachingNode(result.modules)).toEqual([]);
  });
});

describe('a repository with planted violations', () => {
  // Inside the repository, so that packages resolve as they do for the real files.
  mkdirSync(join(root, '.out'), { recursive: true });
  const planted = mkdtempSync(join(root, '.out', 'planted-'));
  let result: Cruise;

  const files: Record<string, string> = {
    'protocol/envelope.ts':
      "import { hash } from 'node:crypto';\nexport type Sealed = string;\nexport const seal = hash;",
    'protocol/offer.ts': "export { readFileSync } from 'node:fs';",
    'protocol/journal.ts': "export { request } from 'node:http';",
    'protocol/messages.ts': "import { seal } from './envelope.ts';\nexport const message = seal;",
    'protocol/money.ts': "import pino from 'pino';\nexport const money = pino;",
    'protocol/limits.ts': 'export const limit = 1;',
    'gateway/till/rules.ts': [
      "import { seal } from '../../protocol/envelope.ts';",
      "import { limit } from '../../protocol/limits.ts';",
      "import { helper } from './till.ts';",
      'export const rules = [seal, limit, helper];',
    ].join('\n'),
    'gateway/till/spend-rules.ts': [
      "import type { Sealed } from '../../protocol/envelope.ts';",
      "import { message } from '../../protocol/messages.ts';",
      "import { rules } from './rules.ts';",
      'export const spend = (sealed: Sealed) => [sealed, message, rules];',
    ].join('\n'),
    'gateway/till/till.ts': [
      "import Database from 'better-sqlite3';",
      "import { ledger } from '../../cloud/ledger/ledger.ts';",
      "import { openStore } from './sqlite-store.ts';",
      'export const helper = [Database, ledger, openStore];',
    ].join('\n'),
    'gateway/till/sqlite-store.ts': "import Database from 'better-sqlite3';\nexport const openStore = Database;",
    'gateway/till/round.ts': "import { trip } from './trip.ts';\nexport const round = () => trip;",
    'gateway/till/trip.ts': "import { round } from './round.ts';\nexport const trip = () => round;",
    'gateway/till/alone.ts': 'export const alone = 1;',
    'cloud/ledger/ledger.ts': [
      "import mqtt from 'mqtt';",
      "import { SerialPort } from 'serialport';",
      "import { Hono } from 'hono';",
      "import { Aedes } from 'aedes';",
      "import fc from 'fast-check';",
      "import { parse } from 'csv-parse';",
      "import pg from 'pg';",
      "import { gone } from './gone.ts';",
      "export const ledger = [mqtt, SerialPort, Hono, Aedes, fc, parse, pg, gone, import('../../test/help.ts')];",
    ].join('\n'),
    'scripts/start.ts': "import '../test/help.ts';",
    'test/help.ts': "export const help = 'limits';",
    'tsconfig.json': readFileSync(join(root, 'tsconfig.json'), 'utf8'),
  };

  beforeAll(() => {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(planted, name)), { recursive: true });
      writeFileSync(join(planted, name), text);
    }
    result = cruise(planted);
  });
  afterAll(() => rmSync(planted, { recursive: true, force: true }));

  test('is told each of them, and nothing else', () => {
    const told = result.summary.violations.map((violation) =>
      describeViolation(violation).replace(/-> .*node_modules\/((@[^/]+\/)?[^/]+)\/.*$/, '-> $1'),
    );
    expect(told.sort()).toEqual([
      'adapters-plugged-in-main: gateway/till/till.ts -> gateway/till/sqlite-store.ts',
      'home-of-aedes: cloud/ledger/ledger.ts -> aedes',
      'home-of-better-sqlite3: gateway/till/till.ts -> better-sqlite3',
      'home-of-csv-parse: cloud/ledger/ledger.ts -> csv-parse',
      'home-of-hono: cloud/ledger/ledger.ts -> hono',
      'home-of-mqtt: cloud/ledger/ledger.ts -> mqtt',
      'home-of-pg: cloud/ledger/ledger.ts -> pg',
      'home-of-pino: protocol/money.ts -> pino',
      'home-of-serialport: cloud/ledger/ledger.ts -> serialport',
      'no-circular: gateway/till/round.ts -> gateway/till/trip.ts',
      'no-orphans: gateway/till/alone.ts -> gateway/till/alone.ts',
      'no-unresolved: cloud/ledger/ledger.ts -> ./gone.ts',
      'no-unresolved: cloud/ledger/ledger.ts -> pg',
      'product-stands-alone: cloud/ledger/ledger.ts -> test/help.ts',
      'product-without-dev-packages: cloud/ledger/ledger.ts -> fast-check',
      'protocol-crypto: protocol/journal.ts -> http',
      'protocol-pure: protocol/money.ts -> pino',
      'protocol-pure: protocol/offer.ts -> fs',
      'rules-pure: gateway/till/rules.ts -> gateway/till/till.ts',
      'rules-without-crypto: gateway/till/rules.ts -> protocol/envelope.ts',
      'scripts-without-tests: scripts/start.ts -> test/help.ts',
      'sides-meet-in-protocol: gateway/till/till.ts -> cloud/ledger/ledger.ts',
    ]);
  });

  test('is told that a rule reaches Node through another file', () => {
    expect(rulesReachingNode(result.modules)).toContain(
      'gateway/till/spend-rules.ts reaches crypto through protocol/envelope.ts',
    );
  });
});
