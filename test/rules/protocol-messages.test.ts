import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { z as zod } from 'zod';
import { entryBodySchema } from '../../protocol/journal.ts';
import { downSchemas, upSchemas } from '../../protocol/messages.ts';

describe('what travels', () => {
  const schemas: Record<string, z.ZodType> = { ...upSchemas, ...downSchemas, entry: entryBodySchema };

  test.each(Object.keys(schemas))('%s has no place for a code, only for its hash and its last four [T1]', (type) => {
    const schema = schemas[type];
    if (schema === undefined) throw new Error(type);
    const names = [...JSON.stringify(zod.toJSONSchema(schema, { io: 'input' })).matchAll(/"(\w*[cC]ode\w*)":/g)].map(
      ([, name]) => name,
    );
    expect(names.filter((name) => name !== 'codeHash')).toEqual([]);
  });

  const code = '7KQ29MXD4TRB8WNS';
  test('a code where its hash belongs is refused [T1]', () => {
    const want = { want: 'want-0001', basket: 'sale-1', lane: null, total: null, customer: null, waitMs: 0 };
    expect(upSchemas.want.safeParse({ ...want, codeHash: 'c'.repeat(64) }).success).toBe(true);
    for (const codeHash of [code, 'C'.repeat(64), 'c'.repeat(63), ''])
      expect(upSchemas.want.safeParse({ ...want, codeHash }).success).toBe(false);
  });

  test('an epoch, a number or an instant is a whole number that is not negative', () => {
    for (const epoch of [-1, 0.5, '1', null, Number.MAX_VALUE])
      expect(downSchemas.fence.safeParse({ epoch, why: 'fork' }).success).toBe(false);
    expect(downSchemas.fence.safeParse({ epoch: 2, why: 'fork' }).success).toBe(true);
    expect(downSchemas.beat.safeParse({ beat: 'beat-0001', now: 8_640_000_000_001 }).success).toBe(false);
  });
});
