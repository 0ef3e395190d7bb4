import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from 'node:fs';

const BLOCK_BYTES = 4096;
const block = Buffer.alloc(BLOCK_BYTES, ' ');

/** @returns writes the next block of a file of that many, and syncs it */
export function durableFile(path: string, blocks: number): () => void {
  const file = openSync(path, 'w');
  process.on('exit', () => closeSync(file));
  // It has its size from the start, as a witness has, and a log that has begun again.
  for (let at = 0; at < blocks; at += 1) writeSync(file, block, 0, BLOCK_BYTES, at * BLOCK_BYTES);
  fsyncSync(file);
  let next = 0;
  return () => {
    writeSync(file, block, 0, BLOCK_BYTES, next * BLOCK_BYTES);
    fdatasyncSync(file);
    next = (next + 1) % blocks;
  };
}
