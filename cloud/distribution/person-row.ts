import type { z } from 'zod';
import { err, ok, type Result } from '../../protocol/result.ts';
import { personSchema, readPerson, type ToldPerson } from './person-entry.ts';

/** A person as one line of a list tells of one. */

export const PERSON_COLUMNS = ['customer', 'phone', 'email', 'name', 'language', 'time_zone', 'home_store'] as const;
export type PersonColumn = (typeof PERSON_COLUMNS)[number];
export type PersonCells = Readonly<Partial<Record<PersonColumn, string>>>;

/**
 * @param country of numbers without a country code; null: they must have one
 * @returns what is wrong with the line, for the person who made it
 */
export function readPersonRow(
  { customer, phone, email, name, language, time_zone: timeZone, home_store: homeStore }: PersonCells,
  country: string | null,
): Result<ToldPerson, string> {
  const told = Object.entries({ customer, phone, email, name, language, timeZone, homeStore });
  const entry = personSchema.safeParse(Object.fromEntries(told.filter(([, cell]) => cell !== undefined)));
  if (!entry.success) return err(firstIssue(entry.error));
  const read = readPerson(entry.data, country);
  return read.ok ? ok(read.value) : err(`${read.error.field}: ${read.error.why}`);
}

/** What a schema did not like, in words. */
export const firstIssue = (error: z.ZodError): string =>
  error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)[0] ?? 'it is not well-formed';
