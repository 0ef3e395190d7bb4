import { z } from 'zod';
import { cardSchema } from './card.ts';
import { factsSchema, reasonSchema } from './decision.ts';
import { entryBodySchema, headSchema } from './journal.ts';
import {
  BASKET_ID_CHARACTERS_MAX,
  CUSTOMER_CHARACTERS_MAX,
  GRANT_RESERVATIONS_MAX,
  JOURNAL_ENTRIES_PER_UPLOAD_MAX,
  LANE_CHARACTERS_MAX,
  SCANS_PER_MESSAGE_MAX,
  SYNC_HOLDINGS_PER_PART_MAX,
} from './limits.ts';
import { moneySchema } from './money.ts';
import { offerSchema } from './offer.ts';
import {
  campaignIdSchema,
  codeHashSchema,
  doorSchema,
  hashSchema,
  idSchema,
  incarnationSchema,
  instantSchema,
  numberSchema,
  reservationSchema,
  sealedBlankSchema,
  sealingKeySchema,
} from './reservation.ts';

/** What travels on the link, body by type. Each is signed inside an envelope; a broker's acknowledgement means nothing. */

const basketSchema = z.string().min(1).max(BASKET_ID_CHARACTERS_MAX);

/** Which request a grant or a refusal answers [G2]. A stock grant that nobody asked for has no request. */
const causeSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('want'), want: idSchema }),
  z.strictObject({ kind: z.literal('stock'), request: idSchema.nullable() }),
  z.strictObject({ kind: z.literal('again') }),
]);
export type GrantCause = z.infer<typeof causeSchema>;

/**
 * A scan that the box answered by itself and of which its journal says nothing [E7]. `scanned`: approved from what is
 * reserved here, and never redeemed by that basket. `named`: approved so for a sale that names its customer. The others are
 * what the basket was told.
 */
export const scanSchema = z.strictObject({
  /** Counts the scans of this box from 1; what is left out was dropped. */
  n: numberSchema,
  codeHash: codeHashSchema,
  basket: basketSchema,
  lane: z.string().max(LANE_CHARACTERS_MAX).nullable(),
  /** Hashed. */
  customer: z.string().max(CUSTOMER_CHARACTERS_MAX).nullable(),
  at: instantSchema,
  what: z.enum(['scanned', 'named', 'in_use', 'already_redeemed', 'cannot_verify']),
});
export type ToldScan = z.infer<typeof scanSchema>;

export const upSchemas = {
  /** The start of every connection [C4]. */
  hello: z.strictObject({ nonce: idSchema, version: z.string().max(32) }),
  attest: z.strictObject({
    challenge: idSchema,
    head: headSchema,
    /** The highest number that the cloud acknowledged to this box in the head's epoch. */
    acknowledged: numberSchema,
    /** The box's own hash at the challenge's number; null: not that far, or another epoch. */
    hashAtChallenge: hashSchema.nullable(),
    floor: numberSchema,
    /** Null: validated. Else the witness's epoch and number, which the journal does not reach or does not agree with. */
    disagreement: z.strictObject({ epoch: numberSchema, n: numberSchema }).nullable(),
    cleanStart: z.boolean(),
  }),
  /** A scan wants a code that is not reserved here. */
  want: z.strictObject({
    want: idSchema,
    codeHash: codeHashSchema,
    basket: basketSchema,
    lane: z.string().max(LANE_CHARACTERS_MAX).nullable(),
    total: moneySchema.nullable(),
    customer: z.string().max(CUSTOMER_CHARACTERS_MAX).nullable(),
    /** How long the box will wait, in milliseconds from sending. */
    waitMs: z.int().min(0).max(60_000),
  }),
  /** Room for codes ahead: the cloud deals what the campaigns name for this store. */
  stock: z.strictObject({ request: idSchema, holding: numberSchema }),
  /** Blanks are sealed for this key; with a request it has none of a campaign and somebody waits for one [I5]. */
  blanks: z.strictObject({
    publicKey: sealingKeySchema,
    request: z
      .strictObject({
        id: idSchema,
        campaign: campaignIdSchema,
        /** Hashed. With it the customer's own coupon is asked for [I7]; left out, a cloud of before reads it. */
        customer: hashSchema.exactOptional(),
      })
      .nullable(),
  }),
  /** Entries `from` … of one epoch, contiguous; `head` is the chain at the last of them. */
  journal: z.strictObject({
    epoch: numberSchema,
    from: numberSchema,
    entries: z.array(entryBodySchema).min(1).max(JOURNAL_ENTRIES_PER_UPLOAD_MAX),
    /** The hash before the first entry: the cloud needs it to check evidence of an epoch it has not followed. */
    before: hashSchema,
    head: headSchema,
    /** Not validated: only `redeemed` is taken from it, nothing is acknowledged into the prefix [G6, C2]. */
    evidence: z.boolean(),
  }),
  /** A hint for who waits [C10]: only the journal moves a code. */
  recalled: z.strictObject({
    reservations: z
      .array(
        z.strictObject({
          reservation: idSchema,
          answer: z.enum(['returned', 'in_use', 'redeemed', 'not_mine']),
          until: instantSchema.nullable(),
          lane: z.string().max(LANE_CHARACTERS_MAX).nullable(),
        }),
      )
      .min(1)
      .max(GRANT_RESERVATIONS_MAX),
  }),
  heartbeat: z.strictObject({
    beat: idSchema,
    head: headSchema,
    acknowledged: numberSchema,
    holding: numberSchema,
    inUse: numberSchema,
    /** Journal entries not yet acknowledged. */
    backlog: numberSchema,
    timeProven: z.boolean(),
    version: z.string().max(32),
  }),
  /** The whole list of active holdings in parts; digests come later [C9]. */
  sync: z.strictObject({
    sync: idSchema,
    part: numberSchema,
    parts: z.int().min(1).max(1000),
    floor: numberSchema,
    /** The journal's head when the list was made: the cloud compares once it has applied that far. */
    head: headSchema,
    holdings: z.array(idSchema).max(SYNC_HOLDINGS_PER_PART_MAX),
  }),
  /** In their order, the oldest first; answered by `scans_taken`, and sent again until it is [E7]. */
  scans: z.strictObject({ scans: z.array(scanSchema).min(1).max(SCANS_PER_MESSAGE_MAX) }),
  /** Also the last will (`online: false`). */
  presence: z.strictObject({ online: z.boolean(), drillUntil: instantSchema.nullable() }),
} as const;

export const downSchemas = {
  challenge: z.strictObject({ nonce: idSchema, challenge: idSchema, epoch: numberSchema, n: numberSchema }),
  welcome: z.strictObject({
    challenge: idSchema,
    epoch: numberSchema,
    acknowledged: headSchema,
    /** The time anchor: the cloud's clock when it sent this. */
    now: instantSchema,
    keys: z
      .array(z.strictObject({ id: idSchema, publicKey: z.string().max(128) }))
      .min(1)
      .max(8),
    cards: z.array(cardSchema).max(1000),
  }),
  grant: z.strictObject({
    number: numberSchema,
    cause: causeSchema,
    manifest: z.array(reservationSchema).min(1).max(GRANT_RESERVATIONS_MAX),
    cards: z.array(cardSchema).max(100),
    /** Baskets of this door whose reversal came before their redemption [C13]. */
    tombstones: z.array(z.strictObject({ codeHash: codeHashSchema, basket: basketSchema })).max(1000),
  }),
  refuse: z.strictObject({ want: idSchema, reason: reasonSchema, facts: factsSchema }),
  /** There is no blank, or no coupon of that customer, for that request. */
  no_blanks: z.strictObject({
    request: idSchema,
    why: z.enum([
      ...(['unknown_campaign', 'campaign_ended', 'none_left'] as const),
      ...(['none_left_today', 'already_redeemed', 'expired', 'voided'] as const),
    ]),
  }),
  /** The own coupon of the customer whom that request names: its text is sealed as a blank's [I5, I7]. */
  coupon: z.strictObject({
    request: idSchema,
    codeHash: codeHashSchema,
    sealed: sealedBlankSchema,
    offer: offerSchema,
    until: instantSchema,
  }),
  /** Reservations installed by grants at or below the number end later [C14]. */
  extend: z.strictObject({ number: numberSchema, notAfter: instantSchema }),
  ack: z.strictObject({
    /** The prefix that the ledger has applied. */
    acknowledged: headSchema,
    /** Evidence of other epochs or of quarantine that has been received whole up to here. */
    evidence: headSchema.nullable(),
    exceptions: z.array(z.strictObject({ epoch: numberSchema, n: numberSchema, what: z.string().max(200) })).max(500),
  }),
  recall: z.strictObject({
    reservations: z
      .array(
        z.strictObject({
          reservation: idSchema,
          epoch: numberSchema,
          codeHash: codeHashSchema,
          generation: numberSchema,
        }),
      )
      .min(1)
      .max(GRANT_RESERVATIONS_MAX),
    why: z.enum(['wanted', 'void', 'sync']),
    /** Null: never lapses (a void). */
    deadline: instantSchema.nullable(),
  }),
  /** Undo at this door what that basket redeemed, or make sure that it never will [C13]. */
  reverse: z.strictObject({
    door: doorSchema,
    codeHash: codeHashSchema,
    basket: basketSchema,
    redemption: idSchema.nullable(),
    reason: z.string().max(120),
  }),
  /** What became of a reversal that this box forwarded for another door. */
  outcome: z.strictObject({
    door: doorSchema,
    codeHash: codeHashSchema,
    basket: basketSchema,
    redemption: idSchema.nullable(),
  }),
  fence: z.strictObject({ epoch: numberSchema, why: z.enum(['behind', 'fork', 'disagreement', 'revoked', 'clone']) }),
  /** Changed campaign cards. */
  policy: z.strictObject({ cards: z.array(cardSchema).min(1).max(1000) }),
  /** A heartbeat's answer: the cloud is there, and this is its time. */
  beat: z.strictObject({ beat: idSchema, now: instantSchema }),
  /** Scans up to this number are counted, or are not worth counting. */
  scans_taken: z.strictObject({ n: numberSchema }),
} as const;

export type UpType = keyof typeof upSchemas;
export type DownType = keyof typeof downSchemas;
export type UpBody<T extends UpType = UpType> = z.infer<(typeof upSchemas)[T]>;
export type DownBody<T extends DownType = DownType> = z.infer<(typeof downSchemas)[T]>;
/** A message as the rules see it: verified, parsed, typed. */
export type Up = { [T in UpType]: { readonly type: T; readonly body: UpBody<T> } }[UpType];
export type Down = { [T in DownType]: { readonly type: T; readonly body: DownBody<T> } }[DownType];

/** The envelope's header: who, to whom, of which ledger and epoch. All of it is under the signature. */
export const headerSchema = z.strictObject({
  v: z.literal(1),
  id: idSchema,
  gateway: z.string().max(40),
  incarnation: incarnationSchema,
  epoch: numberSchema,
  bootId: numberSchema,
  type: z.string().max(16),
});
export type Header = z.infer<typeof headerSchema>;
