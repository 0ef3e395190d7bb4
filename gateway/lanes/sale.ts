import { withoutAim } from '../../protocol/barcode/aim.ts';
import { EVERY_FORM } from '../../protocol/code-form.ts';
import { readCode } from '../../protocol/code-reading.ts';
import type { Money } from '../../protocol/money.ts';
import type { Decision } from '../../protocol/redemption-api.ts';

/** One sale at a lane and what has become of its coupons. Values alone. */
export type Sale = {
  /** `store-lane-day-n`: the till's basket id. */
  readonly basket: string;
  /** The last part of it, as the cashier sees it: `0007`. */
  readonly number: string;
  readonly total: Money | null;
  readonly coupons: readonly Coupon[];
};

export type Coupon = ScannedCode & {
  readonly state: 'held' | 'redeemed' | 'unsure';
  readonly offer: Decision['offer'];
  /** A redeem was sent and not answered: it may have been done. Then only a reversal ends it. */
  readonly tried: boolean;
  /** RFC 3339: until when the sale has it; null where it has it not, or no more. */
  readonly heldUntil: string | null;
};

export type ScannedCode = {
  /** For the till, with the scanner's AIM identifier where it sent one. It stays in this process's memory. */
  readonly code: string;
  /** All that may be shown of it; empty where it is so short that this would be all of it. */
  readonly lastFour: string;
};

/** What the till said of one code, without the code. */
export type Verdict = Pick<Decision, 'decision' | 'mode' | 'reason' | 'offer' | 'facts'> & {
  /** RFC 3339: until when the sale has it. */
  readonly heldUntil: string | null;
  /** As it was when the till decided. */
  readonly line: LineState;
};
export type LineState = 'up' | 'down';

/** What the lane shows. `stuck`: the box could not read or write its own store while it did that. */
export type Answer =
  | { readonly kind: 'idle' }
  | { readonly kind: 'waiting'; readonly during: 'check' | 'redeem'; readonly lastFour: string }
  | { readonly kind: 'decided'; readonly lastFour: string; readonly verdict: Verdict }
  | { readonly kind: 'redeemed'; readonly coupons: readonly CouponView[]; readonly at: string }
  | { readonly kind: 'given_back'; readonly count: number }
  | { readonly kind: 'undone'; readonly number: string }
  | { readonly kind: 'suspended'; readonly number: string; readonly heldUntil: number | null }
  /** `missing`: what must be scanned again, by its last four characters. */
  | { readonly kind: 'resumed'; readonly number: string; readonly missing: readonly string[] }
  | { readonly kind: 'left_out'; readonly count: number }
  /** In a training: what is no practice coupon. `isReal`: it has the form of a coupon. */
  | { readonly kind: 'not_practice'; readonly isReal: boolean; readonly lastFour: string }
  /** The keys of a scanner are not those of this keyboard: what it typed may be another code. */
  | { readonly kind: 'mistyped' }
  | { readonly kind: 'stuck'; readonly during: Step; readonly lastFour: string };

export type Step = 'check' | 'redeem' | 'give_back' | 'undo' | 'next' | 'suspend' | 'resume' | 'supervise' | 'train';

export type CouponView = Omit<Coupon, 'code' | 'tried' | 'heldUntil'>;

/** A text from a scanner or a keyboard. */
export function scannedCode(raw: string): ScannedCode {
  const code = raw.trim();
  return { code, lastFour: lastFourOf(code) };
}

export function viewOf({ lastFour, state, offer }: Coupon): CouponView {
  return { lastFour, state, offer };
}

export function heldOf(sale: Sale): Coupon[] {
  return sale.coupons.filter((coupon) => coupon.state === 'held');
}

/** The sale and what to show, after the till has answered a validation. */
export function afterCheck(
  sale: Sale,
  scanned: ScannedCode,
  decision: Decision,
  line: LineState,
): { sale: Sale; answer: Answer } {
  const next = withDecision(sale, scanned, decision);
  if (decision.redemption === null || decision.decision !== 'approved')
    return { sale: next, answer: decided(scanned, decision, line) };
  // This very sale has redeemed it before: the till repeats its answer.
  const { lastFour } = scanned;
  const coupons = [{ lastFour, state: 'redeemed' as const, offer: decision.offer }];
  return { sale: next, answer: { kind: 'redeemed', coupons, at: decision.redemption.at } };
}

/** A sale that was suspended, after the till has answered for all that it held: what went wrong is shown first. */
export function afterResume(
  sale: Sale,
  checked: readonly { readonly coupon: Coupon; readonly decision: Decision }[],
  missing: readonly string[],
  line: LineState,
): { sale: Sale; answer: Answer } {
  const next = checked.reduce((before, { coupon, decision }) => withDecision(before, coupon, decision), sale);
  const failed = checked.find(({ decision }) => decision.decision !== 'approved');
  if (failed !== undefined) return { sale: next, answer: decided(failed.coupon, failed.decision, line) };
  return { sale: next, answer: { kind: 'resumed', number: sale.number, missing } };
}

/** The same after a redemption: what went wrong is shown before what went well. */
export function afterRedeem(
  sale: Sale,
  redeemed: readonly { readonly coupon: Coupon; readonly decision: Decision }[],
  line: LineState,
): { sale: Sale; answer: Answer } {
  const next = redeemed.reduce((before, { coupon, decision }) => withDecision(before, coupon, decision), sale);
  const failed = redeemed.find(({ decision }) => decision.decision !== 'approved');
  if (failed !== undefined) return { sale: next, answer: decided(failed.coupon, failed.decision, line) };
  const coupons = redeemed.map(({ coupon }) => ({ ...viewOf(coupon), state: 'redeemed' as const }));
  return { sale: next, answer: { kind: 'redeemed', coupons, at: redeemed[0]?.decision.redemption?.at ?? '' } };
}

/**
 * What a register has redeemed of this sale by itself, as `codes` and their decisions in the same order.
 * @returns null where nothing of it was redeemed
 */
export function afterSold(
  sale: Sale,
  codes: readonly string[],
  decisions: readonly Decision[],
  line: LineState,
): { sale: Sale; answer: Answer } | null {
  const redeemed = codes.flatMap((code, place) => {
    const decision = decisions[place];
    const coupon = sale.coupons.find((known) => isSameCode(known, scannedCode(code)));
    return coupon === undefined || coupon.state === 'redeemed' || !decision?.redemption ? [] : [{ coupon, decision }];
  });
  return redeemed.length === 0 ? null : afterRedeem(sale, redeemed, line);
}

/** A check that found no answer leaves the code in the sale, so that it can be tried again. */
export function withUnchecked(sale: Sale, scanned: ScannedCode): Sale {
  const known = sale.coupons.find((coupon) => isSameCode(coupon, scanned));
  return known === undefined ? withCoupon(sale, unsure(scanned, null)) : sale;
}

/** A redeem that was sent and not answered. */
export function withTried(sale: Sale): Sale {
  const coupons = sale.coupons.map((coupon) => (coupon.state === 'held' ? { ...coupon, tried: true } : coupon));
  return { ...sale, coupons };
}

export function withoutHeld(sale: Sale): Sale {
  return { ...sale, coupons: sale.coupons.filter((coupon) => coupon.state !== 'held') };
}

export function withoutUnsure(sale: Sale): Sale {
  return { ...sale, coupons: sale.coupons.filter((coupon) => coupon.state !== 'unsure') };
}

/** Not what is redeemed: that sale is paid. Not what may be: its lane and its total are part of that redemption. */
export function maySuspend({ coupons }: Sale): boolean {
  return coupons.length > 0 && coupons.every(({ state, tried }) => state !== 'redeemed' && !tried);
}

/** The earliest end of what the sale holds, milliseconds; null where it holds nothing. */
export function heldUntil(sale: Sale): number | null {
  const ends = heldOf(sale).flatMap((coupon) => (coupon.heldUntil === null ? [] : [Date.parse(coupon.heldUntil)]));
  return ends.length === 0 ? null : Math.min(...ends);
}

/** Whether a text has the form of our codes or of an industry coupon, well typed or not. */
export function hasCouponForm(code: string): boolean {
  return readCode(code, []).kind !== 'not_a_coupon';
}

function withDecision(sale: Sale, scanned: ScannedCode, decision: Decision): Sale {
  const { offer } = decision;
  switch (decision.decision) {
    case 'approved': {
      const state = decision.redemption === null ? 'held' : 'redeemed';
      const heldUntil = decision.reservation?.until ?? null;
      return withCoupon(sale, { ...scanned, state, offer, tried: false, heldUntil });
    }
    case 'undetermined':
      return withCoupon(sale, unsure(scanned, offer));
    case 'refused':
      return { ...sale, coupons: sale.coupons.filter((coupon) => !isSameCode(coupon, scanned)) };
  }
}

function unsure({ code, lastFour }: ScannedCode, offer: Coupon['offer']): Coupon {
  return { code, lastFour, state: 'unsure', offer, tried: false, heldUntil: null };
}

/** A code stands once in a sale, at the place of its first scan. */
function withCoupon(sale: Sale, coupon: Coupon): Sale {
  const place = sale.coupons.findIndex((known) => isSameCode(known, coupon));
  const coupons = place === -1 ? [...sale.coupons, coupon] : sale.coupons.with(place, coupon);
  return { ...sale, coupons };
}

function decided({ lastFour }: ScannedCode, decision: Decision, line: LineState): Answer {
  const { mode, reason, offer, facts, reservation } = decision;
  const heldUntil = reservation?.until ?? null;
  return {
    kind: 'decided',
    lastFour,
    verdict: { decision: decision.decision, mode, reason, offer, facts, heldUntil, line },
  };
}

function isSameCode(one: ScannedCode, other: ScannedCode): boolean {
  return normal(one.code) === normal(other.code);
}

function normal(code: string): string {
  const reading = readCode(code, EVERY_FORM);
  return reading.kind === 'code' ? reading.code : code;
}

function lastFourOf(code: string): string {
  const reading = readCode(code, EVERY_FORM);
  if (reading.kind === 'test') return 'TEST';
  const text = (reading.kind === 'code' ? reading.code : withoutAim(code).text).replace(/[^0-9A-Za-z]/g, '');
  return text.length > 4 ? text.slice(-4).toUpperCase() : '';
}
