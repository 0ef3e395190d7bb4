import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readBarcode } from '../../protocol/barcode/barcode.ts';
import { dayOf, isDay } from '../../protocol/barcode/dates.ts';

const GS = '\u001d';
const AIMS = [']C0', ']C1', ']E0', ']Q1', ']Q3', ']d1', ']d2', ']e0', ']L2', ''];

describe('one coupon has one normal form, whichever way it is scanned', () => {
  const forms = (ai: string, data: string): string[] => [
    ...[']C1', ']e0', ']d2', ']Q3', `]C1${GS}`, GS].map((start) => `${start}${ai}${data}`),
    `]d217261231${ai}${data}`,
    `]C1${ai}${data}${GS}3902150`,
    `]Q1(${ai})${data}`,
    `(${ai})${data}`,
    `(${ai}) ${data.slice(0, 4)} ${data.slice(4)}`,
  ];
  const bare = (digits: string): string[] => [
    ...['', ']C0', ']Q1', ']L2', ']d1'].map((aim) => aim + digits),
    ` ${digits.slice(0, 10)} ${digits.slice(10)} `,
  ];
  const linked = (ai: string, data: string): string[] => [
    `https://id.example/01/09506000134352?${ai}=${data}`,
    `]Q1https://id.example/01/09506000134352?utm=7&${ai}=${data}#top`,
  ];

  test.each([
    ['8112', '009988459000019133924009755364', '133924009755364'],
    ['8110', '01234561234561111012359123456789012345', '123456789012345'],
  ])('(%s)%s [F4]', (ai, data, serial) => {
    for (const raw of [...forms(ai, data), ...bare(ai + data), ...linked(ai, data)])
      expect(readBarcode(raw), raw).toMatchObject({ kind: 'coupon', normal: `(${ai})${data}`, serial });
  });

  test('(255)1313131313130123456789012 [F4]', () => {
    const data = '1313131313130123456789012';
    const links = [
      `https://id.gs1.org/255/${data}`,
      `HTTPS://ID.GS1.ORG/255/${data}/`,
      `http://shop.example/2026/11/255/${data}?3902=150`,
    ];
    for (const raw of [...forms('255', data), ...links])
      expect(readBarcode(raw), raw).toMatchObject({ kind: 'coupon', normal: `(255)${data}`, serial: '123456789012' });
  });

  test('is printable ASCII of at most 76 characters, in the largest of each [F4]', () => {
    for (const [raw, length] of [
      ['(8112)061234567890121234569123456789012345', 42],
      ['(8110)6123456789012123456512345512345012310512345012361234567890125212345678', 76],
      ['(255)1313131313130123456789012', 30],
    ] as const) {
      expect(readBarcode(raw)).toMatchObject({ kind: 'coupon', normal: raw });
      expect(raw).toHaveLength(length);
    }
  });
});

describe('what says that it is GS1', () => {
  test('is read strictly: bare forms of retailers are malformed in it [F9]', () => {
    for (const aim of [']C1', ']e0', ']d2', ']Q3'])
      for (const text of ['8112010031493140188', '8112209988459000320001', '8112209988459000'])
        expect(readBarcode(aim + text)).toMatchObject({ kind: 'malformed', scheme: '8112' });
  });

  test('without a coupon is a product where it names goods, and plain else [F4]', () => {
    for (const raw of [
      ']C10112345678901231',
      `]d20112345678901231${GS}21A`,
      '(00)123456789012345675',
      '(02)12345678901231(37)4',
    ])
      expect(readBarcode(raw), raw).toEqual({ kind: 'product' });
    for (const raw of [
      ']C110LOT',
      '(555) 123-4567',
      'https://shop.example/255/5',
      'https://shop.example/?page=12',
      'https://shop.example/?255=5',
    ])
      expect(readBarcode(raw).kind, raw).toBe('plain');
  });

  test('with two coupons in it is several, with a broken one it is malformed [F4]', () => {
    const [offer, number] = ['8112001234561234560123456', '2555412345000150'];
    expect(readBarcode(`]d2${offer}${GS}${number}`)).toEqual({
      kind: 'several',
      form: 'concatenated',
      coupons: ['(8112)001234561234560123456', '(255)5412345000150'],
    });
    expect(readBarcode(`]d2${offer}${GS}2555412345000151`)).toMatchObject({ kind: 'malformed', scheme: '255' });
  });

  test('whose separator was lost is malformed, never another coupon [F4]', () => {
    expect(readBarcode(']C18112001234561234560123456' + '10LOT7').kind).toBe('malformed');
    expect(readBarcode(']C12555412345000150' + '3902150')).not.toMatchObject({ serial: null });
  });

  test('needs no separator behind elements of fixed length [F4]', () => {
    const startsByLength = {
      4: '20',
      8: '11 12 13 14 15 16 17 18 19',
      10: '31 32 33 34 35 36',
      16: '01 02 03 41',
      18: '04',
      20: '00',
    };
    for (const [length, starts] of Object.entries(startsByLength))
      for (const start of starts.split(' '))
        expect(readBarcode(`]d2${start.padEnd(Number(length), '0')}8112001234561234560123456`), start).toMatchObject({
          kind: 'coupon',
          scheme: '8112',
        });
    expect(readBarcode(']d2172612').kind).toBe('plain');
  });

  test.each(['01', '02', '415', '8006', '8020', '8026'])('has no (%s) beside a coupon number [F7]', (ai) => {
    const value = '1'.repeat(16 - ai.length);
    expect(readBarcode(`]d22555412345000150${GS}${ai}${value}`)).toMatchObject({ kind: 'malformed', scheme: '255' });
  });

  test('can tell what a coupon number is worth and until when [F7]', () => {
    expect(readBarcode(`]e0${'17261200'}2555412345000150${GS}3902150`)).toMatchObject({
      says: { value: { kind: 'amount', amount: 150, decimals: 2, currency: null }, endsOn: '261231' },
    });
    expect(readBarcode('(255)5412345000150(3941)0125')).toMatchObject({
      says: { value: { kind: 'percent', percent: 125, decimals: 1 }, endsOn: null },
    });
    expect(readBarcode('(255)5412345000150(8111)0050')).toMatchObject({
      says: { value: { kind: 'points', points: 50 } },
    });
  });
});

describe('bare digits', () => {
  test.each([
    ['a product of Italy', '8112345678904'],
    ['a product of North America', '036000291452'],
    ['a product as EAN-13', '4006381333931'],
    ['an unknown 98 prefix', '9831234567899'],
  ])('are %s: %s [F8]', (_name, digits) => {
    expect(readBarcode(digits)).toEqual({ kind: 'product' });
    expect(readBarcode(`]E0${digits}`)).toEqual({ kind: 'product' });
  });

  test.each([
    ['too short for (8112)', '81120012345612'],
    ['too short for (8110)', '811001234561234561111012'],
    ['a coupon number behind its 255, which would be too easily met', '2555412345000150'],
    ['an EAN-13 coupon with a wrong check digit, which any number may be', '9828508010107'],
    ['a GTIN-14', '12345678901231'],
    ['nothing', ''],
  ])('are plain where they are %s [F9]', (_name, digits) => {
    expect(readBarcode(digits)).toEqual({ kind: 'plain', text: digits });
  });

  test('from a carrier that is not of EAN are no EAN [F9]', () => {
    for (const aim of [']C0', ']Q1', ']L2', ']d1']) {
      expect(readBarcode(`${aim}9828508010106`)).toEqual({ kind: 'plain', text: '9828508010106' });
      expect(readBarcode(`${aim}514141100906`).kind).toBe('plain');
    }
  });

  test('from a carrier of EAN are nothing else [F9]', () => {
    expect(readBarcode(']E08112001234561234560123456')).toEqual({ kind: 'product' });
    expect(readBarcode(']E496385074')).toEqual({ kind: 'product' });
  });

  test('of an offer alone are read from its shortest on [F9]', () => {
    expect(readBarcode('811200123456123456')).toMatchObject({ normal: '(8112)00123456123456', serial: null });
    for (const text of ['811200123456123', '81120012345612345'])
      expect(readBarcode(text)).toMatchObject({ kind: 'malformed', scheme: '8112' });
  });

  test('that look like (8112) and break its rules are malformed, so that a damaged scan is heard [F9]', () => {
    expect(readBarcode('811200123456123456012345')).toMatchObject({ kind: 'malformed', scheme: '8112' });
    expect(readBarcode('81122099884590003200012')).toMatchObject({ kind: 'malformed', scheme: '8112' });
    expect(readBarcode('8110012345612345611115123')).toMatchObject({ kind: 'malformed', scheme: '8110' });
  });
});

describe('a damaged number', () => {
  const changedAt = (text: string, place: number, digit: number) =>
    text.slice(0, place) + String(digit) + text.slice(place + 1);

  test.each([
    [']C1255', '5412345000150'],
    [']E0', '9828508010106'],
    [']E0', '9912345678909'],
    [']E00', '514141100906'],
    ['', '514141100906'],
  ])('%s%s is no coupon with any one digit changed [F7, F8]', (start, number) => {
    expect(readBarcode(start + number).kind).toBe('coupon');
    for (let place = 0; place < number.length; place += 1)
      for (let digit = 0; digit <= 9; digit += 1)
        if (String(digit) !== number.charAt(place))
          expect(readBarcode(start + changedAt(number, place, digit)).kind).not.toBe('coupon');
  });

  test('(8112) and (8110) are no coupon with a digit lost or doubled [F5, F6]', () => {
    for (const text of ['8112009988459000019133924009755364', '811001234561234561111012359123456789012345'])
      for (let place = 4; place < text.length; place += 1) {
        expect(readBarcode(`]C1${text.slice(0, place)}${text.slice(place + 1)}`).kind).not.toBe('coupon');
        expect(readBarcode(`]C1${text.slice(0, place)}${text.charAt(place)}${text.slice(place)}`).kind).not.toBe(
          'coupon',
        );
      }
  });

  test('of EAN is malformed where the scanner calls it an EAN [F8]', () => {
    expect(readBarcode(']E09828508010107')).toEqual({
      kind: 'malformed',
      scheme: 'ean',
      why: 'the check digit is wrong',
    });
    expect(readBarcode(']E00514141100907')).toMatchObject({ kind: 'malformed', scheme: 'upc' });
  });
});

describe('what is none of this', () => {
  test('what has the form of our codes stays plain in every carrier, however it is written [F4]', () => {
    const ours = fc.oneof(
      fc.stringMatching(/^[0-9A-HJKMNP-TV-Z]{16}$/).filter((text) => /[A-Z]/.test(text)),
      fc.constantFrom('8112ABCDEFGHJKMN', '255ABCDEFGHJKMNP', '01ABCDEFGHJKMNPQ', '8112123456789O12'),
    );
    fc.assert(
      fc.property(ours, fc.constantFrom(...AIMS), (code, aim) => {
        for (const text of [code, code.replace(/.{4}(?=.)/g, '$&-'), code.toLowerCase()])
          expect(readBarcode(aim + text)).toEqual({ kind: 'plain', text });
      }),
    );
  });

  test('more than 512 characters are plain at once [F4]', () => {
    const coupon = '8112001234561234560123456';
    expect(readBarcode(coupon.repeat(20))).toMatchObject({ kind: 'several', coupons: { length: 20 } });
    expect(readBarcode(coupon.repeat(21)).kind).toBe('plain');
    expect(readBarcode(`]C1${'(8112)1'.repeat(200_000)}`).kind).toBe('plain');
  });

  test('no text makes it throw [F4]', () => {
    const starts = fc.constantFrom(...AIMS, '8112', '8110', '(8112)', '(255)', 'https://', 'https://x/255/', GS, ']C1');
    const rest = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom(...`0123()/?=&%[]:.-${GS}`) }),
    );
    fc.assert(
      fc.property(starts, starts, rest, (first, second, text) => {
        expect(() => readBarcode(first + second + text)).not.toThrow();
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a day', () => {
  test('gets its century from the year that it is now: 49 back, 50 ahead [F6]', () => {
    expect(dayOf('261123', 2026)).toBe('2026-11-23');
    expect(dayOf('760101', 2026)).toBe('2076-01-01');
    expect(dayOf('770101', 2026)).toBe('1977-01-01');
    expect(dayOf('991231', 2049)).toBe('2099-12-31');
    expect(dayOf('000101', 2049)).toBe('2000-01-01');
    expect(dayOf('000101', 2050)).toBe('2100-01-01');
    expect(dayOf('050607', 2099)).toBe('2105-06-07');
  });

  test('is one that the calendar has [F6]', () => {
    for (const day of ['260228', '240229', '000229', '261231', '260430']) expect(isDay(day), day).toBe(true);
    for (const day of ['260229', '260431', '261301', '260001', '260100', '2601', '26010a', ''])
      expect(isDay(day), day).toBe(false);
  });
});
