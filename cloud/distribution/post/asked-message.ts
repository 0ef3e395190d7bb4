import { validityIn } from '../../../protocol/card.ts';
import type { Campaign } from '../../ledger/port.ts';
import { type Contents, openContents } from './contents.ts';
import { couponLetter } from './coupon-letter.ts';
import {
  campaignOf,
  type Letter,
  ownCard,
  type Prepared,
  type PreparingPorts,
  shownOf,
  suppressed,
} from './prepared.ts';
import { proofMail, proofSms, type Sample, saidSms, testMail, testSms } from './rendering.ts';
import type { MessageRow } from './store.ts';

/** What somebody has just asked for is sent at any hour, and needs no other consent than that. */
export async function prepareAsked(ports: PreparingPorts, message: MessageRow): Promise<Prepared> {
  const contents = openContents(ports.secrets, message);
  const campaign = await campaignOf(ports, message.campaign);
  const ready = (letter: Letter): Prepared => ({ is: 'ready', letter, assignment: message.assignment, consent: null });
  if (message.kind === 'test') return ready(testLetter(ports, message, contents, campaign));
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
  const shown = shownOf(ports, card, campaign, coupon, message.language, card.timeZone);
  const plain = { kind: 'coupon', subject: null, text: null } as const;
  return ready(await ports.inTurn(() => couponLetter(ports, message, contents.to, plain, shown)));
}

function proofLetter(message: MessageRow, { to }: Contents, proof: string, campaign: Campaign | null): Letter {
  const about = { proof, title: campaign?.card.offer.title ?? '', language: message.language };
  return message.channel === 'email'
    ? { channel: 'email', mail: { id: message.id, to, ...proofMail(about) } }
    : { channel: 'sms', sms: { id: message.id, to, text: proofSms(about) } };
}

function testLetter(
  ports: PreparingPorts,
  message: MessageRow,
  { to, subject, text }: Contents,
  campaign: Campaign | null,
): Letter {
  if (campaign === null) throw new Error(`the test message ${message.id} is of no campaign`);
  const sample = sampleOf(ports, campaign, message.language);
  return message.channel === 'email'
    ? {
        channel: 'email',
        mail: { id: message.id, to, ...testMail(sample, { subject: subject ?? null, text: text ?? null }) },
      }
    : { channel: 'sms', sms: { id: message.id, to, text: testSms(sample, text ?? null) } };
}

/** What a test message of this campaign shows. */
export const sampleOf = (
  { publicUrl, now }: Pick<PreparingPorts, 'publicUrl' | 'now'>,
  { card, condition, barcode }: Campaign,
  language: string,
): Sample => ({
  ...{ title: card.offer.title, condition, language, timeZone: card.timeZone, now: now() },
  endsAt: validityIn(card, card.timeZone).endsAt,
  publicUrl: publicUrl(),
  barcode,
});
