import type { Clock } from '../../protocol/card.ts';
import { DRIFT_PPM, MARGIN_MS } from '../../protocol/limits.ts';
import { isValidated, type Known } from './box-rules.ts';
import type { Draft } from './draft-rules.ts';

/** Time serves ends, voids and validity; at-most-once never rests on it. */

/** The cloud's signed time, the monotonic milliseconds when it came, and how long before that it may have been told. */
export type Anchor = { readonly at: number; readonly receivedMs: number; readonly uncertaintyMs: number };

/** The mark on disk moves, with an entry, when it is this far behind: not at every tick. */
const HIGH_WATER_STEP_MS = 3_600_000;

/**
 * The store stops at the early edge: at the first moment that may be the end. Without proven time it goes on as a
 * campaign on `hold` does, until the end is certainly past.
 */
export function hasEnded(notAfter: number, clock: Clock): boolean {
  return (clock.proven ? clock.latest : clock.earliest) >= notAfter;
}

/** A recall that is not for a void lapses once its deadline is certainly past [G5]. */
export function hasLapsed(deadline: number | null, clock: Clock): boolean {
  return deadline !== null && clock.earliest >= deadline;
}

/**
 * @param startedMs monotonic milliseconds at this start
 * @param monotonicMs now
 */
export function clockAt(anchor: Anchor | null, highWater: number, startedMs: number, monotonicMs: number): Clock {
  if (anchor === null) {
    const elapsed = monotonicMs - startedMs;
    return { proven: false, earliest: highWater + Math.floor(elapsed - drift(elapsed)) };
  }
  const elapsed = monotonicMs - anchor.receivedMs;
  return {
    proven: true,
    earliest: anchor.at + Math.floor(elapsed - drift(elapsed)),
    latest: anchor.at + Math.ceil(anchor.uncertaintyMs + elapsed + drift(elapsed)),
  };
}

const drift = (elapsedMs: number): number => (elapsedMs * DRIFT_PPM) / 1_000_000;

/** The cloud told the time, in answer to something this boot sent. */
export function takeAnchor(draft: Draft, known: Known, at: number, since: 'hello' | 'beat'): void {
  draft.effect({ do: 'anchor', at, since });
  if (!isValidated(known)) return;
  const isJump = at < known.box.highWater - MARGIN_MS;
  const isDue = at >= known.box.highWater + HIGH_WATER_STEP_MS;
  if (!isJump && !isDue && known.session.anchored) return;
  draft.remember({ do: 'anchored' });
  draft.change({ do: 'high_water', at: isJump ? at : Math.max(at, known.box.highWater) });
  draft.journal({ kind: 'time', at, cause: isJump ? 'jump' : 'anchor' });
}

/** Cut off for hours: the mark follows the proven clock. */
export function raiseHighWater(draft: Draft, known: Known, clock: Clock): void {
  if (!clock.proven || clock.earliest < known.box.highWater + HIGH_WATER_STEP_MS) return;
  draft.change({ do: 'high_water', at: clock.earliest });
  draft.journal({ kind: 'time', at: clock.earliest, cause: 'anchor' });
}
