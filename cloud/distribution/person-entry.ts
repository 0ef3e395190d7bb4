import { z } from 'zod';
import { isTimeZone } from '../../protocol/card.ts';
import { CUSTOMER_CHARACTERS_MAX } from '../../protocol/limits.ts';
import { storeIdSchema } from '../../protocol/reservation.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { parseCustomerNumber, parseEmail, parsePhone } from './identity.ts';
import type { KnownIdentity, PersonFacts } from './port.ts';
import { CHANNELS } from './store.ts';

/** A person as a retailer tells of one: in a request, or in a line of a list. */

/** As written on a card; a line of a letter has no more. */
const NAME_CHARACTERS_MAX = 100;
/** Parameters of one link: an analyst's five, a few of the campaign's own. */
const SOURCE_PARAMETERS_MAX = 12;
const SOURCE_NAME_CHARACTERS_MAX = 32;
const SOURCE_VALUE_CHARACTERS_MAX = 128;

/** No line end and no other control character: names go into the heads of messages. */
const plainText = (most: number) =>
  z
    .string()
    .max(most)
    .regex(/^[^\p{C}]*$/u, 'one line of text');

export const sourceSchema = z
  .record(
    z
      .string()
      .regex(/^[a-z][a-z0-9_]*$/)
      .max(SOURCE_NAME_CHARACTERS_MAX),
    plainText(SOURCE_VALUE_CHARACTERS_MAX),
  )
  .refine((source) => Object.keys(source).length <= SOURCE_PARAMETERS_MAX, `at most ${SOURCE_PARAMETERS_MAX}`);

export const languageSchema = z.string().regex(/^[a-z]{2}(-[A-Z]{2})?$/, 'a language, as en or en-GB');
export const channelSchema = z.enum(CHANNELS);

export const personSchema = z.strictObject({
  customer: z.string().max(CUSTOMER_CHARACTERS_MAX).optional(),
  phone: z.string().max(64).optional(),
  email: z.string().max(320).optional(),
  name: plainText(NAME_CHARACTERS_MAX).optional(),
  language: languageSchema.optional(),
  timeZone: z.string().max(64).refine(isTimeZone, 'an IANA time zone, as Europe/Berlin').optional(),
  homeStore: storeIdSchema.optional(),
});
export type PersonEntry = z.infer<typeof personSchema>;

export type ToldPerson = {
  readonly identities: readonly [KnownIdentity, ...KnownIdentity[]];
  readonly facts: PersonFacts;
};
export type BadEntry = { readonly field: string; readonly why: string };

/**
 * What the retailer says, which nobody has proved yet. Its own number comes first: it tells persons apart.
 * @param country of numbers without a country code; null: they must have one
 */
export function readPerson(entry: PersonEntry, country: string | null): Result<ToldPerson, BadEntry> {
  const told = [
    ['customer', entry.customer, parseCustomerNumber],
    ['phone', entry.phone, (text: string) => parsePhone(text, country)],
    ['email', entry.email, parseEmail],
  ] as const;
  const identities: KnownIdentity[] = [];
  for (const [field, text, parse] of told) {
    if (text === undefined) continue;
    const identity = parse(text);
    if (!identity.ok) return err({ field, why: identity.error });
    identities.push({ identity: identity.value, verified: false });
  }
  const [first, ...others] = identities;
  if (first === undefined) return err({ field: 'customer', why: 'a customer number, a phone or an email is needed' });
  const { name, language, timeZone, homeStore } = entry;
  const facts = Object.fromEntries(
    Object.entries({ name, language, timeZone, homeStore }).filter(([, value]) => value !== undefined),
  );
  return ok({ identities: [first, ...others], facts });
}
