import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createRowIds } from '../../cloud/distribution/row-ids.ts';

test('ids of rows come in the order in which they were made, also many in one millisecond', () => {
  let clock = Date.parse('2026-06-01T12:00:00Z');
  const next = createRowIds(randomBytes, () => clock);
  const made = Array.from({ length: 5_000 }, (_, i) => {
    if (i % 1_000 === 0) clock += 1;
    return next();
  });
  expect(made).toEqual(made.toSorted());
  expect(new Set(made).size).toBe(made.length);
  for (const id of made) expect(id).toMatch(/^[0-9a-f]{32}$/);
});

test('they begin with the milliseconds since 1970', () => {
  const at = Date.parse('2026-06-01T12:00:00Z');
  expect(Number.parseInt(createRowIds(randomBytes, () => at)().slice(0, 12), 16)).toBe(at);
});

test('two processes in the same millisecond, and a clock set back, make no id twice', () => {
  let clock = 2_000;
  const [one, other] = [createRowIds(randomBytes, () => clock), createRowIds(randomBytes, () => clock)];
  const made: string[] = [];
  for (let i = 0; i < 2_000; i += 1) {
    clock = 2_000 - (i % 2);
    made.push(one(), other());
  }
  expect(new Set(made).size).toBe(made.length);
});
