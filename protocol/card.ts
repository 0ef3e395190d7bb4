import { z } from 'zod';
import { canonicalText } from './canonical.ts';
import { codeFormSchema } from './code-form.ts';
import { dateOrInstantSchema } from './dates.ts';
import type { Facts, Reason } from './decision.ts';
import { FORMS_PER_CARD_MAX } from './limits.ts';
import { type Money, moneySchema } from './money.ts';
import { offerSchema } from './offer.ts';
import { numberSchema, storeIdSchema } from './reservation.ts';

/** A campaign's card: what a box must know of a campaign. A change of terms is a new version. */
export const cardSchema = z.strictObject({
  version: numberSchema,
  offer: offerSchema,
  channels: z
    .array(z.enum(['store', 'online']))
    .min(1)
    .max(2),
  timeZone: z.string().max(64),
  startsAt: dateOrInstantSchema,
  endsAt: dateOrInstantSchema,
  stores: z.union([z.literal('all'), z.array(storeIdSchema).max(10_000)]),
  minimumBasket: moneySchema.nullable(),
  onSilence: z.enum(['hold', 'replace', 'replace_now']),
  /** Of its imported codes. Left out where it has none: a card of before is read by a box of before. */
  forms: z.array(codeFormSchema).min(1).max(FORMS_PER_CARD_MAX).exactOptional(),
});
export type Card = z.infer<typeof cardSchema>;

/** Is every sale the same under both? Not every version changes that: one may only have learned what codes look like [F12]. */
export function sameTerms(one: Card, other: Card): boolean {
  return canonicalText(termsOf(one)) === canonicalText(termsOf(other));
}

function termsOf({ version: _version, forms: _forms, onSilence: _onSilence, ...terms }: Card) {
  return terms;
}

/** Start and end in milliseconds; the end is exclusive. */
export type Validity = { readonly startsAt: number; readonly endsAt: number };

/** A place's view of a card's dates: a store's zone at a till, the campaign's online. */
export function validityIn(card: Pick<Card, 'startsAt' | 'endsAt'>, timeZone: string): Validity {
  const start = card.startsAt.length === 10 ? dayStart(card.startsAt, timeZone) : Date.parse(card.startsAt);
  const end = card.endsAt.length === 10 ? dayStart(nextDay(card.endsAt), timeZone) : Date.parse(card.endsAt);
  return { startsAt: start, endsAt: end };
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function nextDay(date: string): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);
}

/** Calendars are slow to ask, and every scan asks: the days of a few hundred campaigns in a few zones. */
const DAY_STARTS_KEPT_MAX = 4_096;
const dayStarts = new Map<string, number>();

/** The instant at which a calendar day begins in a zone. */
function dayStart(date: string, timeZone: string): number {
  const key = `${date} ${timeZone}`;
  const known = dayStarts.get(key);
  if (known !== undefined) return known;
  const start = findDayStart(date, timeZone);
  if (dayStarts.size >= DAY_STARTS_KEPT_MAX) dayStarts.clear();
  dayStarts.set(key, start);
  return start;
}

/** Two passes: the offset may change between the guess and the day. */
function findDayStart(date: string, timeZone: string): number {
  const asUtc = Date.parse(`${date}T00:00:00Z`);
  const guess = asUtc - offsetAt(asUtc, timeZone);
  return asUtc - offsetAt(guess, timeZone);
}

function offsetAt(instant: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).formatToParts(instant);
  const part = (type: string) => Number(parts.find((p) => p.type === type)?.value ?? 0);
  const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'));
  return local - Math.floor(instant / 1000) * 1000;
}

/** What is known of the time: between these two instants. Proven: by the cloud's signed anchor. Unproven: `latest` is unknown. */
export type Clock =
  | { readonly proven: true; readonly earliest: number; readonly latest: number }
  | { readonly proven: false; readonly earliest: number };

export type Sale = {
  readonly channel: 'store' | 'online';
  /** The store's id; null online. */
  readonly store: string | null;
  readonly total: Money | null;
};

export type Ineligible = { readonly reason: Reason; readonly facts: Facts };

/**
 * May this sale use this offer at all? The cloud asks before it grants, the box asks again before it approves.
 * An unproven clock refuses only what is certain: the earliest possible now is past the end.
 */
export function ineligible(card: Card, validity: Validity, sale: Sale, clock: Clock): Ineligible | null {
  if (clock.proven && clock.latest < validity.startsAt)
    return { reason: 'not_yet_valid', facts: { startsAt: validity.startsAt } };
  if (clock.earliest >= validity.endsAt) return { reason: 'expired', facts: { endsAt: validity.endsAt } };
  if (!card.channels.includes(sale.channel)) return wrongChannel(card);
  if (sale.store !== null && card.stores !== 'all' && !card.stores.includes(sale.store))
    return { reason: 'wrong_store', facts: {} };
  return wrongMoney(card, sale);
}

function wrongChannel({ channels: [onlyIn] }: Card): Ineligible {
  return { reason: 'wrong_channel', facts: onlyIn === undefined ? {} : { onlyIn } };
}

function wrongMoney(card: Card, { total }: Sale): Ineligible | null {
  if (total === null) return null;
  if (total.currency !== card.offer.discount.currency) return { reason: 'wrong_currency', facts: {} };
  const needs = card.minimumBasket;
  if (needs === null || total.amount >= needs.amount) return null;
  return {
    reason: 'basket_too_small',
    facts: { needs, short: { amount: needs.amount - total.amount, currency: needs.currency } },
  };
}
