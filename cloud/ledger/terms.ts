import { validityIn } from '../../protocol/card.ts';
import { faceValue } from '../../protocol/offer.ts';
import { chain, type NewEntry } from './chain.ts';
import type { Campaign } from './port.ts';
import { EMPTY_BATCH, type LedgerTx } from './store.ts';

/** Entries that are of no code stand in the first chain. */
const PARTITION = 0;

/**
 * Face value and end of a campaign are money: each change of them is an entry of the ledger's chains, so that what the
 * books said of a past day stays so, and nobody changes it unnoticed [C17].
 * @param before null: the campaign is new
 */
export async function recordTerms(tx: LedgerTx, before: Campaign | null, after: Campaign, at: number): Promise<void> {
  if (before !== null && isSame(before, after)) return;
  // With those before: a ledger of old has campaigns of which there is no such entry yet.
  const entries = [before, after].flatMap((campaign) => (campaign === null ? [] : termsEntry(campaign, at)));
  await tx.write({ ...EMPTY_BATCH, entries: chain(await tx.heads([PARTITION]), entries) });
}

/** The face value of one code in minor units, and the instant of the end, exclusive. */
const termsOf = ({ card }: Campaign) => ({
  worth: faceValue(card.offer.discount),
  endsAt: validityIn(card, card.timeZone).endsAt,
});

function isSame(one: Campaign, other: Campaign): boolean {
  const [was, is] = [termsOf(one), termsOf(other)];
  return was.worth === is.worth && was.endsAt === is.endsAt;
}

function termsEntry(campaign: Campaign, at: number): NewEntry {
  const { id, card } = campaign;
  const body = { kind: 'terms', campaign: id, version: card.version, ...termsOf(campaign) };
  return { codeHash: null, partition: PARTITION, at, body };
}
