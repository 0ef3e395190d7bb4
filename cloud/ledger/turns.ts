import { setImmediate } from 'node:timers/promises';

export type InTurn = <T>(work: () => T | Promise<T>) => Promise<T>;

/** Much work that comes at once: each piece has a turn of its own, and between them tills have theirs. */
export function oneByOne(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(() => setImmediate()).then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
}
