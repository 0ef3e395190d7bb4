/** Fetched at once: a call for the twelve bytes of a nonce costs half as much as one for all of these. */
const POOL_BYTES = 4_096;

/** The same unpredictable bytes with fewer calls, each byte given out once. Of a process' own memory: not for what outlives it. */
export function pooledRandom(randomBytes: (size: number) => Uint8Array): (size: number) => Uint8Array {
  let pool: Uint8Array = new Uint8Array(0);
  return (size) => {
    if (size > POOL_BYTES) return randomBytes(size);
    if (pool.length < size) pool = randomBytes(POOL_BYTES);
    const drawn = pool.slice(0, size);
    pool = pool.subarray(size);
    return drawn;
  };
}
