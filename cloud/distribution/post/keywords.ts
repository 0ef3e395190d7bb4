import { validityIn } from '../../../protocol/card.ts';
import { err, ok, type Result } from '../../../protocol/result.ts';
import type { PostStore } from './store.ts';

/** A keyword is of one campaign; when that has ended, another may have it. @param keyword in capital letters; null: none any more */
export async function setKeyword(
  store: PostStore,
  campaign: string,
  keyword: string | null,
  now: number,
): Promise<Result<null, 'unknown_campaign' | 'taken'>> {
  return store.transaction(async (tx) => {
    if ((await tx.campaigns([campaign])).length === 0) return err('unknown_campaign');
    const holder = keyword === null ? null : await tx.campaignOfKeyword(keyword);
    if (holder !== null && holder !== campaign) {
      const card = (await tx.campaigns([holder]))[0]?.card;
      if (card !== undefined && validityIn(card, card.timeZone).endsAt > now) return err('taken');
      await tx.putKeyword(holder, null);
    }
    await tx.putKeyword(campaign, keyword);
    return ok(null);
  });
}
