import { randomBytes } from 'node:crypto';
import { createDistribution } from '../../cloud/distribution/distribution.ts';
import type { Distribution, Post } from '../../cloud/distribution/port.ts';
import { sqliteDistributionStore } from '../../cloud/distribution/sqlite-distribution-store.ts';
import type { Ledger } from '../../cloud/ledger/port.ts';
import { type Database, openDatabase } from '../../cloud/ledger/sqlite-database.ts';
import { CAMPAIGN, openLedger } from './ledger-room.ts';

export type DistributionRoom = {
  readonly distribution: Distribution;
  readonly ledger: Ledger;
  readonly campaign: string;
  readonly database: Database;
  readonly keys: { readonly fleetKey: Buffer; readonly sealKey: Buffer };
  close(): Promise<void>;
};

/** Nothing is sent. */
export const NO_POST: Post = {
  serves: () => false,
  sendProof: async () => undefined,
  sendCoupon: async () => undefined,
};

/** Distribution in this process over a file, with one campaign. */
export async function openDistribution(path: string, post: Post): Promise<DistributionRoom> {
  const keys = { fleetKey: randomBytes(32), sealKey: randomBytes(32) };
  const database = openDatabase(path);
  const room = await openLedger(database, keys);
  const store = sqliteDistributionStore(database);
  const distribution = createDistribution({ store, ledger: room.ledger, post, keys, randomBytes, now: Date.now });
  return { distribution, ledger: room.ledger, campaign: CAMPAIGN, database, keys, close: room.close };
}
