import { domainToASCII } from 'node:url';
import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { z } from 'zod';
import { CUSTOMER_CHARACTERS_MAX } from '../../protocol/limits.ts';
import { err, ok, type Result } from '../../protocol/result.ts';

/** Who a person is, without cookies: a telephone number, an e-mail address, or the retailer's customer number. */

export const IDENTITY_KINDS = ['phone', 'email', 'number'] as const;
export type IdentityKind = (typeof IDENTITY_KINDS)[number];

/** `value` is where messages go; `key` is what tells persons apart: several spellings of one address have one key. */
export type Identity = { readonly kind: IdentityKind; readonly value: string; readonly key: string };
export type Address = Identity & { readonly kind: 'phone' | 'email' };

/** The longest number of E.164 has 15 digits; people write it with spaces, brackets and points. */
const PHONE_CHARACTERS_MAX = 40;
/** RFC 5321: 64 before the sign, 255 behind it, 254 in all. */
const EMAIL_CHARACTERS_MAX = 254;

/**
 * @param country ISO 3166 of numbers written without a country code; null: they must have one
 * @returns E.164, or what to write instead
 */
export function parsePhone(text: string, country: string | null): Result<Address, string> {
  const wrong = err('Write the number with its country code, as +1 202 555 0142.');
  if (text.length > PHONE_CHARACTERS_MAX || !/^[+0-9 ()./\u2010-\u2015-]+$/.test(text.trim())) return wrong;
  const number = parsePhoneNumberFromString(text, country !== null && isCountry(country) ? country : undefined);
  if (number === undefined || !number.isValid()) return wrong;
  return ok({ kind: 'phone', value: number.number, key: number.number });
}

export const isCountry = (country: string): country is CountryCode => isSupportedCountry(country);

const emailSchema = z.email();

/**
 * The part before the sign is plain ASCII, which mail servers everywhere take, so that letters of other alphabets that look
 * like ours are no second person; the domain may be of any alphabet and is kept as it travels (`xn--…`).
 */
export function parseEmail(text: string): Result<Address, string> {
  const wrong = err('Write the address as name@example.com.');
  const trimmed = text.trim();
  const at = trimmed.lastIndexOf('@');
  if (trimmed.length > EMAIL_CHARACTERS_MAX || at < 1) return wrong;
  const domain = domainToASCII(trimmed.slice(at + 1)).toLowerCase();
  const value = `${trimmed.slice(0, at)}@${domain}`;
  if (domain === '' || !emailSchema.safeParse(value).success) return wrong;
  return ok({ kind: 'email', value, key: mailboxOf(trimmed.slice(0, at), domain) });
}

/** Whose mailbox it is: tags behind a plus, and the points that Google ignores, are the same person's. */
function mailboxOf(local: string, domain: string): string {
  const untagged = local.toLowerCase().replace(/(?<=.)\+.*$/, '');
  if (domain === 'gmail.com' || domain === 'googlemail.com') return `${untagged.replaceAll('.', '')}@gmail.com`;
  return `${untagged}@${domain}`;
}

/** A mailbox where there is a sign, else a telephone number. */
export function parseAddress(text: string, country: string | null): Result<Address, string> {
  return text.includes('@') ? parseEmail(text) : parsePhone(text, country);
}

/** The retailer's own number, as it writes it. */
export function parseCustomerNumber(text: string): Result<Identity, string> {
  const value = text.trim();
  if (value.length === 0 || value.length > CUSTOMER_CHARACTERS_MAX || !/^[\x21-\x7e]+$/.test(value))
    return err(`Write the customer number as printed: letters, digits and signs, at most ${CUSTOMER_CHARACTERS_MAX}.`);
  return ok({ kind: 'number', value, key: value });
}
