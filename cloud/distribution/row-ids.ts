/**
 * Ids of rows of customers and assignments: 32 hexadecimal digits that begin with the time, so that a new row comes last in
 * every index over them and a million of them touch few pages. They are names and no secrets: whoever knows one can do
 * nothing with it. Those of before were random throughout, and are as good.
 */
export type RowIds = () => string;

const TIME_BYTES = 6;
const COUNT_BYTES = 2;
const RANDOM_BYTES = 8;
const COUNTS = 2 ** (8 * COUNT_BYTES);

/**
 * Each comes after the one before, also within a millisecond: time, count, randomness. Where the clock is set back they are
 * out of order for as long, and no less distinct.
 * @param now milliseconds since 1970
 */
export function createRowIds(randomBytes: (size: number) => Uint8Array, now: () => number): RowIds {
  let last = { at: 0, count: 0 };
  return () => {
    const at = now();
    last = { at, count: at === last.at ? (last.count + 1) % COUNTS : 0 };
    const head = Buffer.alloc(TIME_BYTES + COUNT_BYTES);
    head.writeUIntBE(at, 0, TIME_BYTES);
    head.writeUInt16BE(last.count, TIME_BYTES);
    return Buffer.concat([head, randomBytes(RANDOM_BYTES)]).toString('hex');
  };
}
