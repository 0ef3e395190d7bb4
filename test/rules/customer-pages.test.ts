import { describe, expect, test } from 'vitest';
import { networkOf } from '../../cloud/doors/network.ts';
import { languageFor, localeOf } from '../../cloud/doors/pages/locale.ts';
import { picturePath, readPicture } from '../../cloud/doors/pages/picture.ts';
import { shortName } from '../../cloud/doors/pages/short-name.ts';
import { sourceField, sourceOf, sourceOfForm, sourceQuery } from '../../cloud/doors/sources.ts';
import { isVisit } from '../../cloud/doors/visits.ts';
import type { Language } from '../../protocol/pages/language.ts';

const wordsOf = (language: Language) => localeOf(language, 0).words;

/** Every sentence of a language, by its place. */
function sentences(words: object, place = ''): [string, string][] {
  return Object.entries(words).flatMap(([name, value]): [string, string][] => {
    const here = `${place}${name}`;
    if (typeof value === 'function') return [[here, String(value('X', 'Y'))]];
    return typeof value === 'string' ? [[here, value]] : sentences(value, `${here}.`);
  });
}

describe('the words of the pages for customers', () => {
  const english = new Map(sentences(wordsOf('en')));
  /** The same word in two languages. */
  const SAME: Partial<Record<Language, readonly string[]>> = { de: ['online'] };

  test.each(['es', 'fr', 'de'] as const)('are all translated, and say what was put in (%s)', (language) => {
    const own = sentences(wordsOf(language));
    expect(own.map(([place]) => place)).toEqual([...english.keys()]);
    const untranslated = own.filter(([place, text]) => text === english.get(place)).map(([place]) => place);
    expect(untranslated).toEqual(SAME[language] ?? []);
    const puts = (text = '') => [/X/.test(text), /\bY\b/.test(text)];
    for (const [place, text] of own) expect([place, ...puts(text)]).toEqual([place, ...puts(english.get(place))]);
  });

  test.each([
    ['fr', 'de', 'fr'],
    ['de-AT', 'en', 'de'],
    ['pt', 'es-MX,en;q=0.8', 'es'],
    [null, 'ja, en;q=0.5, fr;q=0.9', 'fr'],
    [null, undefined, 'en'],
    [null, ';;q=x,,,', 'en'],
  ] as const)(
    'are in the person’s language, else in one that the browser asks for (%s, %s)',
    (own, accept, language) => {
      expect(languageFor(own, accept)).toBe(language);
    },
  );
});

test.each([
  ['Ada Okafor', 'A. Okafor'],
  ['Ada Maria Lovelace Okafor', 'A. Okafor'],
  ['Okafor', 'Okafor'],
  ['  élodie   Dupont ', 'é. Dupont'],
  ['Ada \u202eOkafor', 'A. Okafor'],
  [`Ada ${'x'.repeat(100)}`, `A. ${'x'.repeat(37)}`],
])('a face shows no more of the name %j than %j', (name, shown) => {
  expect(shortName(name)).toBe(shown);
});

describe('the source of a claim', () => {
  test('is the parameters of its link, and stays the same through the form', () => {
    const source = sourceOf(new URLSearchParams('utm_source=poster&ad=17%20b&empty='));
    expect(source).toEqual({ utm_source: 'poster', ad: '17 b' });
    const form = Object.fromEntries(Object.entries(source).map(([name, value]) => [sourceField(name), value]));
    expect(sourceOfForm({ ...form, campaign: 'spring', address: 'a' })).toEqual(source);
    expect(sourceOf(new URLSearchParams(sourceQuery(source)))).toEqual(source);
  });

  test('is bounded: what is too much, too long, twice or no name is left out', () => {
    const many = Array.from({ length: 100 }, (_, i) => [`p${i}`, 'x'] as const);
    expect(Object.keys(sourceOf(many))).toHaveLength(10);
    const odd = [
      ['long', 'x'.repeat(121)],
      ['x'.repeat(41), 'a'],
      ['1st', 'a'],
      ['__proto__', 'a'],
      ['a b', 'a'],
      ['ok', 'one'],
      ['ok', 'two'],
      ['line', 'a\r\nb'],
    ] as const;
    expect(sourceOf(odd)).toEqual({ ok: 'one', line: 'ab' });
  });
});

test.each([
  ['203.0.113.77', '203.0.113.0/24'],
  ['::ffff:203.0.113.77', '203.0.113.0/24'],
  ['2001:db8:12:3456:789a::1', '2001:db8:12:3400::/56'],
  ['2001:db8::1', '2001:db8:0:0000::/56'],
  ['fe80::1%eth0', 'fe80:0:0:0000::/56'],
  ['', 'unknown'],
])('the network of %s is %s', (address, network) => {
  expect(networkOf(address)).toBe(network);
});

describe('a visit', () => {
  const PHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Safari/604.1';
  const asked = (headers: Record<string, string>, method = 'GET') =>
    isVisit(new Request('http://localhost/', { method, headers }));

  test('is a browser’s, also one inside an app', () => {
    expect(asked({ 'user-agent': PHONE })).toBe(true);
    expect(asked({ 'user-agent': `${PHONE} [FBAN/FBIOS;FBAV/487.0]` })).toBe(true);
    expect(
      asked({ 'user-agent': 'Mozilla/5.0 (Linux; Android 6.0; CUBOT_X18) Chrome/44.0 Mobile Safari/537.36' }),
    ).toBe(true);
  });

  test.each([
    'facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)',
    'WhatsApp/2.24.1 A',
    'Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)',
    'Twitterbot/1.0',
    'TelegramBot (like TwitterBot)',
    'Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)',
    'LinkedInBot/1.0 (compatible; Mozilla/5.0)',
    'Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5',
    'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
    'curl/8.5.0',
    '',
  ])('is not the preview of %j', (agent) => {
    expect(asked({ 'user-agent': agent })).toBe(false);
  });

  test('is not HEAD, and not what is fetched ahead', () => {
    expect(asked({ 'user-agent': PHONE }, 'HEAD')).toBe(false);
    expect(asked({ 'user-agent': PHONE, 'sec-purpose': 'prefetch;prerender' })).toBe(false);
    expect(asked({ 'user-agent': PHONE, purpose: 'preview' })).toBe(false);
  });
});

test('a picture is served from here where it is in its address, and from nowhere else', () => {
  const address = 'data:image/png;base64,iVBORw0KGgo=';
  expect(readPicture(address)).toEqual({ type: 'image/png', bytes: Buffer.from('iVBORw0KGgo=', 'base64') });
  expect(picturePath('spring', address)).toMatch(/^\/pictures\/spring\/[0-9a-f]{12}$/);
  for (const other of [
    null,
    'https://example.com/a.png',
    'data:text/html;base64,PGI+',
    'data:image/svg+xml;base64,PHN2Zz4=',
  ])
    expect([readPicture(other), picturePath('spring', other)]).toEqual([null, null]);
});
