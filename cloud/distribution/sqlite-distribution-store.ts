import type SqliteDatabase from 'better-sqlite3';
import { z } from 'zod';
import type { Database } from '../ledger/sqlite-database.ts';
import {
  blob,
  bytes,
  type Cell,
  hashOf,
  int,
  intOrNull,
  type Row,
  type RowReader,
  sqliteReads,
  text,
  textOrNull,
  word,
} from '../ledger/sqlite-reads.ts';
import { codeWriter } from '../ledger/sqlite-codes.ts';
import { sqliteRooms } from '../ledger/sqlite-rooms.ts';
import { placeAndDay } from '../ledger/sqlite-sightings.ts';
import { NEW_ENTRY, once, sqliteWrites, writeEntries } from '../ledger/sqlite-writes.ts';
import type {
  AssignmentRow,
  ClaimRow,
  CustomerRow,
  DistributionReads,
  DistributionStore,
  DistributionTx,
  IdentityRow,
  StoredIssue,
} from './store.ts';

/** Distribution in the ledger's SQLite file: it shares the ledger's transactions. */
export function sqliteDistributionStore(database: Database): DistributionStore {
  return sqliteRooms(database, sqliteDistributionReads, (raw) => ({ ...sqliteWrites(raw), ...writes(raw) }));
}

export function sqliteDistributionReads(db: RowReader): DistributionReads {
  const all = <T>(read: (row: Row) => T, sql: string, ...values: readonly unknown[]): T[] =>
    db.all(sql, ...values).map((row) => read(row as Row));
  const one = <T>(read: (row: Row) => T, sql: string, ...values: readonly unknown[]): T | null => {
    const row = db.get(sql, ...values);
    return row === undefined ? null : read(row as Row);
  };
  return {
    ...sqliteReads(db),
    customers: async (ids) => ids.flatMap((id) => all(customerRow, 'SELECT * FROM customers WHERE id = ?', id)),
    identities: async (keys) =>
      keys.flatMap(({ kind, hash }) =>
        all(identityRow, 'SELECT * FROM identities WHERE kind = ? AND hash = ?', kind, blob(hash)),
      ),
    identitiesOf: async (customer) =>
      all(identityRow, 'SELECT * FROM identities WHERE customer = (SELECT ?) ORDER BY kind', customer),
    assignments: async (ids) => ids.flatMap((id) => all(assignmentRow, 'SELECT * FROM assignments WHERE id = ?', id)),
    assignmentByLink: async (hash) => one(assignmentRow, 'SELECT * FROM assignments WHERE link_hash = ?', blob(hash)),
    assignmentByCode: async (hash) => one(assignmentRow, 'SELECT * FROM assignments WHERE code_hash = ?', blob(hash)),
    assignmentsOf: async (campaign, customer) => all(assignmentRow, ASSIGNMENTS_OF, campaign, customer),
    assignmentsOfCustomer: async (customer) =>
      all(assignmentRow, 'SELECT * FROM assignments WHERE customer = (SELECT ?) ORDER BY seq DESC', customer),
    assignmentsAfter: async (seq, most) =>
      all(assignmentRow, 'SELECT * FROM assignments WHERE seq > ? ORDER BY seq LIMIT ?', seq, most),
    assignmentsOfCampaign: async (campaign, after, most) =>
      all(assignmentRow, ASSIGNMENTS_OF_CAMPAIGN, campaign, after, most),
    numbersToRenew: async (most) =>
      all((row) => ({ hash: hashOf(row.hash), sealed: bytes(row.sealed) }), NUMBERS_TO_RENEW, most),
    issuesAfter: async (seq, most) =>
      all(storedIssue, 'SELECT * FROM basket_issues WHERE seq > ? ORDER BY seq LIMIT ?', seq, most),
    replacedButGood: async (most) => all((row) => hashOf(row.code_hash), REPLACED_BUT_GOOD, most),
    erasedCustomers: async () =>
      all((row) => text(row.customer), 'SELECT DISTINCT customer FROM identities WHERE sealed IS NULL'),
    poolLeft: async (campaign) =>
      one(
        (row) => intOrNull(row.left_over),
        'SELECT sum(count - next) AS left_over FROM pools WHERE campaign = ?',
        campaign,
      ),
    claim: async (id) => one(claimRow, 'SELECT * FROM claims WHERE id = ?', id),
  };
}

const NUMBERS_TO_RENEW = `SELECT i.hash, i.sealed FROM numbers_to_renew n JOIN identities i
  ON i.kind = 'number' AND i.hash = n.hash AND i.sealed IS NOT NULL LIMIT ?`;
const ASSIGNMENTS_OF_CAMPAIGN =
  'SELECT * FROM assignments WHERE campaign = (SELECT ?) AND seq > ? ORDER BY seq LIMIT ?';
const REPLACED_BUT_GOOD = `SELECT a.code_hash FROM assignments a JOIN codes c ON c.hash = a.code_hash
  WHERE a.replaced_by IS NOT NULL AND c.void_mark = 0 AND c.state NOT IN ('voided', 'redeemed') LIMIT ?`;
const ASSIGNMENTS_OF =
  'SELECT * FROM assignments WHERE campaign = (SELECT ?) AND customer = (SELECT ?) ORDER BY ordinal';

function writes(
  db: SqliteDatabase.Database,
): Omit<DistributionTx, keyof DistributionReads | keyof ReturnType<typeof sqliteWrites>> {
  const to = prepare(db);
  const code = codeWriter(db);
  return {
    async putCustomer({ id, language, timeZone, sealedName, homeStore, createdAt, mergedInto, erasedAt }) {
      to.customer.run(id, language, timeZone, sealedName, homeStore, createdAt, mergedInto, erasedAt);
      if (mergedInto !== null) to.mergeSightings.run(mergedInto, id);
      if (mergedInto !== null || erasedAt !== null) to.forgetSightings.run(id);
    },
    async putSighting(customer, seen) {
      to.sighting.run(customer, ...placeAndDay(seen));
    },
    async putIdentity({ kind, hash, customer, sealed, verifiedAt }) {
      to.identity.run(kind, blob(hash), customer, sealed, verifiedAt);
    },
    async renewNumber(before, { hash, sealed }) {
      once(to.renewNumber.run(blob(hash), sealed, blob(before)));
      to.renewed.run(blob(before));
    },
    async putAssignment(row) {
      to.assignment.run(assignmentValues(row));
    },
    async changeAssignment(id, { customer, replacedBy }) {
      once(to.changeAssignment.run(customer, replacedBy, id));
    },
    async told(assignment) {
      to.told.run(assignment);
    },
    async putCode(campaign, minted) {
      code.add(campaign, [minted], { state: 'issued', dealt: false });
    },
    async noteIssued({ campaign, codes, entries }) {
      code.countIssued(campaign, codes);
      writeEntries(to.entry, entries);
    },
    async putPool({ stack, campaign, count }) {
      to.pool.run(stack, campaign, count);
    },
    async takeFromPool(campaign) {
      const row = to.takeFromPool.get(campaign) as Row | undefined;
      return row === undefined ? null : { stack: text(row.stack), place: int(row.next) - 1 };
    },
    async putIssue({ door, campaign, basket }, assignment, at) {
      to.issue.run(door, campaign, basket, assignment, at);
    },
    countGiven: async (campaign, day, value, { units, value: most }) =>
      to.given.run({ campaign, day, value, units, most }).changes === 1,
    async putClaim(row) {
      to.claim.run(claimValues(row));
    },
    takeTry: async (claim) => to.takeTry.run(claim).changes === 1,
    proveClaim: async (claim, assignment) => to.proveClaim.run(assignment, claim).changes === 1,
    countTry: async (key, { startsAt, endsAt }, most) => to.countTry.run(key, startsAt, endsAt, most).changes === 1,
    async forgetEnded(now) {
      to.forgetClaims.run(now);
      to.forgetTries.run(now);
    },
    async forgetSightings(before) {
      const [, day] = placeAndDay({ store: null, at: before });
      to.forgetOldSightings.run(day);
    },
    async dropIdentities(customer) {
      to.dropIdentities.run(customer);
    },
  };
}

export const COUNT_TRY = `INSERT INTO tries VALUES (?, ?, ?, 1)
  ON CONFLICT (key, span) DO UPDATE SET count = count + 1 WHERE count < ?`;

function prepare(db: SqliteDatabase.Database) {
  return {
    customer: db.prepare(`INSERT INTO customers VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET language = excluded.language, time_zone = excluded.time_zone,
      sealed_name = excluded.sealed_name, home_store = excluded.home_store, merged_into = excluded.merged_into,
      erased_at = excluded.erased_at`),
    sighting: db.prepare('INSERT INTO customer_sightings VALUES (?, ?, ?) ON CONFLICT DO NOTHING'),
    mergeSightings: db.prepare(`INSERT INTO customer_sightings SELECT ?, place, day FROM customer_sightings
      WHERE customer = ? ON CONFLICT DO NOTHING`),
    forgetSightings: db.prepare('DELETE FROM customer_sightings WHERE customer = ?'),
    forgetOldSightings: db.prepare('DELETE FROM customer_sightings WHERE day < ?'),
    identity: db.prepare(`INSERT INTO identities VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (kind, hash) DO UPDATE SET customer = excluded.customer, sealed = excluded.sealed,
      verified_at = excluded.verified_at`),
    renewNumber: db.prepare("UPDATE identities SET hash = ?, sealed = ? WHERE kind = 'number' AND hash = ?"),
    renewed: db.prepare('DELETE FROM numbers_to_renew WHERE hash = ?'),
    assignment:
      db.prepare(`INSERT INTO assignments (id, campaign, customer, ordinal, code_hash, sealed_code, link_hash, how, channel, source,
      at, replaced_by, untold) VALUES (@id, @campaign, @customer, @ordinal, @codeHash, @sealedCode, @linkHash, @how, @channel, @source,
      @at, @replacedBy, @untold)`),
    told: db.prepare('UPDATE assignments SET untold = 0 WHERE id = ?'),
    changeAssignment: db.prepare('UPDATE assignments SET customer = ?, replaced_by = ? WHERE id = ?'),
    entry: db.prepare(NEW_ENTRY),
    pool: db.prepare('INSERT INTO pools (stack, campaign, count) VALUES (?, ?, ?) ON CONFLICT DO NOTHING'),
    takeFromPool: db.prepare(`UPDATE pools SET next = next + 1 WHERE stack =
      (SELECT stack FROM pools WHERE campaign = (SELECT ?) AND next < count ORDER BY stack LIMIT 1) RETURNING stack, next`),
    issue: db.prepare('INSERT INTO basket_issues (door, campaign, basket, assignment, at) VALUES (?, ?, ?, ?, ?)'),
    claim:
      db.prepare(`INSERT INTO claims VALUES (@id, @campaign, @kind, @addressHash, @sealedAddress, @language, @source, @proofHash,
      @triesLeft, @expiresAt, @person, @assignment, @at)`),
    given: db.prepare(`INSERT INTO given_by_day (campaign, day, units, value)
      SELECT @campaign, @day, 1, @value WHERE (@units IS NULL OR @units >= 1) AND (@most IS NULL OR @most >= @value)
      ON CONFLICT (campaign, day) DO UPDATE SET units = units + 1, value = value + @value
      WHERE (@units IS NULL OR units + 1 <= @units) AND (@most IS NULL OR value + @value <= @most)`),
    takeTry: db.prepare('UPDATE claims SET tries_left = tries_left - 1 WHERE id = ? AND tries_left > 0'),
    proveClaim: db.prepare('UPDATE claims SET assignment = ? WHERE id = ? AND assignment IS NULL'),
    countTry: db.prepare(COUNT_TRY),
    forgetClaims: db.prepare('DELETE FROM claims WHERE expires_at < ?'),
    dropIdentities: db.prepare('DELETE FROM identities WHERE customer = ? AND sealed IS NULL'),
    forgetTries: db.prepare('DELETE FROM tries WHERE ends_at < ?'),
  };
}

const bytesOrNull = (cell: Cell): Uint8Array | null => (cell == null ? null : bytes(cell));
const sourceSchema = z.record(z.string(), z.string());

const customerRow = (row: Row): CustomerRow => ({
  id: text(row.id),
  language: text(row.language),
  timeZone: textOrNull(row.time_zone),
  sealedName: bytesOrNull(row.sealed_name),
  homeStore: textOrNull(row.home_store),
  createdAt: int(row.created_at),
  mergedInto: textOrNull(row.merged_into),
  erasedAt: intOrNull(row.erased_at),
});

const identityRow = (row: Row): IdentityRow => ({
  kind: word<IdentityRow['kind']>(row.kind),
  hash: hashOf(row.hash),
  customer: text(row.customer),
  sealed: bytesOrNull(row.sealed),
  verifiedAt: intOrNull(row.verified_at),
});

const storedIssue = (row: Row): StoredIssue => ({
  ...{ seq: int(row.seq), door: text(row.door), campaign: text(row.campaign), basket: text(row.basket) },
  ...{ assignment: text(row.assignment), at: int(row.at) },
});

const assignmentRow = (row: Row): AssignmentRow => ({
  seq: int(row.seq),
  id: text(row.id),
  campaign: text(row.campaign),
  customer: textOrNull(row.customer),
  ordinal: int(row.ordinal),
  codeHash: hashOf(row.code_hash),
  sealedCode: bytes(row.sealed_code),
  linkHash: hashOf(row.link_hash),
  how: word<AssignmentRow['how']>(row.how),
  channel: word<AssignmentRow['channel']>(row.channel),
  source: sourceSchema.parse(JSON.parse(text(row.source))),
  at: int(row.at),
  replacedBy: textOrNull(row.replaced_by),
  untold: int(row.untold) === 1,
});

const assignmentValues = (row: Omit<AssignmentRow, 'seq'>) => ({
  id: row.id,
  campaign: row.campaign,
  customer: row.customer,
  ordinal: row.ordinal,
  codeHash: blob(row.codeHash),
  sealedCode: row.sealedCode,
  linkHash: blob(row.linkHash),
  how: row.how,
  channel: row.channel,
  source: JSON.stringify(row.source),
  at: row.at,
  replacedBy: row.replacedBy,
  untold: Number(row.untold),
});

const claimRow = (row: Row): ClaimRow => ({
  id: text(row.id),
  campaign: text(row.campaign),
  kind: word<ClaimRow['kind']>(row.kind),
  addressHash: hashOf(row.address_hash),
  sealedAddress: bytes(row.sealed_address),
  language: text(row.language),
  source: sourceSchema.parse(JSON.parse(text(row.source))),
  proofHash: hashOf(row.proof_hash),
  triesLeft: int(row.tries_left),
  expiresAt: int(row.expires_at),
  person: textOrNull(row.person),
  assignment: textOrNull(row.assignment),
  at: int(row.at),
});

const claimValues = (row: ClaimRow) => ({
  id: row.id,
  campaign: row.campaign,
  kind: row.kind,
  addressHash: blob(row.addressHash),
  sealedAddress: row.sealedAddress,
  language: row.language,
  source: JSON.stringify(row.source),
  proofHash: blob(row.proofHash),
  triesLeft: row.triesLeft,
  expiresAt: row.expiresAt,
  person: row.person,
  assignment: row.assignment,
  at: row.at,
});
