import { z } from 'zod';
import type { Database } from '../ledger/sqlite-database.ts';
import { orUnavailable } from '../ledger/sqlite-errors.ts';
import type { IdempotencyStore } from './idempotency.ts';
import { scopeSchema, type TokenStore } from './tokens.ts';

export function sqliteTokenStore({ raw, reader, exclusive }: Database): TokenStore {
  const insert = raw.prepare('INSERT INTO tokens (hash, scope, name, created_at) VALUES (?, ?, ?, ?)');
  const select = reader.prepare('SELECT scope, name FROM tokens WHERE hash = ?');
  const remove = raw.prepare('DELETE FROM tokens WHERE name = ?');
  return {
    add: async (tokenHash, { scope, name }, at) => {
      await orUnavailable(() => exclusive(() => insert.run(tokenHash, scope, name, at)));
    },
    find: async (tokenHash) =>
      callerSchema.nullable().parse((await orUnavailable(() => select.get(tokenHash))) ?? null),
    revoke: async (name) => (await orUnavailable(() => exclusive(() => remove.run(name)))).changes,
  };
}

export function sqliteIdempotencyStore({ raw, exclusive }: Database): IdempotencyStore {
  const insert = raw.prepare(
    'INSERT INTO idempotency_keys (client, route, key, body_hash, at) VALUES (:client, :route, :key, :bodyHash, :at) ON CONFLICT DO NOTHING',
  );
  const select = raw
    .prepare('SELECT body_hash FROM idempotency_keys WHERE client = :client AND route = :route AND key = :key')
    .pluck();
  const forget = raw.prepare('DELETE FROM idempotency_keys WHERE at < ?');
  const remember = ({ bodyHash, ...key }: Parameters<IdempotencyStore['remember']>[0], at: number) => {
    insert.run({ ...key, bodyHash, at });
    return z.string().parse(select.get(key));
  };
  return {
    remember: (use, at) => orUnavailable(() => exclusive(() => remember(use, at))),
    forgetBefore: async (instant) => {
      await orUnavailable(() => exclusive(() => forget.run(instant)));
    },
  };
}

const callerSchema = z.object({ scope: scopeSchema, name: z.string() });
