import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Log } from '../log.ts';
import { TillUnavailable } from '../till/port.ts';
import { parseJson, readIfThere, writeDurably } from '../upkeep/durable-file.ts';
import { type Kept, type LaneMemory, type SupervisionEntry, suspendedSaleSchema } from './lane-memory.ts';

/** In files of the data directory, readable by their owner alone. */
export function laneMemoryFiles(dataDirectory: string, log: Log): LaneMemory {
  const file = (name: string) => join(dataDirectory, name);
  return {
    suspended: keptFile(file('suspended-sales.json'), z.array(suspendedSaleSchema), [], log),
    trainings: keptFile(file('trainings.json'), z.record(z.string(), z.int()), {}, log),
    note(entry) {
      appendDurably(file('supervision.jsonl'), entry);
      const { at: _, ...said } = entry;
      log.info(said, 'a supervisor was at a lane');
    },
  };
}

/** A damaged file is said and begun anew: it must not keep a store from selling. @throws where it cannot be read at all */
function keptFile<T>(path: string, schema: z.ZodType<T>, empty: T, log: Log): Kept<T> {
  return {
    load() {
      const text = readIfThere(path);
      if (text === null) return empty;
      const read = schema.safeParse(parseJson(text));
      if (read.success) return read.data;
      log.error({ path }, 'a file of the lanes is damaged: it is begun anew');
      return empty;
    },
    save(value) {
      unavailableWhere(() => writeDurably(path, JSON.stringify(value)), `${path} cannot be written`);
    },
  };
}

/** One JSON line, at the end of what is there. */
function appendDurably(path: string, { at, ...entry }: SupervisionEntry): void {
  const line = `${JSON.stringify({ at: new Date(at).toISOString(), ...entry })}\n`;
  unavailableWhere(() => {
    const file = openSync(path, 'a', 0o600);
    try {
      writeSync(file, line);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }, `${path} cannot be written`);
}

function unavailableWhere(write: () => void, what: string): void {
  try {
    write();
  } catch (cause) {
    throw new TillUnavailable(what, { cause });
  }
}
