/** Numbers from 0 up to 1 that look random and are the same for a seed (mulberry32). */
export type Chance = () => number;

export function seeded(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const bytesFrom =
  (chance: Chance) =>
  (size: number): Buffer =>
    Buffer.from(Array.from({ length: size }, () => Math.floor(chance() * 256)));

/** @returns an index, each as likely as its weight */
export function weighted(weights: readonly number[]): (chance: Chance) => number {
  const sums: number[] = [];
  for (const weight of weights) sums.push((sums.at(-1) ?? 0) + weight);
  return (chance) => {
    const at = chance() * (sums.at(-1) ?? 0);
    const index = sums.findIndex((sum) => sum > at);
    return index < 0 ? sums.length - 1 : index;
  };
}
