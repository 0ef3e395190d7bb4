import type { UpBody } from '../../protocol/messages.ts';
import { isAwaited } from '../till/upload-rules.ts';

/**
 * The journal's uploads: one under way at a time, the next when it is settled. A part that is asked for again although
 * nothing settled it is a resend, and waits: 2 s, then twice as long, up to 30 s. What nobody waits for lingers: it goes
 * with the first entry that somebody waits for, and alone when none comes in time.
 */
export type Upload = {
  /** The first entry of the part under way. */
  readonly epoch: number;
  readonly from: number;
  readonly againAt: number;
  readonly pauseMs: number;
};

export type UploadStep =
  | { readonly do: 'send'; readonly upload: Upload }
  | { readonly do: 'wait'; readonly upload: Upload | null }
  | { readonly do: 'linger'; readonly upload: null };

const AGAIN_FIRST_MS = 2_000;
const AGAIN_MOST_MS = 30_000;

/** Scans alone make five uploads a second at most, each two commits and eight packets; and nobody sees that it was not at once. */
export const LINGER_MS = 200;

type Part = Pick<UpBody<'journal'>, 'epoch' | 'from' | 'entries' | 'evidence'>;

/** @param part what the till would send now; null: all is settled */
export function uploadStep(upload: Upload | null, part: Part | null, now: number): UploadStep {
  if (part === null) return { do: 'wait', upload: null };
  const isSame = upload !== null && upload.epoch === part.epoch && upload.from === part.from;
  if (isSame && now < upload.againAt) return { do: 'wait', upload };
  if (!isSame && upload !== null && !isUrgent(part)) return { do: 'linger', upload: null };
  const pauseMs = isSame ? Math.min(AGAIN_MOST_MS, upload.pauseMs * 2) : AGAIN_FIRST_MS;
  return { do: 'send', upload: { epoch: part.epoch, from: part.from, againAt: now + pauseMs, pauseMs } };
}

const isUrgent = ({ evidence, entries }: Part): boolean => evidence || entries.some(isAwaited);
