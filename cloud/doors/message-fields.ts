import { z } from 'zod';

/** Fields that the calls about messages share. */

/** More is cut by every mail program. */
const SUBJECT_CHARACTERS_MAX = 200;
/** Ten parts of a text message. */
const TEXT_CHARACTERS_MAX = 1_500;

/** One line: a line end would begin another header. */
export const subjectSchema = z
  .string()
  .trim()
  .min(1)
  .max(SUBJECT_CHARACTERS_MAX)
  .regex(/^[^\p{Cc}\u2028\u2029]*$/u, 'one line of text');

export const messageTextSchema = z
  .string()
  .trim()
  .min(1)
  .max(TEXT_CHARACTERS_MAX)
  .regex(/^[^\p{Cc}]*(?:\n[^\p{Cc}]*)*$/u, 'text without control characters');

export const dateOf = (at: number): string => new Date(at).toISOString();
