import { expect, it } from 'vitest';
import { codeAt, World } from './till-world.ts';

it('smoke', async () => {
  const w = new World();
  await w.start();
  expect(w.box.status().state).toBe('validated');
  await w.connect();
  const [r] = await w.stock(codeAt(0));
  console.log(r, w.journal(), w.witness.head, w.box.status());
  console.log(await w.validate(codeAt(0), 'B1'));
  console.log(await w.redeem(codeAt(0), 'B1'));
  console.log(await w.redeem(codeAt(0), 'B2'));
  console.log(await w.validate('hello', 'B2'), await w.validate('TEST-IN_USE', 'B2'));
  console.log(w.box.unsettled(null));
});
