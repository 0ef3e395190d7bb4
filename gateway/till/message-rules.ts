import type { Head } from '../../protocol/journal.ts';
import type { Down, DownBody, Header, UpBody } from '../../protocol/messages.ts';
import { isValidated, type Known, type KnownCodes, type Now, type Reservation, type Want } from './box-rules.ts';
import { type Decided, Draft, NOT_JOURNALLED, ORDER, type Plan } from './draft-rules.ts';
import { decideExtend, decideGrant, decideRefuse, type KnownReservations } from './grant-rules.ts';
import { keepCards } from './policy-rules.ts';
import { decideRecall } from './recall-rules.ts';
import { decideOutcome, decideReversal } from './reversal-rules.ts';
import { takeAnchor } from './time-rules.ts';

/** What the cloud says. Duplicated, late and replayed messages change nothing. */

export type KnownForMessage = KnownReservations & {
  /** Active reservations that an extension may move. */
  readonly extendable: readonly Reservation[];
  /** The journal's own hash at the place that the message names; null: not that far, or another epoch. */
  readonly hashThere: string | null;
};

/** [G4] */
const SHOW: Plan = ORDER;

export function decideMessage(known: KnownForMessage, header: Header, message: Down, now: Now): Decided<void> {
  if (!isForMe(known, header, message)) return new Draft(known.box).decided(undefined, NOT_JOURNALLED);
  switch (message.type) {
    case 'challenge':
      return decideChallenge(known, message.body);
    case 'welcome':
      return decideWelcome(known, message.body);
    case 'grant':
      return decideGrant(known, header.epoch, message.body, now);
    case 'refuse':
      return decideRefuse(known, message.body);
    case 'extend':
      return decideExtend(known, header.epoch, message.body, known.extendable, now);
    case 'ack':
      return decideAck(known, message.body);
    case 'recall':
      return decideRecall(known, message.body, now);
    case 'reverse':
      return decideReverse(known, message.body, now);
    case 'outcome':
      return decideOutcome(known, message.body);
    case 'fence':
      return decideFence(known, message.body);
    case 'policy':
      return decidePolicy(known, message.body);
    case 'beat':
      return decideBeat(known, message.body);
    case 'no_blanks':
      return decideNoBlanks(known, message.body);
    case 'coupon':
      return decideCoupon(known, message.body);
    case 'scans_taken':
      return decideScansTaken(known, message.body);
  }
}

/** [C8] Every word is of the ledger that this box has adopted. A challenge changes nothing here and is answered. */
function isForMe({ self, box }: Known, header: Header, message: Down): boolean {
  if (header.gateway !== self.gateway) return false;
  return message.type === 'challenge' || header.incarnation === box.incarnation;
}

/** [C4] Only to a hello of this boot. A disagreement that is reported stands from then on [G6]. */
function decideChallenge(known: KnownForMessage, { nonce, challenge }: DownBody<'challenge'>): Decided<void> {
  const draft = new Draft(known.box);
  const { self, box, session } = known;
  if (nonce !== session.hello || session.standing === 'starting') return draft.decided(undefined, NOT_JOURNALLED);
  const disagreement = isValidated(known) ? null : (session.disagreement ?? { epoch: box.epoch, n: box.head.n });
  if (session.standing === 'disagreement') fence(draft, known, box.epoch, 'disagreement');
  draft.remember({ do: 'attested', challenge });
  draft.send({
    type: 'attest',
    body: {
      challenge,
      head: box.head,
      acknowledged: box.acknowledged,
      hashAtChallenge: known.hashThere,
      floor: box.floor,
      disagreement,
      cleanStart: session.cleanStart || !self.strict,
    },
  });
  return draft.decided(undefined, isValidated(known) ? SHOW : NOT_JOURNALLED);
}

function decideWelcome(known: KnownForMessage, welcome: DownBody<'welcome'>): Decided<void> {
  const draft = new Draft(known.box);
  if (!isValidated(known)) return draft.decided(undefined, NOT_JOURNALLED);
  if (welcome.challenge !== known.session.challenge) return draft.decided(undefined, NOT_JOURNALLED);
  if (welcome.epoch !== known.box.epoch) return draft.decided(undefined, NOT_JOURNALLED);
  settle(draft, known, welcome.acknowledged);
  keepCards(draft, known.terms, welcome.cards);
  takeAnchor(draft, known, welcome.now, 'hello');
  draft.effect({ do: 'welcomed' });
  return draft.decided(undefined, SHOW);
}

function decideAck(known: KnownForMessage, { acknowledged, evidence }: DownBody<'ack'>): Decided<void> {
  const draft = new Draft(known.box);
  settle(draft, known, acknowledged);
  if (evidence !== null) {
    draft.change({ do: 'evidence', epoch: evidence.epoch, n: evidence.n });
    draft.effect({ do: 'settled', acknowledged: evidence });
  }
  return draft.decided(undefined, NOT_JOURNALLED);
}

/** The acknowledged number rises, and only along the chain that is here. */
function settle(draft: Draft, known: KnownForMessage, acknowledged: Head): void {
  if (acknowledged.epoch !== known.box.epoch || acknowledged.hash !== known.hashThere) return;
  if (acknowledged.n > known.box.acknowledged) draft.change({ do: 'acknowledged', n: acknowledged.n });
  draft.effect({ do: 'settled', acknowledged });
  for (const want of known.session.wants.values()) askAgain(draft, want, acknowledged.n);
}

/** [G2] The cloud has read of the return: now it can grant anew. */
function askAgain(draft: Draft, want: Want, acknowledged: number): void {
  if (want.againAfter === null || want.againAfter > acknowledged) return;
  draft.remember({ do: 'want', want: { ...want, againAfter: null } });
  draft.send({ type: 'want', body: wantBody(want) });
}

export function wantBody({ want, codeHash, basket, lane, total, customer, waitMs }: Want): UpBody<'want'> {
  return { want, codeHash, basket, lane, total, customer, waitMs };
}

/** [C13] This door alone undoes what it redeemed. */
function decideReverse(known: KnownCodes, reverse: DownBody<'reverse'>, now: Now): Decided<void> {
  if (reverse.door !== known.self.door) return new Draft(known.box).decided(undefined, NOT_JOURNALLED);
  return { ...decideReversal(known, { ...reverse, lastFour: null }, now), answer: undefined };
}

/** [G6] A fence is durable. One of an epoch that this box has already reached is old news. */
function decideFence(known: Known, { epoch, why }: DownBody<'fence'>): Decided<void> {
  const draft = new Draft(known.box);
  if (epoch > known.box.epoch) {
    fence(draft, known, epoch, why);
    for (const want of known.session.wants.keys()) draft.endWant(want, { reason: 'cannot_verify', facts: {} });
    draft.effect({ do: 'journal_grew', isAwaited: true });
  }
  return draft.decided(undefined, NOT_JOURNALLED);
}

function fence(draft: Draft, { session }: Known, epoch: number, why: string): void {
  draft.change({ do: 'fence', fence: { epoch, why, witness: session.disagreement } });
  draft.remember({ do: 'standing', standing: 'fenced', disagreement: session.disagreement });
}

function decidePolicy(known: KnownCodes, { cards }: DownBody<'policy'>): Decided<void> {
  const draft = new Draft(known.box);
  if (isValidated(known)) keepCards(draft, known.terms, cards);
  return draft.decided(undefined, isValidated(known) ? SHOW : NOT_JOURNALLED);
}

/** Who waits for a coupon is told why there is none. */
function decideNoBlanks(known: Known, { request, why }: DownBody<'no_blanks'>): Decided<void> {
  const draft = new Draft(known.box);
  draft.effect({ do: 'end_ask', request, told: { kind: 'none', reason: why } });
  return draft.decided(undefined, NOT_JOURNALLED);
}

/** Stored when the register that waits for it is answered: nobody else may be [I7]. */
function decideCoupon(known: Known, { request, ...coupon }: DownBody<'coupon'>): Decided<void> {
  const draft = new Draft(known.box);
  draft.effect({ do: 'end_ask', request, told: { kind: 'own', coupon } });
  return draft.decided(undefined, NOT_JOURNALLED);
}

function decideScansTaken(known: Known, { n }: DownBody<'scans_taken'>): Decided<void> {
  const draft = new Draft(known.box);
  draft.change({ do: 'scans_taken', n });
  return draft.decided(undefined, NOT_JOURNALLED);
}

/** Only the answer to the last heartbeat: how old another one is, nobody can tell. */
function decideBeat(known: Known, { beat, now }: DownBody<'beat'>): Decided<void> {
  const draft = new Draft(known.box);
  if (beat === known.session.beat) takeAnchor(draft, known, now, 'beat');
  return draft.decided(undefined, isValidated(known) ? SHOW : NOT_JOURNALLED);
}
