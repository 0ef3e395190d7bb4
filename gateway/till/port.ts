import type { Clock } from '../../protocol/card.ts';
import type { IssueRequest, IssueView } from '../../protocol/issue-api.ts';
import type { Head } from '../../protocol/journal.ts';
import type { Down, Header, Up, UpBody } from '../../protocol/messages.ts';
import type { BasketView, Conflict, Decision, ReversalView, SaleRequest } from '../../protocol/redemption-api.ts';
import type { Result } from '../../protocol/result.ts';

/** What the doors and the lanes ask of the till, and what the till asks of the link. Types alone. */

export type { Conflict, SaleRequest };

/** The store or the witness cannot be read or written: the door answers 503. */
export class TillUnavailable extends Error {}

export type CodeHistory = {
  readonly state: string;
  readonly campaign: string | null;
  readonly holder: string | null;
  readonly redemption: Decision['redemption'];
  readonly history: readonly { readonly at: string | null; readonly what: string; readonly basket: string | null }[];
};

export interface Till {
  /** One decision for each code, in the order of the request. @throws TillUnavailable */
  validate(sale: SaleRequest): Promise<Result<Decision[], Conflict>>;
  /** @throws TillUnavailable */
  redeem(sale: SaleRequest): Promise<Result<Decision[], Conflict>>;
  /** @throws TillUnavailable */
  reverse(request: { code: string; basket: string; reason: string; door: string | null }): Promise<ReversalView>;
  /** @throws TillUnavailable */
  release(request: { code: string; basket: string }): Promise<void>;
  /** Ends every use of a basket whose sale nobody will go on with: its lane forgot it. @throws TillUnavailable */
  leave(basket: string): Promise<void>;
  /** @throws TillUnavailable */
  basket(basket: string): Promise<BasketView>;
  /** A coupon for a basket: the same one however often it is asked for. @throws TillUnavailable */
  issue(request: IssueRequest): Promise<IssueView>;
  /** What this box knows of a code; null: nothing. @throws TillUnavailable */
  history(code: string): Promise<CodeHistory | null>;

  /** A message of the cloud, verified and typed. What must follow it is done when this resolves. @throws TillUnavailable */
  receive(header: Header, message: Down): Promise<void>;
  /** The line came up or went: an attested connection, not a socket. */
  lineIs(state: 'up' | 'down', since: number): void;
  /** Ends uses, reservations and recalls that are due. Call once a second. */
  tick(): Promise<void>;

  /** Header fields of every message that this box sends. */
  sender(): { gateway: string; incarnation: string; epoch: number; bootId: number };
  hello(): UpBody<'hello'>;
  /** The next part of the journal that the cloud has not acknowledged, after what is already under way; null: none. */
  unsettled(after: { epoch: number; n: number } | null): UpBody<'journal'> | null;
  heartbeat(): UpBody<'heartbeat'>;
  /** All parts of the list of active holdings. */
  holdings(): UpBody<'sync'>[];

  /** What this box may do; the whole status counts holdings and is dearer. */
  state(): TillStatus['state'];
  status(): TillStatus;
  close(): void;
}

export type TillStatus = {
  readonly gateway: string;
  readonly store: { readonly id: string; readonly name: string; readonly timeZone: string };
  /** `fenced`: uploads its journal as evidence, decides nothing. `disagreement`: the witness does not agree. */
  readonly state: 'starting' | 'validated' | 'disagreement' | 'fenced';
  readonly line: { readonly state: 'up' | 'down'; readonly since: number };
  readonly epoch: number;
  readonly head: Head;
  readonly acknowledged: number;
  /** Journal entries that the cloud has not acknowledged. */
  readonly backlog: number;
  /** When the oldest of them that says so was made; null: all is settled, or none says. */
  readonly unsettledSince: number | null;
  readonly holding: number;
  /** Codes that can be issued here, of all campaigns. */
  readonly blanks: number;
  readonly inUse: number;
  /** Of the coupons held here: the earliest end; null where none is held. */
  readonly holdsUntil: number | null;
  readonly clock: Clock;
  readonly version: string;
};

/** What the till asks of the link. Nothing is kept for a line that is down: the journal is the only outbox. */
export interface Line {
  /** @returns false where the line is down; then nothing was sent */
  send(message: Up): boolean;
  /** Entries were committed and witnessed: there is something to settle. @param isAwaited somebody may wait for it */
  journalGrew(isAwaited: boolean): void;
  /** The cloud acknowledged up to here. */
  settled(acknowledged: Head): void;
  /** The cloud welcomed this box: the line counts as up. */
  welcomed(): void;
}
