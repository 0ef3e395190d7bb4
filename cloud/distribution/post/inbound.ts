import { validityIn } from '../../../protocol/card.ts';
import { parsePhone } from '../identity.ts';
import type { Address } from '../identity.ts';
import type { Distribution } from '../port.ts';
import type { Secrets } from '../secrets.ts';
import type { Consents } from './consents.ts';
import type { Said } from './contents.ts';
import { type Asked, asked } from './inbound-rules.ts';
import type { Postbox } from './postbox.ts';
import type { PostStore } from './store.ts';

/** Texts that people send to our number. A text proves its sender's telephone. */

export type InboundPorts = {
  readonly store: PostStore;
  readonly secrets: Secrets;
  readonly distribution: Distribution;
  readonly consents: Consents;
  readonly postbox: Postbox;
  readonly now: () => number;
};

/** `id`: the provider's; the same text told twice is answered once. */
export type Inbound = { readonly id: string; readonly from: string; readonly text: string };

const HOUR_MS = 3_600_000;
/** A person texts a few words; more is a machine that answers a machine. */
const ANSWERS_PER_SENDER_HOUR_MAX = 10;
/** Whoever writes to us as to a friend is told once what this number is for. */
const HELPS_PER_SENDER_HOUR_MAX = 1;
/** Where nothing is known of the sender. */
const LANGUAGE = 'en';

type Answer = { readonly say: Said } | { readonly assignment: string; readonly campaign: string };

export async function takeInbound(ports: InboundPorts, { id, from, text }: Inbound): Promise<void> {
  const sender = parsePhone(from, null);
  // A short code or a name is no person.
  if (!sender.ok) return;
  const address = sender.value;
  const wants = asked(text);
  // To stop must always work, also for whom no answer is left.
  if (wants.for === 'stop') await ports.consents.withdraw(address, `sms ${firstWord(text)}`);
  if (!(await mayAnswer(ports, address, 'answers', ANSWERS_PER_SENDER_HOUR_MAX))) return;
  const answer = await answerTo(ports, address, wants, text);
  if (answer !== null) await reply(ports, id, address, answer);
}

async function answerTo(ports: InboundPorts, address: Address, wants: Asked, text: string): Promise<Answer | null> {
  switch (wants.for) {
    case 'stop':
      return { say: 'stopped' };
    case 'start':
      await ports.consents.give([{ address, givenAt: ports.now(), source: 'sms', wording: firstWord(text) }]);
      return { say: 'started' };
    case 'help':
      return { say: 'help' };
    case 'keyword':
      return (await couponFor(ports, address, wants.keyword)) ?? helpOnce(ports, address);
  }
}

async function helpOnce(ports: InboundPorts, address: Address): Promise<Answer | null> {
  return (await mayAnswer(ports, address, 'help', HELPS_PER_SENDER_HOUR_MAX)) ? { say: 'help' } : null;
}

/** Null: no campaign has this word. */
async function couponFor(ports: InboundPorts, address: Address, keyword: string): Promise<Answer | null> {
  const { store, distribution, now } = ports;
  const [running] = await store.read(async (tx) => tx.campaigns([(await tx.campaignOfKeyword(keyword)) ?? '']));
  if (running === undefined) return null;
  if (validityIn(running.card, running.card.timeZone).endsAt <= now()) return { say: 'ended' };
  const person = { identities: [{ identity: address, verified: true }], facts: {} } as const;
  const request = { campaign: running.id, how: 'demand', channel: 'sms', source: { keyword }, personal: null } as const;
  const assigned = await distribution.assignTo(person, request);
  if (assigned.ok) return { assignment: assigned.value.assignment, campaign: running.id };
  if (assigned.error === 'none_left_today') return { say: 'noneToday' };
  return { say: assigned.error === 'none_left' ? 'noneLeft' : 'ended' };
}

async function reply(
  { postbox, store, secrets, distribution }: InboundPorts,
  id: string,
  address: Address,
  answer: Answer,
) {
  const addressHash = secrets.hashIdentity(address);
  const known = (await store.read((tx) => tx.identities([{ kind: 'phone', hash: addressHash }])))[0];
  const person = known === undefined ? null : await distribution.customer(known.customer);
  const about = {
    ...({ id: `reply-${id}`, kind: 'reply', channel: 'sms', addressHash } as const),
    customer: person?.id ?? null,
    language: person?.language ?? LANGUAGE,
  };
  if ('say' in answer) await postbox.put({ ...about, campaign: null }, { to: address.value, say: answer.say });
  else await postbox.put({ ...about, ...answer }, { to: address.value });
}

function mayAnswer(
  { store, secrets, now }: InboundPorts,
  address: Address,
  what: string,
  most: number,
): Promise<boolean> {
  const startsAt = Math.floor(now() / HOUR_MS) * HOUR_MS;
  const key = `${what} to ${secrets.hashIdentity(address)}`;
  return store.transaction((tx) => tx.countTry(key, { startsAt, endsAt: startsAt + HOUR_MS }, most));
}

/** As it was sent, bounded: it is kept as the evidence. */
const firstWord = (text: string): string => text.trim().split(/\s+/)[0]?.slice(0, 20) ?? '';
