import type { Card } from '../../protocol/card.ts';
import { newestTerms, type TermsBook } from './box-rules.ts';
import type { Draft } from './draft-rules.ts';

/** Campaign cards: the newest version counts, the older ones stay for what was begun under them. */

/** Keeps what is newer than what is known. */
export function keepCards(draft: Draft, book: TermsBook, cards: readonly Card[]): void {
  for (const card of cards) {
    const { campaign } = card.offer;
    const known = newestTerms(book, campaign);
    if (known !== null && known.card.version >= card.version) continue;
    draft.change({ do: 'card', card });
    draft.journal({ kind: 'policy', campaign, version: card.version });
  }
}
