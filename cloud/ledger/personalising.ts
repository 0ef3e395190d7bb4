import type { Card } from '../../protocol/card.ts';
import type { CodeHash } from '../../protocol/code.ts';
import type { PersonalOffer } from '../../protocol/offer.ts';
import { personalCard } from '../../protocol/personal-offer.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import type { Group } from './group.ts';
import { type PersonalRefusal, personalise } from './personal-rules.ts';

/** A code of that campaign gets terms of its own. @returns the card as it is for this code */
export function personaliseCode(
  group: Group,
  campaign: string,
  hash: CodeHash,
  offer: PersonalOffer,
): Promise<Result<Card, PersonalRefusal>> {
  return group.run([hash], async (unit) => {
    const view = await unit.view(hash);
    if (view === null || view.code.campaign !== campaign) return err({ why: 'unknown_code' });
    const decided = personalise(view, await unit.campaign(campaign), offer);
    if (!decided.ok) return decided;
    unit.apply(decided.value);
    return ok(personalCard(view.campaignCard, offer));
  });
}
