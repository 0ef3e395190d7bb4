import type { DownBody, UpBody } from '../../protocol/messages.ts';
import { isValidated, type Now, type RecallMark, type Reservation } from './box-rules.ts';
import { type Decided, Draft, NOT_JOURNALLED, ORDER, type Plan } from './draft-rules.ts';
import { distinct, type KnownReservations } from './grant-rules.ts';
import { hasLapsed } from './time-rules.ts';
import { giveBack } from './use-rules.ts';

/** [G5] The cloud asks for reservations back. Nothing that is given back opens again. */

type Recalled = UpBody<'recalled'>['reservations'][number];
type RecalledItem = DownBody<'recall'>['reservations'][number];

/** [G4] A return frees the code at the cloud: not before the witness covers it. */
const SHOW_RETURN: Plan = ORDER;

export function decideRecall(known: KnownReservations, recall: DownBody<'recall'>, now: Now): Decided<void> {
  const draft = new Draft(known.box);
  if (!isValidated(known)) return draft.decided(undefined, NOT_JOURNALLED); // [G6, B9]
  if (hasLapsed(recall.deadline, now.clock)) return draft.decided(undefined, NOT_JOURNALLED);
  const reservations = distinct(recall.reservations).map((item) =>
    answerOne(draft, known, item, { deadline: recall.deadline }),
  );
  draft.send({ type: 'recalled', body: { reservations } });
  return draft.decided(undefined, SHOW_RETURN);
}

function answerOne(draft: Draft, known: KnownReservations, item: RecalledItem, mark: RecallMark): Recalled {
  const { reservation } = item;
  const answer = (name: Recalled['answer']): Recalled => ({ reservation, answer: name, until: null, lane: null });
  if (item.epoch !== known.box.epoch) return answer('not_mine');
  const held = known.reservations.get(reservation);
  if (held === undefined) {
    bury(draft, item);
    return answer('returned');
  }
  if (held.epoch !== known.box.epoch) return answer('not_mine');
  if (held.state === 'redeemed') {
    draft.effect({ do: 'journal_grew', isAwaited: true }); // `redeemed` is sent again where it is not settled
    return answer('redeemed');
  }
  if (held.state === 'returned') return answer('returned');
  if (held.use === null) {
    giveBack(draft, held, 'recall');
    return answer('returned');
  }
  draft.change({ do: 'mark', reservation, mark: stricter(held.mark, mark) });
  return { reservation, answer: 'in_use', until: held.use.until, lane: held.use.lane };
}

/** A tombstone: a grant of it that is still under way can never be installed. */
function bury(draft: Draft, { reservation, codeHash, generation, epoch }: RecalledItem): void {
  draft.change({ do: 'bury', reservation, codeHash, generation, epoch });
  draft.journal({ kind: 'returned', reservation, codeHash, generation, why: 'unknown' });
}

/** Recalled twice: a void's recall never lapses, else the later deadline counts. */
function stricter(known: Reservation['mark'], mark: RecallMark): RecallMark {
  if (known === null || mark.deadline === null) return mark;
  return known.deadline === null || known.deadline > mark.deadline ? known : mark;
}
