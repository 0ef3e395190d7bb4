import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { catchesProducts, FormsFound, widen } from '../../cloud/issuing/form-rules.ts';
import { type CodeForm, codeFormSchema, EVERY_FORM, fits } from '../../protocol/code-form.ts';
import { readCode } from '../../protocol/code-reading.ts';
import { FORMS_PER_CARD_MAX } from '../../protocol/limits.ts';

function formsOfCodes(codes: readonly string[]): CodeForm[] {
  const found = new FormsFound();
  for (const code of codes) found.add(code);
  return found.forms();
}
const only = (codes: readonly string[]): CodeForm | undefined => formsOfCodes(codes)[0];

describe('the forms of codes', () => {
  test('are one for each alphabet, with the lengths and what all begin with [F12]', () => {
    expect(formsOfCodes(['SPRING01A', 'SPRING02BB', '9810001', '981000222', 'A*1'])).toEqual([
      { alphabet: 'alphanumeric', length: { min: 9, max: 10 }, prefix: 'SPRI' },
      { alphabet: 'digits', length: { min: 7, max: 9 }, prefix: '981' },
      { alphabet: 'printable', length: { min: 3, max: 3 }, prefix: 'A' },
    ]);
  });

  test.each([
    [['SAVE10'], 'SAV'],
    [['A'], ''],
    [['ABCDEFGHJKMNPQRSTUVWXYZ'], 'ABCDEFGH'],
  ])('tell of %j no more than %j: a card travels, codes do not [F12]', (codes, prefix) => {
    expect(only(codes)?.prefix).toBe(prefix);
  });

  test('fit each of the codes, and their card can carry them [F12]', () => {
    const codes = fc.array(fc.stringMatching(/^[0-9A-HJKMNP-Z*]{1,96}$/), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(codes, (list) => {
        const forms = formsOfCodes(list);
        for (const form of forms) expect(codeFormSchema.parse(form)).toEqual(form);
        for (const code of list) expect(forms.some((form) => fits(code, form))).toBe(true);
      }),
    );
  });
});

describe('digits alone', () => {
  test.each([
    ['EAN-13 of anything', ['4006381333931', '5012345678900'], true],
    ['long ones without a beginning', ['12345678901234567890', '98765432109876543210'], true],
    ['four digits, too short to begin alike', ['1234'], true],
    ['a number range', ['2900001', '2900002', '29099999'], false],
  ])('%j: %s would take products for coupons: %s [F12]', (_, codes, catches) => {
    expect(formsOfCodes(codes).some(catchesProducts)).toBe(catches);
  });

  test('whatever forms are joined, an EAN-13 of another beginning is never a code [F12]', () => {
    const stacks = fc.array(
      fc.array(fc.stringMatching(/^(97[0-9]{11}|[A-Z][0-9A-Z]{5,12})$/), { minLength: 1, maxLength: 5 }),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(stacks, (lists) => {
        let forms: readonly CodeForm[] = [];
        for (const list of lists) {
          const more = formsOfCodes(list.map((text) => text.replaceAll('O', '0').replace(/[IL]/g, '1')));
          if (more.some(catchesProducts)) continue;
          const wider = widen(forms, more);
          if (wider.ok) forms = wider.value;
        }
        expect(readCode('4006381333931', forms).kind).toBe('not_a_coupon');
      }),
    );
  });
});

describe('a second stack', () => {
  const of = (...codes: string[]) => formsOfCodes(codes);
  const joined = (one: readonly CodeForm[], other: readonly CodeForm[]) => {
    const wider = widen(one, other);
    return wider.ok ? wider.value : wider.error;
  };

  test('that is alike widens the form that is there [F12]', () => {
    expect(joined(of('SPRING0001'), of('SPRING00022'))).toEqual([
      { alphabet: 'alphanumeric', length: { min: 10, max: 11 }, prefix: 'SPRIN' },
    ]);
    expect(joined(of('AB12CD34', 'XY98ZW76'), of('QQQQQQQQ1'))).toHaveLength(1);
  });

  test('that begins in another way stands beside it [F12]', () => {
    expect(joined(of('SPRING0001'), of('AUTUMN0001'))).toHaveLength(2);
    expect(joined(of('2900001'), of('3900001'))).toHaveLength(2);
  });

  test('that changes nothing leaves the forms as they are [F12]', () => {
    const forms = of('AB12CD34', 'XY98ZW76');
    expect(joined(forms, of('MM12CD34', 'NN98ZW76'))).toEqual(forms);
  });

  test(`is refused where the card would have more than ${FORMS_PER_CARD_MAX} forms [F12]`, () => {
    const others = [...'ABCDEFGH'].flatMap((letter) => of(`${letter.repeat(6)}0001`));
    expect(joined([], others)).toHaveLength(FORMS_PER_CARD_MAX);
    expect(joined(others, of('ZZZZZZ0001'))).toBe('too_many_forms');
  });

  test('never makes what fitted fit no more [F12]', () => {
    const lists = fc.array(fc.stringMatching(/^[A-C]{1,6}[0-9]{1,6}$/), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(lists, lists, (one, other) => {
        const wider = widen(formsOfCodes(one), formsOfCodes(other));
        if (!wider.ok) return;
        for (const code of [...one, ...other]) expect(wider.value.some((form) => fits(code, form))).toBe(true);
      }),
    );
  });
});

test('every form stands for whatever can be imported [F12]', () => {
  for (const code of ['1', 'A1', '*', '9'.repeat(96)]) expect(EVERY_FORM.some((form) => fits(code, form))).toBe(true);
});
