import type { CodeState } from '../ledger/code-rules.ts';

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

/** So many codes went from one state to another under the terms of that version. `from` null: they are new. */
export type Flow = {
  readonly day: string;
  readonly version: number;
  readonly from: CodeState | null;
  readonly to: CodeState;
  readonly units: number;
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

/** Of these codes; the one place where a code gets its face value in the books. */
const valued = (units: number, { worth }: Terms): Amount => ({ units, value: units * worth });

const add = (one: Amount, other: Amount): Amount => ({
  units: one.units + other.units,
  value: one.value + other.value,
});
const NOTHING: Amount = { units: 0, value: 0 };

/** The codes by state as time goes on. */
class Account {
  readonly #units = new Map<CodeState, number>();
  #terms: Terms;
  #expired: number;

  constructor(terms: Terms, instant: number, before: readonly Flow[]) {
    this.#terms = terms;
    for (const flow of before) this.#move(flow);
    this.#expired = this.#expiredBy(instant);
  }

  day(terms: readonly Terms[], { day, startsAt, endsAt, asOf }: Day, flows: readonly Flow[]): BookLine {
    const opening = this.#open();
    const moved = { issued: NOTHING, reversed: NOTHING, redeemed: NOTHING, voided: NOTHING, expired: NOTHING };
    let revalued = 0;
    const changes = terms.filter(({ at }) => startsAt <= at && at < endsAt);
    const inForce = [this.#terms, ...changes];
    for (const [place, next] of inForce.entries()) {
      revalued += valued(this.#open().units, next).value - this.#open().value;
      this.#terms = next;
      for (const flow of flows) {
        if (placeOf(inForce, flow) !== place) continue;
        this.#move(flow);
        for (const kind of kindsOf(flow)) moved[kind] = add(moved[kind], valued(flow.units, next));
      }
      const expired = this.#expiredBy(inForce[place + 1]?.at ?? asOf);
      moved.expired = add(moved.expired, valued(expired - this.#expired, next));
      this.#expired = expired;
    }
    return { day, opening, ...moved, revalued, closing: this.#open() };
  }

  #move({ from, to, units }: Flow): void {
    if (from !== null) this.#units.set(from, this.#in(from) - units);
    this.#units.set(to, this.#in(to) + units);
  }

  #in(state: CodeState): number {
    return this.#units.get(state) ?? 0;
  }

  /** What nobody can redeem any more because the campaign is over; what stores hold may still turn out to be redeemed. */
  #expiredBy(instant: number): number {
    return this.#terms.endsAt <= instant ? this.#in('issued') + this.#in('held') : 0;
  }

  #open(): Amount {
    const units = OPEN.reduce((sum, state) => sum + this.#in(state), 0) - this.#expired;
    return valued(units, this.#terms);
  }
}

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
