import { sealBlank } from '../../protocol/blank-seal.ts';
import { validityIn } from '../../protocol/card.ts';
import type { DownBody, UpBody } from '../../protocol/messages.ts';
import { err, ok, type Result } from '../../protocol/result.ts';
import type { Coupon, Distribution, IssueRefusal } from '../distribution/port.ts';
import type { Group } from '../ledger/group.ts';
import { cardOfCode } from '../ledger/reports.ts';
import type { LedgerStore } from '../ledger/store.ts';
import { canTake } from './blank-rules.ts';

/** A till names its customer: the coupon that this customer has of the campaign, as every other channel gives it [I7]. */

export type OwnCouponPorts = {
  readonly group: Group;
  readonly store: LedgerStore;
  readonly distribution: Pick<Distribution, 'issue' | 'personNamed' | 'coupon'>;
  /** Of the face of a coupon, by its link. */
  readonly faceUrl: (link: string) => string;
};

export type OwnCouponRequest = NonNullable<UpBody<'blanks'>['request']> & { readonly customer: string };

/** Made and assigned before it is told: who is asked at the same moment tells the same one. */
export async function answerOwnCoupon(
  ports: OwnCouponPorts,
  gateway: string,
  { id: request, campaign, customer }: OwnCouponRequest,
): Promise<void> {
  const place = await placeOf(ports, gateway, campaign);
  if (place === null) return;
  const issued = place.isHere ? await ownCoupon(ports, campaign, customer) : err('unknown_campaign' as const);
  if (!issued.ok) {
    const why = issued.error === 'ended' ? 'campaign_ended' : issued.error;
    return send(ports, gateway, { type: 'no_blanks', body: { request, why } });
  }
  const told = await sealedFor(ports, place, issued.value);
  if (told !== null) await send(ports, gateway, { type: 'coupon', body: { request, ...told } });
}

type Place = {
  readonly gateway: string;
  readonly key: string;
  readonly timeZone: string;
  readonly isHere: boolean;
};

/** A box is told of what is for its store alone. Null: it can be told nothing. */
async function placeOf({ store }: OwnCouponPorts, gateway: string, campaign: string): Promise<Place | null> {
  return store.read(async (tx) => {
    const row = (await tx.gateways([gateway]))[0];
    if (row === undefined || !canTake(row) || row.sealingKey === null) return null;
    const stores = (await tx.campaigns([campaign]))[0]?.card.stores ?? [];
    const timeZone = (await tx.stores()).find(({ id }) => id === row.store)?.timeZone ?? 'UTC';
    return { gateway, key: row.sealingKey, timeZone, isHere: stores === 'all' || stores.includes(row.store) };
  });
}

async function ownCoupon(
  { distribution }: OwnCouponPorts,
  campaign: string,
  number: string,
): Promise<Result<Coupon, IssueRefusal>> {
  const customer = await distribution.personNamed(number);
  const issued = await distribution.issue({ campaign, customer, channel: 'till', sale: null });
  if (!issued.ok) return issued;
  const coupon = await distribution.coupon(issued.value.assignment);
  if (coupon === null) throw new Error('a coupon that was just assigned is missing');
  return ok(coupon);
}

/** Null: nothing can be sealed for that key. */
async function sealedFor(
  { store, faceUrl }: OwnCouponPorts,
  { gateway, key, timeZone }: Place,
  { codeHash, code, link }: Coupon,
): Promise<Omit<DownBody<'coupon'>, 'request'> | null> {
  const card = await cardOfCode(store, codeHash);
  if (card === null) throw new Error('the code of a coupon is missing');
  const sealed = sealBlank(key, { code: code(), link: faceUrl(link) }, { gateway, codeHash });
  const until = validityIn(card, timeZone).endsAt;
  return sealed === null ? null : { codeHash, sealed, offer: card.offer, until };
}

const send = (
  { group }: OwnCouponPorts,
  gateway: string,
  message:
    | { readonly type: 'coupon'; readonly body: DownBody<'coupon'> }
    | { readonly type: 'no_blanks'; readonly body: DownBody<'no_blanks'> },
): Promise<void> => group.run([], async (unit) => unit.apply([{ do: 'send', gateway, message }]));
