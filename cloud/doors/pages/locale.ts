import type { Money } from '../../../protocol/money.ts';
import { formatAmount } from '../../../protocol/pages/amounts.ts';
import { type Language, languageSchema } from '../../../protocol/pages/language.ts';
import { type Times, timesIn } from '../../../protocol/pages/times.ts';
import { de } from './words/de.ts';
import { en } from './words/en.ts';
import { es } from './words/es.ts';
import { fr } from './words/fr.ts';
import type { Words } from './words/words.ts';

/** What a page writes with: the words, times and amounts of its reader's language. */
export type Locale = {
  readonly language: Language;
  readonly words: Words;
  /** @param timeZone IANA */
  readonly times: (timeZone: string) => Times;
  readonly money: (money: Money) => string;
};

const wordsByLanguage: Readonly<Record<Language, Words>> = { en, es, fr, de };

/** @param now milliseconds */
export function localeOf(language: Language, now: number): Locale {
  return {
    language,
    words: wordsByLanguage[language],
    times: (timeZone) => timesIn(timeZone, now, language),
    money: (money) => formatAmount(money, language),
  };
}

/** More languages than a browser ever names. */
const ACCEPT_CHARACTERS_MAX = 200;

/** The first of ours that is asked for. @param own BCP 47, of the person; null: not known @param accept Accept-Language */
export function languageFor(own: string | null, accept: string | undefined): Language {
  const asked = (accept ?? '')
    .slice(0, ACCEPT_CHARACTERS_MAX)
    .split(',')
    .map((part) => ({ tag: part.split(';')[0] ?? '', quality: Number(/;\s*q=([\d.]+)/.exec(part)?.[1] ?? 1) }))
    .sort((one, other) => other.quality - one.quality)
    .map(({ tag }) => tag);
  const all = own === null ? asked : [own, ...asked];
  for (const tag of all) {
    const known = languageSchema.safeParse(tag.trim().toLowerCase().split('-')[0]);
    if (known.success) return known.data;
  }
  return 'en';
}
