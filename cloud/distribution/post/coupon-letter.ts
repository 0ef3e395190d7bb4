import type { Letter, PreparingPorts } from './prepared.ts';
import { couponMail, couponSms, type Shown } from './rendering.ts';
import type { DeliveryRow, MessageRow } from './store.ts';
import { unsubscribeToken } from './unsubscribe.ts';

/** A coupon as it goes to its customer, by either channel. */
export function couponLetter(
  { secrets, publicUrl }: Pick<PreparingPorts, 'secrets' | 'publicUrl'>,
  { id, channel, addressHash }: MessageRow,
  to: string,
  { subject, text, kind }: Pick<DeliveryRow, 'subject' | 'text' | 'kind'>,
  shown: Shown,
): Letter {
  if (channel === 'sms') return { channel, sms: { id, to, text: couponSms(shown, text, kind) } };
  const unsubscribe = `${publicUrl()}/u/${unsubscribeToken(secrets, { channel, addressHash: addressHash ?? '' })}`;
  return { channel, mail: { id, to, ...couponMail(shown, { subject, text, kind, unsubscribe }) } };
}
