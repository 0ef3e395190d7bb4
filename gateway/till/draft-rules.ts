import type { Card } from '../../protocol/card.ts';
import type { CodeHash } from '../../protocol/code.ts';
import type { EntryBody, Head } from '../../protocol/journal.ts';
import type { Up } from '../../protocol/messages.ts';
import type {
  Answer,
  Box,
  EntryPlace,
  Fence,
  Issue,
  IssueTold,
  RecallMark,
  Reservation,
  Scan,
  Session,
  Standing,
  Told,
  Use,
  Want,
  WitnessPlace,
} from './box-rules.ts';
import { isAwaited } from './upload-rules.ts';

/** What a decision is: an answer, what changes on disk and in memory, what goes out, and the order of it all. */

/** [G4] Durable, then witnessed, then visible: answers, stored answers shown again, returns, reversals, uploads. */
export const ORDER: Plan = ['commit', 'witness', 'release'];

/** Nothing is journalled, so there is nothing to witness; and where the witness disagrees it is evidence, never written. */
export const NOT_JOURNALLED: Plan = ['commit', 'release'];

export type Act = 'commit' | 'witness' | 'release';
export type Plan = readonly Act[];

export type Decided<A> = {
  readonly answer: A;
  readonly changes: readonly Change[];
  readonly memory: readonly SessionChange[];
  readonly effects: readonly Effect[];
  readonly plan: Plan;
};

/** On disk, in one transaction, in this order. */
export type Change =
  | { readonly do: 'journal'; readonly body: EntryBody }
  /** `sealed`: of a blank. */
  | {
      readonly do: 'install';
      readonly reservation: Omit<Reservation, 'use' | 'mark'>;
      readonly sealed?: string;
    }
  /** `sealed`: of a customer's own coupon; left out, a blank is one no more. */
  | { readonly do: 'issue'; readonly issue: Issue; readonly sealed?: string }
  /** A reservation that was never here, so that it never will be [G5]. */
  | {
      readonly do: 'bury';
      readonly reservation: string;
      readonly codeHash: CodeHash;
      readonly generation: number;
      readonly epoch: number;
    }
  | { readonly do: 'close'; readonly reservation: string; readonly as: 'redeemed' | 'returned' }
  | { readonly do: 'use'; readonly of: Reservation; readonly use: Use }
  /** `kept`: the basket's record shows it as released. */
  | { readonly do: 'end_use'; readonly reservation: string; readonly kept: boolean }
  | { readonly do: 'mark'; readonly reservation: string; readonly mark: RecallMark }
  | { readonly do: 'unmark'; readonly reservation: string }
  | { readonly do: 'move_end'; readonly reservation: string; readonly notAfter: number }
  | { readonly do: 'floor'; readonly number: number }
  | { readonly do: 'answer'; readonly answer: Answer }
  | { readonly do: 'acknowledged'; readonly n: number }
  | { readonly do: 'evidence'; readonly epoch: number; readonly n: number }
  | { readonly do: 'fence'; readonly fence: Fence }
  | { readonly do: 'boot'; readonly bootId: number }
  | { readonly do: 'running' }
  | { readonly do: 'stopped' }
  | { readonly do: 'card'; readonly card: Card }
  | { readonly do: 'high_water'; readonly at: number }
  /** To be told; once for a code, a basket and what it is, as long as it is kept. */
  | { readonly do: 'scan'; readonly scan: Scan }
  /** The cloud has those up to this number. */
  | { readonly do: 'scans_taken'; readonly n: number };

/** In memory, seen by the next command and forgotten by a restart. */
export type SessionChange =
  | { readonly do: 'standing'; readonly standing: Standing; readonly disagreement: WitnessPlace | null }
  | { readonly do: 'clean_start'; readonly clean: boolean }
  | { readonly do: 'line'; readonly line: 'up' | 'down' }
  | { readonly do: 'hello'; readonly nonce: string }
  | { readonly do: 'attested'; readonly challenge: string }
  | { readonly do: 'beat'; readonly beat: string }
  | { readonly do: 'anchored' }
  /** Opens a want, or changes one that is open. */
  | { readonly do: 'want'; readonly want: Want }
  | { readonly do: 'end_want'; readonly want: string };

/** What anyone outside can see. */
export type Effect =
  | { readonly do: 'send'; readonly message: Up }
  /** Sends the want and begins to count its time. */
  | { readonly do: 'ask'; readonly want: Want }
  /** A register waits for a blank of this campaign, or for what this customer has of it. */
  | { readonly do: 'ask_blank'; readonly request: string; readonly campaign: string; readonly customer: string | null }
  /** It goes on; null: with what is now here. */
  | { readonly do: 'end_ask'; readonly request: string; readonly told: IssueTold | null }
  /** Who waits for it goes on; null: it was granted. */
  | { readonly do: 'end_want'; readonly want: string; readonly told: Told | null }
  /** `isAwaited`: somebody may wait for one of the entries. */
  | { readonly do: 'journal_grew'; readonly isAwaited: boolean }
  | { readonly do: 'settled'; readonly acknowledged: Head }
  | { readonly do: 'welcomed' }
  /** The cloud's signed time, told after this box sent its hello or its heartbeat: the clock starts from it. */
  | { readonly do: 'anchor'; readonly at: number; readonly since: 'hello' | 'beat' };

/** A decision in the making. */
export class Draft {
  readonly changes: Change[] = [];
  readonly memory: SessionChange[] = [];
  readonly effects: Effect[] = [];
  readonly #epoch: number;
  #n: number;

  constructor({ head }: Pick<Box, 'head'>) {
    this.#epoch = head.epoch;
    this.#n = head.n;
  }

  /** @returns where the entry will stand */
  journal(body: EntryBody): EntryPlace {
    this.#grew(isAwaited(body));
    this.changes.push({ do: 'journal', body });
    this.#n += 1;
    return { epoch: this.#epoch, n: this.#n };
  }

  /** Said once, and once more where one comes that somebody waits for. */
  #grew(awaited: boolean): void {
    const isSaid = this.effects.some((effect) => effect.do === 'journal_grew' && (effect.isAwaited || !awaited));
    if (!isSaid) this.effects.push({ do: 'journal_grew', isAwaited: awaited });
  }

  change(change: Change): void {
    this.changes.push(change);
  }

  remember(change: SessionChange): void {
    this.memory.push(change);
  }

  effect(effect: Effect): void {
    this.effects.push(effect);
  }

  send(message: Up): void {
    this.effects.push({ do: 'send', message });
  }

  /** Whoever waits for this want goes on with what is told; null: with what is now here. */
  endWant(want: string, told: Told | null): void {
    this.memory.push({ do: 'end_want', want });
    this.effects.push({ do: 'end_want', want, told });
  }

  decided<A>(answer: A, plan: Plan): Decided<A> {
    return { answer, changes: this.changes, memory: this.memory, effects: this.effects, plan };
  }
}

export function afterwards(session: Session, changes: readonly SessionChange[]): Session {
  return changes.reduce(afterOne, session);
}

function afterOne(session: Session, change: SessionChange): Session {
  switch (change.do) {
    case 'standing':
      return { ...session, standing: change.standing, disagreement: change.disagreement };
    case 'clean_start':
      return { ...session, cleanStart: change.clean };
    case 'line':
      return { ...session, line: change.line };
    case 'hello':
      return { ...session, hello: change.nonce };
    case 'beat':
      return { ...session, beat: change.beat };
    case 'attested':
      return { ...session, challenge: change.challenge };
    case 'anchored':
      return { ...session, anchored: true };
    case 'want':
      return { ...session, wants: new Map(session.wants).set(change.want.want, change.want) };
    case 'end_want':
      return { ...session, wants: new Map([...session.wants].filter(([want]) => want !== change.want)) };
  }
}

/** As a process begins: not validated, no line, nothing asked. */
export const FRESH_SESSION: Session = {
  standing: 'starting',
  disagreement: null,
  cleanStart: false,
  line: 'down',
  hello: null,
  challenge: null,
  beat: null,
  anchored: false,
  wants: new Map(),
};
