import { createHash } from 'node:crypto';
import { type Code, hashCode, lastFour, makeCodes, partitionOf } from '../../protocol/code.ts';
import { LEDGER_PARTITIONS } from '../../protocol/limits.ts';
import { faceValue } from '../../protocol/offer.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { chain, type NewEntry } from '../ledger/chain.ts';
import type { CodeHash, IssueRefusal } from '../ledger/port.ts';
import { DuplicateCode, type LedgerStore } from '../ledger/store.ts';
import { unitsLeft } from './cap-rules.ts';
import { type CodeSeal, openCodes, sealCodes } from './seal.ts';

/** One transaction of issuing: short enough that a register's redemption hardly waits for it. */
const CODES_PER_CHUNK = 2_000;

export type IssuingPorts = {
  readonly store: LedgerStore;
  readonly fleetKey: Uint8Array;
  readonly seal: CodeSeal;
  readonly randomBytes: (size: number) => Uint8Array;
  readonly now: () => number;
  readonly newId: () => string;
};

/**
 * Issues a stack. The caps are taken for the whole of it in its first transaction; then it is written chunk by chunk,
 * and a stack that a crash cut short is finished at the next start.
 */
export async function issueStack(
  ports: IssuingPorts,
  campaign: string,
  count: number,
): Promise<Result<{ readonly id: string; readonly count: number }, IssueRefusal>> {
  const taken = await takeCap(ports, campaign, count);
  if (!taken.ok) return taken;
  await finishStack(ports, taken.value);
  return ok({ id: taken.value, count });
}

/** Writes what is missing of a stack. */
export async function finishStack(ports: IssuingPorts, id: string): Promise<void> {
  for (;;) {
    const left = await ports.store.read((tx) => tx.stack(id));
    if (left === null || left.issued >= left.count) return;
    const size = Math.min(CODES_PER_CHUNK, left.count - left.issued);
    try {
      await issueChunk(ports, id, left.campaign, left.issued / CODES_PER_CHUNK, size);
    } catch (error) {
      // One code in 2^75 was there already: the chunk is drawn again.
      if (!(error instanceof DuplicateCode)) throw error;
    }
    // Registers and carts come between two chunks.
    await new Promise(setImmediate);
  }
}

/** The codes of a stack in their order, chunk by chunk; null where there is no such stack. */
export async function stackCodes(
  { store, seal }: IssuingPorts,
  id: string,
): Promise<AsyncIterable<readonly Code[]> | null> {
  const stack = await store.read((tx) => tx.stack(id));
  if (stack === null) return null;
  return (async function* () {
    for (let chunk = 0; chunk * CODES_PER_CHUNK < stack.issued; chunk += 1) {
      const sealed = await store.read((tx) => tx.stackChunk(id, chunk));
      if (sealed === null) throw new Error(`chunk ${chunk} of the stack ${id} is missing`);
      yield openCodes(seal, sealed, `${id}/${chunk}`);
    }
  })();
}

async function takeCap(
  { store, now, newId }: IssuingPorts,
  id: string,
  count: number,
): Promise<Result<string, IssueRefusal>> {
  return store.transaction(async (tx) => {
    const campaign = (await tx.campaigns([id]))[0];
    if (campaign === undefined) return err({ why: 'unknown_campaign' as const });
    const worth = faceValue(campaign.card.offer.discount);
    const left = unitsLeft(campaign.cap, { units: campaign.issuedUnits, value: campaign.issuedValue }, worth);
    if (left !== null && count > left) return err({ why: 'cap_exceeded' as const, unitsLeft: left });
    await tx.putCampaign({
      ...campaign,
      issuedUnits: campaign.issuedUnits + count,
      issuedValue: campaign.issuedValue + count * worth,
    });
    const stack = newId();
    await tx.putStack({ id: stack, campaign: id, count, at: now() });
    return ok(stack);
  });
}

async function issueChunk(
  ports: IssuingPorts,
  stack: string,
  campaignId: string,
  chunk: number,
  size: number,
): Promise<void> {
  const made = makeCodes(size, ports.randomBytes);
  const codes = made.map((code) => ({ hash: hashCode(ports.fleetKey, code), lastFour: lastFour(code) }));
  const sealed = sealCodes(ports.seal, made, `${stack}/${chunk}`);
  const news = chunkEntries(
    stack,
    chunk,
    campaignId,
    codes.map(({ hash }) => hash),
    ports.now(),
  );
  await ports.store.transaction(async (tx) => {
    const campaign = (await tx.campaigns([campaignId]))[0];
    const heads = await tx.heads(news.map(({ partition }) => partition));
    const dealt = campaign !== undefined && campaign.card.stores !== 'all';
    await tx.issue({ stack, chunk, campaign: campaignId, dealt, sealed, codes, entries: chain(heads, news) });
  });
}

/** One entry for each partition that the chunk touches, with the hash of its codes there. */
function chunkEntries(
  stack: string,
  chunk: number,
  campaign: string,
  hashes: readonly CodeHash[],
  at: number,
): NewEntry[] {
  const entries: NewEntry[] = [];
  for (let partition = 0; partition < LEDGER_PARTITIONS; partition += 1) {
    const mine = hashes.filter((hash) => partitionOf(hash) === partition).sort();
    if (mine.length === 0) continue;
    const codes = createHash('sha256').update(mine.join('\n')).digest('hex');
    entries.push({
      codeHash: null,
      partition,
      at,
      body: { kind: 'issue', stack, chunk, campaign, count: mine.length, codes },
    });
  }
  return entries;
}
