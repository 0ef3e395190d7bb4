import { type Card, validityIn } from '../../../protocol/card.ts';
import { personalCard } from '../../../protocol/personal-offer.ts';
import type { Campaign } from '../../ledger/port.ts';
import type { Coupon, Distribution } from '../port.ts';
import type { Secrets } from '../secrets.ts';
import type { InTurn } from '../../ledger/turns.ts';
import type { Mail, Sms } from './providers.ts';
import type { Shown } from './rendering.ts';
import type { PostStore } from './store.ts';

/** May this message be sent now, and what does it say? Asked just before each attempt. */
export type Prepared =
  | {
      readonly is: 'ready';
      readonly letter: Letter;
      readonly assignment: string | null;
      readonly consent: number | null;
    }
  | { readonly is: 'held'; readonly until: number; readonly reason: string }
  | { readonly is: 'suppressed'; readonly reason: string };

export type Letter =
  | { readonly channel: 'email'; readonly mail: Mail }
  | { readonly channel: 'sms'; readonly sms: Sms };

export type PreparingPorts = {
  readonly store: PostStore;
  readonly secrets: Secrets;
  readonly distribution: Distribution;
  /** How the outside reaches this cloud. */
  readonly publicUrl: () => string;
  readonly now: () => number;
  /** Writes one letter after another: drawing takes its time, and between them registers and shops have their turn. */
  readonly inTurn: InTurn;
};

export type NotNow = Exclude<Prepared, { is: 'ready' }>;
export const suppressed = (reason: string): NotNow => ({ is: 'suppressed', reason });

/** The terms of this coupon itself; else why nobody wants to hear of it any more. */
export async function ownCard(
  { store, now }: PreparingPorts,
  { card }: Campaign,
  { codeHash }: Coupon,
): Promise<{ readonly card: Card } | NotNow> {
  const code = (await store.read((tx) => tx.codes([codeHash])))[0];
  if (code === undefined) return suppressed('no_coupon');
  if (code.state === 'redeemed') return suppressed('redeemed');
  if (code.state === 'voided' || code.state === 'void_pending') return suppressed('voided');
  const own = personalCard(card, code.personal);
  return validityIn(own, own.timeZone).endsAt <= now() ? suppressed('ended') : { card: own };
}

export const campaignOf = async ({ store }: PreparingPorts, id: string | null): Promise<Campaign | null> =>
  id === null ? null : ((await store.read((tx) => tx.campaigns([id])))[0] ?? null);

export const shownOf = (
  { publicUrl, now }: PreparingPorts,
  card: Card,
  { condition, barcode }: Pick<Campaign, 'condition' | 'barcode'>,
  coupon: Coupon,
  language: string,
  timeZone: string,
): Shown => ({
  ...{ title: card.offer.title, condition, endsAt: validityIn(card, card.timeZone).endsAt },
  ...{ timeZone, language, now: now() },
  link: `${publicUrl()}/c/${coupon.link}`,
  code: coupon.code(),
  barcode,
});
