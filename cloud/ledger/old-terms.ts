import { ineligible, validityIn } from '../../protocol/card.ts';
import type { Money } from '../../protocol/money.ts';
import { type Discount, faceValue, type PersonalOffer } from '../../protocol/offer.ts';
import { personalCard } from '../../protocol/personal-offer.ts';
import type { RedemptionRow } from './code-rules.ts';
import type { CampaignVersion, OldTermsView, TermsView } from './port.ts';
import { placeNames } from './reports.ts';
import type { LedgerStore, StoredOldTerms } from './store.ts';

/** Redemptions under other terms than their campaign had by then [P8]: both terms, and the difference in money. */

/** An outage of a chain's worst day; what is older was read by then. */
const OLD_TERMS_SHOWN_MAX = 10_000;

export async function oldTermsViews(store: LedgerStore): Promise<OldTermsView[]> {
  return store.read(async (tx) => {
    const rows = await tx.oldTerms(OLD_TERMS_SHOWN_MAX);
    const names = await placeNames(tx);
    const timeZones = new Map((await tx.stores()).map(({ id, timeZone }) => [id, timeZone]));
    const versionsByCampaign = new Map<string, readonly CampaignVersion[]>();
    for (const campaign of new Set(rows.map(({ code }) => code.campaign)))
      versionsByCampaign.set(campaign, await tx.campaignVersions(campaign));
    return rows.map((row) => {
      const store = names.storeOfDoor(row.sale.door) ?? row.sale.door;
      const versions = versionsByCampaign.get(row.code.campaign) ?? [];
      return viewOf(row, versions, { store, timeZone: timeZones.get(store) ?? 'UTC' });
    });
  });
}

type Place = { readonly store: string; readonly timeZone: string };

function viewOf({ sale, code, ...row }: StoredOldTerms, versions: readonly CampaignVersion[], at: Place): OldTermsView {
  const used = ofVersion(versions, row.used);
  const inForce = ofVersion(versions, row.inForce);
  const { currency } = inForce.card.offer.discount;
  const paid = worth(personalCard(used.card, code.personal).offer.discount, sale.total);
  return {
    ...{ campaign: code.campaign, lastFour: code.lastFour, store: at.store },
    ...{ at: sale.at, basket: sale.basket, reversed: sale.reversed },
    used: termsView(used, code.personal),
    inForce: termsView(inForce, code.personal),
    difference: { amount: paid - due(inForce, code.personal, sale, at), currency },
  };
}

/** What the sale would have had off under the terms in force: nothing where these refuse it. */
function due(
  { card: campaigns }: CampaignVersion,
  personal: PersonalOffer | null,
  { at, total }: RedemptionRow,
  { store, timeZone }: Place,
): number {
  const card = personalCard(campaigns, personal);
  const clock = { proven: true, earliest: at, latest: at } as const;
  const refused = ineligible(card, validityIn(card, timeZone), { channel: 'store', store, total }, clock);
  return refused === null ? worth(card.offer.discount, total) : 0;
}

/** The most that a discount takes off such a sale; what is not known of the sale counts for the most. */
function worth(discount: Discount, total: Money | null): number {
  if (discount.type !== 'percent' || total === null) return faceValue(discount);
  return Math.min(discount.maxAmount, Math.floor((total.amount * discount.percent) / 100));
}

function termsView({ card: campaigns, condition, terms }: CampaignVersion, personal: PersonalOffer | null): TermsView {
  const { version, offer, startsAt, endsAt, minimumBasket } = personalCard(campaigns, personal);
  const { title, discount } = offer;
  return { version, title, discount, startsAt, endsAt, minimumBasket, condition, terms: personal?.terms ?? terms };
}

function ofVersion(versions: readonly CampaignVersion[], version: number): CampaignVersion {
  const found = versions.find(({ card }) => card.version === version);
  if (found === undefined) throw new Error(`the version ${version} of a campaign was not kept`);
  return found;
}
