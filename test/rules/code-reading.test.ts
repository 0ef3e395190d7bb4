import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CodeForm, codeFormSchema, EVERY_FORM, normalText } from '../../protocol/code-form.ts';
import { type Code, hashCode, lastFour, makeCodes } from '../../protocol/code.ts';
import { readCode } from '../../protocol/code-reading.ts';
import { REASONS } from '../../protocol/decision.ts';
import { randomBytes } from 'node:crypto';

const form = (alphabet: CodeForm['alphabet'], min: number, max: number, prefix = ''): CodeForm =>
  codeFormSchema.parse({ length: { min, max }, alphabet, prefix });
const VENDOR = [form('alphanumeric', 8, 12)];
const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);

function codeOf(raw: string, forms: readonly CodeForm[]): Code {
  const reading = readCode(raw, forms);
  if (reading.kind !== 'code') throw new Error(`${raw} reads as ${reading.kind}`);
  return reading.code;
}

describe('an imported code', () => {
  test.each(['SPRING2026', 'spring2026', 'Spring-2026', ' SPRING 2026 ', 'SPR1NG2O26', 'sprlng–2026', ']C0SPRING2026'])(
    '%j is read as one code, however it is written [F11]',
    (raw) => {
      expect(readCode(raw, VENDOR)).toEqual({ kind: 'code', code: 'SPR1NG2026' });
    },
  );

  test.each([
    ['no form is known', 'SPRING2026', []],
    ['it is too short', 'SPRING2', VENDOR],
    ['it is too long', 'SPRING2026ABC', VENDOR],
    ['it begins in another way', 'AUTUMN2026', [form('alphanumeric', 8, 12, 'SPR')]],
    ['it has a character that none has', 'SPRING_2026', VENDOR],
    ['it has a character that is not ASCII', 'SPRINGÜ2026', [form('printable', 8, 12)]],
    ['a control character stands in it', 'SPRING\u00002026', EVERY_FORM],
    ['a GS stands in it', 'SPRING\u001d2026', EVERY_FORM],
    ['only upper-casing makes a letter of it ours', 'ſPRING2026', VENDOR],
    ['nothing but hyphens is in it', ' --- ', EVERY_FORM],
  ])('is no coupon where %s [F12]', (_, raw, forms) => {
    expect(readCode(raw, forms)).toEqual({ kind: 'not_a_coupon', facts: {} });
  });

  test('of digits alone fits a form of digits alone, and no other [F12]', () => {
    const ean = '4006381333931';
    expect(readCode(ean, [form('alphanumeric', 13, 13), form('printable', 1, 96)]).kind).toBe('not_a_coupon');
    expect(readCode(ean, [form('digits', 13, 13, '400')])).toEqual({ kind: 'code', code: ean });
    expect(readCode('4016381333930', [form('digits', 13, 13, '400')]).kind).toBe('not_a_coupon');
  });

  test('is not a link or a bracketed text that names a product, however wide a form is [F12]', () => {
    for (const raw of ['https://id.gs1.org/01/09506000134352', '(01)09506000134352(10)ABC', ']C10109506000134352'])
      expect(readCode(raw, [form('printable', 1, 96)]).kind).toBe('not_a_coupon');
  });

  test('in our form with a wrong check is malformed, but where it fits a form [F11]', () => {
    const raw = '7KQ2-9MXD-4TRB-8WNT';
    expect(readCode(raw, [])).toEqual({ kind: 'malformed_code', facts: {} });
    expect(readCode(raw, [form('alphanumeric', 16, 16, '7KQ')])).toEqual({ kind: 'code', code: '7KQ29MXD4TRB8WNT' });
  });

  test('reads the same whatever case, hyphens, spaces and look-alikes a person makes of it [F11]', () => {
    const separators = fc.constantFrom('', '', '', '-', ' ', ' - ', '\u2011', '\u2013', '\t', '\u00a0');
    const spellings: Record<string, string[]> = { '0': ['0', 'O', 'o'], '1': ['1', 'I', 'i', 'L', 'l'] };
    const normals = fc
      .string({ unit: fc.constantFrom(...'0123456789ABCDEFGHJKMNPQRSTUVWXYZ_*+/.'), minLength: 1, maxLength: 96 })
      .filter((normal) => readCode(normal, EVERY_FORM).kind === 'code');
    const spelled = normals.chain((normal) => {
      const pieces = [...normal].flatMap((one) => [
        separators,
        fc.constantFrom(...(spellings[one] ?? [one, one.toLowerCase()])),
      ]);
      return fc.tuple(...pieces).map((parts) => ({ normal, raw: parts.join('') }));
    });
    fc.assert(
      fc.property(spelled, ({ normal, raw }) => {
        fc.pre(raw.length <= 512 && readCode(normal, []).kind !== 'code');
        expect(readCode(raw, EVERY_FORM)).toEqual({ kind: 'code', code: normal });
      }),
    );
  });

  test('has the normal form that one of ours would have: one hash serves both [F11, F3]', () => {
    for (const code of makeCodes(200, randomBytes)) {
      const typed = code.toLowerCase().replaceAll('0', 'o').replaceAll('1', 'l');
      expect(normalText(typed)).toBe(code);
      expect(hashCode(KEY, codeOf(typed, []))).toBe(hashCode(KEY, code));
    }
  });

  test.each([
    ['A', '****'],
    ['AB', '***B'],
    ['SAVE5', '**E5'],
    ['SAVE50', '*E50'],
    ['SAVE5000', '5000'],
  ])('%s is shown as %s: never more than half of it [F11]', (raw, shown) => {
    expect(lastFour(codeOf(raw, EVERY_FORM))).toBe(shown);
  });
});

describe('an industry coupon', () => {
  const SPELLINGS = [
    '8112017777777666666223456789',
    ']C18112017777777666666223456789',
    ']C1\u001d8112017777777666666223456789',
    '(8112)017777777666666223456789',
    ']Q3(8112)017777777666666223456789',
  ];

  test('with a serial number is one code, whichever way it is scanned, and needs no form [F11]', () => {
    const hashes = SPELLINGS.map((raw) => hashCode(KEY, codeOf(raw, [])));
    expect(new Set(hashes).size).toBe(1);
    expect(lastFour(codeOf(SPELLINGS[0] ?? '', []))).toBe('6789');
  });

  test.each([
    [
      'without a serial number',
      '8110106141416543213500110000310123196000',
      { scheme: '8110' },
      'Ordinary coupon: use the register',
    ],
    ['of the euro zone', '9813765030011', { scheme: 'ean' }, 'Ordinary coupon: use the register'],
    [
      'that stands for several',
      '8112209988459000',
      { several: true } as const,
      'Several coupons in one: use the register',
    ],
  ])('%s is not single-use, and the cashier reads why [F11]', (_, raw, facts, text) => {
    const reading = readCode(raw, EVERY_FORM);
    expect(reading).toEqual({ kind: 'not_single_use', facts });
    expect(REASONS.not_single_use.text(facts, { timeZone: 'UTC', now: 0 })).toBe(text);
  });

  test('that is broken is malformed, and never taken for an imported code [F11]', () => {
    expect(readCode('(8112)0123', EVERY_FORM)).toEqual({ kind: 'malformed_code', facts: { scheme: '8112' } });
  });
});

test('a test code is one before all else, with an AIM identifier too [F11]', () => {
  for (const raw of ['TEST-APPROVED', 'test-approved', ']C0TEST-APPROVED'])
    expect(readCode(raw, EVERY_FORM)).toEqual({ kind: 'test', reason: 'approved' });
});

test('whatever is read, nothing throws, and what is a code reads as itself again [F11]', () => {
  const texts = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary', maxLength: 600 }),
    fc.stringMatching(/^\(?81(10|12)\)?[0-9]*$/),
  );
  fc.assert(
    fc.property(texts, fc.constantFrom([], VENDOR, EVERY_FORM), (raw, forms) => {
      const reading = readCode(raw, forms);
      if (reading.kind !== 'code') return;
      expect(reading.code).toMatch(/^[ -~]{1,96}$/);
      expect(readCode(reading.code, forms)).toEqual(reading);
    }),
    { numRuns: 2_000 },
  );
});
