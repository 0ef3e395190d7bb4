import { describe, expect, test } from 'vitest';
import { cardSchema, type Clock, ineligible, isTimeZone, type Sale, validityIn } from '../../protocol/card.ts';
import { FORMS_PER_CARD_MAX } from '../../protocol/limits.ts';
import { cardWith, dollars, NOW } from './ledger-rows.ts';

const HOUR = 3_600_000;
const at = (text: string): number => Date.parse(text);

describe("a card's dates", () => {
  test.each<[string, string, string, string]>([
    ['UTC', '2026-11-30', '2026-11-30T00:00:00Z', '2026-12-01T00:00:00Z'],
    ['America/New_York', '2026-11-30', '2026-11-30T05:00:00Z', '2026-12-01T05:00:00Z'],
    ['Asia/Tokyo', '2026-11-30', '2026-11-29T15:00:00Z', '2026-11-30T15:00:00Z'],
    ['Asia/Kathmandu', '2026-11-30', '2026-11-29T18:15:00Z', '2026-11-30T18:15:00Z'],
    ['Pacific/Kiritimati', '2026-11-30', '2026-11-29T10:00:00Z', '2026-11-30T10:00:00Z'],
    ['Pacific/Pago_Pago', '2026-11-30', '2026-11-30T11:00:00Z', '2026-12-01T11:00:00Z'],
    // Days of 23 and 25 hours.
    ['America/New_York', '2026-03-08', '2026-03-08T05:00:00Z', '2026-03-09T04:00:00Z'],
    ['America/New_York', '2026-11-01', '2026-11-01T04:00:00Z', '2026-11-02T05:00:00Z'],
    ['Europe/Berlin', '2026-03-29', '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z'],
    ['Europe/Berlin', '2026-10-25', '2026-10-24T22:00:00Z', '2026-10-25T23:00:00Z'],
    ['Australia/Lord_Howe', '2026-04-05', '2026-04-04T13:00:00Z', '2026-04-05T13:30:00Z'],
    ['Europe/Berlin', '2028-02-29', '2028-02-28T23:00:00Z', '2028-02-29T23:00:00Z'],
    ['Europe/Berlin', '2026-12-31', '2026-12-30T23:00:00Z', '2026-12-31T23:00:00Z'],
  ])('in %s, %s: from %s up to and without %s [Z4]', (timeZone, date, start, end) => {
    expect(validityIn({ startsAt: date, endsAt: date }, timeZone)).toEqual({ startsAt: at(start), endsAt: at(end) });
  });

  test('that are instants mean the same everywhere, and the end is exclusive [Z4]', () => {
    const card = { startsAt: '2026-11-30T18:00:00+01:00', endsAt: '2026-11-30T20:00:00Z' };
    for (const timeZone of ['UTC', 'Asia/Tokyo', 'America/New_York'])
      expect(validityIn(card, timeZone)).toEqual({
        startsAt: at('2026-11-30T17:00:00Z'),
        endsAt: at('2026-11-30T20:00:00Z'),
      });
  });

  test('are of a kind that the schema knows', () => {
    for (const endsAt of ['2026-11-31', '30.11.2026', '2026-11-30T18:00:00', 'tomorrow', ''])
      expect(cardSchema.safeParse(cardWith({ endsAt })).success).toBe(false);
    for (const endsAt of ['2026-11-30', '2026-11-30T18:00:00Z', '2026-11-30T18:00:00+02:00'])
      expect(cardSchema.safeParse(cardWith({ endsAt })).success).toBe(true);
    expect([isTimeZone('Europe/Berlin'), isTimeZone('Mars/Olympus')]).toEqual([true, false]);
  });
});

describe('a sale', () => {
  const validity = { startsAt: NOW, endsAt: NOW + 2 * HOUR };
  const proven = (now: number, uncertainty = 0): Clock => ({ proven: true, earliest: now, latest: now + uncertainty });
  const sale: Sale = { channel: 'store', store: '0042', total: dollars(42) };
  const reason = (clock: Clock, changes: Partial<Sale> = {}, card: Parameters<typeof cardWith>[0] = {}) =>
    ineligible(cardWith(card), validity, { ...sale, ...changes }, clock)?.reason ?? 'eligible';

  test.each<[string, Clock, string]>([
    ['a moment before the start', proven(NOW - 1), 'not_yet_valid'],
    ['at the start', proven(NOW), 'eligible'],
    ['a moment before the end', proven(NOW + 2 * HOUR - 1), 'eligible'],
    ['at the end', proven(NOW + 2 * HOUR), 'expired'],
    ['perhaps past the start already', proven(NOW - HOUR, HOUR), 'eligible'],
    ['perhaps past the end already', proven(NOW + HOUR, 2 * HOUR), 'eligible'],
    ['by a clock that is not proven, before the start', { proven: false, earliest: NOW - HOUR }, 'eligible'],
    ['by a clock that is not proven, past the end for certain', { proven: false, earliest: NOW + 2 * HOUR }, 'expired'],
  ])('%s: computed, never stored [A7, Z4]', (_, clock, expected) => {
    expect(reason(clock)).toBe(expected);
  });

  const now = proven(NOW + 1);
  test.each<[string, Partial<Sale>, Parameters<typeof cardWith>[0], string]>([
    ['in a store', {}, {}, 'eligible'],
    ['online', { channel: 'online', store: null }, {}, 'eligible'],
    ['in a store, of an online offer', {}, { channels: ['online'] }, 'wrong_channel'],
    ['online, of a store offer', { channel: 'online', store: null }, { channels: ['store'] }, 'wrong_channel'],
    ['in a store that is named', {}, { stores: ['0041', '0042'] }, 'eligible'],
    ['in a store that is not named', {}, { stores: ['0041', '00422'] }, 'wrong_store'],
    ['online, where stores are named', { channel: 'online', store: null }, { stores: ['0041'] }, 'eligible'],
    ['in another currency', { total: { amount: 4200, currency: 'EUR' } }, {}, 'wrong_currency'],
    ['with no total', { total: null }, { minimumBasket: dollars(50) }, 'eligible'],
    ['with just enough', {}, { minimumBasket: dollars(42) }, 'eligible'],
    ['a cent short', {}, { minimumBasket: { amount: 4201, currency: 'USD' } }, 'basket_too_small'],
    ['in the wrong store and too small', {}, { stores: ['0041'], minimumBasket: dollars(50) }, 'wrong_store'],
    ['in the wrong channel and store', {}, { channels: ['online'], stores: ['0041'] }, 'wrong_channel'],
  ])('%s: %#', (_, changes, card, expected) => {
    expect(reason(now, changes, card)).toBe(expected);
  });

  test('that is too small is told what is needed and what is short', () => {
    const told = ineligible(cardWith({ minimumBasket: dollars(50) }), validity, sale, now);
    expect(told?.facts).toEqual({ needs: dollars(50), short: dollars(8) });
  });

  test('that comes too early or too late is told when [A7]', () => {
    expect(ineligible(cardWith(), validity, sale, proven(NOW - 1))?.facts).toEqual({ startsAt: NOW });
    expect(ineligible(cardWith(), validity, sale, proven(NOW + 2 * HOUR))?.facts).toEqual({ endsAt: NOW + 2 * HOUR });
  });
});

describe("a card's forms", () => {
  const form = { length: { min: 4, max: 16 }, alphabet: 'alphanumeric', prefix: 'VEND' };

  test('are left out where nothing was imported: boxes and cards of before stay as they are [F12]', () => {
    expect(cardSchema.parse(cardWith())).toEqual(cardWith());
    expect(cardSchema.safeParse({ ...cardWith(), forms: [] }).success).toBe(false);
    expect(cardSchema.parse({ ...cardWith(), forms: [form] }).forms).toEqual([form]);
  });

  test('are few, and each is bounded [F12]', () => {
    const isRead = (forms: unknown) => cardSchema.safeParse({ ...cardWith(), forms }).success;
    expect(isRead(Array.from({ length: FORMS_PER_CARD_MAX }, () => form))).toBe(true);
    expect(isRead(Array.from({ length: FORMS_PER_CARD_MAX + 1 }, () => form))).toBe(false);
    for (const wrong of [
      { length: { min: 0, max: 9 } },
      { length: { min: 1, max: 97 } },
      { prefix: 'VENDOR-00' },
      { prefix: 'Ü' },
    ])
      expect(isRead([{ ...form, ...wrong }])).toBe(false);
  });
});
