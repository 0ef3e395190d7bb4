/** Runs something once, later. It keeps no process alive: a box that is told to stop waits for no display to go dark. @returns what calls it off */
export type After = (delayMs: number, run: () => void) => () => void;

export const after: After = (delayMs, run) => {
  const timer = setTimeout(run, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
};
