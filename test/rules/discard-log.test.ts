import { expect, test } from 'vitest';
import { discardLog } from '../../gateway/lanes/discard-log.ts';

test('a line that rustles all day gives at most twenty lines a minute, and then how many more there were', () => {
  let now = 0;
  const logged: [fields: object, message: string][] = [];
  const discarded = discardLog('2', { warn: (...line) => void logged.push(line) }, () => now);
  for (let n = 0; n < 1_000; n += 1) discarded({ kind: 'discard', why: 'unprintable', bytes: n });
  expect(logged).toHaveLength(20);
  expect(logged[0]).toEqual([{ lane: '2', why: 'unprintable', bytes: 0 }, 'a scan was discarded']);
  now = 60_000;
  discarded({ kind: 'discard', why: 'damaged', bytes: 3 });
  expect(logged.slice(20)).toEqual([
    [{ lane: '2', more: 980 }, 'more scans were discarded'],
    [{ lane: '2', why: 'damaged', bytes: 3 }, 'a scan was discarded'],
  ]);
});
