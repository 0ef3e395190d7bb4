import type { Source } from '../distribution/store.ts';

/** Where somebody came from: the parameters of the link or QR code that brought them. */

/** As many as the analytics of the web use, twice over. */
const PARAMETERS_MAX = 10;
const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,39}$/;
/** An ad's own identifier has up to a hundred characters. */
const VALUE_CHARACTERS_MAX = 120;

/** What is too much, too long or no name is left out: nobody is turned away for the link that brought them. */
export function sourceOf(parameters: Iterable<readonly [string, string]>): Source {
  const kept = new Map<string, string>();
  for (const [name, value] of parameters) {
    const clean = value.replace(/\p{C}/gu, '').trim();
    if (kept.size === PARAMETERS_MAX || kept.has(name) || !NAME.test(name)) continue;
    if (clean !== '' && clean.length <= VALUE_CHARACTERS_MAX) kept.set(name, clean);
  }
  return Object.fromEntries(kept);
}

/** Fields of a form that carry a source through it. */
const FIELD_PREFIX = 'from.';

export const sourceField = (name: string): string => `${FIELD_PREFIX}${name}`;

export function sourceOfForm(form: Readonly<Record<string, string>>): Source {
  const fields = Object.entries(form).filter(([name]) => name.startsWith(FIELD_PREFIX));
  return sourceOf(fields.map(([name, value]) => [name.slice(FIELD_PREFIX.length), value] as const));
}

/** Behind an address, with its question mark where there is any. */
export function sourceQuery(source: Source): string {
  const query = new URLSearchParams(source).toString();
  return query === '' ? '' : `?${query}`;
}
