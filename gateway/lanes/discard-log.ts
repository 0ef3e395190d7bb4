import type { Log } from '../log.ts';
import type { Scan } from './scanner.ts';

/** A line that rustles all day must not fill the disk. */
const LINES_PER_MINUTE_MAX = 20;
const MINUTE_MS = 60_000;

/** Logs what a lane's scanner sent and nobody could read: the first ones of a minute one by one, of the others the number. */
export function discardLog(lane: string, log: Pick<Log, 'warn'>, elapsed: () => number) {
  let [begun, count] = [Number.NEGATIVE_INFINITY, 0];
  return ({ why, bytes }: Extract<Scan, { kind: 'discard' }>): void => {
    if (elapsed() - begun >= MINUTE_MS) {
      const more = count - LINES_PER_MINUTE_MAX;
      if (more > 0) log.warn({ lane, more }, 'more scans were discarded');
      [begun, count] = [elapsed(), 0];
    }
    count += 1;
    if (count <= LINES_PER_MINUTE_MAX) log.warn({ lane, why, bytes }, 'a scan was discarded');
  };
}
