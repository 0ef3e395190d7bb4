import { type Code, formatCode, makeCodes } from '../../protocol/code.ts';
import { ok, type Result } from '../../protocol/result.ts';
import { chain } from '../ledger/chain.ts';
import type { IssueRefusal } from '../ledger/port.ts';
import { DuplicateCode } from '../ledger/store.ts';
import { codeOf } from './imported-code.ts';
import { CODES_PER_CHUNK, type IssuingPorts, issuable, place, takeCap, turn } from './issuable.ts';
import { issueEntries } from './issue-entries.ts';
import { openCodes, sealCodes } from './seal.ts';

/**
 * Issues a stack. The caps are taken for the whole of it in its first transaction; then it is written chunk by chunk,
 * and a stack that a crash cut short is finished at the next start.
 */
export async function issueStack(
  ports: IssuingPorts,
  campaign: string,
  count: number,
): Promise<Result<{ readonly id: string; readonly count: number }, IssueRefusal>> {
  const put = await putStack(ports, campaign, count);
  if (!put.ok) return put;
  await finishStack(ports, put.value);
  return ok({ id: put.value, count });
}

/** Writes what is missing of a stack. */
export async function finishStack(ports: IssuingPorts, id: string): Promise<void> {
  for (;;) {
    const left = await ports.store.read((tx) => tx.stack(id));
    if (left === null || left.issued >= left.count) return;
    const chunk = left.issued / CODES_PER_CHUNK;
    try {
      const part = left.isImported
        ? await stagedChunk(ports, id, chunk)
        : newChunk(ports, id, chunk, Math.min(CODES_PER_CHUNK, left.count - left.issued));
      await issueChunk(ports, id, left.campaign, chunk, part);
    } catch (error) {
      // One code in 2^75 was there already: the chunk is drawn again.
      if (!(error instanceof DuplicateCode)) throw error;
    }
    await turn();
  }
}

/** The codes of a stack in their order, as printed or as given, chunk by chunk; null where there is no such stack. */
export async function stackCodes(
  { store, seal }: IssuingPorts,
  id: string,
): Promise<AsyncIterable<readonly string[]> | null> {
  const stack = await store.read((tx) => tx.stack(id));
  if (stack === null) return null;
  return (async function* () {
    for (let chunk = 0; chunk * CODES_PER_CHUNK < stack.issued; chunk += 1) {
      const sealed = await store.read((tx) => tx.stackChunk(id, chunk));
      if (sealed === null) throw new Error(`chunk ${chunk} of the stack ${id} is missing`);
      const codes = openCodes(seal, sealed, place(id, chunk));
      // Ours were sealed as they were made.
      yield stack.isImported ? codes : codes.map((code) => formatCode(code as Code));
    }
  })();
}

async function putStack(
  { store, now, newId }: IssuingPorts,
  id: string,
  count: number,
): Promise<Result<string, IssueRefusal>> {
  return store.transaction(async (tx) => {
    const taken = takeCap((await tx.campaigns([id]))[0], count);
    if (!taken.ok) return taken;
    await tx.putCampaign(taken.value);
    const stack = newId();
    await tx.putStack({ id: stack, campaign: id, count, at: now(), isImported: false });
    return ok(stack);
  });
}

/** `sealed` null: a chunk that was staged is there already. */
type Chunk = { readonly codes: readonly Code[]; readonly sealed: Uint8Array | null };

function newChunk({ seal, randomBytes }: IssuingPorts, stack: string, chunk: number, size: number): Chunk {
  const codes = makeCodes(size, randomBytes);
  return { codes, sealed: sealCodes(seal, codes, place(stack, chunk)) };
}

async function stagedChunk({ store, seal }: IssuingPorts, stack: string, chunk: number): Promise<Chunk> {
  const sealed = await store.read((tx) => tx.stackChunk(stack, chunk));
  if (sealed === null) throw new Error(`chunk ${chunk} of the imported stack ${stack} is missing`);
  return { codes: openCodes(seal, sealed, place(stack, chunk)).map(codeOf), sealed: null };
}

async function issueChunk(
  { store, fleetKey, now }: IssuingPorts,
  stack: string,
  campaignId: string,
  chunk: number,
  { codes: read, sealed }: Chunk,
): Promise<void> {
  const codes = read.map((code) => issuable(fleetKey, code));
  const news = issueEntries(codes, now(), { stack, chunk, campaign: campaignId });
  await store.transaction(async (tx) => {
    const campaign = (await tx.campaigns([campaignId]))[0];
    const heads = await tx.heads(news.map(({ partition }) => partition));
    const dealt = campaign !== undefined && campaign.card.stores !== 'all';
    await tx.issue({ stack, chunk, campaign: campaignId, dealt, sealed, codes, entries: chain(heads, news) });
  });
}
