import { z } from 'zod';
import { publicKeySchema } from './envelope.ts';
import { SHARDS } from './limits.ts';
import { gatewayIdSchema, idSchema, incarnationSchema, numberSchema, storeIdSchema } from './reservation.ts';

/** How a box joins: `POST /v1/enrolments`, no token but a one-time code. The box made its key; the private half never leaves it. */

/** The one-time code as typed. Generous: whether it is one is for the cloud to say. */
const ENROLMENT_CODE_CHARACTERS_MAX = 64;

/** 32 bytes: the key of the code hashes. */
const fleetKeySchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/);

export const enrolmentRequestSchema = z.strictObject({
  code: z.string().min(1).max(ENROLMENT_CODE_CHARACTERS_MAX),
  /** Ed25519, base64url of the raw 32 bytes. */
  publicKey: publicKeySchema,
  keyId: idSchema,
  /** The box's Tearline version. */
  version: z.string().min(1).max(32),
});
export type EnrolmentRequest = z.infer<typeof enrolmentRequestSchema>;

/**
 * What the cloud tells a new box, once. A code that is unknown, used or late is a problem of status 403 or 404, all the
 * same to the asker.
 */
export const enrolmentResponseSchema = z.object({
  gateway: gatewayIdSchema,
  store: z.object({ id: storeIdSchema, name: z.string().max(200), timeZone: z.string().max(64) }),
  shard: z
    .int()
    .min(0)
    .max(SHARDS - 1),
  epoch: numberSchema,
  incarnation: incarnationSchema,
  fleetKey: fleetKeySchema,
  /** The cloud's signing keys, pinned until a welcome brings others. */
  cloudKeys: z
    .array(z.object({ id: idSchema, publicKey: publicKeySchema }))
    .min(1)
    .max(8),
  /** The box logs in with its id as the user name. */
  broker: z.object({ url: z.url({ protocol: /^(mqtts?|wss?)$/ }), password: z.string().min(16).max(128) }),
});
export type EnrolmentResponse = z.infer<typeof enrolmentResponseSchema>;
