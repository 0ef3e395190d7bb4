import { approvedText, factsForApi, REASONS } from '../../protocol/decision.ts';
import type { BasketView, Decision, RedemptionView, ReversalView } from '../../protocol/redemption-api.ts';
import type { Answer, Box, CodeKnown, EntryPlace, Reservation, Self } from './box-rules.ts';
import type { CodeHistory } from './port.ts';
import type { Verdict } from './sale-rules.ts';
import type { BasketKnown } from './store.ts';

/** How the till's answers look to a register. */
export type ViewOf = {
  readonly self: Self;
  readonly box: Pick<Box, 'epoch' | 'head' | 'acknowledged'>;
};

export function decisionView(
  { self, box }: ViewOf,
  about: { readonly code: string; readonly basket: string; readonly now: number },
  verdict: Verdict,
): Decision {
  const { code, basket, now } = about;
  const common = { code, basket, backlog: backlogOf(box) };
  if (!verdict.approved) {
    const { decision, text } = REASONS[verdict.reason];
    const { reason, facts } = verdict;
    const nothing = { offer: null, reservation: null, redemption: null };
    return {
      decision,
      mode: null,
      reason,
      text: text(facts, { timeZone: self.timeZone, now }),
      ...common,
      ...nothing,
      facts: factsForApi(facts),
    };
  }
  const { mode, offer, until } = verdict;
  return {
    decision: 'approved',
    mode,
    reason: null,
    text: approvedText(offer.discount),
    ...common,
    offer,
    reservation: until === null ? null : { holder: `store:${self.store}`, until: instantText(until) },
    redemption: verdict.redemption && redemptionView({ self, box }, basket, verdict.redemption),
    facts: {},
  };
}

export function backlogOf({ head, acknowledged }: Pick<Box, 'head' | 'acknowledged'>): number {
  return head.n - acknowledged;
}

type Redeemed = { readonly id: string; readonly at: number; readonly lane: string | null; readonly entry: EntryPlace };

function redemptionView(
  { self, box }: Pick<ViewOf, 'self' | 'box'>,
  basket: string,
  { id, at, lane, entry }: Redeemed,
): RedemptionView {
  const settled = entry.epoch === box.epoch && entry.n <= box.acknowledged;
  return { id, at: instantText(at), door: self.door, store: self.store, lane, basket, settled };
}

export function reversalView(of: ViewOf, { basket, redemption, reversal }: Answer): ReversalView {
  return {
    reversed: reversal?.pending ? 'pending' : true,
    redemption: redemption && redemptionView(of, basket, redemption),
  };
}

export function basketView(of: ViewOf, basket: string, { answers, uses }: BasketKnown): BasketView {
  const answered = new Set(answers.map(({ codeHash }) => codeHash));
  return {
    basket,
    codes: [
      ...answers.map(({ lastFour: code, redemption, reversal }) => ({
        code: code ?? '',
        state: reversal === null ? ('redeemed' as const) : ('reversed' as const),
        redemption: redemption && redemptionView(of, basket, redemption),
      })),
      ...uses
        .filter(({ codeHash }) => !answered.has(codeHash))
        .map(({ lastFour: code, isOpen }) => ({
          code,
          state: isOpen ? ('in_use' as const) : ('released' as const),
          redemption: null,
        })),
    ],
  };
}

/** Null where this box knows nothing of the code. */
export function historyView(of: ViewOf, { open, answers }: CodeKnown): CodeHistory | null {
  const held = open.find(({ epoch, origin }) => epoch === of.box.epoch && origin !== 'blank') ?? null;
  if (held === null && answers.length === 0) return null;
  const standing = answers.find(({ redemption, reversal }) => redemption !== null && reversal === null);
  const redemption = standing?.redemption ?? null;
  return {
    state: held === null ? (redemption === null ? 'reversed' : 'redeemed') : held.use === null ? 'reserved' : 'in_use',
    campaign:
      held?.campaign ?? answers.find((answer) => answer.redemption !== null)?.redemption?.offer.campaign ?? null,
    holder: held === null ? null : `store:${of.self.store}`,
    redemption: standing && redemption ? redemptionView(of, standing.basket, redemption) : null,
    history: [...(held === null ? [] : [heldLine(held)]), ...answers.flatMap(answerLines)],
  };
}

type HistoryLine = CodeHistory['history'][number];

function heldLine({ use }: Reservation): HistoryLine {
  return { at: null, what: use === null ? 'reserved' : 'in_use', basket: use?.basket ?? null };
}

function answerLines({ basket, redemption, reversal }: Answer): HistoryLine[] {
  return [
    ...(redemption === null ? [] : [{ at: instantText(redemption.at), what: 'redeemed', basket }]),
    ...(reversal === null ? [] : [{ at: instantText(reversal.at), what: 'reversed', basket }]),
  ];
}

/** RFC 3339 in UTC. */
function instantText(instant: number): string {
  return new Date(instant).toISOString().replace('.000Z', 'Z');
}
