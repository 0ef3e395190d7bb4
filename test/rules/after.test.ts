import { expect, test } from 'vitest';
import { afterIfRunning } from '../../gateway/lanes/after.ts';

const MINUTE_MS = 60_000;
const timersThatKeepAlive = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

test('what is to be done later keeps no process alive, and can be called off', () => {
  const before = timersThatKeepAlive();
  const callOff = afterIfRunning(MINUTE_MS, () => undefined);
  expect(timersThatKeepAlive()).toBe(before);
  callOff();
});

test('what is to be done later is done, once', async () => {
  let times = 0;
  await new Promise<void>((done) => {
    setTimeout(done, 30);
    afterIfRunning(1, () => {
      times += 1;
    });
  });
  expect(times).toBe(1);
});
