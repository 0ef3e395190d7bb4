/** Measuring: A and B in turn, block by block, so that a disk or a neighbour that slows down slows both. */

export type Latency = { readonly p50: number; readonly p99: number };
export type Pair<T> = { readonly ours: T; readonly bare: T };

/** @returns the value that `percent` of all are at or below; of an empty list NaN */
function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1);
  return sorted[at] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 50);

export const latencyOf = (times: readonly number[]): Latency => ({
  p50: percentile(times, 50),
  p99: percentile(times, 99),
});

export type Blocks = {
  readonly blocks: number;
  readonly perBlock: number;
};

/** One operation after another. Each tells its milliseconds; a first block of each is not counted. */
export async function latencies(
  { blocks, perBlock }: Blocks,
  operations: Pair<() => Promise<number>>,
): Promise<Pair<number[]>> {
  const times: Pair<number[]> = { ours: [], bare: [] };
  for (let block = 0; block <= blocks; block += 1)
    for (const side of sidesOf(block))
      for (let done = 0; done < perBlock; done += 1) {
        const ms = await operations[side]();
        if (block > 0) times[side].push(ms);
      }
  return times;
}

/** Each call does `perBlock` operations; the rates of the blocks come back. A first block of each is not counted. */
export async function rates(
  { blocks, perBlock }: Blocks,
  work: Pair<() => void | Promise<void>>,
): Promise<Pair<number[]>> {
  const perSecond: Pair<number[]> = { ours: [], bare: [] };
  for (let block = 0; block <= blocks; block += 1)
    for (const side of sidesOf(block)) {
      const ms = await timed(work[side]);
      if (block > 0) perSecond[side].push((perBlock * 1000) / ms);
    }
  return perSecond;
}

/** @returns milliseconds */
export async function timed(work: () => unknown): Promise<number> {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
}

/** Neither always follows the other. */
const sidesOf = (block: number) => (block % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const));
