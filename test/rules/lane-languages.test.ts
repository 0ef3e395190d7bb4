import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cardOf, lostCard } from '../../gateway/doors/pages/lane-words.ts';
import { localeOf } from '../../gateway/doors/pages/locale.ts';
import { readAmount } from '../../gateway/lanes/amount.ts';
import type { Answer, Verdict } from '../../gateway/lanes/sale.ts';
import { type Facts, factsForApi, REASONS, type Reason, reasonSchema } from '../../protocol/decision.ts';
import { formatAmount } from '../../protocol/pages/amounts.ts';

const languages = ['en', 'es', 'fr', 'de'] as const;
type Language = (typeof languages)[number];
const now = Date.UTC(2026, 10, 23, 15, 2);
const sale = { number: '0007', training: null };
const allFacts: Facts = {
  redeemedAt: Date.UTC(2026, 10, 3, 19, 2),
  redeemedWhere: 'Main St',
  lane: '2',
  freeAt: now + 840_000,
  heldBy: 'Mill Lane',
  retryAfterSeconds: 300,
  startsAt: Date.UTC(2026, 10, 27, 5),
  endsAt: Date.UTC(2026, 10, 16, 5),
  needs: { amount: 2500, currency: 'EUR' },
  short: { amount: 420, currency: 'EUR' },
};

const localeIn = (language: Language) => localeOf(language, 'America/New_York', now);

function refused(reason: Reason, facts: Facts, language: Language) {
  const { decision } = REASONS[reason];
  const nothing = { mode: null, offer: null, heldUntil: null, line: 'up' } as const;
  const verdict: Verdict = { ...nothing, decision, reason, facts: { ...factsForApi(facts) } };
  return cardOf({ kind: 'decided', lastFour: '8WNS', verdict }, sale, localeIn(language));
}

const every = languages.flatMap((language) => reasonSchema.options.map((reason) => [language, reason] as const));

/** At 68 px the card is eleven or twelve wide letters across; a word that is longer does not fit, two words take two lines. */
const WORD_LETTERS_MAX = 14;

describe('an answer', () => {
  test.each(every)(
    'in %s (%s) is a short word, a sentence and a next step, with its facts and without',
    (language, reason) => {
      for (const facts of [{}, allFacts]) {
        const { word, why, next } = refused(reason, facts, language);
        expect(word.length).toBeLessThanOrEqual(18);
        for (const part of word.split(/\s/)) expect(part.length).toBeLessThanOrEqual(WORD_LETTERS_MAX);
        for (const text of [why, ...(typeof next === 'string' ? [next] : next)]) {
          expect(text).not.toMatch(/undefined|null|\.\.|NaN/);
          expect(text?.length).toBeLessThanOrEqual(110);
        }
      }
    },
  );

  test.each(every)('in %s (%s) never says error, invalid, fraud or declined', (language, reason) => {
    const text = JSON.stringify(refused(reason, allFacts, language));
    expect(text).not.toMatch(
      /error|invalid|fraud|declin|fehler|ungültig|betrug|inválid|fraude|invalide|erreur|refus[ée]\b/i,
    );
  });

  test.each(languages)('in %s differs for every reason but those that cannot be verified', (language) => {
    const words = reasonSchema.options.map((reason) => refused(reason, {}, language).word);
    expect(new Set(words).size).toBe(words.length - 1);
  });

  test('writes dates as its language does', () => {
    const why = (language: Language) => refused('already_redeemed', allFacts, language).why;
    expect(languages.map(why)).toEqual([
      '3 Nov, 14:02, Main St, lane 2',
      '3 nov, 14:02, Main St, caja 2',
      '3 nov., 14:02, Main St, caisse 2',
      '3. Nov., 14:02, Main St, Kasse 2',
    ]);
  });

  test('writes amounts as its language does', () => {
    const why = (language: Language) => refused('basket_too_small', allFacts, language).why?.replaceAll(/\s/g, ' ');
    expect(languages.map(why)).toEqual([
      'It needs a sale of €25.00.',
      'Necesita una venta de 25,00 €.',
      'Il faut une vente de 25,00 €.',
      'Er braucht einen Kauf von 25,00 €.',
    ]);
  });

  test.each(languages)('(%s) that is none is no refusal: it may be good, and has three steps', (language) => {
    const locale = localeIn(language);
    const stuck: Answer = { kind: 'stuck', during: 'check', lastFour: '' };
    for (const card of [refused('cannot_verify', {}, language), lostCard(locale), cardOf(stuck, sale, locale)]) {
      expect(card).toMatchObject({ look: 'unsure', word: locale.words.card.cannotVerify, sound: 'unsure' });
      expect(card.next).toHaveLength(3);
    }
  });
});

describe('an amount', () => {
  const currencies = ['USD', 'EUR', 'GBP', 'MXN', 'CAD', 'CHF', 'JPY', 'KWD', 'HUF'];

  test.each(languages)('in %s is read again as it was written', (language) => {
    fc.assert(
      fc.property(fc.constantFrom(...currencies), fc.integer({ min: 0, max: 99_999_999 }), (currency, amount) => {
        const money = { amount, currency };
        expect(readAmount(formatAmount(money, language), currency, language)).toEqual(money);
      }),
    );
  });

  test.each([
    ['de', '1.250,00', 'EUR', 125_000],
    ['de', '1.250', 'EUR', 125_000],
    ['de', '42.5', 'EUR', 4250],
    ['fr', '1 250,50 €', 'EUR', 125_050],
    ['es', '1250,5', 'EUR', 125_050],
    ['es', '$1,250.50', 'MXN', 125_050],
    ['en', '1,250', 'USD', 125_000],
  ] as const)('typed in %s as %s is read', (language, typed, currency, amount) => {
    expect(readAmount(typed, currency, language)).toEqual({ amount, currency });
  });

  test.each([
    ['de', '1,250', 'EUR'],
    ['en', '1.250', 'USD'],
    ['de', '42 $', 'EUR'],
    ['fr', '€ 42 €', 'EUR'],
  ] as const)('typed in %s as %s is not one', (language, typed, currency) => {
    expect(readAmount(typed, currency, language)).toBeNull();
  });
});
