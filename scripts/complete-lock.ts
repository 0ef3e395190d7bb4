/**
 * Completes package-lock.json after a change of dependencies (`npm run lock`).
 *
 * A registry that does not carry a package for another platform makes npm leave it out of the lock, and `npm ci` then
 * refuses that lock. Each missing optional package gets the entry that npm needs to pass over it.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

type LockedPackage = {
  version?: string;
  cpu?: string[];
  dev?: boolean;
  libc?: string[];
  optional?: boolean;
  os?: string[];
  optionalDependencies?: Record<string, string>;
};
type Lock = { packages: Record<string, LockedPackage> };

const lockFile = join(import.meta.dirname, '..', 'package-lock.json');
const lock: Lock = JSON.parse(readFileSync(lockFile, 'utf8'));
const added = addMissing(lock.packages);
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
writeFileSync(lockFile, `${JSON.stringify(lock, null, 2)}\n`);
console.log(added.length === 0 ? 'The lock file is complete.' : `Added to the lock file: ${added.join(', ')}`);

function addMissing(packages: Lock['packages']): string[] {
  const names: string[] = [];
  for (const [at, owner] of Object.entries(packages)) {
    for (const [name, range] of Object.entries(owner.optionalDependencies ?? {})) {
      const key = `node_modules/${name}`;
      if (packages[key] || packages[`${at}/node_modules/${name}`]) continue;
      packages[key] = entryFor(name, range, owner.dev === true);
      names.push(name);
    }
  }
  return names;
}

function entryFor(name: string, range: string, dev: boolean): LockedPackage {
  const platform = /(android|darwin|freebsd|linux|openharmony|win32)[-_](arm64|x64|arm|ia32|ppc64|riscv64|s390x)?/.exec(
    name,
  );
  const libc = name.endsWith('-musl') ? 'musl' : name.endsWith('-gnu') ? 'glibc' : undefined;
  return {
    version: range.replace(/^[\^~]/, ''),
    cpu: [platform?.[2] ?? 'none'],
    ...(dev ? { dev } : {}),
    ...(libc === undefined ? {} : { libc: [libc] }),
    optional: true,
    os: [platform?.[1] ?? 'none'],
  };
}
