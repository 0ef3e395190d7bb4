import { validityIn } from '../../../protocol/card.ts';
import { parseAddress } from '../identity.ts';
import type { Coupon, CustomerView } from '../port.ts';
import type { Secrets } from '../secrets.ts';
import {
  campaignOf,
  type NotNow,
  ownCard,
  type Prepared,
  type PreparingPorts,
  shownOf,
  suppressed,
} from './prepared.ts';
import { couponLetter } from './coupon-letter.ts';
import { whenNotQuiet } from './quiet-rules.ts';
import type { DeliveryRow, MessageRow, PostChannel } from './store.ts';

/** A coupon or a reminder of a delivery: to who has agreed, by day, while it is of use. */
export async function prepareDelivered(
  ports: PreparingPorts,
  message: MessageRow,
  delivery: DeliveryRow,
): Promise<Prepared> {
  const { store, now } = ports;
  const { channel, addressHash } = message;
  const person = message.customer === null ? null : await personOf(ports, message.customer);
  const campaign = await campaignOf(ports, message.campaign);
  if (person === null || addressHash === null || campaign === null) return suppressed('no_address');
  const to = addressOf(ports.secrets, person, channel, addressHash);
  if (to === null) return suppressed('no_address');
  const consent = await store.read((tx) => tx.consent(channel, addressHash));
  if (consent === null || consent.givenAt === null || consent.withdrawn !== null)
    return suppressed(consent === null ? 'no_consent' : 'consent_withdrawn');
  if (validityIn(campaign.card, campaign.card.timeZone).endsAt <= now()) return suppressed('ended');
  const timeZone = person.timeZone ?? campaign.card.timeZone;
  const until = whenNotQuiet(now(), delivery.quiet, timeZone);
  if (until > now()) return { is: 'held', until, reason: 'quiet_hours' };
  const coupon = await couponOf(ports, person.id, delivery);
  if (!('id' in coupon)) return coupon;
  const own = await ownCard(ports, campaign, coupon);
  if ('is' in own) return own;
  const shown = shownOf(ports, own.card, campaign, coupon, person.language, timeZone);
  const letter = await ports.inTurn(() => couponLetter(ports, message, to, delivery, shown));
  return { is: 'ready', letter, assignment: coupon.id, consent: consent.id };
}

/** Persons who turn out to be one are one: a message to the other is to whom it became. */
async function personOf(
  { distribution, store }: Pick<PreparingPorts, 'distribution' | 'store'>,
  customer: string,
): Promise<CustomerView | null> {
  const row = (await store.read((tx) => tx.customers([customer])))[0];
  if (row === undefined) return null;
  return row.mergedInto === null ? distribution.customer(customer) : personOf({ distribution, store }, row.mergedInto);
}

function addressOf(secrets: Secrets, person: CustomerView, channel: PostChannel, hash: string): string | null {
  for (const { kind, value } of person.identities) {
    if (kind !== (channel === 'email' ? 'email' : 'phone')) continue;
    const parsed = parseAddress(value, null);
    if (parsed.ok && secrets.hashIdentity(parsed.value) === hash) return value;
  }
  return null;
}

/** Who is on a list gets a coupon now, where there is none yet; who was chosen for having one gets none besides. */
async function couponOf(
  { distribution, store, now }: PreparingPorts,
  customer: string,
  { id, campaign, audience, channel }: DeliveryRow,
): Promise<Coupon | NotNow> {
  if (audience === 'list') {
    const source = { delivery: id };
    const assigned = await distribution.assign({
      campaign,
      customer,
      how: 'delivery',
      channel,
      source,
      personal: null,
    });
    if (assigned.ok) return (await distribution.coupon(assigned.value.assignment)) ?? suppressed('no_coupon');
    if (assigned.error === 'none_left_today') return { is: 'held', until: now() + HOUR_MS, reason: assigned.error };
    return suppressed(typeof assigned.error === 'object' ? 'no_coupon' : assigned.error);
  }
  const mine = (await store.read((tx) => tx.assignmentsOf(campaign, customer))).filter(
    (row) => row.replacedBy === null,
  );
  const newest = mine.at(-1);
  return (newest === undefined ? null : await distribution.coupon(newest.id)) ?? suppressed('no_coupon');
}

/** A day's cap is asked again each hour: it is full until the campaign's midnight. */
const HOUR_MS = 3_600_000;
