import type { EventKind, LeakWhy } from './event-rules.ts';

/** Sums become the lines of a report: one for each campaign and each of what it is parted by. */

export const PARTED_BY = ['channel', 'source', 'ad', 'site', 'store', 'day'] as const;
/** `ad` and `site` are parameters of the source, by the names that the field has agreed on: utm_content and utm_source. */
export type By = (typeof PARTED_BY)[number];

export type Part = 'channel' | 'source' | 'store' | 'day';

/** Text for a channel, store or day, the number of a source; null: nothing is known, or it is not parted. */
export type PartKey = string | number | null;
export type Sum = {
  readonly campaign: string;
  readonly key: PartKey;
  readonly kind: EventKind;
  readonly count: number;
  /** Of different coupons. */
  readonly firsts: number;
  readonly revenue: number;
  readonly discount: number;
};
export type Spent = {
  readonly campaign: string;
  readonly key: PartKey;
  readonly impressions: number;
  readonly clicks: number;
  readonly cost: number;
};
export type LeakCount = {
  readonly campaign: string;
  readonly key: PartKey;
  readonly why: LeakWhy;
  readonly count: number;
};

export const partOf = (by: By | null): Part | null => (by === 'ad' || by === 'site' ? 'source' : by);

type Source = Readonly<Record<string, string>>;
/** A source's parameters, or the text of anything else; null: nothing is known of it. */
export type Key = string | Source | null;

export type Line<C> = { readonly campaign: string; readonly key: Key; readonly counts: C };
const COUNTS = [
  'impressions',
  'adClicks',
  'clicks',
  'claims',
  'assigned',
  'issued',
  'delivered',
  'viewed',
  'scanned',
  'redeemed',
  'reversed',
  'leaked',
  'revenue',
  'discount',
  'spend',
] as const;
type Count = (typeof COUNTS)[number];
export type Counts = Record<Count, number>;
export type LeakCounts = Record<LeakWhy, number>;

/** @param sources of the numbers that stand for them */
export function linesOf(
  sums: readonly Sum[],
  spent: readonly Spent[],
  by: By | null,
  sources: ReadonlyMap<number, Source>,
): Line<Counts>[] {
  const lines = new Lines(by, sources, nothing);
  for (const sum of sums) count(lines.of(sum.campaign, sum.key), sum);
  for (const { campaign, key, impressions, clicks, cost } of spent) {
    const counts = lines.of(campaign, key);
    counts.impressions += impressions;
    counts.adClicks += clicks;
    counts.spend += cost;
  }
  return lines.inOrder();
}

/** Steps that one person takes again and again count coupons; money that was given back is taken off again. */
function count(counts: Counts, { kind, count, firsts, revenue, discount }: Sum): void {
  const step = STEPS[kind];
  counts[step.name] += step.of === 'coupons' ? firsts : count;
  const sign = kind === 'redeemed' ? 1 : kind === 'reversed' ? -1 : 0;
  counts.revenue += sign * revenue;
  counts.discount += sign * discount;
}

const STEPS: { readonly [K in EventKind]: { readonly name: Count; readonly of: 'events' | 'coupons' } } = {
  impression: { name: 'impressions', of: 'events' },
  click: { name: 'clicks', of: 'events' },
  claim: { name: 'claims', of: 'events' },
  assigned: { name: 'assigned', of: 'events' },
  issued: { name: 'issued', of: 'events' },
  delivered: { name: 'delivered', of: 'coupons' },
  viewed: { name: 'viewed', of: 'coupons' },
  scanned: { name: 'scanned', of: 'coupons' },
  redeemed: { name: 'redeemed', of: 'events' },
  reversed: { name: 'reversed', of: 'events' },
  leaked: { name: 'leaked', of: 'events' },
};

/** Lines by campaign and key, each with counts that begin at nothing. */
class Lines<C> {
  readonly #by: By | null;
  readonly #sources: ReadonlyMap<number, Source>;
  readonly #nothing: () => C;
  readonly #lines = new Map<string, Line<C>>();

  constructor(by: By | null, sources: ReadonlyMap<number, Source>, nothing: () => C) {
    this.#by = by;
    this.#sources = sources;
    this.#nothing = nothing;
  }

  of(campaign: string, part: PartKey): C {
    const key = keyOf(part, this.#by, this.#sources);
    const name = `${campaign} ${JSON.stringify(key)}`;
    const line = this.#lines.get(name) ?? { campaign, key, counts: this.#nothing() };
    this.#lines.set(name, line);
    return line.counts;
  }

  inOrder(): Line<C>[] {
    const place = ({ campaign, key }: Line<C>) => `${campaign} ${textOf(key)}`;
    return [...this.#lines.values()].sort((one, other) => compare(place(one), place(other)));
  }
}

function keyOf(part: PartKey, by: By | null, sources: ReadonlyMap<number, Source>): Key {
  if (typeof part !== 'number') return part;
  const source = sources.get(part) ?? {};
  if (by === 'ad') return parameter(source, 'utm_content');
  if (by === 'site') return parameter(source, 'utm_source');
  return Object.keys(source).length === 0 ? null : source;
}

/** All that is beyond the limit of sources stays together under its own name. */
const parameter = (source: Source, name: string): string | null => source[name] ?? source['(other)'] ?? null;

/** Of a source: as it stands in a link, `utm_content=ad7&utm_source=search`. */
export function textOf(key: Key): string {
  if (key === null || typeof key === 'string') return key ?? '';
  return (
    key['(other)'] ??
    Object.entries(key)
      .map(([name, value]) => `${name}=${value}`)
      .join('&')
  );
}

const compare = (one: string, other: string): number => (one < other ? -1 : Number(one > other));
const nothing = (): Counts => Object.fromEntries(COUNTS.map((name) => [name, 0])) as Counts;

/** What an ad brought beside what it cost. Without a redemption that stands, or without any spend, no cost is known. */
export function performanceOf(counts: Readonly<Counts>) {
  const redeemed = counts.redeemed - counts.reversed;
  return {
    redeemed,
    revenue: counts.revenue,
    discount: counts.discount,
    spend: counts.spend,
    costPerRedemption: redeemed > 0 && counts.spend > 0 ? Math.round(counts.spend / redeemed) : null,
    redemptionRate: counts.assigned > 0 ? Math.round((redeemed / counts.assigned) * 10_000) / 10_000 : null,
  };
}

export function leakLinesOf(
  leaks: readonly LeakCount[],
  by: By | null,
  sources: ReadonlyMap<number, Source>,
): Line<LeakCounts>[] {
  const lines = new Lines(by, sources, () => ({ second_basket: 0, used_elsewhere: 0, wrong_customer: 0 }));
  for (const { campaign, key, why, count } of leaks) lines.of(campaign, key)[why] += count;
  return lines.inOrder();
}

export type Box = {
  readonly id: string;
  readonly store: string;
  readonly state: 'active' | 'fenced' | 'revoked';
  readonly connected: boolean;
  readonly lastHeard: number | null;
  /** Entries that were not settled when it was last heard. */
  readonly backlog: number;
  /** The time of the newest entry of its journal that is settled, where it still settles and that is known. */
  readonly settledAt: number | null;
};

/**
 * Up to when nothing is missing: what each box had done when it was last heard is settled, and what the ledger has is
 * followed. A box that is cut off, or still settling, owes. A revoked one is waited for no more.
 * @param unfollowedSince when the first entry of the ledger was made that no event follows from yet; null: there is none
 */
export function settledTo(boxes: readonly Box[], unfollowedSince: number | null, now: number) {
  const owing = boxes.filter(
    ({ state, connected, lastHeard, backlog }) =>
      backlog > 0 || (state !== 'revoked' && lastHeard !== null && !connected),
  );
  const ends = boxes.flatMap(({ state, lastHeard, backlog, settledAt }) =>
    state === 'revoked' || lastHeard === null ? [] : backlog > 0 ? (settledAt ?? lastHeard) : lastHeard,
  );
  return { to: Math.min(now, unfollowedSince ?? now, ...ends), owing };
}
