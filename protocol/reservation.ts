import { z } from 'zod';
import { BLANK_SEALED_CHARACTERS_MAX } from './limits.ts';
import type { CodeHash } from './code.ts';
import { personalSchema } from './offer.ts';

/** Ids are random, made by whoever starts the operation, and never reused. */
export const idSchema = z.string().regex(/^[A-Za-z0-9_-]{8,40}$/);
export const storeIdSchema = z.string().regex(/^[A-Za-z0-9-]{1,32}$/, 'letters, digits and hyphens, at most 32');
export const campaignIdSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'lower-case letters, digits and hyphens');
export const gatewayIdSchema = z.string().regex(/^gw-[a-z0-9]{8,32}$/);
export const hashSchema = z.string().regex(/^[0-9a-f]{64}$/);
export const codeHashSchema = hashSchema.transform((text) => text as CodeHash);

/** Milliseconds since 1970 UTC. */
export const instantSchema = z.int().min(0).max(8_640_000_000_000);
/** Numbers that only rise: epochs, journal numbers, grant numbers, boot ids. */
export const numberSchema = z.int().min(0);

/**
 * Which ledger speaks: a counter and 128 random bits as `<counter>-<32 hex digits>`, compared whole [C8].
 */
export const incarnationSchema = z.string().regex(/^[1-9][0-9]{0,9}-[0-9a-f]{32}$/);

/** `gateway:ID` or `cart:CLIENT`: where a redemption was made; `feed:CLIENT`: who told of it afterwards [C15]. */
export const doorSchema = z.string().regex(/^(gateway:gw-[a-z0-9]{8,32}|(cart|feed):[A-Za-z0-9._-]{1,64})$/);

/** An X25519 public key: base64url of its raw 32 bytes. */
export const sealingKeySchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
/** A blank's text, sealed for one box: see blank-seal.ts. */
export const sealedBlankSchema = z
  .string()
  .max(BLANK_SEALED_CHARACTERS_MAX)
  .regex(/^[A-Za-z0-9_-]{64,}$/);

/** One reservation as its manifest states it: the grant's signature covers it. Times in milliseconds. */
export const reservationSchema = z.strictObject({
  reservation: idSchema,
  codeHash: codeHashSchema,
  lastFour: z.string().length(4),
  generation: numberSchema,
  notAfter: instantSchema,
  campaign: campaignIdSchema,
  cardVersion: numberSchema,
  /** Of a blank: its text, sealed for this box. Nobody redeems it until it is issued [I3]. */
  sealed: sealedBlankSchema.exactOptional(),
  /** What this coupon has of its own. Left out where it has nothing: such a manifest is read by a box of before. */
  personal: personalSchema.exactOptional(),
});
export type ReservationGrant = z.infer<typeof reservationSchema>;
