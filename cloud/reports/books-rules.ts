import type { CodeState } from '../ledger/code-rules.ts';
import { type Own, worthOf } from '../ledger/worth-rules.ts';

/**
 * The books of one campaign, day by day [C17]: closing = opening + issued + reversed - redeemed - voided - expired, in
 * units; in value with what a changed face value made of the codes that were open. What is open is worth the face value
 * in force, so the lines add up to the minor unit whatever was changed when.
 */

/** In force from `at` until the next. `worth`: the face value of one code, minor units. `endsAt`: exclusive. */
export type Terms = {
  readonly version: number;
  readonly at: number;
  readonly worth: number;
  readonly endsAt: number;
};

/** So many codes; of these, those that are worth what they are by themselves, whatever the campaign's face value is [P13]. */
export type Codes = { readonly units: number; readonly own: Own };

/**
 * These codes went from one state to another under the terms of that version. `from` null: they are new. From a state to
 * the same: no code moved, but some that are in it got a value or an end of their own; with an end they are so many fewer
 * of those without.
 */
export type Flow = Codes & {
  readonly day: string;
  readonly version: number;
  readonly from: CodeState | null;
  readonly to: CodeState;
  /** When these end by themselves, exclusive, where that is before the campaign; null: with the campaign. */
  readonly ends: number | null;
};

/** `asOf`: the end of the day, or now where it is not over. */
export type Day = { readonly day: string; readonly startsAt: number; readonly endsAt: number; readonly asOf: number };

type Amount = { readonly units: number; readonly value: number };
export type BookLine = {
  readonly day: string;
  readonly opening: Amount;
  readonly issued: Amount;
  readonly reversed: Amount;
  readonly redeemed: Amount;
  readonly voided: Amount;
  /** Less than none where codes that had expired came back to life: the campaign was extended, or they were redeemed. */
  readonly expired: Amount;
  /** What a changed face value made of the codes that were open, minor units. */
  readonly revalued: number;
  readonly closing: Amount;
};

/**
 * @param terms in their order, at least one; the first count for what was before them too
 * @param before flows of the days before the first, whatever their terms
 * @param days without gaps
 * @returns a line for each day of which there is anything to say
 */
export function bookLines(
  terms: readonly Terms[],
  before: readonly Flow[],
  flows: readonly Flow[],
  days: readonly Day[],
): BookLine[] {
  const [first] = days;
  if (first === undefined) return [];
  const account = new Account(termsAt(terms, first.startsAt - 1), first.startsAt, before);
  const flowsByDay = Map.groupBy(flows, ({ day }) => day);
  return days.map((day) => account.day(terms, day, flowsByDay.get(day.day) ?? [])).filter(hasAnything);
}

/** The terms in force at an instant. */
export function termsAt<T extends Pick<Terms, 'at'>>(terms: readonly T[], instant: number): T {
  const found = terms.findLast(({ at }) => at <= instant) ?? terms[0];
  if (found === undefined) throw new Error('a campaign without terms');
  return found;
}

/** The one place where codes get their face value in the books. */
const valued = ({ units, own }: Codes, { worth }: Terms): Amount => ({ units, value: worthOf(units, own, worth) });

const NO_CODES: Codes = { units: 0, own: { units: 0, value: 0 } };
export const plus = (some: Codes, more: Codes, times: 1 | -1 = 1): Codes => ({
  units: some.units + times * more.units,
  own: { units: some.own.units + times * more.own.units, value: some.own.value + times * more.own.value },
});

const add = (one: Amount, other: Amount): Amount => ({
  units: one.units + other.units,
  value: one.value + other.value,
});
const NOTHING: Amount = { units: 0, value: 0 };

/** The codes by state as time goes on. */
class Account {
  readonly #codes = new Map<CodeState, Map<number, Codes>>();
  #terms: Terms;
  #expired: Codes;

  constructor(terms: Terms, instant: number, before: readonly Flow[]) {
    this.#terms = terms;
    for (const flow of before) this.#move(flow);
    this.#expired = this.#expiredBy(instant);
  }

  day(terms: readonly Terms[], { day, startsAt, endsAt, asOf }: Day, flows: readonly Flow[]): BookLine {
    const opening = valued(this.#open(), this.#terms);
    const moved = { issued: NOTHING, reversed: NOTHING, redeemed: NOTHING, voided: NOTHING, expired: NOTHING };
    let revalued = 0;
    const changes = terms.filter(({ at }) => startsAt <= at && at < endsAt);
    const inForce = [this.#terms, ...changes];
    for (const [place, next] of inForce.entries()) {
      revalued += valued(this.#open(), next).value - valued(this.#open(), this.#terms).value;
      this.#terms = next;
      for (const flow of flows) {
        if (placeOf(inForce, flow) !== place) continue;
        this.#move(flow);
        for (const kind of kindsOf(flow)) moved[kind] = add(moved[kind], valued(flow, next));
        if (flow.from === flow.to) revalued += valued(flow, next).value;
      }
      const expired = this.#expiredBy(inForce[place + 1]?.at ?? asOf);
      moved.expired = add(moved.expired, valued(plus(expired, this.#expired, -1), next));
      this.#expired = expired;
    }
    return { day, opening, ...moved, revalued, closing: valued(this.#open(), this.#terms) };
  }

  #move(flow: Flow): void {
    const { from, to } = flow;
    if (from !== null && from !== to) this.#count(from, flow, -1);
    this.#count(to, flow, 1);
  }

  #count(state: CodeState, flow: Flow, times: 1 | -1): void {
    const ends = flow.ends ?? Infinity;
    const codesByEnd = this.#codes.get(state) ?? new Map<number, Codes>();
    this.#codes.set(state, codesByEnd.set(ends, plus(codesByEnd.get(ends) ?? NO_CODES, flow, times)));
  }

  #in(states: readonly CodeState[], isMeant: (ends: number) => boolean = () => true): Codes {
    let sum = NO_CODES;
    for (const state of states)
      for (const [ends, codes] of this.#codes.get(state) ?? []) if (isMeant(ends)) sum = plus(sum, codes);
    return sum;
  }

  /** What nobody can redeem any more: the campaign is over, or it is; what stores hold may still turn out to be redeemed. */
  #expiredBy(instant: number): Codes {
    return this.#in(FREE, (ends) => Math.min(ends, this.#terms.endsAt) <= instant);
  }

  #open(): Codes {
    return plus(this.#in(OPEN), this.#expired, -1);
  }
}

const FREE: readonly CodeState[] = ['issued', 'held'];
const OPEN: readonly CodeState[] = ['issued', 'held', 'reserved', 'void_pending', 'in_doubt'];

/** A flow belongs to its terms; where clocks disagreed about the day, to the nearest that were in force in it. */
function placeOf(inForce: readonly Terms[], { version }: Flow): number {
  return Math.max(
    0,
    inForce.findLastIndex((terms) => terms.version <= version),
  );
}

type Kind = 'issued' | 'reversed' | 'redeemed' | 'voided';

/** What is reversed too late is reversed and voided. */
function kindsOf({ from, to }: Flow): Kind[] {
  if (from === to) return [];
  const kinds: Kind[] = [];
  if (from === null) kinds.push('issued');
  if (from === 'redeemed') kinds.push('reversed');
  if (to === 'redeemed') kinds.push('redeemed');
  if (to === 'voided') kinds.push('voided');
  return kinds;
}

function hasAnything({ day: _, revalued, ...amounts }: BookLine): boolean {
  return revalued !== 0 || Object.values(amounts).some(({ units, value }) => units !== 0 || value !== 0);
}
