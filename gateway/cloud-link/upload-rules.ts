import type { UpBody } from '../../protocol/messages.ts';

/**
 * The journal's uploads: one under way at a time, the next when it is settled. A part that is asked for again although
 * nothing settled it is a resend, and waits: 2 s, then twice as long, up to 30 s.
 */
export type Upload = {
  /** The first entry of the part under way. */
  readonly epoch: number;
  readonly from: number;
  readonly againAt: number;
  readonly pauseMs: number;
};

export type UploadStep =
  | { readonly send: true; readonly upload: Upload }
  | { readonly send: false; readonly upload: Upload | null };

const AGAIN_FIRST_MS = 2_000;
const AGAIN_MOST_MS = 30_000;

/** @param part what the till would send now; null: all is settled */
export function uploadStep(
  upload: Upload | null,
  part: Pick<UpBody<'journal'>, 'epoch' | 'from'> | null,
  now: number,
): UploadStep {
  if (part === null) return { send: false, upload: null };
  const isSame = upload !== null && upload.epoch === part.epoch && upload.from === part.from;
  if (isSame && now < upload.againAt) return { send: false, upload };
  const pauseMs = isSame ? Math.min(AGAIN_MOST_MS, upload.pauseMs * 2) : AGAIN_FIRST_MS;
  return { send: true, upload: { epoch: part.epoch, from: part.from, againAt: now + pauseMs, pauseMs } };
}
