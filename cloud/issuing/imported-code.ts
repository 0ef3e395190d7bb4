import { EVERY_FORM } from '../../protocol/code-form.ts';
import type { Code } from '../../protocol/code.ts';
import { type CodeReading, readCode } from '../../protocol/code-reading.ts';
import { CODE_CHARACTERS_STORED_MAX } from '../../protocol/limits.ts';
import { err, ok, type Result } from '../../protocol/result.ts';

/** One code of a file made elsewhere. */
export type ImportedCode = {
  /** As given: kept for the stack's own file. */
  readonly text: string;
  readonly line: number;
  /** Its normal form. */
  readonly code: Code;
};

/** @returns why it cannot be imported, for a person: whatever door it came to, it could not be redeemed there */
export function readImportedCode(text: string, line: number): Result<ImportedCode, string> {
  if (text === '') return err('there is no code');
  if (!/^[ -~]*$/.test(text)) return err('it has a character that is not printable ASCII');
  if (text.length > CODE_CHARACTERS_STORED_MAX)
    return err(`it is longer than ${CODE_CHARACTERS_STORED_MAX} characters`);
  const reading = readCode(text, EVERY_FORM);
  if (reading.kind !== 'code') return err(whyNot(reading));
  const { code } = reading;
  // Hyphens can hide an industry coupon: then its number alone would be another code.
  const again = readCode(code, EVERY_FORM);
  if (again.kind !== 'code' || again.code !== code)
    return err('without its hyphens and spaces it reads as another code');
  return ok({ text, line, code });
}

/** A till knows ours and an industry coupon's by themselves; for any other the card must carry a form. */
export function needsForm({ text }: ImportedCode): boolean {
  return readCode(text, []).kind !== 'code';
}

/** Of a text that was imported. */
export function codeOf(text: string): Code {
  const read = readImportedCode(text, 0);
  if (!read.ok) throw new Error('an imported code does not read as one any more');
  return read.value.code;
}

function whyNot(reading: Exclude<CodeReading, { kind: 'code' }>): string {
  switch (reading.kind) {
    case 'test':
      return 'it is a test code';
    case 'not_single_use':
      return reading.facts.several
        ? 'it stands for several coupons'
        : `it is an industry coupon (${reading.facts.scheme}) without a serial number: the same for everybody`;
    case 'malformed_code':
      return `it reads as an industry coupon (${reading.facts.scheme}) and is malformed`;
    case 'not_a_coupon':
      return 'it reads as a product, or nothing is left of it without spaces and hyphens';
  }
}
