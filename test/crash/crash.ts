import { writeSync } from 'node:fs';
import type { Hit } from './points.ts';

/** Kills this very process when the point of CRASH_POINT is passed for the CRASH_HIT-th time; without them never. */
export function crashAt({ CRASH_POINT, CRASH_HIT }: NodeJS.ProcessEnv): Hit {
  let left = Number(CRASH_HIT ?? 1);
  return (name) => {
    if (name !== CRASH_POINT) return;
    left -= 1;
    if (left !== 0) return;
    writeSync(2, `crashed at ${name}\n`);
    process.kill(process.pid, 'SIGKILL');
  };
}
