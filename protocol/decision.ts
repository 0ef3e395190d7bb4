import { z } from 'zod';
import { formatMoney, moneySchema } from './money.ts';
import type { Discount } from './offer.ts';

/** Why a code is not approved. The order is that of the checks a cashier would make: form, offer, code, line. */
export const reasonSchema = z.enum([
  'not_a_coupon',
  'not_single_use',
  'malformed_code',
  'unknown_code',
  'not_yet_valid',
  'expired',
  'wrong_channel',
  'wrong_store',
  'wrong_customer',
  'wrong_currency',
  'basket_too_small',
  'basket_incomplete',
  'already_redeemed',
  'voided',
  'in_use',
  'held_elsewhere',
  'reversed_first',
  'limit_reached',
  'cannot_verify',
  'stand_in_limit',
]);
export type Reason = z.infer<typeof reasonSchema>;

/** Epoch milliseconds. What lies outside what can be shown is read all the same and treated as missing. */
const millisecondsSchema = z.int();
/** Names come from another machine: generous, and still no way to blow up an answer. */
const nameSchema = z.string().max(200);

/** What a reason is about. All optional: a text must make sense with whatever is known. */
export const factsSchema = z.strictObject({
  redeemedAt: millisecondsSchema.exactOptional(),
  /** A store's name, or `online`. */
  redeemedWhere: nameSchema.exactOptional(),
  /** The lane where it was redeemed, or is in use. */
  lane: nameSchema.exactOptional(),
  /** When the use by another basket ends. */
  freeAt: millisecondsSchema.exactOptional(),
  /** The name of the store that has it, or `online`. */
  heldBy: nameSchema.exactOptional(),
  /** Since when that store has not been heard. */
  silentSince: millisecondsSchema.exactOptional(),
  retryAfterSeconds: z.int().min(0).exactOptional(),
  startsAt: millisecondsSchema.exactOptional(),
  /** Exclusive: the first millisecond at which it is expired. */
  endsAt: millisecondsSchema.exactOptional(),
  /** The channel that it is for, where it is for one alone. */
  onlyIn: z.enum(['store', 'online']).exactOptional(),
  /** The least total of a basket, and what this one lacks. */
  needs: moneySchema.exactOptional(),
  short: moneySchema.exactOptional(),
  /** The industry scheme by which the text reads as a coupon. */
  scheme: nameSchema.exactOptional(),
  /** One text for more coupons than one. */
  several: z.literal(true).exactOptional(),
});
export type Facts = Readonly<z.infer<typeof factsSchema>>;

/** Whose clock a text is read by: the store's zone (an IANA name) and the present, epoch milliseconds. */
export type Where = { readonly timeZone: string; readonly now: number };

/** A cashier's display shows two lines of twenty characters. UTF-16 units, which are never fewer than characters. */
export const TEXT_CHARACTERS_MAX = 40;

type ReasonRow = {
  /** `undetermined` is what cannot be known now; it is never shown as a refusal. */
  readonly decision: 'refused' | 'undetermined';
  /** For the cashier, at most 40 characters whatever the facts. @throws RangeError on a time zone that does not exist: a bug */
  readonly text: (facts: Facts, where: Where) => string;
};

/** The one table of reasons: what is decided and what the cashier reads. */
export const REASONS: Readonly<Record<Reason, ReasonRow>> = {
  not_a_coupon: refused(() => 'Not a coupon'),
  not_single_use: refused(({ several }) =>
    several ? 'Several coupons in one: use the register' : 'Ordinary coupon: use the register',
  ),
  malformed_code: refused(() => 'Code incomplete. Scan or type again'),
  unknown_code: refused(() => 'Code not known here'),
  not_yet_valid: refused(startsText),
  expired: refused(expiredText),
  wrong_channel: refused(({ onlyIn }) => (onlyIn === 'store' ? 'In stores only' : 'Online only')),
  wrong_store: refused(() => "Not for this store. See customer's phone"),
  wrong_customer: refused(() => 'Belongs to another customer'),
  wrong_currency: refused(() => 'Other currency than this sale'),
  basket_too_small: refused(basketTooSmallText),
  basket_incomplete: refused(() => 'Not all coupons good. None used'),
  already_redeemed: refused(redeemedText),
  voided: refused(() => 'Withdrawn. Customer: see phone'),
  in_use: refused(inUseText),
  held_elsewhere: refused(heldText),
  reversed_first: refused(() => 'Sale was undone. Ring up a new one'),
  limit_reached: refused(() => 'Offer limit reached'),
  cannot_verify: undetermined(() => 'CANNOT VERIFY. Not used. Keep coupon'),
  stand_in_limit: undetermined(() => 'CANNOT VERIFY. Offline limit reached'),
};

/** What the cashier reads when a code is good: `OK $5.00 OFF`, `OK 10% OFF`, `OK FREE COFFEE`. At most 40 characters. */
export function approvedText(discount: Discount): string {
  switch (discount.type) {
    case 'amount':
      return `OK ${formatMoney(discount)} OFF`;
    case 'percent':
      return `OK ${discount.percent}% OFF`;
    case 'item':
      return around('OK ', freeItem(discount.title), '') ?? 'OK FREE ITEM';
  }
}

/** Facts as the API answers them: the same names, times as RFC 3339 in UTC. A time that has no such form is left out. */
export function factsForApi(facts: Facts): ApiFacts {
  const { redeemedAt, freeAt, silentSince, startsAt, endsAt, ...asTheyAre } = facts;
  return { ...asTheyAre, ...rfc3339({ redeemedAt, freeAt, silentSince, startsAt, endsAt }) };
}

type TimeFact = 'redeemedAt' | 'freeAt' | 'silentSince' | 'startsAt' | 'endsAt';
export type ApiFacts = Omit<Facts, TimeFact> & { readonly [name in TimeFact]?: string };

function refused(text: ReasonRow['text']): ReasonRow {
  return { decision: 'refused', text };
}

function undetermined(text: ReasonRow['text']): ReasonRow {
  return { decision: 'undetermined', text };
}

function startsText({ startsAt }: Facts, where: Where): string {
  const start = localTime(startsAt, where);
  if (start === null) return 'Not started yet';
  return start.isToday ? `Starts today ${start.clock}` : `Starts ${start.date}`;
}

function expiredText({ endsAt }: Facts, where: Where): string {
  // The end is exclusive: what ends at midnight was last good the day before.
  const lastGood = localTime(endsAt === undefined ? undefined : endsAt - 1, where);
  return lastGood === null ? 'Expired' : `Expired ${lastGood.date}`;
}

function basketTooSmallText({ needs, short }: Facts): string {
  const needsPart = needs && `Needs ${formatMoney(needs)}`;
  const shortPart = short && `${formatMoney(short)} to go`;
  return firstThatFits([
    needsPart && shortPart && `${needsPart}. ${shortPart}`,
    shortPart,
    needsPart,
    'Sale is too small for this coupon',
  ]);
}

function redeemedText({ redeemedAt, redeemedWhere, lane }: Facts, where: Where): string {
  const time = localTime(redeemedAt, where);
  const used = time === null ? 'Already used' : `Used ${time.date} ${time.clock}`;
  return firstThatFits([
    ...laneWordings(lane).map((atLane) => withName(`${used}, `, redeemedWhere, `, ${atLane}`)),
    withName(`${used}, `, redeemedWhere, ''),
    ...laneWordings(lane).map((atLane) => `${used}, ${atLane}`),
    used,
  ]);
}

function inUseText({ heldBy, lane, freeAt }: Facts, where: Where): string {
  const free = freeText(localTime(freeAt, where));
  if (isOnline(heldBy)) return `In use online${free}`;
  return firstThatFits([
    ...laneWordings(lane).map((atLane) => withName('In use at ', heldBy, `, ${atLane}${free}`)),
    withName('In use at ', heldBy, free),
    ...laneWordings(lane).map((atLane) => `In use on ${atLane}${free}`),
    free === '' ? 'In use in another sale' : `In use${free}`,
  ]);
}

function freeText(time: LocalTime | null): string {
  if (time === null) return '';
  return time.isToday ? `. Free at ${time.clock}` : `. Free ${time.date} ${time.clock}`;
}

function heldText({ heldBy, retryAfterSeconds }: Facts): string {
  const retry = `. Retry ${retryText(retryAfterSeconds)}`;
  const held = isOnline(heldBy) ? 'Held online' : 'Held elsewhere';
  return firstThatFits([
    isOnline(heldBy) ? undefined : withName('Held at ', heldBy, retry),
    `${held}${retry}`,
    `${held}. Retry later`,
  ]);
}

function retryText(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return 'later';
  const minutes = Math.max(1, Math.ceil(seconds / 60));
  return minutes < 120 ? `in ${minutes} min` : `in ${Math.ceil(minutes / 60)} h`;
}

/** Both 'Coffee' and 'Free coffee' are written as an item's title. */
function freeItem(title: string): string {
  const name = plain(title).toUpperCase();
  return name === '' || /^FREE\b/.test(name) ? name : `FREE ${name}`;
}

function isOnline(name: string | undefined): boolean {
  return name === 'online';
}

/** Fewer characters of a store's name than these say nothing; then the name or the lane is left out. */
const NAME_CHARACTERS_MIN = 6;
/** A lane's name, cut, where it takes its store's place. Numbers have one to three digits. */
const LANE_CHARACTERS_SHORT = 6;

/** The lane in words, whole and cut; none where it is not known. */
function laneWordings(lane: string | undefined): string[] {
  const name = plain(lane ?? '');
  return name === '' ? [] : [`lane ${name}`, `lane ${cut(name, LANE_CHARACTERS_SHORT)}`];
}

/** The name between fixed words, cut to what they leave it; undefined where it is missing or too little of it is left. */
function withName(before: string, name: string | undefined, after: string): string | undefined {
  return name === undefined ? undefined : around(before, plain(name), after);
}

function around(before: string, name: string, after: string): string | undefined {
  const room = TEXT_CHARACTERS_MAX - before.length - after.length;
  if (name === '' || room < Math.min(name.length, NAME_CHARACTERS_MIN)) return undefined;
  return `${before}${cut(name, room)}${after}`;
}

/** The first wording, from the richest to the plainest, that the display can show whole. The last one always can. */
function firstThatFits(wordings: readonly (string | undefined)[]): string {
  const fits = wordings.find((text) => text !== undefined && text.length <= TEXT_CHARACTERS_MAX);
  if (fits === undefined) throw new Error('the plainest wording is too long for the display');
  return fits;
}

/** On one line, without what a display would obey instead of show: control and format characters, broken pairs. */
function plain(name: string): string {
  return name
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .replace(/[\p{Cf}\p{Cs}]/gu, '')
    .trim();
}

/** At most `length` UTF-16 units, an ellipsis in the place of what was cut; no pair is torn. */
function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  let kept = '';
  for (const character of text) {
    if (kept.length + character.length >= length) break;
    kept += character;
  }
  return `${kept.replace(/[\s,.;:-]+$/, '')}…`;
}

type LocalTime = { readonly date: string; readonly clock: string; readonly isToday: boolean };

/** `3 Nov` (the year where it is not the present one), `9:50`, by the store's clock; null for no time or one beyond the calendar. */
function localTime(instant: number | undefined, { timeZone, now }: Where): LocalTime | null {
  if (!isShowable(instant)) return null;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: 'numeric',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const at = partsOf(format, instant);
  const present = partsOf(format, now);
  const day = `${at.day} ${at.month}`;
  const isThisYear = at.year === present.year;
  return {
    date: isThisYear ? day : `${day} ${at.year}`,
    clock: `${Number(at.hour)}:${at.minute}`,
    isToday: isThisYear && at.month === present.month && at.day === present.day,
  };
}

function partsOf(format: Intl.DateTimeFormat, instant: number) {
  const parts = format.formatToParts(instant);
  const value = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)?.value ?? '';
  return {
    year: value('year'),
    month: value('month'),
    day: value('day'),
    hour: value('hour'),
    minute: value('minute'),
  };
}

/** RFC 3339 has four digits for the year; nothing that a coupon is about was before 1970. */
const SHOWABLE_UNTIL_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function isShowable(instant: number | undefined): instant is number {
  return instant !== undefined && instant >= 0 && instant <= SHOWABLE_UNTIL_MS;
}

function rfc3339(times: Readonly<Record<TimeFact, number | undefined>>): { readonly [name in TimeFact]?: string } {
  const entries = Object.entries(times).flatMap(([name, instant]) =>
    isShowable(instant) ? [[name, new Date(instant).toISOString().replace('.000Z', 'Z')] as const] : [],
  );
  return Object.fromEntries(entries);
}
