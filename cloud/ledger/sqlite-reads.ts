import { z } from 'zod';
import { cardSchema } from '../../protocol/card.ts';
import type { CodeHash } from '../../protocol/code.ts';
import { entryBodySchema } from '../../protocol/journal.ts';
import type { Down } from '../../protocol/messages.ts';
import { REVERSAL_DAYS } from './undo-rules.ts';
import { personalOfferSchema } from '../../protocol/offer.ts';
import {
  CODE_STATES,
  type CodeRow,
  type FedReason,
  type FedRow,
  type GatewayRow,
  type RedemptionRow,
  type ReservationRow,
  type ReversalRow,
  type UseRow,
  type WaitRow,
} from './code-rules.ts';
import { BARCODES } from './campaign-rules.ts';
import type { Campaign, CampaignVersion, Store } from './port.ts';
import type {
  HoldingCount,
  OwnEnd,
  LedgerReads,
  OutboxRow,
  StoredEntry,
  StoredException,
  StoredJournalEntry,
  StoredOldTerms,
  Units,
} from './store.ts';
import type { OwnByState } from './worth-rules.ts';

/**
 * Reads of the ledger in SQLite: rows of tables to rows of rules. `= (SELECT ?)` where a bound value meets a join, an order
 * or a count: with `= ?` SQLite plans such a statement anew at every run, which takes ten times longer than the read.
 */
export type RowReader = {
  all(sql: string, ...values: readonly unknown[]): unknown[];
  get(sql: string, ...values: readonly unknown[]): unknown;
};

/** Our own tables, written by sqlite-writes.ts: their columns are as the schema file says. */
export type Cell = string | number | Buffer | null | undefined;
export type Row = Readonly<Record<string, Cell>>;

export const blob = (hash: string): Buffer => Buffer.from(hash, 'hex');
export const bytes = (cell: Cell): Buffer => cell as Buffer;
export const hashOf = (cell: Cell): CodeHash => bytes(cell).toString('hex') as CodeHash;

export function sqliteReads(db: RowReader): LedgerReads {
  const all = <T>(read: (row: Row) => T, sql: string, ...values: readonly unknown[]): T[] =>
    db.all(sql, ...values).map((row) => read(row as Row));
  const one = <T>(read: (row: Row) => T, sql: string, ...values: readonly unknown[]): T | null => {
    const row = db.get(sql, ...values);
    return row === undefined ? null : read(row as Row);
  };
  const each = <K, T>(keys: readonly K[], read: (row: Row) => T, sql: string, key: (k: K) => unknown = (k) => k): T[] =>
    keys.flatMap((k) => all(read, sql, key(k)));
  const hashes = (sql: string, ...values: readonly unknown[]) => all((row) => hashOf(row.hash), sql, ...values);

  return {
    incarnation: async () => one((row) => text(row.incarnation), 'SELECT incarnation FROM ledger WHERE id = 1'),
    codes: async (keys) => each(keys, codeRow, "SELECT * FROM codes WHERE hash = ? AND state <> 'staged'", blob),
    taken: async (keys) => each(keys, (row) => hashOf(row.hash), 'SELECT hash FROM codes WHERE hash = ?', blob),
    reservations: async (ids) => each(ids, reservationRow, 'SELECT * FROM reservations WHERE id = ?'),
    redemptions: async (ids) => each(ids, redemptionRow, 'SELECT * FROM redemptions WHERE id = ?'),
    redemptionsOfBasket: async (door, basket) =>
      all(redemptionRow, 'SELECT * FROM redemptions WHERE door = ? AND basket = ?', door, basket),
    reversals: async (keys) => each(keys, reversalRow, 'SELECT * FROM reversals WHERE code_hash = ?', blob),
    uses: async (door, basket) => all(useRow, 'SELECT * FROM uses WHERE door = ? AND basket = ?', door, basket),
    fed: async (keys) => each(keys, fedRow, 'SELECT * FROM fed WHERE code_hash = ?', blob),
    waits: async (keys) => each(keys, waitRow, 'SELECT * FROM waits WHERE code_hash = (SELECT ?) ORDER BY seq', blob),
    issueOf: async ({ door, campaign, basket }) => one(issueRow, ISSUE_OF, door, campaign, basket),
    async named(campaign, numberHash) {
      const customer = one((row) => text(row.customer), CUSTOMER_OF_NUMBER, blob(numberHash));
      return customer === null ? null : { customer, coupons: all(customersCoupon, COUPONS_OF, campaign, customer) };
    },
    blankText: async (code) =>
      one((row) => text(row.sealed_for_box), 'SELECT sealed_for_box FROM blanks WHERE code_hash = ?', blob(code)),
    blanksHeldBy: async (gateway) =>
      all((row) => ({ campaign: text(row.campaign), units: int(row.units) }), BLANKS_COUNT, gateway),
    blanksIn: async (gateway, campaign, most) => hashes(BLANKS_IN, gateway, campaign, most),
    gateways: async (ids) => each(ids, gatewayRow, 'SELECT body FROM gateways WHERE id = ?'),
    allGateways: async () => all(gatewayRow, 'SELECT body FROM gateways ORDER BY id'),
    gatewaysOf: async (store) =>
      all(gatewayRow, 'SELECT body FROM gateways WHERE store = (SELECT ?) ORDER BY id', store),
    campaigns: async (ids) => each(ids, campaignRow, 'SELECT * FROM campaigns WHERE id = ?'),
    allCampaigns: async () => all(campaignRow, 'SELECT * FROM campaigns ORDER BY id'),
    counts: async (campaign) =>
      one(counts, 'SELECT units, own_units, own_value FROM campaigns WHERE id = ?', campaign) ?? NONE,
    ownEnds: async (campaign, until) => all(ownEnd, OWN_ENDS, campaign, new Date(until + DAY_MS).toISOString()),
    campaignVersions: async (campaign) => all(versionRow, VERSIONS, campaign),
    oldTerms: async (most) => all(oldTermsRow, OLD_TERMS, most),
    stores: async () => all(storeRow, 'SELECT * FROM stores ORDER BY id'),
    codesHeldBy: async (gateway) => hashes(HELD_BY, gateway),
    anyHeldEndsBefore: async (gateway, instant) => one(() => true, HELD_ENDS_BEFORE, gateway, instant) ?? false,
    countHeldBy: async (gateways) => each(gateways, holdingCount, HELD_COUNT),
    heads: async (partitions) =>
      each(
        partitions,
        head,
        'SELECT partition, n, hash FROM entries WHERE partition = (SELECT ?) ORDER BY n DESC LIMIT 1',
      ),
    entriesOfCode: async (code) =>
      all(entryRow, 'SELECT * FROM entries WHERE code_hash = (SELECT ?) ORDER BY at, n', blob(code)),
    entriesAfter: async (partition, n, most) =>
      all(entryRow, 'SELECT * FROM entries WHERE partition = ? AND n > ? ORDER BY n LIMIT ?', partition, n, most),
    journalAfter: async (gateway, epoch, n, most) =>
      all(
        journalRow,
        'SELECT * FROM journals WHERE gateway = ? AND epoch = ? AND n > ? AND evidence = 0 ORDER BY n LIMIT ?',
        gateway,
        epoch,
        n,
        most,
      ),
    journalHash: async (gateway, epoch, n) =>
      one(
        (row) => text(row.hash),
        'SELECT hash FROM journals WHERE gateway = ? AND epoch = ? AND n = ? AND evidence = 0',
        gateway,
        epoch,
        n,
      ),
    stack: async (id) =>
      one(
        (row) => ({
          campaign: text(row.campaign),
          count: int(row.count),
          issued: int(row.issued),
          isImported: row.import !== null,
        }),
        'SELECT * FROM stacks WHERE id = ?',
        id,
      ),
    stackChunk: async (stack, chunk) =>
      one((row) => bytes(row.sealed), 'SELECT sealed FROM stack_chunks WHERE stack = ? AND chunk = ?', stack, chunk),
    unfinishedStacks: async () =>
      all((row) => text(row.id), "SELECT id FROM stacks WHERE issued < count AND import IS NOT 'coming'"),
    comingStacks: async () => all((row) => text(row.id), "SELECT id FROM stacks WHERE import = 'coming'"),
    exceptions: async (most) => all(exceptionRow, EXCEPTIONS, most),
    outbox: async (gateway, after, most) =>
      all(
        outboxRow,
        'SELECT * FROM outbox WHERE gateway = (SELECT ?) AND seq > ? ORDER BY seq LIMIT ?',
        gateway,
        after,
        most,
      ),
    outboxGateways: async () => all((row) => text(row.gateway), 'SELECT DISTINCT gateway FROM outbox'),
    holdsEnded: async (now, most) =>
      hashes("SELECT hash FROM codes WHERE state = 'held' AND hold_until <= ? LIMIT ?", now, most),
    reservationsEnded: async (before, most) => hashes(RESERVATIONS_ENDED, before, most),
    recallsLapsed: async (now, most) => hashes(RECALLS_LAPSED, now, most),
    waitsEnded: async (now) => hashes('SELECT DISTINCT code_hash AS hash FROM waits WHERE until <= ?', now),
    codesToDeal: async (campaign, now, most) =>
      hashes(
        "SELECT hash FROM codes WHERE campaign = ? AND dealt = 1 AND state = 'issued' AND stock_store IS NULL AND void_mark = 0 AND restock_after <= ? LIMIT ?",
        campaign,
        now,
        most,
      ),
  };
}

const HELD_BY = `SELECT c.hash FROM reservations r JOIN codes c ON c.hash = r.code_hash AND c.reservation = r.id
  WHERE r.gateway = (SELECT ?) AND r.state = 'open'`;
const ISSUE_OF = `SELECT i.assignment, a.code_hash FROM basket_issues i JOIN assignments a ON a.id = i.assignment
  WHERE i.door = (SELECT ?) AND i.campaign = (SELECT ?) AND i.basket = (SELECT ?)`;
const CUSTOMER_OF_NUMBER = "SELECT customer FROM identities WHERE kind = 'number' AND hash = ?";
const COUPONS_OF = `SELECT code_hash, ordinal, replaced_by IS NOT NULL AS replaced, untold FROM assignments
  WHERE campaign = (SELECT ?) AND customer = (SELECT ?) ORDER BY ordinal`;
const BLANKS = `FROM blanks b JOIN codes c ON c.hash = b.code_hash JOIN reservations r ON r.id = c.reservation
  WHERE c.state = 'reserved' AND r.recall_why IS NULL AND b.gateway = (SELECT ?)`;
const BLANKS_COUNT = `SELECT b.campaign, count(*) AS units ${BLANKS} GROUP BY b.campaign`;
const BLANKS_IN = `SELECT c.hash ${BLANKS} AND b.campaign = (SELECT ?) LIMIT ?`;
const HELD_ENDS_BEFORE = `SELECT 1 FROM reservations r JOIN codes c ON c.hash = r.code_hash AND c.reservation = r.id
  WHERE r.gateway = (SELECT ?) AND r.state = 'open' AND r.not_after < ? LIMIT 1`;
const HELD_COUNT = `SELECT r.gateway, c.campaign, c.state, count(*) AS units, count(c.own_value) AS own_units,
  coalesce(sum(c.own_value), 0) AS own_value FROM reservations r
  JOIN codes c ON c.hash = r.code_hash AND c.reservation = r.id
  WHERE r.gateway = (SELECT ?) AND r.state = 'open' AND NOT (c.blank = 1 AND c.state = 'reserved') GROUP BY c.campaign, c.state`;
const DAY_MS = 86_400_000;
/** As text a date comes before its times, and a time is told in a zone at most a day away. */
const OWN_ENDS = `SELECT json_extract(personal, '$.endsAt') AS ends_at, count(*) AS units, count(own_value) AS own_units,
  coalesce(sum(own_value), 0) AS own_value FROM codes
  WHERE campaign = (SELECT ?) AND personal IS NOT NULL AND json_extract(personal, '$.endsAt') <= ? AND state IN ('issued', 'held')
  GROUP BY ends_at`;
const RESERVATIONS_ENDED = `SELECT c.hash FROM reservations r JOIN codes c ON c.hash = r.code_hash AND c.reservation = r.id
  WHERE r.state = 'open' AND r.not_after <= ? AND c.state IN ('reserved', 'void_pending') LIMIT ?`;
const RECALLS_LAPSED = `SELECT c.hash FROM reservations r JOIN codes c ON c.hash = r.code_hash AND c.reservation = r.id
  WHERE r.state = 'open' AND r.recall_deadline <= ? LIMIT ?`;
const EXCEPTIONS = `SELECT e.*, c.last_four, c.campaign, c.own_value FROM exceptions e LEFT JOIN codes c ON c.hash = e.code_hash
  ORDER BY e.at DESC, e.id LIMIT ?`;

const VERSIONS = `SELECT campaign AS id, version, at AS changed_at, body, cap_units, cap_value FROM campaign_versions
  WHERE campaign = ? ORDER BY version`;
const OLD_TERMS = `SELECT r.*, o.used, o.in_force, c.last_four, c.campaign, c.personal FROM old_terms o
  JOIN redemptions r ON r.id = o.redemption JOIN codes c ON c.hash = r.code_hash ORDER BY r.at DESC, r.id LIMIT ?`;

export const text = (cell: Cell): string => String(cell);
export const int = (cell: Cell): number => Number(cell);
export const textOrNull = (cell: Cell): string | null => (cell == null ? null : text(cell));
export const intOrNull = (cell: Cell): number | null => (cell == null ? null : int(cell));
/** A column whose words the schema's writers bound. */
export const word = <W extends string>(cell: Cell): W => text(cell) as W;

function codeRow(row: Row): CodeRow {
  return {
    hash: hashOf(row.hash),
    lastFour: text(row.last_four),
    campaign: text(row.campaign),
    generation: int(row.generation),
    version: int(row.version),
    state: word<CodeRow['state']>(row.state),
    voidMark: int(row.void_mark) === 1,
    blank: int(row.blank) === 1,
    reservation: textOrNull(row.reservation),
    hold:
      row.hold_client === null
        ? null
        : { client: text(row.hold_client), basket: text(row.hold_basket), until: int(row.hold_until) },
    redemption: textOrNull(row.redemption),
    restockAfter: int(row.restock_after),
    personal: personalOf(row.personal),
  };
}

const personalOf = (cell: Cell) => (cell == null ? null : personalOfferSchema.parse(JSON.parse(text(cell))));

function reservationRow(row: Row): ReservationRow {
  return {
    id: text(row.id),
    codeHash: hashOf(row.code_hash),
    generation: int(row.generation),
    gateway: text(row.gateway),
    epoch: int(row.epoch),
    number: int(row.number),
    notAfter: int(row.not_after),
    cause: word<ReservationRow['cause']>(row.cause),
    cardVersion: int(row.card_version),
    state: word<ReservationRow['state']>(row.state),
    recall:
      row.recall_why === null
        ? null
        : { why: word<'wanted' | 'void' | 'sync'>(row.recall_why), deadline: intOrNull(row.recall_deadline) },
    inUse: row.in_use_until === null ? null : { until: int(row.in_use_until), lane: textOrNull(row.in_use_lane) },
  };
}

function redemptionRow(row: Row): RedemptionRow {
  return {
    id: text(row.id),
    codeHash: hashOf(row.code_hash),
    generation: int(row.generation),
    door: text(row.door),
    reservation: textOrNull(row.reservation),
    epoch: int(row.epoch),
    basket: text(row.basket),
    lane: textOrNull(row.lane),
    total: money(row.total_amount, row.total_currency),
    discount: money(row.discount_amount, row.discount_currency),
    at: int(row.at),
    oldTerms: int(row.old_terms) === 1,
    reversed: int(row.reversed) === 1,
    fedStore: textOrNull(row.fed_store),
  };
}

const money = (amount: Cell, currency: Cell) =>
  amount == null ? null : { amount: int(amount), currency: text(currency) };

const fedRow = (row: Row): FedRow => ({
  door: text(row.door),
  codeHash: hashOf(row.code_hash),
  basket: text(row.basket),
  what: word<FedRow['what']>(row.what),
  store: textOrNull(row.store),
  lane: textOrNull(row.lane),
  total: money(row.total_amount, row.total_currency),
  at: int(row.at),
  fedAt: int(row.fed_at),
  outcome: word<FedRow['outcome']>(row.outcome),
  reason: row.reason === null ? null : word<FedReason>(row.reason),
  redemption: textOrNull(row.redemption),
});

function reversalRow(row: Row): ReversalRow {
  return {
    door: text(row.door),
    codeHash: hashOf(row.code_hash),
    basket: text(row.basket),
    redemption: textOrNull(row.redemption),
    state: word<ReversalRow['state']>(row.state),
    reason: text(row.reason),
    at: int(row.at),
    askers: z.array(z.string()).parse(JSON.parse(text(row.askers))),
  };
}

function useRow(row: Row): UseRow {
  return {
    door: text(row.door),
    basket: text(row.basket),
    codeHash: hashOf(row.code_hash),
    lastFour: text(row.last_four),
    state: word<UseRow['state']>(row.state),
    redemption: textOrNull(row.redemption),
  };
}

const waitRow = (row: Row): WaitRow => ({
  id: text(row.id),
  codeHash: hashOf(row.code_hash),
  until: int(row.until),
  who: JSON.parse(text(row.who)) as WaitRow['who'],
});

/** A row of before there were blanks says nothing of a key. */
const gatewayRow = (row: Row): GatewayRow => ({
  ...noKeyYet,
  ...(JSON.parse(text(row.body)) as GatewayRow),
});
const noKeyYet = { sealingKey: null };

const customersCoupon = (row: Row) => ({
  ...{ codeHash: hashOf(row.code_hash), ordinal: int(row.ordinal) },
  ...{ replaced: int(row.replaced) === 1, untold: int(row.untold) === 1 },
});
const issueRow = (row: Row) => ({ assignment: text(row.assignment), codeHash: hashOf(row.code_hash) });

const campaignBody = z.object({
  card: cardSchema,
  condition: z.string().nullable(),
  terms: z.string().nullable(),
  picture: z.string().nullable(),
  perCustomer: z.int(),
  // left out by what was written before there was one
  reversalDays: z.int().default(REVERSAL_DAYS),
  // Campaigns of before have none.
  capPerDay: z.object({ units: z.int().nullable(), value: z.int().nullable() }).default({ units: null, value: null }),
  personalValueMax: z.int().nullable().default(null),
  offline: z.union([z.literal('decline'), z.record(z.string(), z.unknown())]),
  // Campaigns of before there were faces.
  barcode: z.enum(BARCODES).default('qr'),
  // A campaign of before there were blanks has none.
  blanks: z.object({ perStore: z.int() }).nullable().default(null),
});

function versionRow(row: Row): CampaignVersion {
  return {
    id: text(row.id),
    ...campaignBody.parse(JSON.parse(text(row.body))),
    cap: { units: intOrNull(row.cap_units), value: intOrNull(row.cap_value) },
    changedAt: int(row.changed_at),
  };
}

function campaignRow(row: Row): Campaign {
  return {
    ...versionRow(row),
    issuedUnits: int(row.issued_units),
    issuedValue: int(row.issued_value),
  };
}

const storeRow = (row: Row): Store => ({
  id: text(row.id),
  name: text(row.name),
  timeZone: text(row.time_zone),
  address: textOrNull(row.address),
});

const holdingCount = (row: Row): HoldingCount => ({
  gateway: text(row.gateway),
  campaign: text(row.campaign),
  state: word<HoldingCount['state']>(row.state),
  units: int(row.units),
  own: { units: int(row.own_units), value: int(row.own_value) },
});

const ownEnd = (row: Row): OwnEnd => ({
  endsAt: text(row.ends_at),
  units: int(row.units),
  own: { units: int(row.own_units), value: int(row.own_value) },
});

const head = (row: Row) => ({ partition: int(row.partition), n: int(row.n), hash: hashOf(row.hash) });

const entryRow = (row: Row): StoredEntry => ({
  partition: int(row.partition),
  n: int(row.n),
  codeHash: row.code_hash === null ? null : hashOf(row.code_hash),
  at: int(row.at),
  body: text(row.body),
  hash: hashOf(row.hash),
});

const journalRow = (row: Row): StoredJournalEntry => ({
  epoch: int(row.epoch),
  n: int(row.n),
  hash: text(row.hash),
  before: text(row.before),
  evidence: int(row.evidence) === 1,
  body: entryBodySchema.parse(JSON.parse(text(row.body))),
});

const outboxRow = (row: Row): OutboxRow => ({
  seq: int(row.seq),
  epoch: int(row.epoch),
  message: JSON.parse(text(row.message)) as Down,
});

const exceptionRow = (row: Row): StoredException => ({
  id: text(row.id),
  at: int(row.at),
  what: text(row.what),
  gateway: textOrNull(row.gateway),
  codeHash: row.code_hash === null ? null : hashOf(row.code_hash),
  ours: text(row.ours),
  theirs: text(row.theirs),
  lastFour: textOrNull(row.last_four),
  campaign: textOrNull(row.campaign),
  ownValue: intOrNull(row.own_value),
});

const oldTermsRow = (row: Row): StoredOldTerms => ({
  redemption: text(row.id),
  used: int(row.used),
  inForce: int(row.in_force),
  sale: redemptionRow(row),
  code: { lastFour: text(row.last_four), campaign: text(row.campaign), personal: personalOf(row.personal) },
});

function units(json: string): Units {
  const counted = z.record(z.string(), z.int()).parse(JSON.parse(json));
  const none: Record<string, number> = Object.fromEntries(CODE_STATES.map((state) => [state, 0]));
  return { ...none, ...counted } as Units;
}

function counts(row: Row): Counts {
  const [counted, worth] = [units(text(row.own_units)), units(text(row.own_value))];
  const own = CODE_STATES.map((state) => [state, { units: counted[state], value: worth[state] }]);
  return { units: units(text(row.units)), own: Object.fromEntries(own) as OwnByState };
}

type Counts = { readonly units: Units; readonly own: OwnByState };
const NONE: Counts = counts({ units: '{}', own_units: '{}', own_value: '{}' });
