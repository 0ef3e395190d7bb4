import { LedgerUnavailable } from '../../ledger/port.ts';
import { oneByOne } from '../../ledger/turns.ts';
import type { Log } from '../../log.ts';
import type { Distribution } from '../port.ts';
import type { Secrets } from '../secrets.ts';
import type { NoteTrace } from '../traces.ts';
import { Bell } from './bell.ts';
import { apply } from './changes.ts';
import { createConsents } from './consents.ts';
import * as deliveries from './deliveries.ts';
import { Dispatcher, type Queue, type Trouble } from './dispatcher.ts';
import { createForgetting } from './forgetting.ts';
import { type Inbound, takeInbound } from './inbound.ts';
import type { MessageEvent, Outcome } from './message-rules.ts';
import type { Postbox } from './postbox.ts';
import type { Letter } from './prepared.ts';
import { prepare } from './preparing.ts';
import type { Mailer, SmsSender } from './providers.ts';
import { sendTest, type TestRequest } from './test-message.ts';
import { setKeyword } from './keywords.ts';
import { queueWhatIsDue, takeUpAfterCrash, takeUpStranded } from './queueing.ts';
import type { DeliveryRow, MessageRow, PostChannel, PostStore } from './store.ts';

export type PostOfficePorts = {
  /** The name of this node, the same after a restart: what it was sending when it ended is its own to take up. */
  readonly node: string;
  readonly store: PostStore;
  readonly secrets: Secrets;
  readonly distribution: Distribution;
  readonly postbox: Postbox;
  readonly channels: ReadonlySet<PostChannel>;
  /** Null: that channel is not set up. */
  readonly mail: { readonly mailer: Mailer; readonly perSecond: number } | null;
  readonly sms: { readonly sender: SmsSender; readonly perSecond: number } | null;
  /** How the outside reaches this cloud. */
  readonly publicUrl: () => string;
  /** Of telephone numbers without a country code. */
  readonly country: string | null;
  readonly noteTrace: NoteTrace;
  readonly newId: () => string;
  readonly now: () => number;
  readonly log: Log;
};

/** Besides the rate that is set: what people wait for must not wait for bulk. */
const URGENT_PER_SECOND = 10;
/** Attempts under way at once, of each kind: a provider that is slow to answer still gets its rate. */
const AT_ONCE_MAX = 20;
const ROUND_MS = 1_000;

export type PostOffice = ReturnType<typeof createPostOffice>;

/** All that is sent, and all that people send us. */
export function createPostOffice(ports: PostOfficePorts) {
  const { store, mail, postbox, now, log } = ports;
  const consents = createConsents(ports);
  const inbound = { ...ports, consents };
  const dispatchers = dispatchersOf(ports);
  const wake = (urgent: boolean) => {
    for (const { dispatcher, isUrgent } of dispatchers) if (isUrgent === urgent) dispatcher.wake();
  };
  postbox.onNew(() => wake(true));
  const bell = new Bell();
  const stop = new AbortController();
  let running: Promise<unknown> = Promise.resolve();

  return {
    consents,
    channels: ports.channels,
    /** Takes up what a crash has left, then sends until it is closed. */
    async open(): Promise<void> {
      await takeUpAfterCrash(ports);
      running = Promise.all([
        rounds(ports, bell, () => wake(false), stop.signal),
        ...dispatchers.map(({ dispatcher }) => dispatcher.run(stop.signal)),
      ]);
      running.catch((error) => log.error({ err: error }, 'a defect: no more messages are sent'));
    },
    async close(): Promise<void> {
      stop.abort();
      await running.catch(() => undefined);
      mail?.mailer.close();
    },
    inbound: (text: Inbound) => takeInbound(inbound, text),
    /** What a provider tells of a message later. @returns whether there is such a message */
    report: (id: string, event: Extract<MessageEvent, { is: 'reported' }>) =>
      store.transaction(async (tx) => {
        await apply(tx, id, event, now());
        return (await tx.message(id)) !== null;
      }),
    async createDelivery(wanted: deliveries.NewDelivery, audience: deliveries.Audience) {
      const made = await deliveries.createDelivery(ports, wanted, audience);
      bell.ring();
      return made;
    },
    deliveriesOf: (campaign: string) => store.read((tx) => tx.deliveriesOf(campaign)),
    progressOf: (id: string) => deliveries.progressOf(ports, id),
    messagesOf: (...about: Parameters<typeof deliveries.messagesOf> extends [unknown, ...infer A] ? A : never) =>
      deliveries.messagesOf(ports, ...about),
    async setPaused(id: string, paused: boolean) {
      const isThere = await deliveries.setPaused(ports, id, paused);
      bell.ring();
      wake(false);
      return isThere;
    },
    async resendUnknown(id: string) {
      const resent = await deliveries.resendUnknown(ports, id);
      wake(false);
      return resent;
    },
    sendTest: (test: TestRequest) => sendTest(ports, test),
    setKeyword: (campaign: string, keyword: string | null) => setKeyword(store, campaign, keyword, now()),
    message: (id: string): Promise<MessageRow | null> => store.read((tx) => tx.message(id)),
    /** Why a channel sends nothing just now; null: nothing is known to stand against it. */
    troubleOf: (channel: PostChannel): Trouble =>
      dispatchers.find((one) => one.channel === channel && one.dispatcher.trouble !== null)?.dispatcher.trouble ?? null,
  };
}

/** Two for each channel: what somebody waits for, and all else. */
function dispatchersOf(ports: PostOfficePorts) {
  const { node, store, mail, sms, now, log } = ports;
  const send = async (letter: Letter): Promise<Outcome> => {
    if (letter.channel === 'email') return mail === null ? NOT_SET_UP : mail.mailer.send(letter.mail);
    return sms === null ? NOT_SET_UP : sms.sender.send(letter.sms);
  };
  const inTurn = oneByOne();
  const shared = {
    ...{ node, store, send, now, log },
    prepare: (message: MessageRow, delivery: DeliveryRow | null) => prepare({ ...ports, inTurn }, message, delivery),
    accepted: (message: MessageRow) => void trace(ports, message),
  };
  const rates = [
    ['email', mail?.perSecond],
    ['sms', sms?.perSecond],
  ] as const;
  return rates.flatMap(([channel, perSecond]) =>
    perSecond === undefined
      ? []
      : [true, false].map((isUrgent) => {
          const shape = {
            channel,
            atOnceMax: AT_ONCE_MAX,
            queues: isUrgent ? async () => URGENT : () => deliveryQueues(store, channel),
            perSecond: isUrgent ? URGENT_PER_SECOND : perSecond,
          };
          return { channel, isUrgent, dispatcher: new Dispatcher(shape, shared) };
        }),
  );
}

const NOT_SET_UP: Outcome = { is: 'away', reason: 'not_set_up', retryAfterMs: null };
const URGENT: readonly Queue[] = [
  { name: 'proof', delivery: null },
  { name: 'reply', delivery: null },
];

async function deliveryQueues(store: PostStore, channel: PostChannel): Promise<Queue[]> {
  const underWay = await store.read((tx) => tx.deliveriesUnderWay());
  return underWay
    .filter((delivery) => delivery.channel === channel && delivery.pausedAt === null && delivery.state !== 'listing')
    .map((delivery) => ({ name: delivery.id, delivery }));
}

/** With the source of its coupon, as every step of the coupon's way. */
async function trace({ noteTrace, distribution, log }: PostOfficePorts, message: MessageRow): Promise<void> {
  const { campaign, assignment, channel, acceptedAt: at } = message;
  if (campaign === null || assignment === null || at === null) return;
  try {
    const coupon = await distribution.coupon(assignment);
    if (coupon !== null) noteTrace({ kind: 'delivered', at, campaign, assignment, channel, source: coupon.source });
  } catch (error) {
    log.warn({ err: error }, 'a message was sent, and is not counted');
  }
}

async function rounds(ports: PostOfficePorts, bell: Bell, queued: () => void, stop: AbortSignal): Promise<void> {
  const forget = createForgetting(ports);
  while (!stop.aborted) {
    try {
      await takeUpStranded(ports, null);
      if (await queueWhatIsDue(ports, stop)) queued();
      await forget();
    } catch (error) {
      if (!(error instanceof LedgerUnavailable)) throw error;
      ports.log.warn({ err: error }, 'deliveries wait: the ledger is not available');
    }
    await bell.wait(ROUND_MS, stop);
  }
}
