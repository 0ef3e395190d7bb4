import type { Card } from '../../protocol/card.ts';
import type { CodeHash } from '../../protocol/code.ts';
import type { PersonalOffer } from '../../protocol/offer.ts';
import { inChain, personalCard } from '../../protocol/personal-offer.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import { chain, entryOf } from './chain.ts';
import type { CodeRow, PersonalEntry } from './code-rules.ts';
import { type PersonalRefusal, personalise } from './personal-rules.ts';
import type { Campaign } from './port.ts';
import { type LedgerStore, type LedgerTx, NOTHING } from './store.ts';
import { countOwn } from './worth-rules.ts';

/** A code of that campaign gets terms of its own. @returns the card as it is for this code */
export async function personaliseCode(
  store: LedgerStore,
  campaign: string,
  hash: CodeHash,
  offer: PersonalOffer,
  now: number,
): Promise<Result<Card, PersonalRefusal>> {
  return store.transaction(async (tx) => {
    const [[code], [known]] = [await tx.codes([hash]), await tx.campaigns([campaign])];
    if (code === undefined || known === undefined || code.campaign !== campaign) return err({ why: 'unknown_code' });
    const counted = await setPersonal(tx, code, known, offer, now);
    if (!counted.ok) return counted;
    await tx.putCampaign(counted.value);
    return ok(personalCard(known.card, offer));
  });
}

/**
 * The same as part of a caller's transaction, which has loaded both rows in it.
 * @returns the campaign, whose caps have counted the code's value: the caller's to put
 * @throws LostRace where the code is not as it was loaded
 */
export async function setPersonal(
  tx: LedgerTx,
  seen: CodeRow,
  campaign: Campaign,
  offer: PersonalOffer,
  now: number,
): Promise<Result<Campaign, PersonalRefusal>> {
  const decided = personalise(seen, campaign, offer);
  if (!decided.ok) return decided;
  const row = decided.value.code;
  const body: PersonalEntry = { kind: 'personal', generation: seen.generation, offer: inChain(offer) };
  const entry = entryOf(seen.hash, now, body);
  await tx.write({
    ...NOTHING,
    codes: [{ row, seenVersion: seen.version }],
    entries: chain(await tx.heads([entry.partition]), [entry]),
    own: countOwn([{ seen, row }]),
  });
  return ok(decided.value.campaign);
}
