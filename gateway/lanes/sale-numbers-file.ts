import { join } from 'node:path';
import { z } from 'zod';
import { readIfThere, writeDurably } from '../upkeep/durable-file.ts';
import { TillUnavailable } from '../till/port.ts';
import type { SaleNumbers } from './sale-numbers.ts';

const lastSchema = z.record(z.string(), z.strictObject({ day: z.string().regex(/^\d{8}$/), n: z.int().min(1) }));

/**
 * The last number of each lane, in a file of the data directory.
 * @throws where the file cannot be read: numbers that came again would mix up two sales
 */
export function saleNumbersFile(dataDirectory: string): SaleNumbers {
  const path = join(dataDirectory, 'sale-numbers.json');
  const lastByLane = new Map(Object.entries(lastSchema.parse(JSON.parse(readIfThere(path) ?? '{}'))));
  return {
    last: () => [...lastByLane].map(([lane, number]) => ({ lane, ...number })),
    next(lane, day) {
      const last = lastByLane.get(lane);
      // A clock that was set back goes on in the later day.
      const next = last === undefined || last.day < day ? { day, n: 1 } : { day: last.day, n: last.n + 1 };
      try {
        writeDurably(path, JSON.stringify({ ...Object.fromEntries(lastByLane), [lane]: next }));
      } catch (cause) {
        throw new TillUnavailable('a sale has no number', { cause });
      }
      lastByLane.set(lane, next);
      return next;
    },
  };
}
