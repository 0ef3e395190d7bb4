import type { DistributionReads, DistributionTx } from '../store.ts';
import type { MessageState, Standing } from './message-rules.ts';
import type { QuietHours } from './quiet-rules.ts';

/**
 * What messages need of the database. It shares the ledger's transactions. Hashes are hexadecimal, times milliseconds
 * since 1970.
 */
export interface PostStore {
  /** One transaction, durable when it resolves. @throws LedgerUnavailable */
  transaction<T>(work: (tx: PostTx) => Promise<T>): Promise<T>;
  /** Sees what is committed. @throws LedgerUnavailable */
  read<T>(work: (tx: PostReads) => Promise<T>): Promise<T>;
}

export interface PostReads extends DistributionReads {
  message(id: string): Promise<MessageRow | null>;
  /** Queued ones that may be sent now, in their order. */
  due(channel: PostChannel, queue: string, now: number, most: number): Promise<MessageRow[]>;
  /** Those being sent that nobody sends any more: of this node, which has ended (null: it runs), and of any since before then. */
  stranded(node: string | null, attemptedBefore: number, most: number): Promise<MessageRow[]>;
  /** Unknown ones, attempted before then, of deliveries that want these to be sent again. */
  unknownToResend(attemptedBefore: number, most: number): Promise<MessageRow[]>;
  /** In their order, after a place. Null: of every state. */
  messagesOf(delivery: string, state: MessageState | null, after: number, most: number): Promise<MessageRow[]>;
  countsOf(delivery: string): Promise<Partial<Record<MessageState, number>>>;
  /** Why some of them wait, or were not sent. */
  reasonsOf(delivery: string): Promise<ReasonCount[]>;
  /** How many the provider has accepted since then. */
  acceptedSince(delivery: string, since: number): Promise<number>;
  delivery(id: string): Promise<DeliveryRow | null>;
  /** Newest first. */
  deliveriesOf(campaign: string): Promise<DeliveryRow[]>;
  /** Those that are not done, in the order of their ids. */
  deliveriesUnderWay(): Promise<DeliveryRow[]>;
  deliveryChunk(delivery: string, chunk: number): Promise<Uint8Array | null>;
  /** Whoever has a coupon of this campaign, in the order of their assignments, after a place. */
  assignedTo(
    campaign: string,
    after: number,
    most: number,
  ): Promise<{ readonly seq: number; readonly customer: string }[]>;
  /** The newest that is known of an address, given or withdrawn. */
  consent(channel: PostChannel, addressHash: string): Promise<ConsentRow | null>;
  consents(ids: readonly number[]): Promise<ConsentRow[]>;
  /** @param keyword in capital letters */
  campaignOfKeyword(keyword: string): Promise<string | null>;
  keywordOf(campaign: string): Promise<string | null>;
}

export interface PostTx extends PostReads, Pick<DistributionTx, 'countTry'> {
  /** @returns false where there is one of that id, or of that delivery and customer: the database's own constraint */
  putMessage(row: NewMessage): Promise<boolean>;
  /** @returns false where somebody else has changed it since it was read */
  changeMessage(row: MessageRow): Promise<boolean>;
  putDelivery(row: DeliveryRow): Promise<void>;
  changeDelivery(id: string, change: Partial<Pick<DeliveryRow, 'state' | 'place'>>): Promise<void>;
  /** @param at null: it goes on */
  pauseDelivery(id: string, at: number | null): Promise<void>;
  /** One whose list did not come to its end. */
  dropDelivery(id: string): Promise<void>;
  /** Of those that have ended and were queued before then: whose they were. @returns of how many */
  forgetPersonal(queuedBefore: number, most: number): Promise<number>;
  putDeliveryChunk(delivery: string, chunk: number, sealed: Uint8Array): Promise<void>;
  dropDeliveryChunk(delivery: string, chunk: number): Promise<void>;
  /** A standing one stays as it is. */
  giveConsent(consent: Omit<GivenConsent, 'id'>): Promise<void>;
  /** Where none is given, it is noted as refused. */
  withdrawConsent(withdrawal: Withdrawal): Promise<void>;
  /** Instead of the one that it has; null: none. @throws where another campaign has it: the database's own constraint */
  putKeyword(campaign: string, keyword: string | null): Promise<void>;
}

export const POST_CHANNELS = ['email', 'sms'] as const;
export type PostChannel = (typeof POST_CHANNELS)[number];

export const MESSAGE_KINDS = ['proof', 'coupon', 'reminder', 'reply', 'test'] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/** Word for word, milliseconds since 1970, and where. It is no consent to more: whoever asks may have typed another's address. */
export type AskedWith = { readonly wording: string; readonly at: number; readonly source: string };

export type MessageRow = Standing & {
  readonly seq: number;
  readonly id: string;
  /** Rises with every change. */
  readonly version: number;
  readonly queue: string;
  readonly delivery: string | null;
  readonly kind: MessageKind;
  readonly campaign: string | null;
  readonly customer: string | null;
  readonly assignment: string | null;
  readonly channel: PostChannel;
  readonly addressHash: string | null;
  readonly language: string;
  readonly sealed: Uint8Array | null;
  readonly expiresAt: number | null;
  readonly consent: number | null;
  /** What its recipient had read when asking for this one message; null: nothing, or nobody asked. */
  readonly askedWith: AskedWith | null;
  readonly queuedAt: number;
  /** The node that made its last attempt. */
  readonly sender: string | null;
};

export type NewMessage = Omit<
  MessageRow,
  'seq' | 'version' | 'attempts' | 'doubts' | 'providerId' | 'attemptedAt' | 'acceptedAt' | 'consent' | 'sender'
>;

export type ReasonCount = { readonly state: MessageState; readonly reason: string; readonly messages: number };

export type DeliveryRow = {
  readonly id: string;
  readonly campaign: string;
  readonly kind: 'coupon' | 'reminder';
  readonly channel: PostChannel;
  readonly audience: 'list' | 'assigned';
  readonly subject: string | null;
  readonly text: string | null;
  readonly quiet: QuietHours | null;
  readonly onUnknown: 'leave' | 'resend';
  /** A moment, or so many days before the campaign's end. */
  readonly starts: { readonly at: number } | { readonly daysBefore: number };
  readonly state: 'listing' | 'queueing' | 'running' | 'done';
  /** Since when it begins no more messages; null: it does. */
  readonly pausedAt: number | null;
  readonly place: number;
  readonly at: number;
};

type ConsentFacts = {
  readonly channel: PostChannel;
  readonly addressHash: string;
  /** Where it was given: a form, a till, a list. */
  readonly source: string;
  readonly wording: string;
};
export type GivenConsent = ConsentFacts & { readonly id: number; readonly givenAt: number };
export type ConsentRow = ConsentFacts & {
  readonly id: number;
  /** Null: it was only ever refused. */
  readonly givenAt: number | null;
  readonly withdrawn: { readonly at: number; readonly how: string } | null;
};
export type Withdrawal = {
  readonly channel: PostChannel;
  readonly addressHash: string;
  readonly at: number;
  readonly how: string;
};
