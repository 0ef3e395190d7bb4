import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { createLedger } from '../../cloud/ledger/ledger.ts';
import type { openDatabase } from '../../cloud/ledger/sqlite-database.ts';
import type { sqliteLedgerStore } from '../../cloud/ledger/sqlite-store.ts';
import type { SqliteTillStore } from '../../gateway/till/sqlite-store.ts';
import type { createTill } from '../../gateway/till/till.ts';
import type { BrokenDesign } from './broken-designs.ts';

/** The production rules and step functions of both sides, as they stand or as a known-broken design has them. */
export type Modules = {
  readonly createLedger: typeof createLedger;
  readonly openDatabase: typeof openDatabase;
  readonly sqliteLedgerStore: typeof sqliteLedgerStore;
  readonly SqliteTillStore: typeof SqliteTillStore;
  readonly createTill: typeof createTill;
};

export const ROOT = join(import.meta.dirname, '..', '..');
const COPIES = join(ROOT, 'test', '.patched');

/** @param broken null: as they stand */
export async function loadModules(broken: BrokenDesign | null): Promise<Modules> {
  const root = broken === null ? ROOT : patchedCopy(broken, 'traces');
  const from = (path: string) => import(/* @vite-ignore */ pathToFileURL(join(root, path)).href);
  return {
    ...(await from('cloud/ledger/ledger.ts')),
    ...(await from('cloud/ledger/sqlite-database.ts')),
    ...(await from('cloud/ledger/sqlite-store.ts')),
    ...(await from('gateway/till/sqlite-store.ts')),
    ...(await from('gateway/till/till.ts')),
  };
}

/** A whole copy, so that every import of the patched files leads to the patch. @param room the copies of one kind of test */
export function patchedCopy({ id, edits }: BrokenDesign, room: string): string {
  const copy = join(COPIES, room, id);
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  for (const room of [
    'protocol',
    'cloud/ledger',
    'cloud/fleet',
    'cloud/issuing',
    'cloud/distribution',
    'cloud/keys.ts',
    'gateway/till',
  ])
    cpSync(join(ROOT, room), join(copy, room), { recursive: true });
  for (const { file, from, to } of edits) {
    const path = join(copy, file);
    const text = readFileSync(path, 'utf8');
    const pieces = text.split(from);
    // A patch that no longer fits would prove nothing.
    if (pieces.length !== 2) throw new Error(`${id}: ${file} holds what the patch replaces ${pieces.length - 1} times`);
    writeFileSync(path, pieces.join(to));
  }
  return copy;
}

/** @param room of whoever made them: others may be at work beside it */
export function removeCopies(room: string): void {
  rmSync(join(COPIES, room), { recursive: true, force: true });
}
