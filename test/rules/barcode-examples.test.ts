import { describe, expect, test } from 'vitest';
import { type Barcode, readBarcode } from '../../protocol/barcode/barcode.ts';

/** Examples that GS1, its members and those who use its coupons have published, one by one. */

type Read = { readonly normal: string; readonly serial: string | null };

const read = (barcode: Barcode): Read | string =>
  barcode.kind === 'coupon' ? { normal: barcode.normal, serial: barcode.serial } : barcode.kind;

describe('a digital coupon (8112)', () => {
  test.each([
    ['8112017777777666666223456789', '7777777', '666666', '23456789'],
    ['81120112345679999990666666', '1234567', '999999', '666666'],
    ['8112009988459000019133924009755364', '998845', '900001', '133924009755364'],
    ['8112009988459000039133772240739897', '998845', '900003', '133772240739897'],
    ['8112009988459000049133939957096441', '998845', '900004', '133939957096441'],
    ['8112009988459000019133983841900001', '998845', '900001', '133983841900001'],
    ['8112001234561234560123456', '123456', '123456', '123456'],
    ['8112101234561234560123456', '123456', '123456', '123456'],
    ['8112061234567890121234569123456789012345', '123456789012', '123456', '123456789012345'],
  ])('%s is read, bare and as an element [F5]', (text, funder, offer, serial) => {
    for (const raw of [text, `]C1${text}`, `(8112)${text.slice(4)}`])
      expect(readBarcode(raw)).toMatchObject({
        kind: 'coupon',
        scheme: '8112',
        normal: `(8112)${text.slice(4)}`,
        serial,
        says: { funder, offer, value: null, purchase: null, retailer: null, startsOn: null, endsOn: null },
      });
  });

  test.each([
    ['8112010031493140188', { normal: '(8112)010031493140188', serial: null }],
    ['8112209988459000320001', { normal: '(8112)20998845900032', serial: null }],
    ['8112209988459000', 'several'],
    ['81128475839285610003748593748596', 'several'],
  ])("%s is retailers' own and read from bare digits alone [F9]", (text, expected) => {
    expect(read(readBarcode(text))).toEqual(expected);
    expect(readBarcode(`(8112)${text.slice(4)}`)).toMatchObject({ kind: 'malformed', scheme: '8112' });
  });

  test('of a web shop, with letters, has no form that tells it from any other text: 8112ABCZT084 [F9]', () => {
    expect(readBarcode('8112ABCZT084')).toEqual({ kind: 'plain', text: '8112ABCZT084' });
  });

  test.each([
    ['201234561234560123456', 'the format cannot be 2'],
    ['01123456', 'the funder is cut short'],
    ['00123456', 'the offer is cut short'],
    ['00123456123456', 'the length of the serial is cut short'],
    ['00123456123456012345', 'the serial is cut short'],
    ['0012345612345601234567', 'digits left over: 1'],
    ['07', 'the length of the funder cannot be 7'],
    ['00123456123456012345a', 'not digits alone'],
    ['', 'the format is cut short'],
  ])('(8112)%s is none: %s [F5]', (data, why) => {
    if (data !== '') expect(readBarcode(`(8112)${data}`)).toEqual({ kind: 'malformed', scheme: '8112', why });
    expect(readBarcode(`]C18112${data}`).kind).toBe(data === '' ? 'plain' : 'malformed');
    expect(readBarcode(`8112${data}`)).not.toMatchObject({ serial: expect.any(String) });
  });
});

describe('a paper coupon (8110)', () => {
  const item = (company: string, family: string, quantity = 1) => ({ of: 'items', quantity, company, family });
  const cents = (amount: number, of = 'items') => ({ kind: 'amount', of, amount, decimals: 2, currency: null });

  test.each([
    [
      '8110106141416543213500110000310123196000',
      { funder: '0614141', offer: '654321', value: cents(500, 'sale'), startsOn: null, endsOn: '101231' },
      { rule: null, requirements: [item('0614141', '000')] },
    ],
    [
      '81101061414165432132501101203140131',
      { funder: '0614141', offer: '654321', value: cents(250), endsOn: '140131' },
      { rule: null, requirements: [item('0614141', '120')] },
    ],
    [
      '8110106141411234562751106501013085093140131',
      { offer: '123456', value: cents(75), endsOn: '140131' },
      { rule: 'any', requirements: [item('0614141', '650'), item('0614141', '850', 3)] },
    ],
    [
      '811010614141011111275110111',
      { offer: '011111', value: cents(75), endsOn: null },
      { rule: null, requirements: [item('0614141', '111')] },
    ],
    [
      '8110106141410222223100110222111101231023456721104561045678991201',
      { offer: '022222', value: { kind: 'free_item', upTo: 100 } },
      { rule: 'all', requirements: [item('0614141', '222'), item('0234567', '123'), item('0456789', '456')] },
    ],
    [
      '81101061414165432131501101201211014092110256100126663101231',
      { value: cents(150), endsOn: '101231' },
      {
        rule: 'first_and_another',
        requirements: [item('0614141', '120'), item('0614141', '140'), item('0012666', '256')],
      },
    ],
    [
      '8110106141410012471011076011110850921108609310123191000',
      { value: { kind: 'free_item', upTo: null }, endsOn: '101231' },
      { rule: 'all', requirements: [item('0614141', '760'), item('0614141', '850'), item('0614141', '860')] },
    ],
    [
      '8110106141411234562891101201212085010048000214025610048000310123191000',
      { value: { kind: 'free_item', upTo: 89 }, endsOn: '101231' },
      {
        rule: 'first_and_another',
        requirements: [item('0614141', '120'), item('0048000', '850', 2), item('0048000', '256', 4)],
      },
    ],
    [
      '811020840243103274533001100001011000093210531',
      { funder: '08402431', offer: '032745', value: cents(300), endsOn: '210531' },
      { rule: 'any', requirements: [item('08402431', '000'), item('08402431', '000')] },
    ],
    [
      '8110177777776666663100120444101105551888888821109991222222232012314200601',
      { startsOn: '200601', endsOn: '201231' },
      { rule: 'any', requirements: [item('7777777', '444', 2), item('8888888', '555'), item('2222222', '999')] },
    ],
  ])('%s says what it says, bare and as an element [F6]', (text, says, purchase) => {
    for (const raw of [text, `]e0${text}`, `(8110)${text.slice(4)}`])
      expect(readBarcode(raw)).toMatchObject({
        kind: 'coupon',
        scheme: '8110',
        normal: `(8110)${text.slice(4)}`,
        serial: null,
        says: { ...says, purchase },
      });
  });

  test('can begin and end on one day, and be for one retailer [F6]', () => {
    expect(readBarcode('(8110)01234561234561111012332611234261123611234567')).toMatchObject({
      says: { startsOn: '261123', endsOn: '261123', retailer: '1234567' },
    });
    expect(readBarcode('(8110)012345612345611110123')).toMatchObject({ says: { retailer: null } });
  });

  test('can have a serial [F6]', () => {
    expect(read(readBarcode('811001234561234561111012359123456789012345'))).toEqual({
      normal: '(8110)01234561234561111012359123456789012345',
      serial: '123456789012345',
    });
  });

  test.each([
    ['71234567890123', 'the length of the company prefix cannot be 7'],
    ['012345', 'the company prefix is cut short'],
    ['0123456123456', 'the length of the save value is cut short'],
    ['01234561234560', 'the length of the save value cannot be 0'],
    ['012345612345611115123', 'the purchase requirement code cannot be 5'],
    ['0123456123456111101233200010', 'the expiry date is no day'],
    ['01234561234561111012335006064500607', 'it starts after it ends'],
    ['012345612345611110123900000', 'digits left over: 1'],
  ])('(8110)%s is none: %s [F6]', (data, why) => {
    expect(readBarcode(`(8110)${data}`)).toEqual({ kind: 'malformed', scheme: '8110', why });
    for (const raw of [`]e08110${data}`, `8110${data}`]) expect(readBarcode(raw).kind).not.toBe('coupon');
  });
});

describe('a coupon number (255)', () => {
  test.each([
    ['1234567890128', null],
    ['12345678901280', '0'],
    ['5412345000150', null],
    ['1313131313130', null],
    ['1313131313130123456789012', '123456789012'],
  ])('%s is read [F7]', (data, serial) => {
    for (const raw of [`(255)${data}`, `]C1255${data}`, `]d2255${data}`, `https://id.gs1.org/255/${data}`])
      expect(readBarcode(raw)).toMatchObject({
        kind: 'coupon',
        scheme: '255',
        normal: `(255)${data}`,
        serial,
        says: { funder: null, offer: data.slice(0, 13) },
      });
  });

  test.each([
    ['(255)1313131313134', 'the check digit is wrong'],
    ['(255)1313131313134123456789012', 'the check digit is wrong'],
    ['(255)131313131313', 'not 13 to 25 digits'],
    ['(255)13131313131341234567890123', 'not 13 to 25 digits'],
    ['(01)12345678901231(255)5412345000150', 'stands beside (01)'],
  ])('%s is none: %s [F7]', (raw, why) => {
    expect(readBarcode(raw)).toEqual({ kind: 'malformed', scheme: '255', why });
  });
});

describe('the older numbers', () => {
  test.each([
    ['9813765030011', '3765', '03', { kind: 'amount', of: 'items', amount: 1, decimals: 1, currency: '978' }],
    ['9828508010106', '8508', '01', { kind: 'amount', of: 'items', amount: 10, decimals: 2, currency: '978' }],
    ['9821234560006', '1234', '56', { kind: 'free_item', upTo: null }],
    ['9912345678909', null, '1234567890', null],
  ])('%s is a coupon of EAN-13, the same on many [F8]', (text, funder, offer, value) => {
    for (const raw of [text, `]E0${text}`])
      expect(readBarcode(raw)).toMatchObject({
        kind: 'coupon',
        scheme: 'ean',
        normal: `EAN ${text}`,
        serial: null,
        says: { funder, offer, value },
      });
  });

  test.each(['514141100906', '0514141100906', ']E0514141100906', ']E00514141100906'])(
    '%s is a coupon of UPC-A, with the 0 that scanners put in front or without [F8]',
    (raw) => {
      expect(readBarcode(raw)).toMatchObject({ scheme: 'upc', normal: 'UPC 514141100906', serial: null });
    },
  );

  test('with (8102) beside a UPC-A, from before 2011, is no coupon of its own [F8]', () => {
    expect(readBarcode(']C1810203').kind).toBe('plain');
  });

  test('a second, wrong read of an EAN-13 with a right check digit is a product: 0810588010106 [F8]', () => {
    expect(readBarcode(']E00810588010106')).toEqual({ kind: 'product' });
  });
});
