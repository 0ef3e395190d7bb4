/** Runs something once, later. @returns what calls it off */
export type After = (delayMs: number, run: () => void) => () => void;

export const after: After = (delayMs, run) => {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
};
