import { hashCustomer } from '../../protocol/code.ts';
import { SEEN_KEPT_MS } from '../fleet/stocking-rules.ts';
import type { Ledger } from '../ledger/port.ts';
import { Assignments } from './assignments.ts';
import { claim, prove } from './claims.ts';
import { couponsOfCampaign } from './given.ts';
import { choosePlace } from './places.ts';
import { couponsLeft, giveStack } from './pools.ts';
import { Customers } from './customers.ts';
import { Grouped } from './grouped.ts';
import type { Distribution, Post } from './port.ts';
import { createRowIds } from './row-ids.ts';
import { createSecrets, isLink } from './secrets.ts';
import type { AssignmentRow, DistributionReads, DistributionStore } from './store.ts';

export type DistributionPorts = {
  readonly store: DistributionStore;
  readonly ledger: Pick<Ledger, 'voidHash' | 'place'>;
  readonly post: Post;
  readonly keys: { readonly fleetKey: Uint8Array; readonly sealKey: Uint8Array };
  readonly randomBytes: (size: number) => Buffer;
  readonly now: () => number;
};

/** One turn of what is due: so many, then others have theirs. */
const REPLACED_PER_TICK_MAX = 100;
/** What is forgotten is forgotten within the hour. */
const FORGET_MS = 3_600_000;

export function createDistribution(ports: DistributionPorts): Distribution {
  const { store, post, keys, ledger, randomBytes, now } = ports;
  const secrets = createSecrets(keys.sealKey, randomBytes);
  const newRowId = createRowIds(randomBytes, now);
  const grouped = new Grouped(store, { secrets, ...keys, newRowId, randomBytes, now });
  const customers = new Customers({ store, grouped, secrets, fleetKey: keys.fleetKey, newRowId, now });
  const assignments = new Assignments({ grouped, customers, secrets, now });
  const claiming = { grouped, secrets, customers, post, randomBytes, now };
  const one = async (find: (tx: DistributionReads) => Promise<AssignmentRow | null | undefined>) => {
    const row = (await store.read(find)) ?? null;
    return row === null ? null : assignments.coupon(row);
  };
  let forgottenAt = 0;

  return {
    open: () => customers.renewNumbers(),

    person: (identities, facts) => customers.person({ identities, facts }),
    personNamed: (number) => customers.named(number),
    customer: (id) => customers.view(id),
    erase: (id) => customers.erase(id),

    assign: (request) => assignments.assign(request),
    issue: (request) => assignments.issue(request),
    assignTo: (person, request) => assignments.assignTo(person, request),
    async byLink(link) {
      return isLink(link) ? one((tx) => tx.assignmentByLink(secrets.hashLink(link))) : null;
    },
    coupon: (id) => one(async (tx) => (await tx.assignments([id]))[0]),
    async couponsOf(customer) {
      const rows = await store.read((tx) => tx.assignmentsOfCustomer(customer));
      return rows.map((row) => assignments.coupon(row));
    },
    giveStack: (stack) => store.transaction((tx) => giveStack(tx, stack)),
    couponsOfCampaign: (campaign) => couponsOfCampaign({ store, secrets, customers }, campaign),
    ownerOf: (code) =>
      store.read(async (tx) => {
        const owner = (await tx.assignmentByCode(code))?.customer ?? null;
        const number = owner === null ? null : await customers.numberOf(tx, owner);
        return number === null ? null : hashCustomer(keys.fleetKey, number);
      }),
    discountOf: (campaign) =>
      store.read(async (tx) => (await tx.campaigns([campaign]))[0]?.card.offer.discount ?? null),
    left: (campaign) => store.read((tx) => couponsLeft(tx, campaign)),

    claim: (request) => claim(claiming, request),
    prove: (id, proof) => prove(claiming, id, proof),

    choosePlace: (assignment, chosen) => choosePlace({ store, ledger, now }, assignment, chosen),

    async tick() {
      // A replaced coupon is killed soon after: by then its page leads to the other already.
      for (const hash of await store.read((tx) => tx.replacedButGood(REPLACED_PER_TICK_MAX)))
        await ledger.voidHash(hash);
      if (forgottenAt + FORGET_MS > now()) return;
      forgottenAt = now();
      await store.transaction(async (tx) => {
        await tx.forgetEnded(now());
        await tx.forgetSightings(now() - SEEN_KEPT_MS);
      });
      await customers.forgetErased();
    },
  };
}
