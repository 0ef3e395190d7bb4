import { join } from 'node:path';
import { z } from 'zod';
import { DRILL_MINUTES_MAX } from '../../protocol/limits.ts';
import { instantSchema } from '../../protocol/reservation.ts';
import { readIfThere, removeDurably, writeDurably } from '../upkeep/durable-file.ts';

/** The outage drill: the line is cut on purpose. Kept over a restart, so that a power cut does not end it unnoticed. */
const drillSchema = z.strictObject({
  since: instantSchema,
  until: instantSchema,
  /** The name of the token that began it. */
  by: z.string(),
});
export type Drill = z.infer<typeof drillSchema>;

export interface DrillStore {
  /** @returns a drill that is not over at `now`; null: none */
  load(now: number): Drill | null;
  /** @throws the file system's error */
  save(drill: Drill | null): void;
}

export function drillFile(dataDirectory: string): DrillStore {
  const path = join(dataDirectory, 'drill.json');
  return {
    load(now) {
      const drill = readDrill(readIfThere(path));
      if (drill === null || drill.until <= now) return null;
      // A clock that was set back must not make an outage of a drill.
      return { ...drill, until: Math.min(drill.until, now + DRILL_MINUTES_MAX * 60_000) };
    },
    save(drill) {
      if (drill === null) removeDurably(path);
      else writeDurably(path, JSON.stringify(drill));
    },
  };
}

/** A damaged file ends the drill: that is the harmless side. */
function readDrill(text: string | null): Drill | null {
  if (text === null) return null;
  try {
    return drillSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
