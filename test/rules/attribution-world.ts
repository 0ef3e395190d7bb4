import { randomBytes } from 'node:crypto';
import { createDistribution } from '../../cloud/distribution/distribution.ts';
import { sqliteDistributionStore } from '../../cloud/distribution/sqlite-distribution-store.ts';
import type { Channel, Source } from '../../cloud/distribution/store.ts';
import type { Trace } from '../../cloud/distribution/traces.ts';
import { type CodeHash, LedgerUnavailable, type RefusedAttempt } from '../../cloud/ledger/port.ts';
import { followOnce } from '../../cloud/reports/follower.ts';
import { sqliteTraceStore } from '../../cloud/reports/sqlite-trace-store.ts';
import type { TraceStore } from '../../cloud/reports/store.ts';
import { Traces } from '../../cloud/reports/traces.ts';
import type { Card } from '../../protocol/card.ts';
import { openWorld } from './ledger-world.ts';

/** The ledger as it runs, with coupons that are assigned and events that follow. */

export type Attributed = Awaited<ReturnType<typeof openAttributed>>;

export async function openAttributed(card: Partial<Card> = {}) {
  const told: { refused: (attempt: RefusedAttempt) => void } = { refused: () => undefined };
  const world = await openWorld({
    ...{ count: 0, card, refused: (attempt) => told.refused(attempt) },
    takeScans: (gateway, scans) => traces.takeScans(gateway, scans),
  });
  const store = sqliteTraceStore(world.database);
  const distributed = sqliteDistributionStore(world.database);
  const now = () => world.clock.now;
  const lines: string[] = [];
  const say = (_: unknown, sentence: string) => void lines.push(sentence);
  const log = { info: say, warn: say, error: say };
  const ownerOf = (code: CodeHash) => distribution.ownerOf(code);
  const ports = { store, distribution: distributed, ownerOf, now, log };
  const traces = new Traces(ports);
  told.refused = traces.refused;
  const distribution = createDistribution({
    ...{ store: distributed, ledger: world.ledger, randomBytes, now },
    keys: { fleetKey: Buffer.alloc(32, 7), sealKey: Buffer.alloc(32, 8) },
    post: { serves: () => true, sendProof: async () => undefined, sendCoupon: async () => undefined },
  });
  return {
    ...{ world, ports, traces, lines },
    /** A new customer's coupon. @returns its code */
    async assign(source: Source = {}, channel: Channel = 'web') {
      const value = randomBytes(8).toString('hex');
      const customer = await distribution.person(
        [{ identity: { kind: 'number', value, key: value }, verified: false }],
        {},
      );
      const given = await distribution.assign({
        campaign: 'spring',
        customer,
        how: 'demand',
        channel,
        source,
        personal: null,
      });
      const coupon = given.ok ? await distribution.coupon(given.value.assignment) : null;
      if (coupon === null) throw new Error('no coupon');
      return { code: coupon.code(), assignment: coupon.id, number: value };
    },
    note(
      kind: Trace['kind'],
      source: Source = {},
      more: { assignment?: string; channel?: Channel; campaign?: string } = {},
    ) {
      const { assignment = null, channel = 'web', campaign = 'spring' } = more;
      traces.note({ kind, at: now(), campaign, assignment, channel, source });
    },
    /** All that was done is in the events. */
    async settled() {
      await traces.flush();
      while (await followOnce(ports)) {}
    },
    rows: (sql: string) => world.database.raw.prepare(sql).all() as Record<string, string | number | null>[],
    close: () => world.close(),
  };
}

/** The store of a process that dies now and then: before its commit, or before it hears of it. */
export function dying(store: TraceStore, dies: () => 'no' | 'before' | 'after'): TraceStore {
  return {
    read: (work) => store.read(work),
    async transaction(work) {
      const when = dies();
      const result = await store.transaction(async (tx) => {
        const done = await work(tx);
        if (when === 'before') throw new LedgerUnavailable('killed before the commit');
        return done;
      });
      if (when === 'after') throw new LedgerUnavailable('killed after the commit');
      return result;
    },
  };
}
