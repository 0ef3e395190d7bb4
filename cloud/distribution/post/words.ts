import { de } from './words/de.ts';
import { en } from './words/en.ts';
import { es } from './words/es.ts';
import { fr } from './words/fr.ts';
import type { Words } from './words/words.ts';

const byLanguage = { en, es, fr, de } as const;

/** @param language as `de` or `de-AT`; English where it is none of ours */
export function wordsOf(language: string): Words {
  const [primary = ''] = language.toLowerCase().split('-');
  return primary === 'es' || primary === 'fr' || primary === 'de' ? byLanguage[primary] : byLanguage.en;
}
