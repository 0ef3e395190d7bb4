import { DuplicateCode } from '../ledger/store.ts';
import type { CodeHash } from '../ledger/port.ts';
import { codeOf, type ImportedCode } from './imported-code.ts';
import { CODES_PER_CHUNK, type IssuingPorts, issuable, place, turn } from './issuable.ts';
import { openCodes, sealCodes } from './seal.ts';

/** Codes of a stack made elsewhere before they count: kept durably, known to nobody, and no other code can be the same. */

/** @returns the stack; null where one of the codes came into being meanwhile: then nothing is left of it */
export async function stage(
  ports: IssuingPorts,
  campaign: string,
  codes: readonly ImportedCode[],
): Promise<string | null> {
  const { store, fleetKey, seal, now, newId } = ports;
  const stack = newId();
  await store.transaction((tx) =>
    tx.putStack({ id: stack, campaign, count: codes.length, at: now(), isImported: true }),
  );
  for (const { chunk, part } of chunksOf(codes)) {
    const texts = part.map(({ text }) => text);
    const staged = part.map(({ code }) => issuable(fleetKey, code));
    const sealed = sealCodes(seal, texts, place(stack, chunk));
    const isStaged = await orNothing(ports, stack, () =>
      store.transaction((tx) => tx.stage({ stack, chunk, campaign, sealed, codes: staged })).then(yes, noIfDuplicate),
    );
    if (!isStaged) {
      await unstage(ports, stack);
      return null;
    }
    await turn();
  }
  return stack;
}

const yes = (): true => true;
function noIfDuplicate(error: unknown): false {
  if (error instanceof DuplicateCode) return false;
  throw error;
}

/** A stack that cannot become whole leaves nothing: now, or at the next start where that cannot be done now. */
export async function orNothing<T>(ports: IssuingPorts, stack: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await unstage(ports, stack).catch(() => undefined);
    throw error;
  }
}

/** Leaves nothing of a stack that is not whole; cut short itself, it is done again. */
export async function unstage({ store, fleetKey, seal }: IssuingPorts, stack: string): Promise<void> {
  const count = (await store.read((tx) => tx.stack(stack)))?.count ?? 0;
  for (let chunk = 0; chunk * CODES_PER_CHUNK < count; chunk += 1) {
    const sealed = await store.read((tx) => tx.stackChunk(stack, chunk));
    if (sealed === null) continue;
    const codes = openCodes(seal, sealed, place(stack, chunk)).map((text) => issuable(fleetKey, codeOf(text)).hash);
    await store.transaction((tx) => tx.unstage({ stack, chunk, codes }));
    await turn();
  }
  await store.transaction((tx) => tx.dropStack(stack));
}

/** Those that exist, issued or staged. */
export async function existing(
  { store, fleetKey }: IssuingPorts,
  codes: readonly ImportedCode[],
): Promise<ImportedCode[]> {
  const found: ImportedCode[] = [];
  for (const { part } of chunksOf(codes)) {
    const codesByHash = new Map<CodeHash, ImportedCode>(part.map((one) => [issuable(fleetKey, one.code).hash, one]));
    for (const hash of await store.read((tx) => tx.taken([...codesByHash.keys()]))) {
      const one = codesByHash.get(hash);
      if (one !== undefined) found.push(one);
    }
    await turn();
  }
  return found;
}

function* chunksOf(codes: readonly ImportedCode[]) {
  for (let chunk = 0; chunk * CODES_PER_CHUNK < codes.length; chunk += 1)
    yield { chunk, part: codes.slice(chunk * CODES_PER_CHUNK, (chunk + 1) * CODES_PER_CHUNK) };
}
