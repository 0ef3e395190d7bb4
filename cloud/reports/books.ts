import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import { validityIn } from '../../protocol/card.ts';
import { faceValue } from '../../protocol/offer.ts';
import { CODE_STATES } from '../ledger/code-rules.ts';
import type { Campaign } from '../ledger/port.ts';
import { type BookLine, bookLines, type Codes, type Day, type Flow, plus, type Terms, termsAt } from './books-rules.ts';
import type { BookEntry, BooksStore, BooksTx, CampaignFlow, CampaignTerms, FeedLag } from './books-store.ts';

/** Finance's reports: the reconciliation of the days, the liability of any day, and how late feeds were. Days are UTC's. */

export type CampaignLine = BookLine & { readonly campaign: string; readonly currency: string };

export type Liability = {
  readonly day: string;
  readonly campaigns: readonly CampaignLiability[];
  /** By currency: amounts of two currencies have no sum. */
  readonly totals: readonly Omit<CampaignLiability, 'campaign'>[];
};
type CampaignLiability = {
  readonly campaign: string;
  readonly currency: string;
  readonly units: number;
  readonly value: number;
};

export interface Books {
  /** A line for each campaign and day, both days included; by day, then campaign. */
  reconciliation(from: string, to: string): Promise<CampaignLine[]>;
  /** What was open at the end of that day, or is now. */
  liability(day: string): Promise<Liability>;
  feedLags(from: string, to: string): Promise<FeedLag[]>;
}

export function createBooks({ store, now }: { readonly store: BooksStore; readonly now: () => number }): Books {
  const lines = async (from: string, to: string): Promise<CampaignLine[]> => {
    await countEntries(store);
    const { campaigns, terms, flows } = await store.read(async (tx) => ({
      campaigns: await tx.allCampaigns(),
      terms: Map.groupBy(await tx.terms(), ({ campaign }) => campaign),
      flows: Map.groupBy(await tx.flows(from, to), ({ campaign }) => campaign),
    }));
    const days = daysOf(from, to, now());
    return campaigns.flatMap((campaign) =>
      linesOf(campaign, terms.get(campaign.id) ?? [], flows.get(campaign.id) ?? [], days),
    );
  };
  return {
    async reconciliation(from, to) {
      return (await lines(from, to)).toSorted((one, other) => compare(one.day, other.day));
    },
    async liability(day) {
      const campaigns = (await lines(day, day)).map(({ campaign, currency, closing }) => ({
        ...{ campaign, currency },
        ...closing,
      }));
      return { day, campaigns, totals: totalsOf(campaigns) };
    },
    feedLags: (from, to) => store.read((tx) => tx.feedLags(Date.parse(from), Date.parse(to) + DAY_MS)),
  };
}

const DAY_MS = 86_400_000;

function daysOf(from: string, to: string, now: number): Day[] {
  const days: Day[] = [];
  for (let startsAt = Date.parse(from); startsAt <= Date.parse(to); startsAt += DAY_MS) {
    const endsAt = startsAt + DAY_MS;
    days.push({ day: dayOf(startsAt), startsAt, endsAt, asOf: Math.min(endsAt, now) });
  }
  return days;
}

const dayOf = (instant: number): string => new Date(instant).toISOString().slice(0, 10);
const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

function linesOf(
  campaign: Campaign,
  recorded: readonly Terms[],
  told: readonly CampaignFlow[],
  days: readonly Day[],
): CampaignLine[] {
  const { currency } = campaign.card.offer.discount;
  const flows = told.map((flow): Flow => ({ ...flow, ends: endOf(flow, campaign) }));
  const terms = recorded.length > 0 ? recorded : [presentTerms(campaign)];
  const before = flows.filter(({ day }) => day === '');
  const lines = bookLines(
    terms,
    before,
    flows.filter(({ day }) => day !== ''),
    days,
  );
  return lines.map((line) => ({ campaign: campaign.id, currency, ...line }));
}

function endOf({ endsAt }: CampaignFlow, { card }: Campaign): number | null {
  return endsAt === null ? null : validityIn({ startsAt: card.startsAt, endsAt }, card.timeZone).endsAt;
}

/** Of a campaign that is older than the recording of terms and was not changed since. */
const presentTerms = ({ card }: Campaign): Terms => ({
  version: 0,
  at: 0,
  worth: faceValue(card.offer.discount),
  endsAt: validityIn(card, card.timeZone).endsAt,
});

function totalsOf(campaigns: readonly CampaignLiability[]): Liability['totals'] {
  return [...Map.groupBy(campaigns, ({ currency }) => currency)].map(([currency, of]) => ({
    currency,
    units: of.reduce((sum, { units }) => sum + units, 0),
    value: of.reduce((sum, { value }) => sum + value, 0),
  }));
}

/** One transaction of counting: short enough that a register's redemption hardly waits for it. */
const ENTRIES_PER_COUNT = 2_000;

/** Counts what the chains have got since, entry by entry, each once. */
async function countEntries(store: BooksStore): Promise<void> {
  for (const { partition } of await store.read((tx) => tx.uncounted())) {
    for (let more = true; more; ) {
      more = await store.transaction((tx) => countSome(tx, partition));
      await turn();
    }
  }
}

async function countSome(tx: BooksTx, partition: number): Promise<boolean> {
  const entries = await tx.entriesOf(partition, await tx.counted(partition), ENTRIES_PER_COUNT);
  const last = entries.at(-1);
  if (last === undefined) return false;
  const terms = Map.groupBy(await tx.terms(), ({ campaign }) => campaign);
  await tx.count(sumUp(entries.flatMap((entry) => flowOf(entry, terms))), partition, last.n);
  return entries.length === ENTRIES_PER_COUNT;
}

const ownSchema = z.object({ units: z.int(), value: z.int() });
/** What an entry of the chains says: codes that are new, one code from state to state, terms of a code or of a campaign. */
const entrySchema = z.union([
  z.object({ from: z.enum(CODE_STATES), to: z.enum(CODE_STATES) }),
  z.object({
    kind: z.literal('issue'),
    campaign: z.string(),
    count: z.int(),
    own: ownSchema.optional(),
    ownEnds: z.array(z.object({ endsAt: z.string(), units: z.int(), own: ownSchema })).default([]),
  }),
  z.object({ kind: z.literal('personal') }),
  z.object({ kind: z.literal('terms') }),
]);
type Said = z.infer<typeof entrySchema>;

function flowOf(entry: BookEntry, terms: ReadonlyMap<string, readonly CampaignTerms[]>): CampaignFlow[] {
  const said = entrySchema.parse(JSON.parse(entry.body));
  const campaign = 'campaign' in said ? said.campaign : entry.campaign;
  if (campaign === null) return [];
  const recorded = terms.get(campaign);
  const version = recorded === undefined ? 0 : termsAt(recorded, entry.at).version;
  return movedBy(said, entry).map((moved) => ({ campaign, day: dayOf(entry.at), version, ...moved }));
}

type Moved = Pick<CampaignFlow, 'from' | 'to' | 'units' | 'own' | 'endsAt'>;

function movedBy(said: Said, { ownValue, ownEnd: endsAt }: BookEntry): Moved[] {
  const own = ownValue === null ? NO_OWN : { units: 1, value: ownValue };
  if ('from' in said) return said.from === said.to ? [] : [{ from: said.from, to: said.to, units: 1, own, endsAt }];
  switch (said.kind) {
    case 'issue':
      return issuedBy(said);
    case 'personal': {
      // Only what is free gets terms of its own [P13].
      const got = { from: 'issued', to: 'issued' } as const;
      if (endsAt === null) return [{ ...got, units: 0, own, endsAt }];
      return [
        { ...got, units: -1, own: NO_OWN, endsAt: null },
        { ...got, units: 1, own, endsAt },
      ];
    }
    case 'terms':
      return [];
  }
}

function issuedBy({ count, own = NO_OWN, ownEnds }: Extract<Said, { kind: 'issue' }>): Moved[] {
  const is = { from: null, to: 'issued' } as const;
  const others = ownEnds.reduce<Codes>((left, ending) => plus(left, ending, -1), { units: count, own });
  return [{ ...is, ...others, endsAt: null }, ...ownEnds.map((ending) => ({ ...is, ...ending }))];
}

const NO_OWN = { units: 0, value: 0 };

function sumUp(flows: readonly CampaignFlow[]): CampaignFlow[] {
  const byPlace = Map.groupBy(flows, ({ campaign, day, version, from, to, endsAt }) =>
    [campaign, day, version, from ?? '', to, endsAt ?? ''].join(' '),
  );
  return [...byPlace.values()].flatMap(([first, ...rest]) =>
    first === undefined ? [] : { ...first, ...rest.reduce<Codes>((sum, flow) => plus(sum, flow), first) },
  );
}
