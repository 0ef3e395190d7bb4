import { z } from 'zod';

/** The languages that the pages and messages speak. */
export const languageSchema = z.enum(['en', 'es', 'fr', 'de']);
export type Language = z.infer<typeof languageSchema>;
