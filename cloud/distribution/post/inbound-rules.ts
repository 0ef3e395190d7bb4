/** What a text that somebody sends to our number asks for. Pure. */

export type Asked =
  | { readonly for: 'stop' | 'start' | 'help' }
  /** In capital letters. */
  | { readonly for: 'keyword'; readonly keyword: string };

/** The usual words of the four languages; the carriers' own English ones in any case. */
const STOP = 'STOP STOPALL STOPP UNSUBSCRIBE CANCEL END QUIT BAJA PARAR ALTO CANCELAR ARRET DESABONNER ABMELDEN ENDE';
const START = 'START UNSTOP INICIO ALTA REPRENDRE STARTEN ANMELDEN';
const HELP = 'HELP INFO AYUDA AIDE HILFE';

const words = (list: string): ReadonlySet<string> => new Set(list.split(' '));
const [stops, starts, helps] = [words(STOP), words(START), words(HELP)];

/** Letters and digits: what can be read out, and typed on any telephone. */
const KEYWORD = /^[A-Z0-9]{2,20}$/;

export const isKeyword = (text: string): boolean => KEYWORD.test(text) && !isReserved(text);

export function asked(text: string): Asked {
  const [first = '', ...more] = text
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .toUpperCase()
    .replace(/[^\p{L}\p{N}\s]/gu, ' ')
    .trim()
    .split(/\s+/);
  if (stops.has(first)) return { for: 'stop' };
  if (helps.has(first)) return { for: 'help' };
  // To stop, the first word is enough; to begin again, nothing else may be meant.
  if (starts.has(first) && more.length === 0) return { for: 'start' };
  return { for: 'keyword', keyword: first };
}

const isReserved = (word: string): boolean => stops.has(word) || starts.has(word) || helps.has(word);
