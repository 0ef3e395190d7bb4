import type { Header, Up } from '../../protocol/messages.ts';
import type { BoxState } from './box.ts';
import type { LedgerImage } from './ledger-image.ts';

/** What may happen in one space, and how often. What is left out never happens. */
export type Space = {
  readonly name: string;
  readonly boxes: number;
  readonly codes: number;
  /** Baskets at each box, and carts; each asks for all codes of the space. */
  readonly tills: readonly string[];
  readonly carts: readonly string[];
  /** Milliseconds after the beginning, in order; `behindMs`: how far the boxes' clocks are behind the cloud's. */
  readonly instants?: readonly number[];
  readonly behindMs?: number;
  /** What the clocks of boxes are behind while they are wrong: nothing is promised of what a void does then (S6). */
  readonly wrongMs?: number;
  readonly most: Partial<Record<Budgeted, number>>;
  /** What has happened already, step by step, each by how its label begins: what follows is explored. */
  readonly after?: readonly string[];
  /** A box sends hello at its start and whenever it may; without it the boxes are welcomed from the beginning. */
  readonly handshake?: boolean;
};

/** What costs one each time that it happens. */
export type Budgeted =
  | 'stock'
  | 'fault'
  | 'start'
  | 'backup'
  | 'restore'
  | 'void'
  | 'revoke'
  | 'reversal'
  | 'hello'
  | 'greeting'
  | 'want'
  | 'sync'
  | 'heartbeat'
  | 'witness'
  | 'clock'
  | 'tick'
  | 'line';

export type Message = { readonly header: Header; readonly message: Up };

export type State = {
  readonly t: number;
  readonly cloud: LedgerImage;
  readonly boxes: readonly BoxState[];
  /** All that the boxes ever sent: a message may come late, twice, in any order, or never. */
  readonly up: readonly Message[];
  /** Approved redemptions as their callers saw them: who, which code. */
  readonly shown: readonly string[];
  /** Reversals that callers asked for, and those that were answered. */
  readonly asked: readonly string[];
  readonly undone: readonly string[];
  /** Codes whose void was accepted. */
  readonly voids: readonly string[];
  readonly spent: Readonly<Partial<Record<Budgeted, number>>>;
  readonly broken: string | null;
};

export type Next = { readonly label: string; readonly state: State };
