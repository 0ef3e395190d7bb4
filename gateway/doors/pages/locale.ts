import type { Money } from '../../../protocol/money.ts';
import { formatAmount } from '../../../protocol/pages/amounts.ts';
import type { Language } from '../../../protocol/pages/language.ts';
import { type Times, timesIn } from '../../../protocol/pages/times.ts';
import { de } from './words/de.ts';
import { en } from './words/en.ts';
import { es } from './words/es.ts';
import { fr } from './words/fr.ts';
import type { Words } from './words/words.ts';

/** What a page writes with: the words, times and amounts of the store's language. */
export type Locale = {
  readonly language: Language;
  readonly words: Words;
  readonly times: Times;
  readonly money: (money: Money) => string;
};

export const wordsByLanguage: Readonly<Record<Language, Words>> = { en, es, fr, de };

/** @param now milliseconds */
export function localeOf(language: Language, timeZone: string, now: number): Locale {
  return {
    language,
    words: wordsByLanguage[language],
    times: timesIn(timeZone, now, language),
    money: (money) => formatAmount(money, language),
  };
}

/** `12 min`, `3 h`, `2 days`: how long something has lasted. */
export function lasting(durationMs: number, { line }: Pick<Words, 'line'>): string {
  const minutes = Math.max(0, Math.floor(durationMs / 60_000));
  if (minutes < 120) return line.minutes(minutes);
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? line.hours(hours) : line.days(Math.floor(hours / 24));
}
