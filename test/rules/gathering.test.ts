import { expect, test } from 'vitest';
import { Gathering } from '../../cloud/ledger/gathering.ts';

const gathering = (most: number) => {
  const commits: number[][] = [];
  const room = new Gathering<number, number>(async (commands) => {
    commits.push([...commands]);
    if (commands.includes(13)) throw new Error('a defect');
    return commands.map((command) => command * 2);
  }, most);
  return { room, commits };
};

test('what comes together is one commit, at most so many', async () => {
  const { room, commits } = gathering(4);
  expect(await Promise.all([1, 2, 3, 4, 5, 6].map((n) => room.run(n)))).toEqual([2, 4, 6, 8, 10, 12]);
  expect(commits).toEqual([
    [1, 2, 3, 4],
    [5, 6],
  ]);
});

test('between two commits others have their turn', async () => {
  const { room, commits } = gathering(2);
  const seen: number[] = [];
  const look = () => {
    seen.push(commits.length);
    if (commits.length < 5) setImmediate(look);
  };
  setImmediate(look);
  await Promise.all(Array.from({ length: 10 }, (_, n) => room.run(n)));
  expect(seen).toEqual(expect.arrayContaining([1, 2, 3, 4]));
});

test('a command that fails by a defect fails alone, and the rest of its group is done', async () => {
  const { room } = gathering(8);
  const settled = await Promise.allSettled([1, 13, 3].map((n) => room.run(n)));
  expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});
