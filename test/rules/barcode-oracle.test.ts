import bwipjs from 'bwip-js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readBarcode } from '../../protocol/barcode/barcode.ts';

/**
 * GS1's linters, as bwip-js carries them, judge what fast-check makes up: the parsers must judge the same. What they
 * judge differently on purpose is named at the end. TEARLINE_BARCODE_SEED plays a seed again.
 */
const SEED = Number(process.env.TEARLINE_BARCODE_SEED ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = 800;

/** GS1's verdict on an element string in brackets; the picture that is drawn on the way is thrown away. */
function gs1Accepts(bracketed: string): boolean {
  try {
    bwipjs.raw({ bcid: 'gs1datamatrix', text: bracketed });
    return true;
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('bwipp.GS1')) return false;
    throw error;
  }
}

const isCoupon = (raw: string): boolean => readBarcode(raw).kind === 'coupon';

const digits = (length: number) => fc.stringMatching(new RegExp(`^[0-9]{${length}}$`));

/** A field behind the digit that tells its length. */
const counted = (lengths: readonly number[], least: number) =>
  fc.constantFrom(...lengths).chain((length) => digits(length + least).map((value) => `${length}${value}`));

const oneOf = (allowed: string) => fc.constantFrom(...allowed);
const joined = (...parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map((texts) => texts.join(''));
/** In three of four cases absent, so that data of 70 digits stay the exception. */
const sometimes = (part: fc.Arbitrary<string>) => fc.oneof({ weight: 3, arbitrary: fc.constant('') }, part);

const upTo = (last: number, first = 0) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
const prefix = counted(upTo(6), 6);
const amount = counted(upTo(5, 1), 0);
const day = joined(digits(2), oneOf('01'), digits(1), oneOf('0123'), digits(1));
const requirement = joined(amount, oneOf('012349'), digits(3));
const another = joined(requirement, fc.oneof(prefix, fc.constant('9')));

const data8112 = joined(oneOf('01'), prefix, digits(6), counted(upTo(9), 6));
const data8110 = joined(
  ...[prefix, digits(6), amount, requirement],
  ...[joined(fc.constant('1'), oneOf('0123'), another), joined(fc.constant('2'), another)].map(sometimes),
  ...[joined(fc.constant('3'), day), joined(fc.constant('4'), day)].map(sometimes),
  ...[joined(fc.constant('5'), counted(upTo(9), 6)), joined(fc.constant('6'), counted(upTo(7, 1), 6))].map(sometimes),
  sometimes(joined(fc.constant('9'), oneOf('01256'), oneOf('012'), digits(1), oneOf('01'))),
);
const data255 = fc
  .tuple(digits(12), fc.nat(12).chain(digits))
  .map(([number, serial]) => number + checkDigitOf(number) + serial);

/** As it is, or damaged: a digit changed, left out or put in, the end cut off, a letter in it. */
const maybeDamaged = (data: fc.Arbitrary<string>) =>
  fc
    .tuple(data, fc.nat(), fc.constantFrom('', '', 'change', 'omit', 'insert', 'cut'), oneOf('0123456789A'))
    .map(damage);

function damage([data, at, how, character]: [string, number, string, string]): string {
  const place = at % data.length;
  if (how === '') return data;
  if (how === 'cut') return data.slice(0, place);
  return data.slice(0, place) + (how === 'omit' ? '' : character) + data.slice(how === 'insert' ? place : place + 1);
}

describe(`GS1's linters and the parsers (seed ${SEED})`, () => {
  test.each([
    ['8112', data8112],
    ['8110', data8110],
    ['255', data255],
  ])('accept and refuse the same data of (%s) [F5, F6, F7]', (ai, data) => {
    const verdicts = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(fc.oneof({ weight: 4, arbitrary: maybeDamaged(data) }, fc.nat(75).chain(digits)), (text) => {
        const accepted = gs1Accepts(`(${ai})${text}`);
        verdicts[accepted ? 'accepted' : 'refused'] += 1;
        expect(isCoupon(`]C1${ai}${text}`), text).toBe(accepted);
        if (text !== '') expect(isCoupon(`(${ai})${text}`), text).toBe(accepted);
      }),
      { numRuns: RUNS, seed: SEED },
    );
    expect(Math.min(verdicts.accepted, verdicts.refused)).toBeGreaterThan(RUNS / 10);
  });

  test('know the same days [F6]', () => {
    const paper = (opened: string) => `(8110)012345612345611110123${opened}`;
    for (let year = 0; year < 100; year += 1)
      for (const monthAndDay of ['0131', '0132', '0228', '0229', '0230', '0430', '0431', '0001', '1301', '1200']) {
        const date = String(year).padStart(2, '0') + monthAndDay;
        for (const field of ['3', '4'])
          expect(isCoupon(paper(field + date)), date).toBe(gs1Accepts(paper(field + date)));
      }
  });

  test.each([
    ['01', '12345678901231'],
    ['3902', '150'],
    ['3902', '15A'],
    ['3941', '0125'],
    ['3941', '125'],
    ['17', '261231'],
    ['17', '261200'],
    ['17', '261332'],
    ['8111', '0050'],
    ['8111', '50'],
  ])('judge the same of a coupon number beside (%s)%s [F7]', (ai, value) => {
    const text = `(255)5412345000150(${ai})${value}`;
    expect(isCoupon(text)).toBe(gs1Accepts(text));
  });
});

describe('on purpose, where GS1 refuses', () => {
  test("an offer without a serial and a print offer, bare, are read: they are retailers' own and never single-use [F9]", () => {
    for (const text of ['8112010031493140188', '8112209988459000320001']) {
      expect(gs1Accepts(`(8112)${text.slice(4)}`)).toBe(false);
      expect(readBarcode(`(8112)${text.slice(4)}`).kind).toBe('malformed');
      expect(readBarcode(text)).toMatchObject({ kind: 'coupon', serial: null });
    }
  });

  test('coupons strung together are recognised, not redeemed [F9]', () => {
    const [one, two] = ['001234561234560123456', '101234561234560123456'];
    expect(gs1Accepts(`(8112)${one}8112${two}`)).toBe(false);
    expect(readBarcode(`8112${one}8112${two}`)).toEqual({
      kind: 'several',
      form: 'concatenated',
      coupons: [`(8112)${one}`, `(8112)${two}`],
    });
  });

  test('what stands beside a coupon and is not its own is not judged [F4]', () => {
    for (const text of [
      '(8112)001234561234560123456(01)12345678901230',
      '(255)5412345000150(3944)0125',
      '(255)5412345000150(21)A-1',
    ]) {
      expect(gs1Accepts(text), text).toBe(false);
      expect(isCoupon(text), text).toBe(true);
    }
  });
});

function checkDigitOf(number: string): string {
  const sum = [...number]
    .reverse()
    .reduce((total, digit, place) => total + Number(digit) * (place % 2 === 0 ? 3 : 1), 0);
  return String((10 - (sum % 10)) % 10);
}
