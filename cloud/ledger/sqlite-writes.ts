import type SqliteDatabase from 'better-sqlite3';
import { faceValue } from '../../protocol/offer.ts';
import type { CodeHash } from '../../protocol/code.ts';
import type {
  CodeRow,
  FedRow,
  IssueRow,
  NewOwner,
  RedemptionRow,
  ReservationRow,
  ReversalRow,
  UseRow,
} from './code-rules.ts';
import type { Campaign } from './port.ts';
import { codeWriter, personalValues } from './sqlite-codes.ts';
import { blob } from './sqlite-reads.ts';
import { placeAndDay } from './sqlite-sightings.ts';
import { type LedgerReads, type LedgerTx, LostRace, type StoredEntry } from './store.ts';

/** Writes of the ledger in SQLite, inside the one exclusive transaction. */
export function sqliteWrites(db: SqliteDatabase.Database): Omit<LedgerTx, keyof LedgerReads> {
  const to = prepare(db);
  const code = codeWriter(db);
  return {
    async write(batch) {
      for (const { row, seenVersion } of batch.codes) {
        // Guarded: no row changed means that another was there first.
        if (to.code.run(...codeValues(row), blob(row.hash), seenVersion).changes !== 1) throw new LostRace(row.state);
        // It came back and was nobody's: its text is needed no more.
        if (row.blank && row.state === 'voided') to.dropBlank.run(blob(row.hash));
      }
      for (const row of batch.reservations) to.reservation.run(reservationValues(row));
      for (const row of batch.redemptions) to.redemption.run(redemptionValues(row));
      for (const row of batch.reversals) to.reversal.run(reversalValues(row));
      for (const row of batch.uses) to.use.run(useValues(row));
      for (const row of batch.issues) putIssue(to, row);
      for (const row of batch.fed) to.fed.run(fedValues(row));
      for (const row of batch.waits) to.wait.run(row.id, blob(row.codeHash), row.until, JSON.stringify(row.who));
      for (const id of batch.waitsEnded) to.waitEnds.run(id);
      for (const row of batch.gateways) to.gateway.run(row.id, row.store, JSON.stringify(row));
      writeEntries(to.entry, batch.entries);
      for (const { gateway, epoch, n, evidence, before, hash, body } of batch.journals)
        to.journal.run(gateway, epoch, n, Number(evidence), before, hash, JSON.stringify(body));
      for (const { gateway, epoch, message } of batch.messages) to.message.run(gateway, epoch, JSON.stringify(message));
      for (const row of batch.exceptions)
        to.exception.run(
          row.id,
          row.at,
          row.what,
          row.gateway,
          row.codeHash === null ? null : blob(row.codeHash),
          row.ours,
          row.theirs,
        );
      for (const { codeHash, ...seen } of batch.seen) to.seen.run(...placeAndDay(seen), blob(codeHash));
      for (const { redemption, used, inForce } of batch.oldTerms) to.oldTerms.run(redemption, used, inForce);
      for (const campaign of batch.versions) {
        to.campaign.run(campaignValues(campaign));
        to.version.run(campaignValues(campaign));
      }
      code.countMoves(batch.units, batch.own);
      for (const seq of batch.published) to.published.run(seq);
    },
    async makeBlanks({ campaign, gateway, blanks, entries }) {
      code.addBlanks(campaign, blanks);
      for (const { hash, sealedForBox, assignment, sealedCode, linkHash } of blanks) {
        to.blank.run(blob(hash), gateway, campaign, sealedForBox, assignment, sealedCode, blob(linkHash));
      }
      code.countIssued(campaign, blanks);
      writeEntries(to.entry, entries);
    },
    async putIncarnation(incarnation) {
      to.incarnation.run(incarnation);
    },
    async putStore({ id, name, timeZone, address }) {
      to.store.run(id, name, timeZone, address);
    },
    async putCampaign(campaign) {
      to.campaign.run(campaignValues(campaign));
    },
    async putStack({ id, campaign, count, at, isImported }) {
      to.stack.run(id, campaign, count, at, isImported ? 'coming' : null);
    },
    async issue({ stack, chunk, campaign, dealt, sealed, codes, entries }) {
      if (sealed === null) {
        for (const { hash, personal = null } of codes)
          once(to.issueStaged.run(Number(dealt), ...personalValues(personal), blob(hash)));
      } else {
        code.add(campaign, codes, { state: 'issued', dealt });
        to.chunk.run(stack, chunk, sealed);
      }
      to.stackGrew.run(codes.length, stack);
      code.countIssued(campaign, codes);
      writeEntries(to.entry, entries);
    },
    async stage({ stack, chunk, campaign, sealed, codes }) {
      code.add(campaign, codes, { state: 'staged', dealt: false });
      to.chunk.run(stack, chunk, sealed);
    },
    async unstage({ stack, chunk, codes }) {
      for (const hash of codes) once(to.unstage.run(blob(hash), stack));
      once(to.dropChunk.run(stack, chunk));
    },
    async makeWhole(stack) {
      once(to.makeWhole.run(stack));
    },
    async dropStack(stack) {
      once(to.dropStack.run(stack));
    },
  };
}

function putIssue(to: ReturnType<typeof prepare>, { door, campaign, basket, codeHash, at, blank }: IssueRow): void {
  if (blank !== null) assignBlank(to, codeHash, at, blank.owner);
  else to.told.run(blob(codeHash));
  to.issue.run({ door, campaign, basket, at, codeHash: blob(codeHash) });
}

/** The assignment that was made ready for the blank is one from now on, with a face of its own. */
function assignBlank(to: ReturnType<typeof prepare>, hash: CodeHash, at: number, owner: NewOwner | null): void {
  const codeHash = blob(hash);
  const replaces = owner?.replaces == null ? null : blob(owner.replaces);
  // Of one ordinal a customer has one: that of before is nobody's first, and then leads to this one.
  if (replaces !== null) once(to.disown.run(replaces));
  once(to.assignBlank.run({ at, codeHash, customer: owner?.customer ?? null, ordinal: owner?.ordinal ?? 1 }));
  if (replaces !== null) once(to.replace.run(codeHash, replaces));
  once(to.dropBlank.run(codeHash));
}

/** What was staged is there as it was: anything else is a defect. */
export function once({ changes }: SqliteDatabase.RunResult): void {
  if (changes !== 1) throw new Error(`a change that must meet one row met ${changes}`);
}

export function writeEntries(entry: SqliteDatabase.Statement, entries: readonly StoredEntry[]): void {
  for (const { partition, n, codeHash, at, body, hash } of entries)
    entry.run(partition, n, codeHash === null ? null : blob(codeHash), at, body, blob(hash));
}

export const NEW_ENTRY = 'INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)';

function prepare(db: SqliteDatabase.Database) {
  return {
    code: db.prepare(`UPDATE codes SET generation = ?, version = ?, state = ?, void_mark = ?, blank = ?, reservation = ?, hold_client = ?,
      hold_basket = ?, hold_until = ?, redemption = ?, restock_after = ?, personal = ?, own_value = ? WHERE hash = ? AND version = ?`),
    issueStaged: db.prepare(
      "UPDATE codes SET state = 'issued', dealt = ?, personal = ?, own_value = ? WHERE hash = ? AND state = 'staged'",
    ),
    blank: db.prepare('INSERT INTO blanks VALUES (?, ?, ?, ?, ?, ?, ?)'),
    dropBlank: db.prepare('DELETE FROM blanks WHERE code_hash = ?'),
    assignBlank:
      db.prepare(`INSERT INTO assignments (id, campaign, customer, ordinal, code_hash, sealed_code, link_hash, how, channel, source, at)
      SELECT assignment, campaign, @customer, @ordinal, code_hash, sealed_code, link_hash, 'basket', 'till', '{}', @at
      FROM blanks WHERE code_hash = @codeHash`),
    told: db.prepare('UPDATE assignments SET untold = 0 WHERE code_hash = ?'),
    disown: db.prepare('UPDATE assignments SET customer = NULL WHERE code_hash = ? AND replaced_by IS NULL'),
    replace: db.prepare(`UPDATE assignments SET replaced_by = (SELECT id FROM assignments WHERE code_hash = ?)
      WHERE code_hash = ?`),
    issue: db.prepare(`INSERT INTO basket_issues (door, campaign, basket, assignment, at)
      SELECT @door, @campaign, @basket, id, @at FROM assignments WHERE code_hash = @codeHash ON CONFLICT DO NOTHING`),
    unstage: db.prepare(
      "DELETE FROM codes WHERE hash = ? AND state = 'staged' AND (SELECT import FROM stacks WHERE id = ?) = 'coming'",
    ),
    reservation:
      db.prepare(`INSERT INTO reservations VALUES (@id, @code, @generation, @gateway, @epoch, @number, @notAfter, @cause, @cardVersion,
      @state, @why, @deadline, @useUntil, @useLane)
      ON CONFLICT (id) DO UPDATE SET number = excluded.number, not_after = excluded.not_after, state = excluded.state,
      recall_why = excluded.recall_why, recall_deadline = excluded.recall_deadline,
      in_use_until = excluded.in_use_until, in_use_lane = excluded.in_use_lane`),
    redemption:
      db.prepare(`INSERT INTO redemptions VALUES (@id, @code, @generation, @door, @reservation, @epoch, @basket, @lane, @total,
      @totalCurrency, @discount, @discountCurrency, @at, @oldTerms, @reversed, @fedStore)
      ON CONFLICT (id) DO UPDATE SET reversed = excluded.reversed`),
    reversal: db.prepare(`INSERT INTO reversals (door, code_hash, basket, redemption, state, reason, at, askers)
      VALUES (@door, @code, @basket, @redemption, @state, @reason, @at, @askers)
      ON CONFLICT (code_hash, door, basket) DO UPDATE SET redemption = excluded.redemption, state = excluded.state, askers = excluded.askers`),
    use: db.prepare(`INSERT INTO uses VALUES (@door, @basket, @code, @lastFour, @state, @redemption)
      ON CONFLICT (door, basket, code_hash) DO UPDATE SET state = excluded.state, redemption = excluded.redemption`),
    fed: db.prepare(`INSERT INTO fed VALUES (@code, @door, @basket, @what, @store, @lane, @total, @totalCurrency, @at, @fedAt,
      @outcome, @reason, @redemption)`),
    wait: db.prepare('INSERT INTO waits (id, code_hash, until, who) VALUES (?, ?, ?, ?)'),
    waitEnds: db.prepare('DELETE FROM waits WHERE id = ?'),
    gateway: db.prepare('INSERT INTO gateways VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body'),
    entry: db.prepare(NEW_ENTRY),
    journal: db.prepare('INSERT INTO journals VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING'),
    message: db.prepare('INSERT INTO outbox (gateway, epoch, message) VALUES (?, ?, ?)'),
    exception: db.prepare('INSERT INTO exceptions VALUES (?, ?, ?, ?, ?, ?, ?)'),
    seen: db.prepare(`INSERT INTO customer_sightings SELECT k.id, ?, ? FROM assignments a JOIN customers k ON k.id = a.customer
      WHERE a.code_hash = ? AND k.erased_at IS NULL ON CONFLICT DO NOTHING`),
    published: db.prepare('DELETE FROM outbox WHERE seq = ?'),
    incarnation: db.prepare(
      'INSERT INTO ledger VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET incarnation = excluded.incarnation',
    ),
    store: db.prepare(
      'INSERT INTO stores VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name, time_zone = excluded.time_zone, address = excluded.address',
    ),
    campaign:
      db.prepare(`INSERT INTO campaigns (id, body, face_value, cap_units, cap_value, issued_units, issued_value, changed_at)
      VALUES (@id, @body, @faceValue, @capUnits, @capValue, @issuedUnits, @issuedValue, @changedAt)
      ON CONFLICT (id) DO UPDATE SET body = excluded.body, face_value = excluded.face_value, cap_units = excluded.cap_units,
      cap_value = excluded.cap_value, issued_units = excluded.issued_units, issued_value = excluded.issued_value,
      changed_at = excluded.changed_at`),
    version: db.prepare(
      'INSERT INTO campaign_versions VALUES (@id, @version, @changedAt, @body, @capUnits, @capValue)',
    ),
    oldTerms: db.prepare('INSERT INTO old_terms VALUES (?, ?, ?)'),
    stack: db.prepare('INSERT INTO stacks (id, campaign, count, at, import) VALUES (?, ?, ?, ?, ?)'),
    makeWhole: db.prepare("UPDATE stacks SET import = 'whole' WHERE id = ? AND import = 'coming'"),
    dropStack: db.prepare("DELETE FROM stacks WHERE id = ? AND import = 'coming'"),
    dropChunk: db.prepare('DELETE FROM stack_chunks WHERE stack = ? AND chunk = ?'),
    stackGrew: db.prepare('UPDATE stacks SET issued = issued + ? WHERE id = ?'),
    chunk: db.prepare('INSERT INTO stack_chunks VALUES (?, ?, ?)'),
  };
}

function campaignValues(campaign: Campaign) {
  const {
    id,
    card,
    condition,
    terms,
    picture,
    cap,
    capPerDay,
    perCustomer,
    personalValueMax,
    reversalDays,
    offline,
    barcode,
    blanks,
  } = campaign;
  const { issuedUnits, issuedValue, changedAt } = campaign;
  return {
    id,
    version: card.version,
    body: JSON.stringify({
      card,
      condition,
      terms,
      picture,
      capPerDay,
      perCustomer,
      personalValueMax,
      reversalDays,
      offline,
      barcode,
      blanks,
    }),
    faceValue: faceValue(card.offer.discount),
    ...{ capUnits: cap.units, capValue: cap.value, issuedUnits, issuedValue, changedAt },
  };
}

const codeValues = (row: CodeRow) => [
  row.generation,
  row.version,
  row.state,
  Number(row.voidMark),
  Number(row.blank),
  row.reservation,
  row.hold?.client ?? null,
  row.hold?.basket ?? null,
  row.hold?.until ?? null,
  row.redemption,
  row.restockAfter,
  ...personalValues(row.personal),
];

const reservationValues = (row: ReservationRow) => ({
  id: row.id,
  code: blob(row.codeHash),
  generation: row.generation,
  gateway: row.gateway,
  epoch: row.epoch,
  number: row.number,
  notAfter: row.notAfter,
  cause: row.cause,
  cardVersion: row.cardVersion,
  state: row.state,
  why: row.recall?.why ?? null,
  deadline: row.recall?.deadline ?? null,
  useUntil: row.inUse?.until ?? null,
  useLane: row.inUse?.lane ?? null,
});

const redemptionValues = (row: RedemptionRow) => ({
  id: row.id,
  code: blob(row.codeHash),
  generation: row.generation,
  door: row.door,
  reservation: row.reservation,
  epoch: row.epoch,
  basket: row.basket,
  lane: row.lane,
  total: row.total?.amount ?? null,
  totalCurrency: row.total?.currency ?? null,
  discount: row.discount?.amount ?? null,
  discountCurrency: row.discount?.currency ?? null,
  at: row.at,
  oldTerms: Number(row.oldTerms),
  reversed: Number(row.reversed),
  fedStore: row.fedStore,
});

const fedValues = ({ codeHash, total, ...row }: FedRow) => ({
  ...row,
  code: blob(codeHash),
  total: total?.amount ?? null,
  totalCurrency: total?.currency ?? null,
});

const reversalValues = (row: ReversalRow) => ({
  door: row.door,
  code: blob(row.codeHash),
  basket: row.basket,
  redemption: row.redemption,
  state: row.state,
  reason: row.reason,
  at: row.at,
  askers: JSON.stringify(row.askers),
});

const useValues = (row: UseRow) => ({
  door: row.door,
  basket: row.basket,
  code: blob(row.codeHash),
  lastFour: row.lastFour,
  state: row.state,
  redemption: row.redemption,
});
