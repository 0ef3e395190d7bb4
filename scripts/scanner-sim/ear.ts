import { type FeedbackKind, feedbackFor } from '../../gateway/lanes/feedback.ts';
import { acknowledgementOf } from '../../gateway/lanes/profiles/profile.ts';

/** What the box said, in words, and the bytes of it. */
export type Said = { readonly words: string; readonly bytes: Uint8Array };

const KINDS: readonly FeedbackKind[] = ['bel', 'datalogic', 'honeywell', 'ssi'];
const OUTCOMES = {
  approved: 'beep: approved',
  refused: 'beep: refused',
  unsure: 'beep: cannot verify',
  silent: 'no beep: not a coupon',
} as const;

/** Every sentence of the box, by its bytes: no two scanners use one byte for two things. */
const WORDS_BY_HEX = new Map<string, string>([
  ...['line', 'ssi'].flatMap((profile) => {
    const words = acknowledgementOf({ profile: profile === 'ssi' ? 'ssi' : 'line', lrc: false, ack: '06' });
    return words === null ? [] : [said(words.taken, 'acknowledged'), said(words.notTaken, 'not acknowledged')];
  }),
  ...KINDS.flatMap((kind) =>
    (['approved', 'refused', 'unsure', 'silent'] as const).flatMap((outcome) => {
      const signals = feedbackFor(kind, outcome, 0);
      return signals.length === 0 ? [] : [said(Buffer.concat(signals.map(({ bytes }) => bytes)), OUTCOMES[outcome])];
    }),
  ),
]);

/**
 * Splits what was heard up to a silence into sentences, the longest first: an acknowledgement may stand before a beep.
 * What is none is told as its bytes.
 */
export function inWords(heard: Uint8Array): Said[] {
  const all: Said[] = [];
  for (let at = 0; at < heard.length; ) {
    const rest = heard.subarray(at);
    const end = longest(rest);
    const bytes = rest.subarray(0, end ?? rest.length);
    all.push({ words: WORDS_BY_HEX.get(hexOf(bytes)) ?? 'not understood', bytes });
    at += bytes.length;
  }
  return all;
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').replace(/..\B/g, '$& ');
}

function longest(heard: Uint8Array): number | null {
  for (let length = heard.length; length > 0; length -= 1)
    if (WORDS_BY_HEX.has(hexOf(heard.subarray(0, length)))) return length;
  return null;
}

function said(bytes: Uint8Array, words: string): [string, string] {
  return [hexOf(bytes), words];
}
