import { err, ok, type Result } from '../../../protocol/result.ts';
import type { Address } from '../identity.ts';
import type { Postbox } from './postbox.ts';
import { sampleOf } from './asked-message.ts';
import type { PreparingPorts } from './prepared.ts';
import { testSms } from './rendering.ts';
import { segmentsOf } from './segment-rules.ts';
import type { PostChannel } from './store.ts';

export type TestRequest = {
  readonly campaign: string;
  readonly channel: PostChannel;
  readonly address: Address;
  readonly language: string;
  readonly subject?: string | undefined;
  readonly text?: string | undefined;
};

type Ports = Omit<PreparingPorts, 'inTurn'> & {
  readonly postbox: Postbox;
  readonly channels: ReadonlySet<PostChannel>;
  readonly newId: () => string;
};

/** The message as a customer would get it, to one address. @returns its id, and the parts of a text */
export async function sendTest(
  ports: Ports,
  { campaign, channel, address, language, subject, text }: TestRequest,
): Promise<Result<{ readonly message: string; readonly segments: number | null }, 'unknown_campaign' | 'not_set_up'>> {
  const { store, secrets, postbox, channels, newId } = ports;
  const about = (await store.read((tx) => tx.campaigns([campaign])))[0];
  if (about === undefined) return err('unknown_campaign');
  if (!channels.has(channel)) return err('not_set_up');
  const id = newId();
  const addressHash = secrets.hashIdentity(address);
  const contents = { to: address.value, ...(subject && { subject }), ...(text && { text }) };
  await postbox.put({ id, kind: 'test', campaign, channel, addressHash, language }, contents);
  if (channel === 'email') return ok({ message: id, segments: null });
  return ok({ message: id, segments: segmentsOf(testSms(sampleOf(ports, about, language), text ?? null)).count });
}
