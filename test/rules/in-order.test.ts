import { expect, test } from 'vitest';
import { InOrder } from '../../cloud/fleet/in-order.ts';

const begun: string[] = [];
const work = (name: string) => async () => void begun.push(name);

test('what needs nothing begins at once, and what follows a message that does waits for it [C9]', async () => {
  const inOrder = new InOrder();
  begun.length = 0;
  void inOrder.run('box', null, work('heartbeat'));
  expect(begun).toEqual(['heartbeat']);
  const ready = Promise.withResolvers<void>();
  const journal = inOrder.run('box', () => ready.promise, work('journal'));
  const list = inOrder.run('box', null, work('list'));
  await inOrder.run('other box', null, work('its list'));
  expect(begun).toEqual(['heartbeat', 'its list']);
  ready.resolve();
  await Promise.all([journal, list]);
  expect(begun).toEqual(['heartbeat', 'its list', 'journal', 'list']);
  void inOrder.run('box', null, work('the next'));
  expect(begun.at(-1)).toBe('the next');
});

test('what cannot be made ready fails, and no other', async () => {
  const inOrder = new InOrder();
  begun.length = 0;
  const failing = inOrder.run('box', () => Promise.reject(new Error('away')), work('journal'));
  const list = inOrder.run('box', null, work('list'));
  await expect(failing).rejects.toThrow('away');
  await list;
  expect(begun).toEqual(['list']);
});
