import type { SourceLimit } from './store.ts';

/** Anybody can write a link: what strangers bring in leaves room for what is assigned and paid for. */
export const STRANGERS_SOURCES: SourceLimit = { sourcesMax: 10_000 };
/** Ads times keywords of a large campaign; a report of so many rows is a file of some megabytes. */
export const OWN_SOURCES: SourceLimit = { sourcesMax: 20_000 };
