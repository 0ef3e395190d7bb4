import { describe, expect, test } from 'vitest';
import { asked, isKeyword } from '../../cloud/distribution/post/inbound-rules.ts';
import { couponSms } from '../../cloud/distribution/post/rendering.ts';
import { fitTitle, plain, segmentsOf } from '../../cloud/distribution/post/segment-rules.ts';
import { wordsOf } from '../../cloud/distribution/post/words.ts';

describe('a text message', () => {
  test.each([
    ['', 'gsm7', 1],
    ['a'.repeat(160), 'gsm7', 1],
    ['a'.repeat(161), 'gsm7', 2],
    ['a'.repeat(306), 'gsm7', 2],
    ['a'.repeat(307), 'gsm7', 3],
    ['€'.repeat(80), 'gsm7', 1],
    ['€'.repeat(81), 'gsm7', 2],
    // An extended character is not parted: 76 and a free place in each part.
    ['€'.repeat(153), 'gsm7', 3],
    ['äöüñ@£', 'gsm7', 1],
    ['ó', 'ucs2', 1],
    ['ж'.repeat(70), 'ucs2', 1],
    ['ж'.repeat(71), 'ucs2', 2],
    ['ж'.repeat(134), 'ucs2', 2],
    ['ж'.repeat(135), 'ucs2', 3],
    ['🎁'.repeat(35), 'ucs2', 1],
    ['🎁'.repeat(36), 'ucs2', 2],
    // A pair is not parted: 33 in each part of 67.
    ['🎁'.repeat(67), 'ucs2', 3],
  ] as const)('%# has its alphabet and its parts', (text, alphabet, count) => {
    expect(segmentsOf(text)).toEqual({ alphabet, count });
  });

  test('says with typewriter signs what printer’s signs would make twice as long', () => {
    expect(plain('“Mother’s Day” – 5\u00a0€…')).toBe('"Mother\'s Day" - 5 €...');
  });

  test('cuts a long title rather than take two parts', () => {
    const textWith = (title: string) => `${title}: ${'x'.repeat(120)}`;
    const cut = fitTitle('A very long title that goes on and on and on, as titles do', textWith);
    expect(cut).toMatch(/^A very long title.*\.\.\.$/);
    expect(segmentsOf(textWith(cut)).count).toBe(1);
    expect(segmentsOf(textWith(`${cut}xx`)).count).toBe(2);
  });

  test.each(['en', 'es', 'fr', 'de'])('of our own is one part, in seven bits (%s)', (language) => {
    const words = wordsOf(language);
    const link = `https://coupons.example.com/c/${'x'.repeat(22)}`;
    const texts = [
      words.help,
      ...[words.stopped, words.started, words.noneLeft, words.noneToday, words.ended],
      words.proofSms({ proof: '123456', minutes: 10, title: '$5 off' }),
      words.couponSms({ title: '$5 off your next basket', link }),
      words.reminderSms({ title: '$5 off your next basket', until: '28 November', link }),
    ];
    for (const text of texts) expect(segmentsOf(plain(text)), text).toEqual({ alphabet: 'gsm7', count: 1 });
  });

  test('has the marketer’s words with the link in their place, or at their end', () => {
    const shown = {
      barcode: 'qr' as const,
      title: '$5 off',
      condition: null,
      endsAt: 0,
      timeZone: 'UTC',
      now: 0,
      language: 'en',
      link: 'L',
      code: 'C',
    };
    expect(couponSms(shown, 'Yours: {link} till Sunday', 'coupon')).toBe('Yours: L till Sunday');
    expect(couponSms(shown, 'Yours', 'coupon')).toBe('Yours L');
  });
});

describe('a text from somebody', () => {
  test.each([
    ['STOP', 'stop'],
    ['stop please', 'stop'],
    ['Arrêt', 'stop'],
    ['BAJA', 'stop'],
    ['Abmelden!', 'stop'],
    ['start', 'start'],
    ['ALTA', 'start'],
    ['Reprendre', 'start'],
    ['Anmelden', 'start'],
    ['help', 'help'],
    ['Hilfe?', 'help'],
    ['¿Ayuda?', 'help'],
  ] as const)('%s asks for %s', (text, wanted) => {
    expect(asked(text)).toEqual({ for: wanted });
  });

  test('is a keyword in any case, whatever stands behind it', () => {
    expect(asked('  "Spring" now!')).toEqual({ for: 'keyword', keyword: 'SPRING' });
    expect(asked('start me a spring')).toEqual({ for: 'keyword', keyword: 'START' });
    expect(asked('')).toEqual({ for: 'keyword', keyword: '' });
  });

  test('finds no campaign by a word that ends, begins or explains messages', () => {
    expect(['SPRING', 'A1', 'STOP', 'ENDE', 'HELP', 'ALTA', 'X', 'TWO WORDS', 'ÉTÉ'].map(isKeyword)).toEqual([
      ...[true, true, false, false, false, false, false, false, false],
    ]);
  });
});
