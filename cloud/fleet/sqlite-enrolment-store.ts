import { z } from 'zod';
import type { Database } from '../ledger/sqlite-database.ts';
import { orUnavailable } from '../ledger/sqlite-errors.ts';
import type { EnrolmentStore } from './enrolment-store.ts';

export function sqliteEnrolmentStore({ raw, exclusive }: Database): EnrolmentStore {
  const insert = raw.prepare(
    'INSERT INTO enrolment_codes (hash, store, expires_at) SELECT :hash, id, :expiresAt FROM stores WHERE id = :store',
  );
  const use = raw.prepare(
    'UPDATE enrolment_codes SET public_key = :publicKey, gateway = :gateway WHERE hash = :hash AND public_key IS NULL AND expires_at > :now',
  );
  const used = raw.prepare(
    'SELECT gateway, store FROM enrolment_codes WHERE hash = :hash AND public_key = :publicKey AND expires_at > :now',
  );
  return {
    add: async (code) => (await orUnavailable(() => exclusive(() => insert.run(code)))).changes === 1,
    claim: (hash, { publicKey, gateway }, now) =>
      orUnavailable(() =>
        exclusive(() => {
          use.run({ hash, publicKey, gateway, now });
          return claimSchema.parse(used.get({ hash, publicKey, now }) ?? null);
        }),
      ),
  };
}

const claimSchema = z.object({ gateway: z.string(), store: z.string() }).nullable();
