import { validityIn } from '../../protocol/card.ts';
import { hashCustomer } from '../../protocol/code.ts';
import type { CodeState } from '../ledger/code-rules.ts';
import { keptOf } from './assign-rules.ts';
import type { Grouped } from './grouped.ts';
import type { Identity } from './identity.ts';
import { type Owner, samePerson } from './person-rules.ts';
import type { CustomerView, KnownIdentity, PersonFacts } from './port.ts';
import type { RowIds } from './row-ids.ts';
import type { Secrets } from './secrets.ts';
import type {
  AssignmentRow,
  CustomerRow,
  DistributionReads,
  DistributionStore,
  DistributionTx,
  IdentityRow,
} from './store.ts';

/** Persons, found by what they can prove or what the retailer says of them. */

export type CustomerPorts = {
  readonly store: DistributionStore;
  readonly grouped: Grouped;
  readonly secrets: Secrets;
  readonly fleetKey: Uint8Array;
  readonly newRowId: RowIds;
  readonly now: () => number;
};

export type Told = { readonly identities: readonly [KnownIdentity, ...KnownIdentity[]]; readonly facts: PersonFacts };

/** One transaction of some ten milliseconds. */
const NUMBERS_RENEWED_AT_ONCE = 500;

/** Where nobody said which. */
const LANGUAGE = 'en';

export class Customers {
  readonly #ports: CustomerPorts;

  constructor(ports: CustomerPorts) {
    this.#ports = ports;
  }

  person(told: Told): Promise<string> {
    return this.#ports.grouped.run((tx) => this.personIn(tx, told));
  }

  /** The same as part of a caller's transaction. */
  async personIn(tx: DistributionTx, { identities, facts }: Told): Promise<string> {
    const keyed = identities.map((known) => ({ ...known, hash: this.#hashOf(known.identity) }));
    const found = await tx.identities(keyed.map(({ identity: { kind }, hash }) => ({ kind, hash })));
    const hasNewNumber = keyed.some(
      ({ identity: { kind }, hash }) => kind === 'number' && !found.some((row) => row.hash === hash),
    );
    const persons = samePerson(await ownersOf(tx, found), hasNewNumber);
    const customer = await this.#put(tx, persons.customer, facts);
    for (const other of persons.others) await merge(tx, customer, other);
    for (const { identity, verified, hash } of keyed) {
      const before = found.find((row) => row.kind === identity.kind && row.hash === hash);
      if (before !== undefined && persons.strangers.includes(before.customer)) continue;
      await this.#putIdentity(tx, { kind: identity.kind, hash, customer }, identity.value, verified, before);
    }
    return customer;
  }

  /** Of somebody whom only tills have named nothing but the hash is known. */
  named(number: string): Promise<string> {
    const key = { kind: 'number', hash: this.#ports.secrets.hashNumber(number) } as const;
    return this.#ports.grouped.run(async (tx) => {
      const known = (await tx.identities([key]))[0];
      if (known !== undefined) return known.customer;
      const customer = await this.#put(tx, null, {});
      await tx.putIdentity({ ...key, customer, sealed: null, verifiedAt: null });
      return customer;
    });
  }

  /** Numbers that were stored before tills named anybody are found by another hash: each is put under its new one. */
  async renewNumbers(): Promise<void> {
    const { store, secrets } = this.#ports;
    for (;;) {
      const isDone = await store.transaction(async (tx) => {
        const due = await tx.numbersToRenew(NUMBERS_RENEWED_AT_ONCE);
        for (const before of due) {
          const value = secrets.open(before.sealed, identityPlace('number', before.hash));
          const hash = this.#hashOf({ kind: 'number', value, key: value });
          await tx.renewNumber(before.hash, { hash, sealed: secrets.seal(value, identityPlace('number', hash)) });
        }
        return due.length < NUMBERS_RENEWED_AT_ONCE;
      });
      if (isDone) return;
    }
  }

  #hashOf(identity: Identity): string {
    const { secrets, fleetKey } = this.#ports;
    return identity.kind === 'number'
      ? secrets.hashNumber(hashCustomer(fleetKey, identity.key))
      : secrets.hashIdentity(identity);
  }

  async view(id: string): Promise<CustomerView | null> {
    return this.#ports.store.read((tx) => this.viewIn(tx, id));
  }

  /** The same as part of a caller's transaction. */
  async viewIn(tx: DistributionReads, id: string): Promise<CustomerView | null> {
    const { secrets } = this.#ports;
    const row = (await tx.customers([id]))[0];
    if (row === undefined || row.erasedAt !== null || row.mergedInto !== null) return null;
    const identities = await tx.identitiesOf(id);
    return {
      ...{ id, language: row.language, timeZone: row.timeZone, homeStore: row.homeStore },
      name: row.sealedName === null ? null : secrets.open(row.sealedName, namePlace(id)),
      identities: identities.flatMap(({ kind, hash, sealed, verifiedAt }) =>
        sealed === null
          ? []
          : [{ kind, value: secrets.open(sealed, identityPlace(kind, hash)), verified: verifiedAt !== null }],
      ),
    };
  }

  /** The retailer's own number. */
  async numberOf(tx: DistributionReads, id: string): Promise<string | null> {
    const row = (await tx.identitiesOf(id)).find(({ kind, sealed }) => kind === 'number' && sealed !== null);
    return row?.sealed == null ? null : this.#ports.secrets.open(row.sealed, identityPlace(row.kind, row.hash));
  }

  /** The keyed hashes stay while a campaign runs, so that nobody gets a second coupon by being forgotten. */
  async erase(id: string): Promise<boolean> {
    const { store, now } = this.#ports;
    return store.transaction(async (tx) => {
      const row = (await tx.customers([id]))[0];
      if (row === undefined || row.mergedInto !== null) return false;
      await tx.putCustomer({ ...row, sealedName: null, timeZone: null, homeStore: null, erasedAt: now() });
      for (const identity of await tx.identitiesOf(id)) await tx.putIdentity({ ...identity, sealed: null });
      return true;
    });
  }

  /** When all campaigns have ended in which an erased person had a coupon, nothing of the addresses is kept. */
  async forgetErased(): Promise<void> {
    const { store } = this.#ports;
    for (const customer of await store.read((tx) => tx.erasedCustomers()))
      await store.transaction(async (tx) => {
        if (!(await this.#hasRunning(tx, customer))) await tx.dropIdentities(customer);
      });
  }

  async #hasRunning(tx: DistributionReads, customer: string): Promise<boolean> {
    const ids = (await tx.assignmentsOfCustomer(customer)).map(({ campaign }) => campaign);
    const campaigns = await tx.campaigns([...new Set(ids)]);
    return campaigns.some(({ card }) => validityIn(card, card.timeZone).endsAt > this.#ports.now());
  }

  async #put(tx: DistributionTx, id: string | null, facts: PersonFacts): Promise<string> {
    const { secrets, newRowId, now } = this.#ports;
    const before = id === null ? undefined : (await tx.customers([id]))[0];
    const customer = id ?? newRowId();
    const row: CustomerRow = {
      id: customer,
      language: facts.language ?? before?.language ?? LANGUAGE,
      timeZone: facts.timeZone ?? before?.timeZone ?? null,
      sealedName:
        facts.name === undefined ? (before?.sealedName ?? null) : secrets.seal(facts.name, namePlace(customer)),
      homeStore: facts.homeStore ?? before?.homeStore ?? null,
      createdAt: before?.createdAt ?? now(),
      mergedInto: null,
      // Who comes again is known again.
      erasedAt: null,
    };
    const isAsBefore = before !== undefined && before.erasedAt === null && Object.keys(facts).length === 0;
    if (!isAsBefore) await tx.putCustomer(row);
    return customer;
  }

  async #putIdentity(
    tx: DistributionTx,
    { kind, hash, customer }: Pick<IdentityRow, 'kind' | 'hash' | 'customer'>,
    value: string,
    verified: boolean,
    before: IdentityRow | undefined,
  ): Promise<void> {
    const { secrets, now } = this.#ports;
    const isKnown =
      before?.customer === customer && before.sealed !== null && (before.verifiedAt !== null || !verified);
    if (isKnown) return;
    const verifiedAt = before?.verifiedAt ?? (verified ? now() : null);
    await tx.putIdentity({ kind, hash, customer, sealed: secrets.seal(value, identityPlace(kind, hash)), verifiedAt });
  }
}

const namePlace = (customer: string): string => `name of ${customer}`;
const identityPlace = (kind: string, hash: string): string => `${kind} ${hash}`;

/** In the order of the identities. */
async function ownersOf(tx: DistributionReads, identities: readonly IdentityRow[]): Promise<Owner[]> {
  const owners: Owner[] = [];
  for (const customer of new Set(identities.map((row) => row.customer))) {
    const row = (await tx.customers([customer]))[0];
    if (row === undefined) throw new Error(`the customer ${customer} is missing`);
    const isNumbered = (await tx.identitiesOf(customer)).some(({ kind }) => kind === 'number');
    owners.push({ customer, createdAt: row.createdAt, isNumbered });
  }
  return owners;
}

/** All that was the other's is this person's. Of two coupons of one campaign one stays; the other is replaced by it. */
async function merge(tx: DistributionTx, customer: string, other: string): Promise<void> {
  for (const identity of await tx.identitiesOf(other)) await tx.putIdentity({ ...identity, customer });
  for (const theirs of await tx.assignmentsOfCustomer(other)) {
    const mine = (await tx.assignmentsOf(theirs.campaign, customer)).filter(({ replacedBy }) => replacedBy === null);
    const rival = mine.find(({ ordinal }) => ordinal === theirs.ordinal);
    if (rival === undefined) await tx.changeAssignment(theirs.id, { customer, replacedBy: theirs.replacedBy });
    else await settleRivals(tx, customer, rival, theirs);
  }
  const row = (await tx.customers([other]))[0];
  if (row !== undefined) await tx.putCustomer({ ...row, sealedName: null, mergedInto: customer });
}

/** A replaced coupon is nobody's: its own page leads to the one that stays. Two that are redeemed stay as they were. */
async function settleRivals(tx: DistributionTx, customer: string, mine: AssignmentRow, theirs: AssignmentRow) {
  const [one, other] = await Promise.all([mine, theirs].map((row) => standing(tx, row)));
  if (one === undefined || other === undefined) throw new Error('two coupons have two standings');
  switch (keptOf(one, other)) {
    case 'one':
      return tx.changeAssignment(theirs.id, { customer: null, replacedBy: mine.id });
    case 'other':
      await tx.changeAssignment(mine.id, { customer: null, replacedBy: theirs.id });
      return tx.changeAssignment(theirs.id, { customer, replacedBy: null });
    case 'both':
      return;
  }
}

async function standing(tx: DistributionReads, row: AssignmentRow): Promise<{ state: CodeState; seq: number }> {
  const code = (await tx.codes([row.codeHash]))[0];
  if (code === undefined) throw new Error(`the code of the assignment ${row.id} is missing`);
  return { state: code.state, seq: row.seq };
}
