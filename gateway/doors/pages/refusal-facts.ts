import { z } from 'zod';
import type { ApiFacts, Reason } from '../../../protocol/decision.ts';
import { type Money, moneySchema } from '../../../protocol/money.ts';
import type { Locale } from './locale.ts';
import type { Refusal, RefusalFacts } from './words/words.ts';

/** What a cashier reads of a refusal. @param facts what the reason is about, as the API tells it */
export function refusalOf(reason: Reason, facts: Readonly<Record<string, unknown>>, locale: Locale): Refusal {
  return locale.words.refusals[reason](factsAsText(factsSchema.parse(facts), locale));
}

function factsAsText(facts: KnownFacts, { words, times, money }: Locale): RefusalFacts {
  const { startsAt, endsAt, freeAt, redeemedAt, retryAfterSeconds, heldBy, needs, short } = facts;
  const lane = facts.lane === undefined ? null : words.page.lane(facts.lane);
  const moneyOf = (amount: Money | undefined) => (amount === undefined ? null : money(amount));
  return {
    startsOn: startsAt === undefined ? null : times.date(startsAt),
    // The end is exclusive: what ends at midnight was last good the day before.
    endedOn: endsAt === undefined ? null : times.date(endsAt - 1),
    usedAt: [redeemedAt === undefined ? null : times.full(redeemedAt), ...whereOf(facts.redeemedWhere, lane, words)]
      .filter((part) => part !== null)
      .join(', '),
    heldBy: heldBy === 'online' ? words.page.online : (heldBy ?? null),
    isOnline: heldBy === 'online',
    lane,
    freeAt: freeAt === undefined ? null : times.short(freeAt),
    retryMinutes: retryAfterSeconds === undefined ? null : Math.max(1, Math.ceil(retryAfterSeconds / 60)),
    needs: moneyOf(needs),
    short: moneyOf(short),
  };
}

/** The shop online has no lanes. */
function whereOf(where: string | undefined, lane: string | null, words: Locale['words']): (string | null)[] {
  return where === 'online' ? [words.page.online] : [where ?? null, lane];
}

const instant = z.iso
  .datetime()
  .transform((time) => Date.parse(time))
  .optional()
  .catch(undefined);
const name = z.string().min(1).optional().catch(undefined);
const money = moneySchema.optional().catch(undefined);
/** What is not there, or not as it should be, is not said. */
const factsSchema = z.object({
  redeemedAt: instant,
  redeemedWhere: name,
  lane: name,
  freeAt: instant,
  heldBy: name,
  retryAfterSeconds: z.int().min(0).optional().catch(undefined),
  startsAt: instant,
  endsAt: instant,
  needs: money,
  short: money,
} satisfies Partial<Record<keyof ApiFacts, z.ZodType>>);
type KnownFacts = z.infer<typeof factsSchema>;
