import { EVERY_FORM } from '../../protocol/code-form.ts';
import { readCode } from '../../protocol/code-reading.ts';
import type { Decision, ReversalView } from '../../protocol/redemption-api.ts';

/**
 * What callers asked and what they were told, over all doors, and the one checker of it. Invoked calls that never came
 * to an answer stay `unknown`: they may have been carried out or not.
 */
export type Call = {
  readonly seq: number;
  readonly op: 'validate' | 'redeem' | 'reverse' | 'release';
  /** The door that a redemption of this call would be of; of a reversal: the door that it names. */
  readonly door: string;
  /** Normal forms. */
  readonly codes: readonly string[];
  readonly basket: string;
  outcome: Outcome;
};

export type Outcome =
  | { readonly is: 'unknown' }
  /** Refused as such: nothing was done. */
  | { readonly is: 'fail'; readonly status: number; readonly type: string }
  | {
      readonly is: 'ok';
      readonly at: number;
      readonly decisions: readonly Decision[];
      readonly reversal: ReversalView | null;
    };

export class History {
  readonly calls: Call[] = [];
  #seq = 0;

  invoke(call: Pick<Call, 'op' | 'door' | 'basket'> & { readonly codes: readonly string[] }): Call {
    const codes = call.codes.map(normalForm);
    const invoked: Call = { ...call, codes, seq: ++this.#seq, outcome: { is: 'unknown' } };
    this.calls.push(invoked);
    return invoked;
  }

  ok(call: Call, decisions: readonly Decision[], reversal: ReversalView | null): void {
    call.outcome = { is: 'ok', at: ++this.#seq, decisions, reversal };
  }

  fail(call: Call, status: number, type: string): void {
    call.outcome = { is: 'fail', status, type };
  }

  /** All that look like coupons, in their normal form. */
  codes(): string[] {
    return [...new Set(this.calls.flatMap(({ codes }) => codes))].filter((code) => CODE.test(code));
  }

  /** Every redemption that some caller was shown, in the order of showing. */
  approvals(): Approval[] {
    return this.calls
      .flatMap((call) => (call.op === 'redeem' ? approvalsOf(call) : []))
      .sort((a, b) => a.shownAt - b.shownAt);
  }

  /** One approval for each code whose redemption stands: shown, and no reversal of it was ever asked for. */
  standing(): Approval[] {
    const asked = reversalsAsked(this.calls);
    return [...new Map(this.approvals().map((approval) => [saleOf(approval), approval])).values()].filter(
      (approval) => !asked.has(saleOf(approval)),
    );
  }
}

export type Approval = {
  readonly door: string;
  readonly code: string;
  readonly basket: string;
  readonly redemption: NonNullable<Decision['redemption']>;
  readonly invokedAt: number;
  readonly shownAt: number;
};

/** @returns each violation as a line; none: the callers were told the truth */
export function violations(history: History): string[] {
  return [
    ...redeemedTwice(history.standing()),
    ...answeredOtherwise(history.approvals()),
    ...shownAfterReversal(history),
    ...strangeRedemptions(history.approvals()),
  ];
}

const CODE = /^[0-9A-Z]{16}$/;

/** As the ledger spells it. */
export function normalForm(code: string): string {
  const reading = readCode(code, EVERY_FORM);
  return reading.kind === 'code' ? reading.code : code.toUpperCase().replace(/[-\s]/g, '');
}

/** S1: shown to callers, less those whose caller asked for a reversal; the same basket at the same door counts once. */
function redeemedTwice(standing: readonly Approval[]): string[] {
  return [...Map.groupBy(standing, ({ code }) => code)]
    .filter(([, approvals]) => approvals.length > 1)
    .map(([code, approvals]) => `S1: ${code} was redeemed by ${approvals.map(where).join(' and ')}`);
}

/** S4: an approved redemption asked for again is the same one. */
function answeredOtherwise(approvals: readonly Approval[]): string[] {
  return [...Map.groupBy(approvals, saleOf)].flatMap(([sale, shown]) => {
    const ids = new Set(shown.map(({ redemption }) => redemption.id));
    return ids.size > 1 ? [`S4: ${sale} was shown as ${[...ids].join(' and as ')}`] : [];
  });
}

/** G9: who was told that it is undone is never told afterwards that it is redeemed. */
function shownAfterReversal(history: History): string[] {
  const undone = new Map<string, number>();
  for (const call of history.calls)
    if (call.op === 'reverse' && call.outcome.is === 'ok' && call.outcome.reversal?.reversed === true)
      for (const code of call.codes) undone.set(saleOf({ ...call, code }), call.outcome.at);
  return history
    .approvals()
    .filter((approval) => approval.invokedAt > (undone.get(saleOf(approval)) ?? Number.POSITIVE_INFINITY))
    .map((approval) => `G9: ${saleOf(approval)} was undone, and approved after that`);
}

/** A redemption names the sale that it is of, and no other sale has its id. */
function strangeRedemptions(approvals: readonly Approval[]): string[] {
  const astray = approvals
    .filter(({ redemption, door, basket }) => redemption.door !== door || redemption.basket !== basket)
    .map(
      (approval) =>
        `${where(approval)} was shown the redemption of ${approval.redemption.door} ${approval.redemption.basket}`,
    );
  const shared = [...Map.groupBy(approvals, ({ redemption }) => redemption.id)].flatMap(([id, shown]) =>
    new Set(shown.map(saleOf)).size > 1 ? [`the redemption ${id} is of several sales`] : [],
  );
  return [...astray, ...shared];
}

function approvalsOf(call: Call): Approval[] {
  const { outcome, door, basket, seq } = call;
  if (outcome.is !== 'ok') return [];
  return outcome.decisions.flatMap(({ decision, redemption }, index) => {
    const code = call.codes[index] ?? '';
    if (decision !== 'approved' || redemption === null || code.startsWith('TEST')) return [];
    return [{ door, code, basket, redemption, invokedAt: seq, shownAt: outcome.at }];
  });
}

function reversalsAsked(calls: readonly Call[]): Set<string> {
  return new Set(
    calls.flatMap((call) => (call.op === 'reverse' ? call.codes.map((code) => saleOf({ ...call, code })) : [])),
  );
}

const saleOf = ({ door, code, basket }: { door: string; code: string; basket: string }): string =>
  `${door} ${basket} ${code}`;
const where = ({ door, basket }: Approval): string => `${basket} at ${door}`;
