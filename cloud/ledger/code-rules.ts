import type { Card } from '../../protocol/card.ts';
import type { CodeHash } from '../../protocol/code.ts';
import { RESTOCK_PAUSE_MS } from '../../protocol/limits.ts';
import type { Down, DownBody } from '../../protocol/messages.ts';
import type { Money } from '../../protocol/money.ts';
import type { Personal, PersonalOffer } from '../../protocol/offer.ts';
import type { Campaign } from './campaign-rules.ts';
import type { TermsEntry } from './terms-rules.ts';

/** The life of one code: its rows, and the state × event table. All rules of the cloud move codes through `move`. */

export const CODE_STATES = ['issued', 'held', 'reserved', 'void_pending', 'in_doubt', 'redeemed', 'voided'] as const;
export type CodeState = (typeof CODE_STATES)[number];

export type CodeRow = {
  readonly hash: CodeHash;
  readonly lastFour: string;
  readonly campaign: string;
  readonly generation: number;
  /** Rises by one with every change; an update names the version that it saw. */
  readonly version: number;
  readonly state: CodeState;
  /** The lasting mark [Authority, void]: what would make the code issued or held makes it voided. */
  readonly voidMark: boolean;
  /** Made for a store to issue, and nobody has it yet [I3]: it is never free, what would free it makes it voided. */
  readonly blank: boolean;
  /** While reserved, void_pending or in_doubt. */
  readonly reservation: string | null;
  /** While held. */
  readonly hold: Hold | null;
  /** While redeemed. */
  readonly redemption: string | null;
  /** Not stocked again before this instant [C3]. */
  readonly restockAfter: number;
  /** What it has of its own; set once, never changed [P13]. */
  readonly personal: PersonalOffer | null;
};
export type Hold = { readonly client: string; readonly basket: string; readonly until: number };

export type ReservationRow = {
  readonly id: string;
  readonly codeHash: CodeHash;
  readonly generation: number;
  readonly gateway: string;
  readonly epoch: number;
  /** Of the newest grant that carried it. */
  readonly number: number;
  /** The latest end that was ever queued for the box [C14]. */
  readonly notAfter: number;
  readonly cause: 'want' | 'stock';
  /** The terms that were signed with it. */
  readonly cardVersion: number;
  readonly state: 'open' | 'redeemed' | 'returned';
  readonly recall: { readonly why: 'wanted' | 'void' | 'sync'; readonly deadline: number | null } | null;
  /** A hint: the box said that a basket is using it. */
  readonly inUse: { readonly until: number; readonly lane: string | null } | null;
};

export type RedemptionRow = {
  readonly id: string;
  readonly codeHash: CodeHash;
  readonly generation: number;
  readonly door: string;
  readonly reservation: string | null;
  /** The epoch of the box that redeemed; 0 for carts. */
  readonly epoch: number;
  readonly basket: string;
  readonly lane: string | null;
  readonly total: Money | null;
  readonly discount: Money | null;
  readonly at: number;
  readonly oldTerms: boolean;
  readonly reversed: boolean;
  /** The store that a feed named; null: the door says where, or it was online. */
  readonly fedStore: string | null;
};

/** What a feed told of one code and basket, and what became of it: told again, it is answered the same [C15]. */
export type FedRow = {
  readonly door: string;
  readonly codeHash: CodeHash;
  readonly basket: string;
  readonly what: 'redeemed' | 'reversed';
  readonly store: string | null;
  readonly lane: string | null;
  readonly total: Money | null;
  /** When it was done, as the feed says, and when the ledger heard of it. */
  readonly at: number;
  readonly fedAt: number;
  readonly outcome: 'taken' | 'exception';
  readonly reason: FedReason | null;
  readonly redemption: string | null;
};

/** Why what was fed is an exception, or took effect otherwise than by moving its code. */
export const FED_REASONS = [
  'already_redeemed',
  'voided',
  'reserved_in_store',
  'known',
  'reversed_first',
  'window_over',
  'not_redeemed',
  'collision_undone',
] as const;
export type FedReason = (typeof FED_REASONS)[number];

/** A reversal asked for, by door, code and basket; without a redemption it is a tombstone [C13]. */
export type ReversalRow = {
  readonly door: string;
  readonly codeHash: CodeHash;
  readonly basket: string;
  readonly redemption: string | null;
  readonly state: 'pending' | 'done';
  readonly reason: string;
  readonly at: number;
  /** Boxes that forwarded it and wait for the outcome. */
  readonly askers: readonly string[];
};

/** Somebody waits for a code that a store holds [C3]. In the order of asking. */
export type WaitRow = {
  readonly id: string;
  readonly codeHash: CodeHash;
  readonly until: number;
  readonly who:
    | { readonly kind: 'cart'; readonly client: string; readonly basket: string }
    | { readonly kind: 'want'; readonly gateway: string; readonly want: string; readonly basket: string };
};

/** A basket was given a coupon at a till. */
export type IssueRow = {
  readonly door: string;
  readonly campaign: string;
  readonly basket: string;
  readonly codeHash: CodeHash;
  readonly at: number;
  /** It was a blank: its assignment, made ready when the blank was made, is one from now on. Null: it was its customer's already. */
  readonly blank: { readonly owner: NewOwner | null } | null;
};
/** Whose a blank becomes. `replaces`: the coupon whose place it takes. */
export type NewOwner = {
  readonly customer: string;
  readonly ordinal: number;
  readonly replaces: CodeHash | null;
};

export type GatewayRow = {
  readonly id: string;
  readonly store: string;
  readonly shard: number;
  readonly keyId: string;
  readonly publicKey: string;
  readonly passwordHash: string;
  /** Blanks are sealed for it; null: the box has not told it. */
  readonly sealingKey: string | null;
  readonly state: 'active' | 'fenced' | 'revoked';
  /** Told to the box whenever it greets; null: it is active. */
  readonly fencedWhy: DownBody<'fence'>['why'] | null;
  readonly epoch: number;
  /** The prefix of the present epoch that is applied. */
  readonly acknowledged: { readonly n: number; readonly hash: string };
  /** Grant numbers are taken from here, above every floor it ever attested [C1]. */
  readonly number: number;
  readonly challenges: readonly Challenge[];
  /** The boot that was welcomed last; null: none since enrolment or fence. */
  readonly welcomedBoot: number | null;
  readonly connected: boolean;
  readonly lastHeard: number | null;
  readonly silentSince: number | null;
  readonly drillUntil: number | null;
  readonly version: string | null;
  readonly backlog: number;
};
export type Challenge = {
  readonly id: string;
  readonly nonce: string;
  readonly bootId: number;
  readonly epoch: number;
  readonly n: number;
  readonly hash: string;
};

/** Everything that is known of one code, loaded under its lock. */
export type CodeView = {
  readonly code: CodeRow;
  readonly reservation: ReservationRow | null;
  /** The box that has the reservation, and its store's name. */
  readonly holder: { readonly gateway: GatewayRow; readonly storeName: string } | null;
  readonly redemption: RedemptionRow | null;
  readonly redeemedWhere: string | null;
  readonly waits: readonly WaitRow[];
  /** As it is for this code. */
  readonly card: Card;
  /** A reversal that is asked for within this time of the redemption brings the code back to life [C16]. */
  readonly reversalWindowMs: number;
  /** As boxes are told it. */
  readonly campaignCard: Card;
};

/** Where one code stands, for its person. Instants in milliseconds since 1970; `store` is an id, null where it is not known. */
export type Standing = {
  readonly state: CodeState;
  /** What it has of its own; null: its campaign's offer. */
  readonly personal: PersonalOffer | null;
  /** By a cart. */
  readonly hold: { readonly since: number | null; readonly until: number } | null;
  readonly reservation: {
    readonly store: string | null;
    /** Waits there for its person; else a sale there asked for it. */
    readonly isStock: boolean;
    /** When that sale asked for it. */
    readonly since: number | null;
    /** A hint: the box said that a basket is using it. */
    readonly inUse: { readonly until: number; readonly lane: string | null } | null;
    /** Null: the box is connected. */
    readonly silentSince: number | null;
  } | null;
  readonly redemption: {
    readonly at: number;
    readonly store: string | null;
    readonly isOnline: boolean;
    readonly lane: string | null;
    /** As taken off, where the register said it. */
    readonly discount: Money | null;
  } | null;
};

/** What a use case writes. Rows replace rows; `code` is guarded by the version that it was read with. */
export type Change =
  | { readonly do: 'code'; readonly row: CodeRow }
  | { readonly do: 'reservation'; readonly row: ReservationRow }
  | { readonly do: 'redemption'; readonly row: RedemptionRow }
  | { readonly do: 'reversal'; readonly row: ReversalRow }
  | { readonly do: 'use'; readonly row: UseRow }
  | { readonly do: 'issue'; readonly row: IssueRow }
  | { readonly do: 'fed'; readonly row: FedRow }
  | { readonly do: 'wait'; readonly row: WaitRow }
  | { readonly do: 'wait_ends'; readonly wait: WaitRow }
  | { readonly do: 'gateway'; readonly row: GatewayRow }
  | { readonly do: 'terms'; readonly body: TermsEntry }
  | { readonly do: 'entry'; readonly codeHash: CodeHash; readonly body: LedgerEntry }
  | { readonly do: 'old_terms'; readonly row: OldTermsRow }
  /** New terms, kept as a version of their own. */
  | { readonly do: 'version'; readonly row: Campaign }
  | { readonly do: 'send'; readonly gateway: string; readonly message: Down }
  | { readonly do: 'exception'; readonly row: ExceptionRow }
  | { readonly do: 'seen'; readonly row: Sighting };

/** What a cart's basket did with a code: the answer after a lost answer. */
export type UseRow = {
  readonly door: string;
  readonly basket: string;
  readonly codeHash: CodeHash;
  readonly lastFour: string;
  readonly state: 'in_use' | 'redeemed' | 'reversed' | 'released';
  readonly redemption: string | null;
};

export type ExceptionRow = {
  readonly what: string;
  readonly gateway: string | null;
  readonly codeHash: CodeHash | null;
  readonly ours: string;
  readonly theirs: string;
};

/** A code was shown in a store, or online where that is null: so was its owner, where somebody owns it. */
export type Sighting = { readonly codeHash: CodeHash; readonly store: string | null; readonly at: number };

/** The versions of the terms that were used, and of those that the campaign had by then. */
export type OldTermsRow = { readonly redemption: string; readonly used: number; readonly inForce: number };

/** One line of the ledger's chains about one code. */
export type LedgerEntry = MoveEntry | PersonalEntry;
/** Terms of its own are money: they are in the chain. Not in words, which may name somebody and could never be erased. */
export type PersonalEntry = {
  readonly kind: 'personal';
  readonly generation: number;
  readonly offer: Omit<Personal, 'title'>;
};
/** Which move, and of whom. */
export type MoveEntry = {
  readonly kind: CodeEvent;
  readonly generation: number;
  readonly from: CodeState;
  readonly to: CodeState;
  readonly reservation?: string;
  readonly redemption?: string;
  readonly door?: string;
  readonly basket?: string;
};

export const CODE_EVENTS = [
  'hold',
  'hold_ends',
  'cart_redeems',
  'grant',
  'grant_again',
  'redeemed',
  'returned',
  'blank_issued',
  'evidence_redeemed',
  'fed_redeemed',
  'reversed',
  'reversed_late',
  'deadline',
  'fence',
  'void',
  'void_after_deadline',
] as const;
export type CodeEvent = (typeof CODE_EVENTS)[number];

/**
 * `free`: issued, or straight to whoever waits, or voided where the mark is set. `stays`: nothing moves.
 * `refused`: the caller is told no. `exception`: it does not fit, both sides are kept [C11].
 */
export type Outcome = CodeState | 'free' | 'stays' | 'refused' | 'exception';

/** The state × event table. A hole does not compile. */
export const TABLE: { readonly [S in CodeState]: { readonly [E in CodeEvent]: Outcome } } = {
  issued: {
    hold: 'held',
    hold_ends: 'stays',
    cart_redeems: 'redeemed',
    grant: 'reserved',
    grant_again: 'refused',
    redeemed: 'exception',
    returned: 'stays',
    blank_issued: 'exception',
    evidence_redeemed: 'exception',
    fed_redeemed: 'redeemed',
    reversed: 'exception',
    reversed_late: 'exception',
    deadline: 'stays',
    fence: 'stays',
    void: 'voided',
    void_after_deadline: 'voided',
  },
  held: {
    hold: 'refused',
    hold_ends: 'free',
    cart_redeems: 'redeemed',
    grant: 'refused',
    grant_again: 'refused',
    redeemed: 'exception',
    returned: 'stays',
    blank_issued: 'exception',
    evidence_redeemed: 'exception',
    fed_redeemed: 'redeemed',
    reversed: 'exception',
    reversed_late: 'exception',
    deadline: 'stays',
    fence: 'stays',
    void: 'voided',
    void_after_deadline: 'voided',
  },
  reserved: {
    hold: 'refused',
    hold_ends: 'stays',
    cart_redeems: 'refused',
    grant: 'refused',
    grant_again: 'reserved',
    redeemed: 'redeemed',
    returned: 'free',
    blank_issued: 'reserved',
    evidence_redeemed: 'redeemed',
    fed_redeemed: 'redeemed',
    reversed: 'exception',
    reversed_late: 'exception',
    deadline: 'in_doubt',
    fence: 'in_doubt',
    void: 'void_pending',
    void_after_deadline: 'void_pending',
  },
  void_pending: {
    hold: 'refused',
    hold_ends: 'stays',
    cart_redeems: 'refused',
    grant: 'refused',
    grant_again: 'refused',
    redeemed: 'redeemed',
    returned: 'free',
    blank_issued: 'void_pending',
    evidence_redeemed: 'redeemed',
    fed_redeemed: 'redeemed',
    reversed: 'exception',
    reversed_late: 'exception',
    deadline: 'voided',
    fence: 'stays',
    void: 'stays',
    void_after_deadline: 'voided',
  },
  in_doubt: {
    hold: 'refused',
    hold_ends: 'stays',
    cart_redeems: 'refused',
    grant: 'refused',
    grant_again: 'refused',
    redeemed: 'redeemed',
    returned: 'free',
    blank_issued: 'in_doubt',
    evidence_redeemed: 'redeemed',
    fed_redeemed: 'redeemed',
    reversed: 'exception',
    reversed_late: 'exception',
    deadline: 'stays',
    fence: 'stays',
    void: 'void_pending',
    void_after_deadline: 'voided',
  },
  redeemed: {
    hold: 'refused',
    hold_ends: 'stays',
    cart_redeems: 'refused',
    grant: 'refused',
    grant_again: 'refused',
    redeemed: 'exception',
    returned: 'stays',
    blank_issued: 'exception',
    evidence_redeemed: 'exception',
    fed_redeemed: 'exception',
    reversed: 'free',
    reversed_late: 'voided',
    deadline: 'stays',
    fence: 'stays',
    void: 'refused',
    void_after_deadline: 'refused',
  },
  voided: {
    hold: 'refused',
    hold_ends: 'stays',
    cart_redeems: 'refused',
    grant: 'refused',
    grant_again: 'refused',
    redeemed: 'exception',
    returned: 'stays',
    blank_issued: 'exception',
    evidence_redeemed: 'exception',
    fed_redeemed: 'exception',
    reversed: 'exception',
    reversed_late: 'exception',
    deadline: 'stays',
    fence: 'stays',
    void: 'stays',
    void_after_deadline: 'stays',
  },
};

export type Details = Pick<MoveEntry, 'reservation' | 'redemption' | 'door' | 'basket'>;

/** What an event sets; what the next state does not have is cleared. */
type Sets = Partial<
  Pick<CodeRow, 'reservation' | 'hold' | 'redemption' | 'generation' | 'restockAfter' | 'voidMark' | 'blank'>
>;

/** @returns the code after the event with its ledger entry, or why nothing moves */
export function move(
  code: CodeRow,
  event: CodeEvent,
  sets: Sets,
  details: Details,
): { readonly row: CodeRow; readonly changes: readonly Change[] } | 'stays' | 'refused' | 'exception' {
  const outcome = TABLE[code.state][event];
  if (outcome === 'stays' || outcome === 'refused' || outcome === 'exception') return outcome;
  const to = outcome === 'free' ? freed(code) : outcome;
  const after = { ...code, ...sets };
  const row: CodeRow = {
    ...after,
    state: to,
    version: code.version + 1,
    reservation: to === 'reserved' || to === 'void_pending' || to === 'in_doubt' ? after.reservation : null,
    hold: to === 'held' ? after.hold : null,
    redemption: to === 'redeemed' ? after.redemption : null,
    // Somebody had it.
    blank: to === 'redeemed' ? false : after.blank,
  };
  const body: MoveEntry = { kind: event, generation: code.generation, from: code.state, to, ...details };
  return {
    row,
    changes: [
      { do: 'code', row },
      { do: 'entry', codeHash: code.hash, body },
    ],
  };
}

/** The void mark outlives returns, reversals and the ends of holds. A blank that nobody was given is nobody's [I3]. */
function freed(code: CodeRow): CodeState {
  return code.voidMark || code.blank ? 'voided' : 'issued';
}

/** A code that came back is free: not stocked again for a while, for somebody wanted it elsewhere [C3]. */
export const backAt = (now: number): Sets => ({ restockAfter: now + RESTOCK_PAUSE_MS });
