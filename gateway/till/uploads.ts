import type { Entry, Head } from '../../protocol/journal.ts';
import {
  JOURNAL_ENTRIES_PER_UPLOAD_MAX,
  MESSAGE_BYTES_MAX,
  SYNC_HOLDINGS_PER_PART_MAX,
} from '../../protocol/limits.ts';
import type { UpBody } from '../../protocol/messages.ts';
import type { Box, EntryPlace } from './box-rules.ts';
import type { TillStore } from './store.ts';
import type { Uploadable } from './upload-rules.ts';

/** What the link takes from the till's data: the journal that is not settled, and the list of what is held. */

/** Entries of one upload in bytes of JSON: half a message, so that the rest of it always fits. */
const ENTRIES_BYTES_MAX = MESSAGE_BYTES_MAX / 2;

/**
 * The next part that the cloud has not acknowledged. A box that is not validated uploads evidence, and so are the
 * entries of older epochs [C2, G6].
 * @param shown how much of the present epoch may leave the box
 * @param after the last entry that is under way; null: none
 */
export function nextUpload(
  store: TillStore,
  { epoch, acknowledged }: Box,
  shown: Uploadable,
  after: EntryPlace | null,
): UpBody<'journal'> | null {
  for (const last of store.epochs()) {
    const isCurrent = last.epoch === epoch;
    if (after !== null && last.epoch < after.epoch) continue;
    const received =
      isCurrent && !shown.isEvidence
        ? acknowledged
        : Math.max(isCurrent ? acknowledged : 0, store.evidence(last.epoch));
    const start = after?.epoch === last.epoch ? Math.max(after.n, received) : received;
    const end = isCurrent ? Math.min(shown.n, last.n) : last.n;
    const part = partOf(store, last.epoch, start, end, shown.isEvidence || !isCurrent);
    if (part !== null) return part;
  }
  return null;
}

/** @param start the entry before the first one */
function partOf(
  store: TillStore,
  epoch: number,
  start: number,
  end: number,
  evidence: boolean,
): UpBody<'journal'> | null {
  const before = store.hashAt({ epoch, n: start });
  if (start >= end || before === null) return null;
  const entries = thatFit(store, epoch, start, Math.min(end, start + JOURNAL_ENTRIES_PER_UPLOAD_MAX));
  const last = entries.at(-1);
  if (last === undefined) return null;
  const head: Head = { epoch, n: last.n, hash: last.hash };
  return { epoch, from: start + 1, entries: entries.map(({ body }) => body), before, head, evidence };
}

/** Read in small lots: a lot of grants is megabytes. */
const LOT_ENTRIES = 25;

function thatFit(store: TillStore, epoch: number, start: number, end: number): Entry[] {
  const entries: Entry[] = [];
  let bytes = 0;
  for (let n = start; n < end; n += LOT_ENTRIES) {
    for (const entry of store.entries(epoch, n + 1, Math.min(LOT_ENTRIES, end - n))) {
      bytes += JSON.stringify(entry.body).length;
      if (bytes > ENTRIES_BYTES_MAX && entries.length > 0) return entries;
      entries.push(entry);
    }
  }
  return entries;
}

/** The whole list of active holdings, in parts; one empty part where nothing is held. */
export function holdingParts(sync: string, floor: number, head: Head, holdings: readonly string[]): UpBody<'sync'>[] {
  const parts = Math.max(1, Math.ceil(holdings.length / SYNC_HOLDINGS_PER_PART_MAX));
  return Array.from({ length: parts }, (_, part) => ({
    sync,
    part,
    parts,
    floor,
    head,
    holdings: holdings.slice(part * SYNC_HOLDINGS_PER_PART_MAX, (part + 1) * SYNC_HOLDINGS_PER_PART_MAX),
  }));
}

/** When the oldest entry that is not settled was made. Grants and starts do not say; a sale after them does. */
export function unsettledSince(store: TillStore, { epoch, head, acknowledged }: Box): number | null {
  return head.n <= acknowledged ? null : store.oldestAt({ epoch, n: acknowledged });
}
