import { type Card, validityIn } from '../../../protocol/card.ts';
import { personalCard } from '../../../protocol/personal-offer.ts';
import type { Campaign } from '../../ledger/port.ts';
import { parseEmail, parsePhone } from '../identity.ts';
import type { Coupon, CustomerView, Distribution } from '../port.ts';
import type { Secrets } from '../secrets.ts';
import { type Contents, openContents } from './contents.ts';
import type { Mail, Sms } from './providers.ts';
import { whenNotQuiet } from './quiet-rules.ts';
import {
  couponMail,
  couponSms,
  proofMail,
  proofSms,
  type Sample,
  type Shown,
  saidSms,
  testMail,
  testSms,
} from './rendering.ts';
import type { DeliveryRow, MessageRow, PostChannel, PostStore } from './store.ts';
import { unsubscribeToken } from './unsubscribe.ts';

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
};

type NotNow = Exclude<Prepared, { is: 'ready' }>;
const suppressed = (reason: string): NotNow => ({ is: 'suppressed', reason });

export async function prepare(
  ports: PreparingPorts,
  message: MessageRow,
  delivery: DeliveryRow | null,
): Promise<Prepared> {
  if (message.expiresAt !== null && message.expiresAt <= ports.now()) return suppressed('expired');
  switch (message.kind) {
    case 'proof':
    case 'test':
    case 'reply':
      return prepareAsked(ports, message);
    case 'coupon':
    case 'reminder':
      if (delivery === null) throw new Error(`the delivery of the message ${message.id} is missing`);
      return prepareDelivered(ports, message, delivery);
  }
}

/** What somebody has just asked for is sent at any hour, and needs no other consent than that. */
async function prepareAsked(ports: PreparingPorts, message: MessageRow): Promise<Prepared> {
  const contents = openContents(ports.secrets, message);
  const campaign = await campaignOf(ports, message.campaign);
  const ready = (letter: Letter): Prepared => ({ is: 'ready', letter, assignment: message.assignment, consent: null });
  if (message.kind === 'test') return ready(await testLetter(ports, message, contents, campaign));
  if (contents.proof !== undefined) return ready(proofLetter(message, contents, contents.proof, campaign));
  if (contents.say !== undefined)
    return ready({
      channel: 'sms',
      sms: { id: message.id, to: contents.to, text: saidSms(message.language, contents.say) },
    });
  const coupon = message.assignment === null ? null : await ports.distribution.coupon(message.assignment);
  if (coupon === null || campaign === null) return suppressed('no_coupon');
  const own = await ownCard(ports, campaign, coupon);
  const card = 'is' in own ? campaign.card : own.card;
  const shown = shownOf(ports, card, campaign.condition, coupon, message.language, card.timeZone);
  return ready({ channel: 'sms', sms: { id: message.id, to: contents.to, text: couponSms(shown, null, 'coupon') } });
}

function proofLetter(message: MessageRow, { to }: Contents, proof: string, campaign: Campaign | null): Letter {
  const about = { proof, title: campaign?.card.offer.title ?? '', language: message.language };
  return message.channel === 'email'
    ? { channel: 'email', mail: { id: message.id, to, ...proofMail(about) } }
    : { channel: 'sms', sms: { id: message.id, to, text: proofSms(about) } };
}

async function testLetter(
  ports: PreparingPorts,
  message: MessageRow,
  { to, subject, text }: Contents,
  campaign: Campaign | null,
): Promise<Letter> {
  if (campaign === null) throw new Error(`the test message ${message.id} is of no campaign`);
  const sample = sampleOf(ports, campaign, message.language);
  return message.channel === 'email'
    ? {
        channel: 'email',
        mail: { id: message.id, to, ...(await testMail(sample, { subject: subject ?? null, text: text ?? null })) },
      }
    : { channel: 'sms', sms: { id: message.id, to, text: testSms(sample, text ?? null) } };
}

/** What a test message of this campaign shows. */
export const sampleOf = (
  { publicUrl, now }: Pick<PreparingPorts, 'publicUrl' | 'now'>,
  { card, condition }: Campaign,
  language: string,
): Sample => ({
  ...{ title: card.offer.title, condition, language, timeZone: card.timeZone, now: now() },
  endsAt: validityIn(card, card.timeZone).endsAt,
  publicUrl: publicUrl(),
});

async function prepareDelivered(ports: PreparingPorts, message: MessageRow, delivery: DeliveryRow): Promise<Prepared> {
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
  const shown = shownOf(ports, own.card, campaign.condition, coupon, person.language, timeZone);
  const letter = await deliveredLetter(ports, message, delivery, to, shown);
  return { is: 'ready', letter, assignment: coupon.id, consent: consent.id };
}

async function deliveredLetter(
  { secrets, publicUrl }: PreparingPorts,
  { id, channel, addressHash }: MessageRow,
  { subject, text, kind }: DeliveryRow,
  to: string,
  shown: Shown,
): Promise<Letter> {
  if (channel === 'sms') return { channel, sms: { id, to, text: couponSms(shown, text, kind) } };
  const unsubscribe = `${publicUrl()}/u/${unsubscribeToken(secrets, { channel, addressHash: addressHash ?? '' })}`;
  return { channel, mail: { id, to, ...(await couponMail(shown, { subject, text, kind, unsubscribe })) } };
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
    const parsed = kind === 'email' ? parseEmail(value) : parsePhone(value, null);
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

/** The terms of this coupon itself; else why nobody wants to hear of it any more. */
async function ownCard(
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

const campaignOf = async ({ store }: PreparingPorts, id: string | null): Promise<Campaign | null> =>
  id === null ? null : ((await store.read((tx) => tx.campaigns([id])))[0] ?? null);

const shownOf = (
  { publicUrl, now }: PreparingPorts,
  card: Card,
  condition: string | null,
  coupon: Coupon,
  language: string,
  timeZone: string,
): Shown => ({
  ...{ title: card.offer.title, condition, endsAt: validityIn(card, card.timeZone).endsAt },
  ...{ timeZone, language, now: now() },
  link: `${publicUrl()}/c/${coupon.link}`,
  code: coupon.code(),
});
