import { z } from 'zod';

/** A date (`2026-11-30`) or an instant (`2026-11-30T18:00:00Z`). A date starts at 00:00 and ends with its day, by place. */
export const dateOrInstantSchema = z.union([z.iso.date(), z.iso.datetime({ offset: true })]);
