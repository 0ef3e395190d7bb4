import type SqliteDatabase from 'better-sqlite3';
import { z } from 'zod';
import type { Database } from '../../ledger/sqlite-database.ts';
import {
  blob,
  bytes,
  type Cell,
  hashOf,
  int,
  intOrNull,
  type Row,
  type RowReader,
  text,
  textOrNull,
  word,
} from '../../ledger/sqlite-reads.ts';
import { sqliteRooms } from '../../ledger/sqlite-rooms.ts';
import { once } from '../../ledger/sqlite-writes.ts';
import { COUNT_TRY, sqliteDistributionReads } from '../sqlite-distribution-store.ts';
import type { ConsentRow, DeliveryRow, MessageRow, NewMessage, PostReads, PostStore, PostTx } from './store.ts';

/** Messages in the ledger's SQLite file: they share the ledger's transactions. */
export function sqlitePostStore(database: Database): PostStore {
  return sqliteRooms(database, reads, writes);
}

function reads(db: RowReader): PostReads {
  const all = <T>(read: (row: Row) => T, sql: string, ...values: readonly unknown[]): T[] =>
    db.all(sql, ...values).map((row) => read(row as Row));
  const one = <T>(read: (row: Row) => T, sql: string, ...values: readonly unknown[]): T | null => {
    const row = db.get(sql, ...values);
    return row === undefined ? null : read(row as Row);
  };
  return {
    ...sqliteDistributionReads(db),
    message: async (id) => one(messageRow, 'SELECT * FROM messages WHERE id = ?', id),
    due: async (channel, queue, now, most) => all(messageRow, DUE, channel, queue, now, most),
    stranded: async (node, before, most) => all(messageRow, STRANDED, node, before, most),
    unknownToResend: async (before, most) => all(messageRow, UNKNOWN_TO_RESEND, before, most),
    messagesOf: async (delivery, state, after, most) =>
      state === null
        ? all(
            messageRow,
            `SELECT * FROM messages WHERE delivery = (SELECT ?) AND seq > ? ORDER BY seq LIMIT ?`,
            delivery,
            after,
            most,
          )
        : all(messageRow, MESSAGES_IN_STATE, delivery, state, after, most),
    countsOf: async (delivery) =>
      Object.fromEntries(all((row) => [text(row.state), int(row.messages)], COUNTS, delivery)),
    reasonsOf: async (delivery) =>
      all(
        (row) => ({
          state: word<MessageRow['state']>(row.state),
          ...{ reason: text(row.reason), messages: int(row.messages) },
        }),
        REASONS,
        delivery,
      ),
    acceptedSince: async (delivery, since) => one((row) => int(row.messages), ACCEPTED_SINCE, delivery, since) ?? 0,
    delivery: async (id) => one(deliveryRow, 'SELECT * FROM deliveries WHERE id = ?', id),
    deliveriesOf: async (campaign) =>
      all(deliveryRow, 'SELECT * FROM deliveries WHERE campaign = (SELECT ?) ORDER BY at DESC, id', campaign),
    deliveriesUnderWay: async () => all(deliveryRow, "SELECT * FROM deliveries WHERE state <> 'done' ORDER BY id"),
    deliveryChunk: async (delivery, chunk) =>
      one(
        (row) => bytes(row.sealed),
        'SELECT sealed FROM delivery_chunks WHERE delivery = ? AND chunk = ?',
        delivery,
        chunk,
      ),
    assignedTo: async (campaign, after, most) =>
      all((row) => ({ seq: int(row.seq), customer: text(row.customer) }), ASSIGNED_TO, campaign, after, most),
    consent: async (channel, hash) => one(consentRow, CONSENT, channel, blob(hash)),
    consents: async (ids) => ids.flatMap((id) => all(consentRow, 'SELECT * FROM consents WHERE id = ?', id)),
    campaignOfKeyword: async (keyword) =>
      one((row) => text(row.campaign), 'SELECT campaign FROM keywords WHERE keyword = ?', keyword),
    keywordOf: async (campaign) =>
      one((row) => text(row.keyword), 'SELECT keyword FROM keywords WHERE campaign = ?', campaign),
  };
}

const DUE = `SELECT * FROM messages WHERE state = 'queued' AND channel = (SELECT ?) AND queue = (SELECT ?) AND not_before <= ?
  ORDER BY not_before, seq LIMIT ?`;
const STRANDED = `SELECT * FROM messages WHERE state = 'sending' AND (sender = ? OR sender IS NULL OR attempted_at < ?) LIMIT ?`;
const UNKNOWN_TO_RESEND = `SELECT m.* FROM messages m JOIN deliveries d ON d.id = m.delivery
  WHERE m.state = 'unknown' AND m.attempted_at < ? AND d.on_unknown = 'resend' AND d.paused_at IS NULL LIMIT ?`;
const MESSAGES_IN_STATE = `SELECT * FROM messages WHERE delivery = (SELECT ?) AND state = (SELECT ?) AND seq > ? ORDER BY seq LIMIT ?`;
const COUNTS = 'SELECT state, count(*) AS messages FROM messages WHERE delivery = (SELECT ?) GROUP BY state';
const REASONS = `SELECT state, reason, count(*) AS messages FROM messages
  WHERE delivery = (SELECT ?) AND reason IS NOT NULL GROUP BY state, reason`;
const ACCEPTED_SINCE = 'SELECT count(*) AS messages FROM messages WHERE delivery = (SELECT ?) AND accepted_at >= ?';
const ASSIGNED_TO = `SELECT seq, customer FROM assignments WHERE campaign = (SELECT ?) AND seq > ? AND customer IS NOT NULL
  AND replaced_by IS NULL ORDER BY seq LIMIT ?`;
const CONSENT =
  'SELECT * FROM consents WHERE channel = (SELECT ?) AND address_hash = (SELECT ?) ORDER BY id DESC LIMIT 1';

function writes(db: SqliteDatabase.Database): Omit<PostTx, keyof PostReads> {
  const to = prepare(db);
  return {
    putMessage: async (row) => to.message.run(messageValues(row)).changes === 1,
    changeMessage: async (row) => to.changeMessage.run(changeValues(row)).changes === 1,
    async putDelivery(row) {
      to.delivery.run(deliveryValues(row));
    },
    async changeDelivery(id, { state, place }) {
      once(to.changeDelivery.run(state ?? null, place ?? null, id));
    },
    async pauseDelivery(id, at) {
      once(to.pauseDelivery.run(at, id));
    },
    async dropDelivery(id) {
      to.dropChunks.run(id);
      to.dropDelivery.run(id);
    },
    forgetPersonal: async (before, most) => to.forgetPersonal.run(before, most).changes,
    async putDeliveryChunk(delivery, chunk, sealed) {
      to.chunk.run(delivery, chunk, sealed);
    },
    async dropDeliveryChunk(delivery, chunk) {
      to.dropChunk.run(delivery, chunk);
    },
    async giveConsent({ channel, addressHash, givenAt, source, wording }) {
      to.consent.run(channel, blob(addressHash), givenAt, source, wording);
    },
    async withdrawConsent({ channel, addressHash, at, how }) {
      if (to.withdraw.run(at, how, channel, blob(addressHash)).changes === 0)
        to.refuse.run({ channel, hash: blob(addressHash), at, how });
    },
    async putKeyword(campaign, keyword) {
      to.dropKeyword.run(campaign);
      if (keyword !== null) to.keyword.run(keyword, campaign);
    },
    countTry: async (key, { startsAt, endsAt }, most) => to.countTry.run(key, startsAt, endsAt, most).changes === 1,
  };
}

function prepare(db: SqliteDatabase.Database) {
  return {
    message:
      db.prepare(`INSERT INTO messages (id, queue, delivery, kind, campaign, customer, assignment, channel, address_hash,
      language, sealed, state, not_before, expires_at, reason, asked_with, queued_at, ended_at) VALUES (@id, @queue, @delivery, @kind, @campaign,
      @customer, @assignment, @channel, @addressHash, @language, @sealed, @state, @notBefore, @expiresAt, @reason, @askedWith, @queuedAt, @endedAt)
      ON CONFLICT DO NOTHING`),
    changeMessage:
      db.prepare(`UPDATE messages SET version = version + 1, assignment = @assignment, sealed = @sealed, state = @state,
      attempts = @attempts, doubts = @doubts, not_before = @notBefore, provider_id = @providerId, reason = @reason,
      consent = @consent, sender = @sender, attempted_at = @attemptedAt, accepted_at = @acceptedAt, ended_at = @endedAt
      WHERE id = @id AND version = @version`),
    delivery:
      db.prepare(`INSERT INTO deliveries (id, campaign, kind, channel, audience, subject, text, quiet_from, quiet_to, on_unknown,
      starts_at, days_before, state, place, at, paused_at) VALUES (@id, @campaign, @kind, @channel, @audience, @subject, @text,
      @quietFrom, @quietTo, @onUnknown, @startsAt, @daysBefore, @state, @place, @at, @pausedAt)`),
    changeDelivery: db.prepare(
      `UPDATE deliveries SET state = coalesce(?, state), place = coalesce(?, place) WHERE id = ?`,
    ),
    pauseDelivery: db.prepare('UPDATE deliveries SET paused_at = ? WHERE id = ?'),
    dropDelivery: db.prepare("DELETE FROM deliveries WHERE id = ? AND state = 'listing'"),
    dropChunks: db.prepare('DELETE FROM delivery_chunks WHERE delivery = ?'),
    forgetPersonal:
      db.prepare(`UPDATE messages SET version = version + 1, customer = NULL, assignment = NULL, address_hash = NULL,
      sealed = NULL, provider_id = NULL, consent = NULL, asked_with = NULL WHERE seq IN (SELECT seq FROM messages
      WHERE (customer IS NOT NULL OR address_hash IS NOT NULL) AND queued_at < ? AND state NOT IN ('queued', 'sending')
      AND (delivery IS NULL OR delivery IN (SELECT id FROM deliveries WHERE state = 'done')) LIMIT ?)`),
    chunk: db.prepare('INSERT INTO delivery_chunks VALUES (?, ?, ?)'),
    dropChunk: db.prepare('DELETE FROM delivery_chunks WHERE delivery = ? AND chunk = ?'),
    consent: db.prepare(`INSERT INTO consents (channel, address_hash, given_at, source, wording) VALUES (?, ?, ?, ?, ?)
      ON CONFLICT (channel, address_hash) WHERE withdrawn_at IS NULL DO NOTHING`),
    withdraw: db.prepare(`UPDATE consents SET withdrawn_at = ?, withdrawn_how = ?
      WHERE channel = ? AND address_hash = ? AND withdrawn_at IS NULL`),
    refuse: db.prepare(`INSERT INTO consents (channel, address_hash, source, wording, withdrawn_at, withdrawn_how)
      SELECT @channel, @hash, '', '', @at, @how WHERE NOT EXISTS
      (SELECT 1 FROM consents WHERE channel = @channel AND address_hash = @hash)`),
    dropKeyword: db.prepare('DELETE FROM keywords WHERE campaign = ?'),
    keyword: db.prepare('INSERT INTO keywords VALUES (?, ?)'),
    countTry: db.prepare(COUNT_TRY),
  };
}

const bytesOrNull = (cell: Cell): Uint8Array | null => (cell == null ? null : bytes(cell));

const askedWithSchema = z.object({ wording: z.string(), at: z.int(), source: z.string() });

const messageRow = (row: Row): MessageRow => ({
  ...{ seq: int(row.seq), id: text(row.id), version: int(row.version), queue: text(row.queue) },
  ...{
    delivery: textOrNull(row.delivery),
    kind: word<MessageRow['kind']>(row.kind),
    campaign: textOrNull(row.campaign),
  },
  ...{ customer: textOrNull(row.customer), assignment: textOrNull(row.assignment) },
  channel: word<MessageRow['channel']>(row.channel),
  addressHash: row.address_hash == null ? null : hashOf(row.address_hash),
  ...{ language: text(row.language), sealed: bytesOrNull(row.sealed), state: word<MessageRow['state']>(row.state) },
  ...{ attempts: int(row.attempts), doubts: int(row.doubts), notBefore: int(row.not_before) },
  ...{ expiresAt: intOrNull(row.expires_at), providerId: textOrNull(row.provider_id), reason: textOrNull(row.reason) },
  askedWith: row.asked_with == null ? null : askedWithSchema.parse(JSON.parse(text(row.asked_with))),
  ...{ consent: intOrNull(row.consent), queuedAt: int(row.queued_at), attemptedAt: intOrNull(row.attempted_at) },
  ...{ acceptedAt: intOrNull(row.accepted_at), endedAt: intOrNull(row.ended_at) },
  sender: textOrNull(row.sender),
});

const messageValues = (row: NewMessage) => ({
  ...{ id: row.id, queue: row.queue, delivery: row.delivery, kind: row.kind, campaign: row.campaign },
  ...{ customer: row.customer, assignment: row.assignment, channel: row.channel, language: row.language },
  addressHash: row.addressHash === null ? null : blob(row.addressHash),
  ...{ sealed: row.sealed, state: row.state, notBefore: row.notBefore, expiresAt: row.expiresAt },
  askedWith: row.askedWith === null ? null : JSON.stringify(row.askedWith),
  ...{ reason: row.reason, queuedAt: row.queuedAt, endedAt: row.endedAt },
});

const changeValues = (row: MessageRow) => ({
  ...{ id: row.id, version: row.version, assignment: row.assignment, sealed: row.sealed, state: row.state },
  ...{ attempts: row.attempts, doubts: row.doubts, notBefore: row.notBefore, providerId: row.providerId },
  ...{ reason: row.reason, consent: row.consent, sender: row.sender, attemptedAt: row.attemptedAt },
  ...{ acceptedAt: row.acceptedAt, endedAt: row.endedAt },
});

const deliveryRow = (row: Row): DeliveryRow => ({
  ...{ id: text(row.id), campaign: text(row.campaign), kind: word<DeliveryRow['kind']>(row.kind) },
  channel: word<DeliveryRow['channel']>(row.channel),
  audience: word<DeliveryRow['audience']>(row.audience),
  ...{ subject: textOrNull(row.subject), text: textOrNull(row.text) },
  quiet: row.quiet_from == null ? null : { fromMinute: int(row.quiet_from), toMinute: int(row.quiet_to) },
  onUnknown: word<DeliveryRow['onUnknown']>(row.on_unknown),
  starts: row.starts_at == null ? { daysBefore: int(row.days_before) } : { at: int(row.starts_at) },
  ...{ state: word<DeliveryRow['state']>(row.state), pausedAt: intOrNull(row.paused_at) },
  ...{ place: int(row.place), at: int(row.at) },
});

const deliveryValues = ({ quiet, starts, ...row }: DeliveryRow) => ({
  ...row,
  ...{ quietFrom: quiet?.fromMinute ?? null, quietTo: quiet?.toMinute ?? null },
  startsAt: 'at' in starts ? starts.at : null,
  daysBefore: 'daysBefore' in starts ? starts.daysBefore : null,
});

const consentRow = (row: Row): ConsentRow => ({
  ...{ id: int(row.id), channel: word<ConsentRow['channel']>(row.channel), addressHash: hashOf(row.address_hash) },
  ...{ source: text(row.source), wording: text(row.wording), givenAt: intOrNull(row.given_at) },
  withdrawn: row.withdrawn_at == null ? null : { at: int(row.withdrawn_at), how: text(row.withdrawn_how) },
});
