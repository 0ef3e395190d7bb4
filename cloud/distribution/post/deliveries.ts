import { err, ok, type Result } from '../../../protocol/result.ts';
import { LineErrors } from '../../issuing/line-errors.ts';
import type { Distribution } from '../port.ts';
import type { Secrets } from '../secrets.ts';
import { apply } from './changes.ts';
import type { MessageState } from './message-rules.ts';
import { type BadList, type Recipient, readRecipients } from './recipients.ts';
import type { ConsentRow, DeliveryRow, MessageRow, PostChannel, PostStore, ReasonCount } from './store.ts';

/** Deliveries: made, looked at, paused, gone on with. Whoever queues and sends them follows what is written here. */

export type DeliveryPorts = {
  readonly store: PostStore;
  readonly secrets: Secrets;
  readonly distribution: Distribution;
  readonly channels: ReadonlySet<PostChannel>;
  /** Of telephone numbers without a country code. */
  readonly country: string | null;
  readonly newId: () => string;
  readonly now: () => number;
};

export type NewDelivery = Omit<DeliveryRow, 'id' | 'state' | 'pausedAt' | 'place' | 'at' | 'audience'>;
/** Everybody who has a coupon, some of our customers, or a file. */
export type Audience =
  | 'assigned'
  | { readonly customers: readonly string[] }
  | { readonly csv: AsyncIterable<Uint8Array> };

export type DeliveryRefusal = 'unknown_campaign' | 'not_set_up' | { readonly badList: BadList };

/** So many recipients are one transaction, some thirty milliseconds: a register's redemption hardly waits for it. */
export const RECIPIENTS_PER_CHUNK = 100;

export const chunkPlace = (delivery: string, chunk: number): string => `recipients ${delivery} ${chunk}`;

export async function createDelivery(
  ports: DeliveryPorts,
  wanted: NewDelivery,
  audience: Audience,
): Promise<Result<DeliveryRow, DeliveryRefusal>> {
  const { store, channels, newId, now } = ports;
  if ((await store.read((tx) => tx.campaigns([wanted.campaign]))).length === 0) return err('unknown_campaign');
  if (!channels.has(wanted.channel)) return err('not_set_up');
  const delivery: DeliveryRow = {
    ...wanted,
    ...{ id: newId(), pausedAt: null, place: 0, at: now() },
    audience: audience === 'assigned' ? 'assigned' : 'list',
    state: audience === 'assigned' ? 'queueing' : 'listing',
  };
  await store.transaction((tx) => tx.putDelivery(delivery));
  if (audience === 'assigned') return ok(delivery);
  try {
    const listed = await list(ports, delivery.id, audience);
    if (listed.ok) return ok({ ...delivery, state: 'queueing' });
    await store.transaction((tx) => tx.dropDelivery(delivery.id));
    return err({ badList: listed.error });
  } catch (error) {
    await store.transaction((tx) => tx.dropDelivery(delivery.id));
    throw error;
  }
}

/** The list is kept before anything of it counts: whole, or not at all. */
async function list(
  { store, secrets, distribution, country }: DeliveryPorts,
  delivery: string,
  audience: Exclude<Audience, 'assigned'>,
): Promise<Result<number, BadList>> {
  let gathered: Recipient[] = [];
  let chunk = 0;
  const keep = async (least: number) => {
    await store.transaction(async (tx) => {
      while (gathered.length >= least) {
        const recipients = gathered.slice(0, RECIPIENTS_PER_CHUNK);
        gathered = gathered.slice(RECIPIENTS_PER_CHUNK);
        await tx.putDeliveryChunk(
          delivery,
          chunk,
          secrets.seal(JSON.stringify(recipients), chunkPlace(delivery, chunk)),
        );
        chunk += 1;
      }
    });
  };
  const take = async (recipients: readonly Recipient[]) => {
    gathered.push(...recipients);
    await keep(RECIPIENTS_PER_CHUNK);
  };
  const read =
    'csv' in audience
      ? await readRecipients(audience.csv, country, take)
      : await knownCustomers(distribution, audience.customers);
  if (!read.ok) return read;
  if ('customers' in audience) await take(audience.customers.map((customer) => ({ customer })));
  await keep(1);
  await store.transaction((tx) => tx.changeDelivery(delivery, { state: 'queueing' }));
  return read;
}

/** Each is of a person who is still one: not merged into another, not erased. */
async function knownCustomers(
  distribution: Distribution,
  customers: readonly string[],
): Promise<Result<number, BadList>> {
  const errors = new LineErrors();
  for (const [i, id] of customers.entries())
    if ((await distribution.customer(id)) === null) errors.add(i + 1, 'there is no such customer');
  return errors.count === 0 ? ok(customers.length) : err({ count: errors.count, errors: errors.inOrder() });
}

export type Progress = {
  readonly delivery: DeliveryRow;
  readonly counts: Partial<Record<MessageState, number>>;
  readonly reasons: readonly ReasonCount[];
  readonly acceptedPerSecond: number;
  /** Null: nobody can tell. */
  readonly remainingSeconds: number | null;
};

/** Long enough to be steady, short enough to follow a change. */
const RATE_WINDOW_MS = 60_000;

export async function progressOf({ store, now }: DeliveryPorts, id: string): Promise<Progress | null> {
  return store.read(async (tx) => {
    const delivery = await tx.delivery(id);
    if (delivery === null) return null;
    const windowMs = Math.max(1_000, Math.min(RATE_WINDOW_MS, now() - delivery.at));
    const counts = await tx.countsOf(id);
    const acceptedPerSecond = ((await tx.acceptedSince(id, now() - windowMs)) * 1_000) / windowMs;
    const left = (counts.queued ?? 0) + (counts.sending ?? 0);
    const isKnown =
      delivery.state !== 'queueing' && delivery.pausedAt === null && (left === 0 || acceptedPerSecond > 0);
    return {
      ...{ delivery, counts, acceptedPerSecond, reasons: await tx.reasonsOf(id) },
      remainingSeconds: isKnown ? Math.ceil(left === 0 ? 0 : left / acceptedPerSecond) : null,
    };
  });
}

export type MessageWithConsent = MessageRow & { readonly agreed: ConsentRow | null };

export async function messagesOf(
  { store }: DeliveryPorts,
  delivery: string,
  state: MessageState | null,
  after: number,
  most: number,
): Promise<MessageWithConsent[] | null> {
  return store.read(async (tx) => {
    if ((await tx.delivery(delivery)) === null) return null;
    const messages = await tx.messagesOf(delivery, state, after, most);
    const consents = await tx.consents([...new Set(messages.flatMap(({ consent }) => consent ?? []))]);
    const byId = new Map(consents.map((consent) => [consent.id, consent]));
    return messages.map((message) => ({
      ...message,
      agreed: message.consent === null ? null : (byId.get(message.consent) ?? null),
    }));
  });
}

/** @returns false where there is no such delivery */
export function setPaused({ store, now }: DeliveryPorts, id: string, paused: boolean): Promise<boolean> {
  return store.transaction(async (tx) => {
    const delivery = await tx.delivery(id);
    if (delivery === null) return false;
    await tx.pauseDelivery(id, paused ? (delivery.pausedAt ?? now()) : null);
    return true;
  });
}

/** Sends again what nobody knows to have been sent, where the delivery wants that. @returns how many */
export async function resendUnknown(
  { store, now }: DeliveryPorts,
  id: string,
): Promise<Result<number, 'unknown_delivery' | 'left_alone'>> {
  const delivery = await store.read((tx) => tx.delivery(id));
  if (delivery === null) return err('unknown_delivery');
  if (delivery.onUnknown === 'leave') return err('left_alone');
  let count = 0;
  for (;;) {
    const again = await store.transaction(async (tx) => {
      const unknown = await tx.messagesOf(id, 'unknown', 0, RECIPIENTS_PER_CHUNK);
      for (const message of unknown) await apply(tx, message.id, { is: 'again' }, now());
      if (unknown.length > 0) await tx.changeDelivery(id, { state: 'running' });
      return unknown.length;
    });
    if (again === 0) return ok(count);
    count += again;
  }
}
