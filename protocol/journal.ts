import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalText } from './canonical.ts';
import {
  BASKET_ID_CHARACTERS_MAX,
  GRANT_RESERVATIONS_MAX,
  LANE_CHARACTERS_MAX,
  REVERSAL_REASON_CHARACTERS_MAX,
} from './limits.ts';
import { moneySchema } from './money.ts';
import {
  campaignIdSchema,
  codeHashSchema,
  doorSchema,
  hashSchema,
  idSchema,
  incarnationSchema,
  instantSchema,
  numberSchema,
} from './reservation.ts';

/**
 * The gateway's journal [G8]: what the box did, numbered without gaps within an epoch, each entry with the hash of the
 * one before over canonical bytes. The wire carries the bodies; both sides compute the hashes.
 */
const bootSchema = z.strictObject({
  kind: z.literal('boot'),
  bootId: numberSchema,
  incarnation: incarnationSchema,
  keyId: idSchema,
  cause: z.enum(['start', 'epoch', 'incarnation', 'key']),
});

const grantedSchema = z.strictObject({
  kind: z.literal('granted'),
  number: numberSchema,
  reservations: z
    .array(
      z.strictObject({
        reservation: idSchema,
        codeHash: codeHashSchema,
        generation: numberSchema,
        notAfter: instantSchema,
      }),
    )
    .min(1)
    .max(GRANT_RESERVATIONS_MAX),
});

const redeemedSchema = z.strictObject({
  kind: z.literal('redeemed'),
  redemption: idSchema,
  reservation: idSchema,
  codeHash: codeHashSchema,
  generation: numberSchema,
  basket: z.string().min(1).max(BASKET_ID_CHARACTERS_MAX),
  lane: z.string().max(LANE_CHARACTERS_MAX).nullable(),
  total: moneySchema.nullable(),
  discount: moneySchema.nullable(),
  /** The box's best knowledge of the time, and whether the cloud's anchor proves it. */
  at: instantSchema,
  timeProven: z.boolean(),
  oldTerms: z.boolean(),
  /** Of the card by which it was redeemed. Left out by a box of before. */
  cardVersion: numberSchema.exactOptional(),
});

const returnedSchema = z.strictObject({
  kind: z.literal('returned'),
  reservation: idSchema,
  codeHash: codeHashSchema,
  generation: numberSchema,
  /** `unknown`: a tombstone, the reservation can never be installed later [G5]. */
  why: z.enum(['end', 'recall', 'released', 'want_closed', 'unknown']),
});

const reversedSchema = z.strictObject({
  kind: z.literal('reversed'),
  /** The door whose redemption is undone; this box's own, unless it was asked for another [C13]. */
  door: doorSchema,
  codeHash: codeHashSchema,
  basket: z.string().min(1).max(BASKET_ID_CHARACTERS_MAX),
  /** Null: a tombstone for a basket that had not redeemed here. */
  reservation: idSchema.nullable(),
  redemption: idSchema.nullable(),
  reason: z.string().max(REVERSAL_REASON_CHARACTERS_MAX),
  at: instantSchema,
});

/** A blank became a basket's coupon [I4]. Its reservation stays as it is: that of a code which this box may redeem. */
const issuedSchema = z.strictObject({
  kind: z.literal('issued'),
  reservation: idSchema,
  codeHash: codeHashSchema,
  generation: numberSchema,
  campaign: campaignIdSchema,
  basket: z.string().min(1).max(BASKET_ID_CHARACTERS_MAX),
  lane: z.string().max(LANE_CHARACTERS_MAX).nullable(),
  total: moneySchema.nullable(),
  /** The retailer's customer number, hashed. */
  customer: hashSchema.nullable(),
  at: instantSchema,
  timeProven: z.boolean(),
});

/** The coupon that this customer has was given to a basket, as the cloud told it [I7]. Nothing is reserved for it. */
const ownIssuedSchema = z.strictObject({
  kind: z.literal('own_issued'),
  codeHash: codeHashSchema,
  campaign: campaignIdSchema,
  basket: z.string().min(1).max(BASKET_ID_CHARACTERS_MAX),
  lane: z.string().max(LANE_CHARACTERS_MAX).nullable(),
  total: moneySchema.nullable(),
  customer: hashSchema,
  at: instantSchema,
  timeProven: z.boolean(),
});

const timeSchema = z.strictObject({ kind: z.literal('time'), at: instantSchema, cause: z.enum(['anchor', 'jump']) });
const policySchema = z.strictObject({ kind: z.literal('policy'), campaign: campaignIdSchema, version: numberSchema });

export const entryBodySchema = z.discriminatedUnion('kind', [
  bootSchema,
  grantedSchema,
  redeemedSchema,
  returnedSchema,
  reversedSchema,
  issuedSchema,
  ownIssuedSchema,
  timeSchema,
  policySchema,
]);
export type EntryBody = z.infer<typeof entryBodySchema>;
export type EntryOf<K extends EntryBody['kind']> = Extract<EntryBody, { kind: K }>;

/** Where a chain stands: the last number of an epoch and the hash there. Number 0 is the epoch's beginning. */
export const headSchema = z.strictObject({ epoch: numberSchema, n: numberSchema, hash: hashSchema });
export type Head = z.infer<typeof headSchema>;

export type Entry = { readonly epoch: number; readonly n: number; readonly hash: string; readonly body: EntryBody };

/** The hash before a box's very first entry. */
export const GENESIS_HASH = '0'.repeat(64);

/** SHA-256 over the hash before, a line end, and the canonical text of `{epoch, n, body}`; hex. */
export function entryHash(before: string, epoch: number, n: number, body: EntryBody): string {
  return createHash('sha256')
    .update(`${before}\n${canonicalText({ epoch, n, body })}`)
    .digest('hex');
}

/** Appends bodies to a chain. @returns the entries with their numbers and hashes, in order */
export function chainEntries(head: Head, bodies: readonly EntryBody[]): Entry[] {
  let { n, hash } = head;
  return bodies.map((body) => {
    n += 1;
    hash = entryHash(hash, head.epoch, n, body);
    return { epoch: head.epoch, n, hash, body };
  });
}
