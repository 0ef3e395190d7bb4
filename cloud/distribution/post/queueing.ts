import { setImmediate as turn } from 'node:timers/promises';
import { validityIn } from '../../../protocol/card.ts';
import type { Distribution } from '../port.ts';
import type { Secrets } from '../secrets.ts';
import type { IdentityRow } from '../store.ts';
import { apply } from './changes.ts';
import { chunkPlace, RECIPIENTS_PER_CHUNK } from './deliveries.ts';
import { type Recipient, recipientsSchema } from './recipients.ts';
import type { DeliveryRow, NewMessage, PostReads, PostStore, PostTx } from './store.ts';

/** Recipients become messages, a chunk in one transaction; a chunk done twice changes nothing. */

export type QueueingPorts = {
  readonly node: string;
  readonly store: PostStore;
  readonly secrets: Secrets;
  readonly distribution: Distribution;
  readonly newId: () => string;
  readonly now: () => number;
};

const DAY_MS = 86_400_000;
/** A server has a minute for each of its half-dozen answers: who takes longer has ended. */
const ATTEMPT_MS_MAX = 600_000;
/** What the provider tells late is told by then. */
const UNKNOWN_REST_MS = 600_000;

/** What this node has left where it ended: messages whose outcome nobody knows any more, and lists that were not whole. */
export async function takeUpAfterCrash(ports: QueueingPorts): Promise<void> {
  const { store, node } = ports;
  await takeUpStranded(ports, node);
  for (const { id, state } of await store.read((tx) => tx.deliveriesUnderWay()))
    if (state === 'listing') await store.transaction((tx) => tx.dropDelivery(id));
}

/** Attempts that nobody makes any more are unknown: of this node, when it starts again, and of any when their time is over. */
export async function takeUpStranded({ store, now }: QueueingPorts, node: string | null): Promise<void> {
  const stranded = (tx: PostReads) => tx.stranded(node, now() - ATTEMPT_MS_MAX, RECIPIENTS_PER_CHUNK);
  while ((await store.read(stranded)).length > 0)
    await store.transaction(async (tx) => {
      for (const { id } of await stranded(tx)) await apply(tx, id, { is: 'crashed' }, now());
    });
}

/** One round over all deliveries under way. Call it again and again. @returns whether there is more to send */
export async function queueWhatIsDue(ports: QueueingPorts, stop: AbortSignal): Promise<boolean> {
  const { store, now } = ports;
  let isMore = false;
  for (const delivery of await store.read((tx) => tx.deliveriesUnderWay())) {
    if (delivery.pausedAt !== null || stop.aborted) continue;
    if (delivery.state === 'queueing' && (await startsAt(ports, delivery)) <= now()) {
      await queueAll(ports, delivery, stop);
      isMore = true;
    }
    if (delivery.state === 'running') await endWhereDone(store, delivery.id);
  }
  return (await resendRested(ports)) || isMore;
}

/** Deliveries that want it: not at once, for the provider may still tell. */
async function resendRested({ store, now }: QueueingPorts): Promise<boolean> {
  const before = now() - UNKNOWN_REST_MS;
  const rested = await store.read((tx) => tx.unknownToResend(before, RECIPIENTS_PER_CHUNK));
  if (rested.length === 0) return false;
  await store.transaction(async (tx) => {
    for (const { id, delivery } of rested) {
      await apply(tx, id, { is: 'again' }, now());
      if (delivery !== null) await tx.changeDelivery(delivery, { state: 'running' });
    }
  });
  return true;
}

/** Counted back from the end as it is now: it may have been changed since the delivery was made. */
async function startsAt({ store }: QueueingPorts, { starts, campaign }: DeliveryRow): Promise<number> {
  if ('at' in starts) return starts.at;
  const card = (await store.read((tx) => tx.campaigns([campaign])))[0]?.card;
  return card === undefined ? Infinity : validityIn(card, card.timeZone).endsAt - starts.daysBefore * DAY_MS;
}

async function queueAll(ports: QueueingPorts, delivery: DeliveryRow, stop: AbortSignal): Promise<void> {
  let { place } = delivery;
  while (!stop.aborted) {
    const next =
      delivery.audience === 'list'
        ? await queueChunk(ports, delivery, place)
        : await queueAssigned(ports, delivery, place);
    if (next === null) return;
    place = next;
    // Registers and shops have their turn between two chunks.
    await turn();
  }
}

/** @returns the next place; null: that was the end */
async function queueChunk(ports: QueueingPorts, delivery: DeliveryRow, chunk: number): Promise<number | null> {
  const { store, secrets } = ports;
  const sealed = await store.read((tx) => tx.deliveryChunk(delivery.id, chunk));
  if (sealed === null) return allQueued(store, delivery.id);
  const text = secrets.open(sealed, chunkPlace(delivery.id, chunk));
  const customers = await customersOf(ports, recipientsSchema.parse(JSON.parse(text)));
  await store.transaction(async (tx) => {
    await queue(ports, tx, delivery, customers);
    await tx.dropDeliveryChunk(delivery.id, chunk);
    await tx.changeDelivery(delivery.id, { place: chunk + 1 });
  });
  return chunk + 1;
}

async function queueAssigned(ports: QueueingPorts, delivery: DeliveryRow, after: number): Promise<number | null> {
  const { store } = ports;
  const assigned = await store.read((tx) => tx.assignedTo(delivery.campaign, after, RECIPIENTS_PER_CHUNK));
  const last = assigned.at(-1);
  if (last === undefined) return allQueued(store, delivery.id);
  await store.transaction(async (tx) => {
    await queue(
      ports,
      tx,
      delivery,
      assigned.map(({ customer }) => ({ customer, named: [] })),
    );
    await tx.changeDelivery(delivery.id, { place: last.seq });
  });
  return last.seq;
}

async function allQueued(store: PostStore, id: string): Promise<null> {
  await store.transaction((tx) => tx.changeDelivery(id, { state: 'running' }));
  return null;
}

/** A customer, and the addresses that the list itself named. */
type Named = { readonly customer: string; readonly named: readonly string[] };

async function customersOf(
  { distribution, secrets }: QueueingPorts,
  recipients: readonly Recipient[],
): Promise<Named[]> {
  return Promise.all(
    recipients.map(async (recipient) => {
      if ('customer' in recipient) return { customer: recipient.customer, named: [] };
      const customer = await distribution.person(recipient.identities, recipient.facts);
      return { customer, named: recipient.identities.map(({ identity }) => secrets.hashIdentity(identity)) };
    }),
  );
}

async function queue({ newId, now }: QueueingPorts, tx: PostTx, delivery: DeliveryRow, people: readonly Named[]) {
  const known = new Map((await tx.customers(people.map(({ customer }) => customer))).map((row) => [row.id, row]));
  for (const { customer, named } of people) {
    const person = known.get(customer);
    if (person === undefined) throw new Error(`the customer ${customer} was there when the list was taken in`);
    const address = chosen(await tx.identitiesOf(customer), delivery, named);
    const message: NewMessage = {
      ...{ id: newId(), queue: delivery.id, delivery: delivery.id, kind: delivery.kind, campaign: delivery.campaign },
      ...{ customer, assignment: null, channel: delivery.channel, addressHash: address?.hash ?? null },
      ...{
        language: person.language,
        sealed: null,
        askedWith: null,
        notBefore: now(),
        expiresAt: null,
        queuedAt: now(),
      },
      ...(address === null
        ? { state: 'suppressed', reason: 'no_address', endedAt: now() }
        : { state: 'queued', reason: null, endedAt: null }),
    };
    await tx.putMessage(message);
  }
}

/** The one that the list named, else one that was proved, else any. */
function chosen(
  identities: readonly IdentityRow[],
  { channel }: DeliveryRow,
  named: readonly string[],
): IdentityRow | null {
  const kind = channel === 'email' ? 'email' : 'phone';
  const usable = identities.filter((row) => row.kind === kind && row.sealed !== null);
  return (
    usable.find(({ hash }) => named.includes(hash)) ??
    usable.toSorted((one, other) => (other.verifiedAt ?? 0) - (one.verifiedAt ?? 0))[0] ??
    null
  );
}

async function endWhereDone(store: PostStore, id: string): Promise<void> {
  await store.transaction(async (tx) => {
    const open = [...(await tx.messagesOf(id, 'queued', 0, 1)), ...(await tx.messagesOf(id, 'sending', 0, 1))];
    if (open.length === 0) await tx.changeDelivery(id, { state: 'done' });
  });
}
